"""The copy that a reflector keeps, without any I/O: lists and events in, differences out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

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


class ObjectCache(Generic[K, V]):
    """Small values by key, made by ``transform`` out of the JSON of one kind's objects.

    ``malformed`` holds the names of objects that ``transform`` raised about; they are treated
    as absent, whether a list or an event brings them.
    """

    def __init__(self, path: str, transform: Callable[[Json], tuple[K, V] | None]) -> None:
        self.items: dict[K, V] = {}
        self.malformed: set[str] = set()
        self._path = path
        self._transform = transform
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
            entry = None if gone else self._read(thing, name, self.malformed)
            if gone:
                self.malformed.discard(name)
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

    def replace(
        self, items: dict[K, V], keys: dict[str, K], malformed: set[str]
    ) -> CacheChange[K, V]:
        """Replace everything at once and return the difference."""
        before = self.items
        self.items, self._keys, self.malformed = items, keys, malformed
        put = {k: v for k, v in items.items() if k not in before or before[k] is not v}
        return CacheChange(put, frozenset(before.keys() - items.keys()), relisted=True)

    def _read(self, thing: Json, name: str, malformed: set[str]) -> tuple[K, V] | None:
        try:
            entry = self._transform(thing)
        except Exception as error:  # noqa: BLE001 - one odd object must not stop the others
            if name not in self.malformed:
                # A ValueError is what a parser says about an object, to be read. The words of
                # anything else are chance, and might quote what does not belong in a log.
                why = error if isinstance(error, ValueError) else type(error).__name__
                logger.warning("%s: skipping %s, which can't be read: %s", self._path, name, why)
            malformed.add(name)
            return None
        malformed.discard(name)
        return entry


class Listing(Generic[K, V]):
    """A list in progress: pages are read into small values as they come."""

    def __init__(self, mirror: ObjectCache[K, V]) -> None:
        self._mirror = mirror
        self._items: dict[K, V] = {}
        self._keys: dict[str, K] = {}
        self._malformed: set[str] = set()

    def add(self, things: Iterable[Json]) -> None:
        """Read the items of one page."""
        before = self._mirror.items
        for thing in things:
            name = _name(thing)
            entry = self._mirror._read(thing, name, self._malformed)  # noqa: SLF001 - one module
            if entry is None:
                continue
            key, value = entry
            old = before.get(key)
            # Keeping the equal value that is there saves holding two copies while listing.
            self._items[key] = old if old is not None and old == value else value
            self._keys[name] = key

    def commit(self) -> CacheChange[K, V]:
        """Put the list in the place of what was there and return the difference."""
        return self._mirror.replace(self._items, self._keys, self._malformed)


def _name(thing: Json) -> str:
    """Return ``namespace/name``, or ``/name`` where there is no namespace."""
    try:
        metadata = thing["metadata"]
        return f"{metadata.get('namespace', '')}/{metadata['name']}"
    except (TypeError, KeyError, AttributeError):
        return "an object without a name"
