"""The cache between passes: what the last one worked out, for use in the next.

A pass looks at every item of every hub, and hardly anything has changed since the last one.

It is keyed by what a result is about (``("hub", record)``), and a result is used again while its
inputs are the very same objects: they are compared by identity, so only immutable values may be
inputs. A result that depends on the time has :attr:`PassCache.epoch` among its inputs.

It forgets what a whole pass did not ask for. Once the date has passed that was named as the next at
which something changes by itself, or the clock was set back, a new epoch begins, and with it all
that depends on the time is made anew.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import UTC, datetime
from operator import is_
from typing import Any, TypeVar

_T = TypeVar("_T")
_BEGINNING = datetime.min.replace(tzinfo=UTC)
_END = datetime.max.replace(tzinfo=UTC)


class PassCache:
    """Results of the last pass and of this one; see the module for keys and for what is kept."""

    def __init__(self) -> None:
        self._old: dict[Hashable, tuple[tuple[Any, ...], Any]] = {}
        self._new: dict[Hashable, tuple[tuple[Any, ...], Any]] = {}
        self._since = self._deadline = _BEGINNING
        self.epoch = object()

    def fork(self) -> PassCache:
        """Return another that knows the same, and forgets by itself."""
        other = PassCache()
        vars(other).update(vars(self))
        other._new = dict(self._new)
        return other

    def begin(self, now: datetime) -> None:
        """Begin a pass at a time; what it does not ask for is forgotten."""
        self._old, self._new = self._new, {}
        if not self._since <= now < self._deadline:
            self.epoch = object()
        self._since = now

    def goes_on(self, now: datetime) -> bool:
        """Return whether all that the last pass said still holds at a time, as far as time goes."""
        if not self._since <= now < self._deadline:
            return False
        self._since = now
        return True

    def until(self, deadline: datetime | None) -> None:
        """Say when something changes next by itself; None if nothing does."""
        self._deadline = deadline or _END

    def get(self, key: Hashable, inputs: tuple[Any, ...], make: Callable[[], _T]) -> _T:
        """Return what was made for ``key`` from the same inputs in the last pass, else make it."""
        known = self._new.get(key) or self._old.get(key)
        if known is None or len(known[0]) != len(inputs) or not all(map(is_, known[0], inputs)):
            known = (inputs, make())
        self._new[key] = known
        result: _T = known[1]
        return result
