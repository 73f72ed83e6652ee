"""The copy that a reflector keeps, without any I/O: lists and events in, differences out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from responsibility.kube.object_reader import LEFT_OUT

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Json = dict[str, Any]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CacheChange(Generic[K, V]):
    """Real differences only: what was put (new or other than before) and what was dropped.

    ``relisted`` says that a list brought them; the first list is the first change, and comes
    even when there is nothing in it.
    """

    put: Mapping[K, V]
    dropped: frozenset[K]
    relisted: bool = False

    def __bool__(self) -> bool:
        """Return whether there is any difference."""
        return bool(self.put or self.dropped)


@dataclass(frozen=True, slots=True)
class Budget(Generic[V]):
    """The weight that the objects of one namespace may have together, and that of each."""

    weigh: Callable[[V], int]
    most: int
    unit: str


class _Scales:
    """What the objects of each namespace weigh."""

    def __init__(self) -> None:
        self._weights: dict[str, int] = {}
        self._totals: dict[str, int] = {}

    def take(self, name: str) -> None:
        """Take an object off, if it is on."""
        weight = self._weights.pop(name, 0)
        if weight:
            self._totals[name.partition("/")[0]] -= weight

    def put(self, name: str, weight: int, budget: Budget[Any]) -> str:
        """Put an object on; return why it can't be, empty if it is."""
        namespace = name.partition("/")[0]
        if not namespace or not weight:
            # Only those who may write everywhere write what has no namespace.
            return ""
        total = self._totals.get(namespace, 0) + weight
        if total > budget.most:
            return (
                f"with its {weight} {budget.unit} there would be {total} in its namespace, and no "
                f"more than {budget.most} are taken in"
            )
        self._weights[name] = weight
        self._totals[namespace] = total
        return ""


class ObjectCache(Generic[K, V]):
    """Small values by key, made by ``transform`` out of the JSON of one kind's objects.

    ``left_out`` says by ``namespace/name`` why an object that is there counts as absent, whether a
    list or an event brings it: it can't be read, ``transform`` raised about it, or it is beyond the
    ``budget`` of its namespace, so that no tenant can cost all others the memory. What is beyond it
    is taken in by the next list for which there is room.
    """

    def __init__(
        self,
        path: str,
        transform: Callable[[Json], tuple[K, V] | None],
        *,
        budget: Budget[V] | None = None,
    ) -> None:
        self.items: dict[K, V] = {}
        self.left_out: dict[str, str] = {}
        self._path = path
        self._transform = transform
        self._budget = budget
        self._scales = _Scales()
        # By `namespace/name`: an object that `transform` no longer wants has no key any more.
        self._keys: dict[str, K] = {}

    def fold(self, events: Iterable[Json]) -> CacheChange[K, V]:
        """Take in the events of a watch, in order, and return what they changed in the end."""
        put: dict[K, V] = {}
        dropped: set[K] = set()
        for event in events:
            if event["type"] == "BOOKMARK":
                continue
            thing = event["object"]
            name = _name(thing)
            gone = event["type"] == "DELETED"
            entry = None if gone else self._read(thing, name, self.left_out, self._scales)
            if gone:
                self.left_out.pop(name, None)
                self._scales.take(name)
            before = self._keys.pop(name, None)
            if before is not None and (entry is None or entry[0] != before):
                put.pop(before, None)
                dropped.add(before)
            if entry is not None:
                key, value = entry
                self._keys[name] = key
                dropped.discard(key)
                put[key] = value
        real = {k: v for k, v in put.items() if k not in self.items or self.items[k] != v}
        lost = frozenset(key for key in dropped if key in self.items)
        self.items.update(real)
        for key in lost:
            del self.items[key]
        return CacheChange(real, lost)

    def listing(self) -> Listing[K, V]:
        """Begin a list; nothing changes before its ``commit``."""
        return Listing(self)

    def _replace(
        self, items: dict[K, V], keys: dict[str, K], left_out: dict[str, str], scales: _Scales
    ) -> CacheChange[K, V]:
        """Replace everything at once and return the difference."""
        before = self.items
        self.items, self._keys, self.left_out, self._scales = items, keys, left_out, scales
        put = {k: v for k, v in items.items() if k not in before or before[k] is not v}
        return CacheChange(put, frozenset(before.keys() - items.keys()), relisted=True)

    def _read(
        self, thing: Json, name: str, left_out: dict[str, str], scales: _Scales
    ) -> tuple[K, V] | None:
        scales.take(name)
        why = ""
        entry = None
        try:
            why = str(thing.get(LEFT_OUT) or "")
            entry = None if why else self._transform(thing)
        except Exception as error:  # noqa: BLE001 - one odd object must not stop the others
            # A ValueError is what a parser says about an object, to be read. The words of
            # anything else are chance, and might quote what does not belong in a log.
            why = str(error) if isinstance(error, ValueError) else type(error).__name__
        if entry is not None and self._budget is not None:
            why = scales.put(name, self._budget.weigh(entry[1]), self._budget)
        if not why:
            left_out.pop(name, None)
            return entry
        if name not in self.left_out:
            logger.warning("%s: %s is left out: %s", self._path, name, why)
        left_out[name] = why
        return None


class Listing(Generic[K, V]):
    """A list in progress: pages are read into small values as they come."""

    def __init__(self, cache: ObjectCache[K, V]) -> None:
        self._cache = cache
        self._items: dict[K, V] = {}
        self._keys: dict[str, K] = {}
        self._left_out: dict[str, str] = {}
        self._scales = _Scales()

    def add(self, things: Iterable[Json]) -> None:
        """Read the items of one page."""
        before = self._cache.items
        for thing in things:
            name = _name(thing)
            entry = self._cache._read(thing, name, self._left_out, self._scales)  # noqa: SLF001 - one module
            if entry is None:
                continue
            key, value = entry
            old = before.get(key)
            # Keeping the equal value that is there saves holding two copies while listing.
            self._items[key] = old if old is not None and old == value else value
            self._keys[name] = key

    def commit(self) -> CacheChange[K, V]:
        """Put the list in the place of what was there and return the difference."""
        return self._cache._replace(self._items, self._keys, self._left_out, self._scales)


def _name(thing: Json) -> str:
    """Return ``namespace/name``, or ``/name`` where there is no namespace."""
    try:
        metadata = thing["metadata"]
        return f"{metadata.get('namespace', '')}/{metadata['name']}"
    except (TypeError, KeyError, AttributeError):
        return "an object without a name"
