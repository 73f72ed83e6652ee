"""What was worked out in the last pass, for use in the next."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from operator import is_
from typing import Any, TypeVar

_T = TypeVar("_T")


class Memory:
    """Results of the last pass, by what they are about; kept while their inputs are the same.

    Inputs are compared by identity, so only immutable values may be inputs.
    """

    def __init__(self) -> None:
        self._old: dict[Hashable, tuple[tuple[Any, ...], Any]] = {}
        self._new: dict[Hashable, tuple[tuple[Any, ...], Any]] = {}

    def fork(self) -> Memory:
        """Return another that remembers the same, and forgets by itself."""
        other = Memory()
        other._old, other._new = self._old, dict(self._new)
        return other

    def begin(self) -> None:
        """Begin a pass; what it does not ask for is forgotten."""
        self._old, self._new = self._new, {}

    def get(self, key: Hashable, inputs: tuple[Any, ...], make: Callable[[], _T]) -> _T:
        """Return what was made from the same inputs in the last pass, else make it."""
        known = self._new.get(key) or self._old.get(key)
        if known is None or len(known[0]) != len(inputs) or not all(map(is_, known[0], inputs)):
            known = (inputs, make())
        self._new[key] = known
        result: _T = known[1]
        return result
