"""Settings of a hub, held against what people have agreed on.

What was agreed stands in the record (``items[].agreed``), what is set in the Secret with all values
of the hub's chart. The two drift apart at a migration, or by a change that nobody thought of: the
2 GB that were 1 GB afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from responsibility.hub.values.agreed import AgreedValue, HubValues, UnreadValues, deviations
from responsibility.ownership.results.facts import Facts, OutOfBounds, ValuesUnread
from responsibility.ownership.results.findings import (
    VALUE_OUT_OF_BOUNDS,
    VALUES_UNKNOWN,
    Finding,
)
from responsibility.ownership.terms.agreement import Agreement, Item


def items_agreed(agreement: Agreement) -> tuple[Item, ...]:
    """Return the items of which the record says what some settings are to be."""
    return tuple(i for i in agreement.items if i.agreed and i.name not in agreement.unresolved)


def paths_agreed(agreement: Agreement) -> tuple[str, ...]:
    """Return the paths of those settings."""
    return tuple(dict.fromkeys(a.path for item in items_agreed(agreement) for a in item.agreed))


def hub_value_findings(agreement: Agreement, known: HubValues | None) -> Iterator[Finding]:
    """Yield what is not as agreed; nothing where nobody looks (``known`` is None)."""
    items = items_agreed(agreement)
    if known is None or not items:
        return
    if isinstance(known, UnreadValues):
        yield _finding(agreement, items, VALUES_UNKNOWN, ValuesUnread(known.why))
        return
    for item in items:
        for agreed in item.agreed:
            # What is agreed since the last look is told at the next.
            if agreed.path in known and (facts := _facts(agreed, known)) is not None:
                yield _finding(
                    agreement, [item], VALUE_OUT_OF_BOUNDS, facts, account=f"setting {agreed.path}"
                )


def _facts(agreed: AgreedValue, known: HubValues) -> OutOfBounds | None:
    assert not isinstance(known, UnreadValues)  # noqa: S101 - told before
    found = known[agreed.path]
    if not found:
        return OutOfBounds(agreed, None)
    wrong = list(deviations(found, agreed.value, agreed.minimum, agreed.maximum))
    return OutOfBounds(agreed, wrong[0], len(wrong) - 1) if wrong else None


def _finding(
    agreement: Agreement, items: Sequence[Item], kind: str, facts: Facts, *, account: str = ""
) -> Finding:
    first, *others = items
    return Finding(
        kind=kind,
        item=first.name,
        number=first.terms.number,
        hub=agreement.hub,
        title=first.terms.title,
        owners=(agreement.parties[first.owner].label,),
        items=tuple(item.name for item in others),
        account=account,
        facts=facts,
    )
