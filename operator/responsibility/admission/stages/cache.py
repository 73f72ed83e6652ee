"""Remembers what Namespaces say of items for as long as neither agreements nor dates change.

A pass looks at every item of every hub, and hardly any of them has changed since the last one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import UTC, datetime
from typing import TypeVar

from responsibility.admission.stages.namespace_annotations import ItemKeys, item_keys
from responsibility.ownership.results.assessment import Assessment
from responsibility.ownership.terms.agreement import Agreement, Item

T = TypeVar("T")

_BEGINNING = datetime.min.replace(tzinfo=UTC)
_END = datetime.max.replace(tzinfo=UTC)


class KeyMemory:
    """Values by what they were made from, objects being known by their identity."""

    def __init__(self) -> None:
        self._since = self._deadline = _BEGINNING
        self._known: dict[Hashable, tuple[tuple[object, ...], object]] = {}
        self._used: dict[Hashable, tuple[tuple[object, ...], object]] = {}

    def begin(self, assessment: Assessment) -> None:
        """Begin a pass: what the last one did not use is forgotten, and all once a date passes."""
        self._known, self._used = self._used, {}
        if not self._since <= assessment.now < self._deadline:
            self._known = {}
        self._since, self._deadline = assessment.now, assessment.next_deadline or _END

    def get(self, key: Hashable, inputs: tuple[object, ...], make: Callable[[], T]) -> T:
        """Return what was made for ``key`` from the very same ``inputs``, or make it."""
        for known in (self._used.get(key), self._known.get(key)):
            if known is not None and _same(known[0], inputs):
                self._used[key] = known
                return known[1]  # type: ignore[return-value]  # made by the same key's maker
        value = make()
        self._used[key] = (inputs, value)
        return value

    def keys(self, agreement: Agreement, item: Item, now: datetime) -> ItemKeys:
        """Return what the Namespace says of an item."""
        return self.get(
            ("item", agreement.record, item.name),
            (agreement,),
            lambda: item_keys(agreement, item, now),
        )


def _same(old: tuple[object, ...], new: tuple[object, ...]) -> bool:
    return len(old) == len(new) and all(a is b for a, b in zip(old, new, strict=True))
