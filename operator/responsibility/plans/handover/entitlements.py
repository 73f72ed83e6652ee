"""Entitlements of both parties of a handover, by item: needed, lacking, lost and kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from responsibility.ownership.results.assessment import Assessment
from responsibility.ownership.results.wording import permission_texts
from responsibility.ownership.terms.agreement import Agreement, Item, Party
from responsibility.ownership.terms.entitlement import Entitlement
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.plans.handover.record_patch import HandoverRequest
from responsibility.plans.scopes import EntitlementScope, HoldingsReader, entitlement_scopes


@dataclass(frozen=True, slots=True)
class ItemHandover:
    """The meaning of one item for both parties, in permissions as ``kubectl auth can-i`` has them.

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


def scopes_of_hub(
    found: Sequence[EntitlementScope], agreement: Agreement
) -> list[EntitlementScope]:
    """Return where the items of a hub count: its namespace, and the cluster."""
    return [
        scope
        for scope in found
        if scope.terms.name == agreement.terms.name
        and (scope.agreement is None or scope.agreement.record == agreement.record)
    ]


def lacking(
    snapshot: Snapshot, scope: EntitlementScope, party: Party, required: int, reader: HoldingsReader
) -> int:
    """Return what a party can't do of what is required in a scope."""
    held = 0
    for subject in party.subjects:
        held |= reader.held(snapshot.graph, scope, subject).mask
    return required & ~held


def item_handovers(
    snapshot: Snapshot,
    assessment: Assessment,
    agreement: Agreement,
    request: HandoverRequest,
    after: Assessment,
) -> Iterator[ItemHandover]:
    """Yield a line for each item; ``after`` is what is said once all is done."""
    reader = HoldingsReader()
    definitions = {d.name: d for d in snapshot.models[agreement.terms.name].spec.items}
    scopes = scopes_of_hub(entitlement_scopes(snapshot, assessment), agreement)
    later = after.hubs[request.record].agreement
    due = Entitlement.of(later, after.now).by_party
    for name in request.items:
        item = agreement.item(name)
        party = agreement.parties[request.to]
        needs, lacks = 0, 0
        for scope in scopes:
            required = item.terms.required & scope.mask
            needs |= required
            lacks |= lacking(snapshot, scope, party, required, reader)
        kept = due.get(item.owner, 0) & item.terms.covered
        gone = item.terms.covered & ~kept & (item.terms.reserved | item.terms.required)
        definition = definitions.get(name)

        def texts(mask: int) -> tuple[str, ...]:
            return permission_texts(agreement.terms.permissions.select(mask, agreement.names))

        same = item.owner == request.to
        yield ItemHandover(
            item=item,
            giving=item.owner,
            needs=texts(needs),
            lacks=texts(lacks),
            loses=() if same else texts(gone),
            keeps=() if same else texts(kept & (item.terms.reserved | item.terms.required)),
            values_paths=definition.values_paths if definition else (),
            effort=definition.effort if definition else "",
        )
