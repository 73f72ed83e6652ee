"""Delegations that have ended, while a binding that was granted for them is still there.

While the operator runs it removes them at their end. What is found here outlived that: the operator
was down, or may not remove them (any more).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from responsibility.api.names import GRANT_PREFIX, ITEM_LABEL, RECORD_LABEL, label_value
from responsibility.ownership.results.facts import StillGranted
from responsibility.ownership.results.findings import Finding
from responsibility.ownership.terms.agreement import Agreement, Item
from responsibility.rbac.identity import canonical
from responsibility.rbac.objects import Binding, Source, Subject


def past_end(agreement: Agreement, bindings: Iterable[Binding], now: datetime) -> Iterator[Finding]:
    """Yield what ended delegations still grant; ``bindings`` are those of the hub's namespace."""
    ended = {
        item.name: item
        for item in agreement.items
        if any(not delegation.active(now) for delegation in item.delegates)
    }
    if not ended:
        return
    label = label_value(agreement.record)
    granted: dict[str, list[Binding]] = {}
    for binding in bindings:
        item = binding.labels.get(ITEM_LABEL, "")
        if (
            item in ended
            and binding.labels.get(RECORD_LABEL) == label
            and binding.key.name.startswith(GRANT_PREFIX)
        ):
            granted.setdefault(item, []).append(binding)
    for name, found in granted.items():
        yield from _of_item(agreement, ended[name], found, now)


def _of_item(
    agreement: Agreement, item: Item, bindings: Iterable[Binding], now: datetime
) -> Iterator[Finding]:
    entitled = _subjects(agreement, item.parties(now))
    for delegation in item.delegates:
        if delegation.active(now) or delegation.until is None:
            continue
        gone = _subjects(agreement, (delegation.party,)) - entitled
        holding = [b for b in bindings if not gone.isdisjoint(map(canonical, b.subjects))]
        if holding:
            yield Finding(
                kind="grant-past-end",
                item=item.name,
                number=item.terms.number,
                hub=agreement.hub,
                title=item.terms.title,
                party=delegation.party,
                sources=tuple(Source(b.key, b.role) for b in sorted(holding, key=lambda b: b.key)),
                facts=StillGranted(delegation.until),
            )


def _subjects(agreement: Agreement, parties: Iterable[str]) -> frozenset[Subject]:
    return frozenset(
        subject
        for name in parties
        if name in agreement.parties
        for subject in agreement.parties[name].subjects
    )
