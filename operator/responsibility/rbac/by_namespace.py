"""A mapping in parts, one for each namespace, so that a changed copy shares all other parts."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Protocol, TypeVar


class Key(Hashable, Protocol):
    """What says which part it belongs to; the empty namespace is the cluster's."""

    @property
    def namespace(self) -> str:
        """Return the namespace, empty for what is cluster-scoped."""


K = TypeVar("K", bound=Key)
V_co = TypeVar("V_co", covariant=True)


class ByNamespace(Mapping[K, V_co]):
    """An immutable mapping whose keys know their namespace."""

    __slots__ = ("_parts",)

    def __init__(self, items: Mapping[K, V_co] = MappingProxyType({})) -> None:
        parts: dict[str, dict[K, V_co]] = {}
        for key, value in items.items():
            parts.setdefault(key.namespace, {})[key] = value
        self._parts: Mapping[str, Mapping[K, V_co]] = parts

    def __getitem__(self, key: K) -> V_co:
        part = self._parts.get(key.namespace)
        if part is None:
            raise KeyError(key)
        return part[key]

    def __iter__(self) -> Iterator[K]:
        for part in self._parts.values():
            yield from part

    def __len__(self) -> int:
        return sum(map(len, self._parts.values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} in {len(self._parts)} parts)"

    @property
    def parts(self) -> Mapping[str, Mapping[K, V_co]]:
        """The parts by namespace; none is empty."""
        return self._parts

    def replacing(self, put: Mapping[K, V_co], drop: Iterable[K]) -> ByNamespace[K, V_co]:
        """Return a copy without the dropped keys and with the put items; put wins."""
        parts = dict(self._parts)
        copies: dict[str, dict[K, V_co]] = {}
        for key in (*drop, *put):
            if key.namespace not in copies:
                copies[key.namespace] = dict(parts.get(key.namespace, {}))
            copy = copies[key.namespace]
            if key in put:
                copy[key] = put[key]
            else:
                copy.pop(key, None)
        for namespace, copy in copies.items():
            if copy:
                parts[namespace] = copy
            else:
                parts.pop(namespace, None)
        other: ByNamespace[K, V_co] = ByNamespace()
        other._parts = parts
        return other
