"""What one item means for both parties of a handover: needed, lacking, lost and kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from responsibility.ownership.results.assessment import Assessment
from responsibility.ownership.results.wording import permission_texts
from responsibility.ownership.terms.agreement import Agreement, Item, Party
from responsibility.ownership.terms.entitlement import Entitlement
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.plans.handover.record_patch import Wanted
from responsibility.plans.scopes import Ledger, Place, places


@dataclass(frozen=True, slots=True)
class Line:
    """What one item means for both parties, in permissions as ``kubectl auth can-i`` takes them.

    ``needs`` is all that its owner has to be able to do, ``lacks`` what of it the receiving party
    can't yet. ``loses`` is what the giving party may not do any more, ``keeps`` what of the item
    it still may, because of other items.
    """

    item: Item
    giving: str
    needs: tuple[str, ...]
    lacks: tuple[str, ...]
    loses: tuple[str, ...]
    keeps: tuple[str, ...]
    values_paths: tuple[str, ...]
    effort: str


def own_places(found: Sequence[Place], agreement: Agreement) -> list[Place]:
    """Return where the items of a hub count: its namespace, and the cluster."""
    return [
        place
        for place in found
        if place.terms.name == agreement.terms.name
        and (place.agreement is None or place.agreement.record == agreement.record)
    ]


def lacking(snapshot: Snapshot, place: Place, party: Party, required: int, ledger: Ledger) -> int:
    """Return what a party can't do of what is required in a place."""
    held = 0
    for subject in party.subjects:
        held |= ledger.held(snapshot.graph, place, subject).mask
    return required & ~held


def lines_of(
    snapshot: Snapshot,
    assessment: Assessment,
    agreement: Agreement,
    wanted: Wanted,
    after: Assessment,
) -> Iterator[Line]:
    """Yield a line for each item; ``after`` is what is said once all is done."""
    ledger = Ledger()
    definitions = {d.name: d for d in snapshot.models[agreement.terms.name].spec.items}
    own = own_places(places(snapshot, assessment), agreement)
    later = after.hubs[wanted.record].agreement
    due = Entitlement.of(later, after.now).by_party
    for name in wanted.items:
        item = agreement.item(name)
        party = agreement.parties[wanted.to]
        needs, lacks = 0, 0
        for place in own:
            required = item.terms.required & place.scope
            needs |= required
            lacks |= lacking(snapshot, place, party, required, ledger)
        kept = due.get(item.owner, 0) & item.terms.covered
        gone = item.terms.covered & ~kept & (item.terms.reserved | item.terms.required)
        definition = definitions.get(name)

        def texts(mask: int) -> tuple[str, ...]:
            return permission_texts(agreement.terms.permissions.select(mask, agreement.names))

        same = item.owner == wanted.to
        yield Line(
            item=item,
            giving=item.owner,
            needs=texts(needs),
            lacks=texts(lacks),
            loses=() if same else texts(gone),
            keeps=() if same else texts(kept & (item.terms.reserved | item.terms.required)),
            values_paths=definition.values_paths if definition else (),
            effort=definition.effort if definition else "",
        )
