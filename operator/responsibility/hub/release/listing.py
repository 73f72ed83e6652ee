"""A list of changes that is cut without hiding whose they are.

Whoever can make one change can make a thousand harmless ones that sort before it. So of each item
the first stays, whatever there is of others; then come the first of all.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

from responsibility.hub.release.changes import Change, UnreadObject

_T = TypeVar("_T", Change, UnreadObject)


class FirstOfEach(Generic[_T]):
    """The first ``most`` of what is added, in order, and the first of each item.

    No more is held than a few times as many. What belongs to no item is taken for one item's.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._total = 0
        self._some: list[_T] = []
        self._first: dict[str, _T] = {}

    def extend(self, found: Iterable[_T]) -> None:
        """Take more."""
        for each in found:
            self.add(each)

    def add(self, each: _T) -> None:
        """Take one more."""
        self._total += 1
        for item in each.items or ("",):
            first = self._first.get(item)
            if first is None or each < first:
                self._first[item] = each
        self._some.append(each)
        if len(self._some) >= 4 * self._most:
            self._some = sorted(self._some)[: self._most]

    @property
    def listed(self) -> tuple[_T, ...]:
        """What stays, in order: of more items than ``most``, one of each."""
        kept = set(self._first.values())
        for each in sorted(self._some):
            if len(kept) >= self._most:
                break
            kept.add(each)
        return tuple(sorted(kept))

    @property
    def more(self) -> int:
        """How many don't stay."""
        return self._total - len(self.listed)
