"""Consents to a change of what is agreed on a hub: the parties that have to agree, item by item.

An item goes from one party to another only if both agree; to let somebody else act on it is for its
owner. Who keeps the records (item 0) agrees to each change of one, as they were before: nobody
becomes that by the change itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from responsibility.api.item import RECORD_ITEM
from responsibility.ownership.terms.agreement import Agreement, Item


@dataclass(frozen=True, slots=True)
class Consent:
    """A party that has to agree, about which item, and why; ``agreement`` is what knows it."""

    item: str
    party: str
    why: str
    agreement: Agreement


def consents(
    old: Agreement | None, new: Agreement | None, defaults: Agreement
) -> Iterator[Consent]:
    """Yield whose consent it takes that an agreement becomes another; None is no record.

    ``defaults`` are those of the model, by which a record comes where there is none.
    """
    before, after = old or defaults, new or defaults
    yield Consent(RECORD_ITEM, before.owner(RECORD_ITEM), "keeps the records", before)
    known = {item.name: item for item in before.items}
    for item in after.items:
        was = known.get(item.name)
        for party, why in _parties(was, item):
            # Whom the agreement knows by this name as it is; else whom the change brings.
            yield Consent(item.name, party, why, before if party in before.parties else after)


def _parties(was: Item | None, item: Item) -> Iterator[tuple[str, str]]:
    if was is None:
        yield item.owner, "takes it"
    elif was.owner != item.owner:
        yield was.owner, f"gives it to {item.owner}"
        yield item.owner, f"takes it from {was.owner}"
    elif was.delegates != item.delegates:
        yield item.owner, "changes who may act on it"
