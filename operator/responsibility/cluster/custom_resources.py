"""Our own two kinds, as they came from the API server.

The framework's watch brings changes at once, but it never tells of an object that was deleted
while it was disconnected. So a list taken beside it has the last word about what is there. What a
list brings and the watch does not tell of soon, too, shows that the watch is blind: its connection
hangs, or it can't log in.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from responsibility.api.parse import RecordError
from responsibility.ownership.terms.snapshot import Broken

T = TypeVar("T")
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CustomResource(Generic[T]):
    """One of our objects: what it says, or why that cannot be read; and its present status.

    ``reference`` is what an Event about it needs.
    """

    name: str
    uid: str
    generation: int
    version: int
    value: T | None
    error: str
    status: Json
    reference: Json

    @property
    def identity(self) -> tuple[str, int]:
        """What changes exactly when the spec does."""
        return (self.uid, self.generation)


def readable(items: Mapping[str, CustomResource[T]]) -> dict[str, T]:
    """Return what the objects that can be read say, by name."""
    return {name: each.value for name, each in items.items() if each.value is not None}


def unreadable(items: Mapping[str, CustomResource[Any]]) -> dict[str, Broken]:
    """Return why the others cannot be read, by name."""
    return {
        name: Broken(name, each.error, each.generation)
        for name, each in items.items()
        if each.value is None
    }


class CustomResourceStore(Generic[T]):
    """All objects of one of our kinds, by name."""

    def __init__(
        self,
        path: str,
        kind: str,
        parse: Callable[[Json], T],
        on_change: Callable[[], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        self.kind = kind
        self._parse = parse
        self._on_change = on_change
        self._items: dict[str, CustomResource[T]] = {}
        # What was told since the present list was begun, by name: the UID it was about.
        self._reported: dict[str, str] = {}
        self._clock = clock
        # What a list has brought and the watch has not told of, by name: since when, and from
        # which version on it will have.
        self._untold: dict[str, tuple[float, int]] = {}

    def lag(self) -> float:
        """Return for how many seconds the watch has not told what a list has; 0 if it follows."""
        since = [since for since, _ in self._untold.values()]
        return self._clock() - min(since) if since else 0.0

    @property
    def items(self) -> Mapping[str, CustomResource[T]]:
        """The objects as of now, read-only."""
        return MappingProxyType(self._items)

    def put(self, raw: Json) -> None:
        """Take in an object that was added or changed."""
        resource = self._read(raw)
        if resource.version >= self._untold.get(resource.name, (0.0, 0))[1]:
            self._untold.pop(resource.name, None)
        known = self._items.get(resource.name)
        # Stale, whether of this object or of one that had its name before: versions count on
        # across a kind.
        if known is not None and resource.version < known.version:
            return
        self._items[resource.name] = resource
        self._reported[resource.name] = resource.uid
        # A change of the status alone is our own doing, or about to be undone by us.
        if known is None or known.identity != resource.identity or known.status != resource.status:
            self._on_change()

    def note(self, raw: Json) -> None:
        """Take in what we have just written ourselves: known, and no reason to look again.

        An answer that is no object tells nothing; the watch will.
        """
        if not (raw.get("metadata") or {}).get("name"):
            return
        resource = self._read(raw)
        known = self._items.get(resource.name)
        if known is not None and known.uid == resource.uid and resource.version > known.version:
            self._items[resource.name] = resource
            self._reported[resource.name] = resource.uid

    def drop(self, raw: Json) -> None:
        """Take in an object's deletion, unless another one has taken its name since."""
        meta = raw["metadata"]
        self._untold.pop(meta["name"], None)
        known = self._items.get(meta["name"])
        if known is not None and known.uid == meta.get("uid", ""):
            del self._items[known.name]
            self._reported[known.name] = known.uid
            self._on_change()

    def begin_list(self) -> None:
        """Take note that a list is being asked for: what is told from now on may be newer."""
        self._reported.clear()

    def replace(self, raws: Iterable[Json]) -> None:
        """Take in a complete list: what is not in it does not exist.

        Except for what was told since `begin_list`: there, the list may show an earlier moment.
        """
        found = {resource.name: resource for resource in map(self._read, raws)}
        for name, uid in self._reported.items():
            known, listed = self._items.get(name), found.get(name)
            if known is not None and (listed is None or listed.version < known.version):
                found[name] = known
            elif known is None and listed is not None and listed.uid == uid:
                del found[name]
        self._reported.clear()
        # What the watch has missed of an object that is gone, it will never tell.
        self._untold = {n: untold for n, untold in self._untold.items() if n in found}
        for name, resource in found.items():
            known = self._items.get(name)
            if known is None or known.identity != resource.identity:
                self._untold.setdefault(name, (self._clock(), resource.version))
        before = _states(self._items)
        self._items = found
        if before != _states(found):
            self._on_change()

    def _read(self, raw: Json) -> CustomResource[T]:
        meta = raw["metadata"]
        uid, generation = meta.get("uid", ""), int(meta.get("generation") or 0)
        known = self._items.get(meta["name"])
        value: T | None = None
        error = ""
        if known is not None and known.identity == (uid, generation):
            # The very same value, so that whatever was derived from it stays valid.
            value, error = known.value, known.error
        else:
            try:
                value = self._parse(raw)
            except RecordError as problem:
                error = str(problem)
        status = raw.get("status") or {}
        if known is not None and known.status == status:
            # So that of what lists and watches tell again and again, one copy is kept.
            status = known.status
        return CustomResource(
            name=meta["name"],
            uid=uid,
            generation=generation,
            version=_number(meta.get("resourceVersion")),
            value=value,
            error=error,
            status=status,
            reference={
                "apiVersion": raw.get("apiVersion", ""),
                "kind": self.kind,
                "metadata": {"name": meta["name"], "uid": uid},
            },
        )


def _states(items: Mapping[str, CustomResource[Any]]) -> dict[str, object]:
    return {name: (resource.identity, resource.status) for name, resource in items.items()}


def _number(version: object) -> int:
    """Return a resource version as a number; they are comparable since Kubernetes 1.35."""
    return int(version) if isinstance(version, str) and version.isdecimal() else 0
