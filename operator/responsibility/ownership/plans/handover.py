"""An item goes from one party to another: in steps, at none of which nobody may or can act.

The receiving party is delegated the items first, then given what it lacks; at the agreed day it
becomes the owner, and the giving party stays a delegate for a while; when that ends, a plan takes
what the giving party then has too much of.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from responsibility.ownership.agreement import Agreement, Item, Party
from responsibility.ownership.assess import Assessor
from responsibility.ownership.assessment import Assessment
from responsibility.ownership.entitlement import Entitlement
from responsibility.ownership.plans.aim import Aim
from responsibility.ownership.plans.change import Action, Change, Plan
from responsibility.ownership.plans.keep import grant, rules_for
from responsibility.ownership.plans.places import Held, Ledger, Place, places
from responsibility.ownership.plans.planner import make_plan
from responsibility.ownership.plans.simulate import simulate
from responsibility.ownership.plans.transfer import (
    Patch,
    Wanted,
    delegate_first,
    own,
    own_alone,
    patched,
    patches,
)
from responsibility.ownership.shortfall import permission_texts
from responsibility.ownership.snapshot import Snapshot
from responsibility.rbac.objects import GROUP, Subject

_TICK = timedelta(seconds=1)
_END = "end the overlap"


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


@dataclass(frozen=True, slots=True)
class Stage:
    """One step: when, what to do, and what of the record changes or which objects are made.

    What the new party lacks of the items ``by_operator``, the operator gives it. What is revoked
    is what the subjects ``of`` the giving parties have too much of.
    """

    when: datetime | None
    what: str
    patch: Patch | None = None
    changes: tuple[Change, ...] = ()
    by_operator: tuple[str, ...] = ()
    of: tuple[Subject, ...] = ()
    nobody: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Handover:
    """All of it. ``plan`` is what will be left to revoke after the overlap."""

    record: str
    to: Party
    lines: tuple[Line, ...]
    stages: tuple[Stage, ...]
    plan: Plan


def hand_over(snapshot: Snapshot, wanted: Wanted) -> Handover:
    """Return how to hand items over. The record, its items and the party must be there."""
    assessment = Assessor().assess(snapshot)
    agreement = assessment.hubs[wanted.record].agreement
    end = wanted.start + wanted.overlap
    record = snapshot.records[wanted.record]
    first, second, third = (
        patched(record, agreement, wanted, edit) for edit in (delegate_first, own, own_alone)
    )
    to_first, to_second, to_third = patches((record, first, second, third))

    by_operator = tuple(n for n in wanted.items if agreement.item(n).rbac != "audit")
    rest = tuple(n for n in wanted.items if n not in by_operator)
    grants = _grants(snapshot, assessment, agreement, wanted.to, rest)
    # Those of the cluster as a whole are the operator's only where all records ask for it.
    operators = _grants(snapshot, assessment, agreement, wanted.to, by_operator)
    grants += [change for change in operators if not change.key.namespace]
    operators = [change for change in operators if change.key.namespace]
    graph = simulate(snapshot.graph, [*grants, *operators])
    after = replace(
        snapshot,
        graph=graph,
        now=max(end, snapshot.now) + _TICK,
        records={**snapshot.records, wanted.record: third},
    )
    new = Assessor().assess(after)
    giving = {i.owner for i in agreement.items if i.name in wanted.items and i.owner != wanted.to}
    subjects = sorted({s for name in giving for s in _subjects(agreement, name)})
    plan = (
        make_plan(after, Aim(record=wanted.record, subjects=tuple(subjects)))
        if subjects
        else (Plan(f"hub {wanted.record}", snapshot.routes))
    )
    stages = [
        Stage(snapshot.now, f"delegate to {wanted.to}", to_first),
        Stage(
            snapshot.now,
            f"give {wanted.to} what it lacks",
            changes=tuple(grants),
            by_operator=by_operator if operators else (),
        ),
        Stage(wanted.start, f"make {wanted.to} the owner", to_second),
        Stage(end, _END, to_third if wanted.overlap else None),
        Stage(end, "revoke what is then too much", changes=plan.changes, of=tuple(subjects)),
    ]
    moments = [
        (snapshot.now, first, snapshot.graph),
        (snapshot.now, first, graph),
        (wanted.start, second, graph),
        (end, third, graph),
        (end, third, simulate(graph, plan)),
    ]
    had = {i.name for i in agreement.items if _subjects(agreement, i.owner)}
    told = []
    for stage, (when, version, world) in zip(stages, moments, strict=True):
        then = replace(
            snapshot,
            graph=world,
            now=max(when, snapshot.now) + _TICK,
            records={**snapshot.records, wanted.record: version},
        )
        told.append(replace(stage, nobody=tuple(_nobody(then, wanted, had))))
    lines = _lines(snapshot, assessment, agreement, wanted, new)
    # Without an overlap, there is none to end.
    told = [stage for stage in told if stage.what != _END or stage.patch is not None]
    return Handover(wanted.record, agreement.parties[wanted.to], tuple(lines), tuple(told), plan)


# --- who can, and who could not -------------------------------------------------------------------


def _subjects(agreement: Agreement, party: str) -> tuple[Subject, ...]:
    return agreement.parties[party].subjects if party in agreement.parties else ()


def _own_places(found: Sequence[Place], agreement: Agreement) -> list[Place]:
    """Return where the items of a hub count: its namespace, and the cluster."""
    return [
        place
        for place in found
        if place.terms.name == agreement.terms.name
        and (place.agreement is None or place.agreement.record == agreement.record)
    ]


def _grants(
    snapshot: Snapshot,
    assessment: Assessment,
    agreement: Agreement,
    to: str,
    items: Iterable[str],
) -> list[Change]:
    """Return the roles and bindings that give the receiving party what it lacks."""
    ledger = Ledger()
    party = agreement.parties[to]
    required = 0
    for name in items:
        required |= agreement.item(name).terms.required
    made: list[Change] = []
    if not party.subjects:
        return made
    for place in _own_places(places(snapshot, assessment), agreement):
        missing = _lacking(snapshot, place, party, required & place.scope, ledger)
        if missing:
            rules = rules_for(Held(missing), place)
            # A group stands for all its members; without one, everybody named gets it.
            groups = [s for s in party.subjects if s.kind == GROUP]
            made.extend(grant(place, rules, groups or party.subjects, snapshot.graph))
    return sorted(made, key=lambda change: change.place)


def _lacking(snapshot: Snapshot, place: Place, party: Party, required: int, ledger: Ledger) -> int:
    held = 0
    for subject in party.subjects:
        held |= ledger.held(snapshot.graph, place, subject).mask
    return required & ~held


def _lines(
    snapshot: Snapshot,
    assessment: Assessment,
    agreement: Agreement,
    wanted: Wanted,
    after: Assessment,
) -> Iterable[Line]:
    ledger = Ledger()
    definitions = {d.name: d for d in snapshot.models[agreement.terms.name].spec.items}
    own = _own_places(places(snapshot, assessment), agreement)
    later = after.hubs[wanted.record].agreement
    due = Entitlement.of(later, after.now).by_party
    for name in wanted.items:
        item = agreement.item(name)
        party = agreement.parties[wanted.to]
        needs, lacks = 0, 0
        for place in own:
            required = item.terms.required & place.scope
            needs |= required
            lacks |= _lacking(snapshot, place, party, required, ledger)
        kept = due.get(item.owner, 0) & item.terms.covered
        gone = item.terms.covered & ~kept & (item.terms.reserved | item.terms.required)
        definition = definitions.get(name)

        def texts(mask: int) -> tuple[str, ...]:
            return permission_texts(mask, agreement.terms.questions, agreement.names)

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


def _nobody(then: Snapshot, wanted: Wanted, had: Collection[str]) -> Iterable[str]:
    """Yield the items for which nobody both may and can act."""
    assessment = Assessor().assess(then)
    agreement = assessment.hubs[wanted.record].agreement
    ledger = Ledger()
    for name in wanted.items:
        item = agreement.item(name)
        parties = [agreement.parties[p] for p in item.parties(then.now) if p in agreement.parties]
        if not item.terms.required:
            continue
        if not any(party.subjects for party in parties):
            # Who has no identity in the cluster acts elsewhere; but here, somebody did so far.
            if name in had:
                yield name
            continue
        for place in _own_places(places(then, assessment), agreement):
            required = item.terms.required & place.scope
            if required and all(
                _lacking(then, place, party, required, ledger) for party in parties
            ):
                yield name
                break


def created(changes: Iterable[Change]) -> list[Change]:
    """Return the changes that make something new."""
    return [c for c in changes if c.action in (Action.CREATE_ROLE, Action.CREATE_BINDING)]
