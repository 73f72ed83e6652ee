"""The steps of a handover, at none of which nobody may or can act.

The receiving party is delegated the items first, then given what it lacks; at the agreed day it
becomes the owner, and the giving party stays a delegate for a while; when that ends, a plan takes
what the giving party then has too much of.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from responsibility.ownership.results.findings import Finding
from responsibility.ownership.terms.agreement import Agreement, Party
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.plans.aim import EXCESS, Aim
from responsibility.plans.change import Action, Obstacle, Plan, PlannedChange
from responsibility.plans.handover.entitlements import (
    ItemHandover,
    item_handovers,
    lacking,
    scopes_of_hub,
)
from responsibility.plans.handover.record_patch import (
    HandoverRequest,
    Patch,
    delegate_first,
    patched,
    patches,
    transfer,
    transfer_with_overlap,
)
from responsibility.plans.handover.simulation import (
    ForecastOf,
    HandoverSimulation,
    SimulatedState,
    grants_nothing,
)
from responsibility.plans.planner import make_plan
from responsibility.plans.scopes import HeldPermissions, HoldingsReader, entitlement_scopes
from responsibility.plans.search.new_grants import grant, rules_for
from responsibility.plans.simulate import simulate
from responsibility.rbac.objects import GROUP, Subject

END = "end the overlap"


@dataclass(frozen=True, slots=True)
class HandoverStep:
    """One step: when, what to do, and what of the record changes or which objects are made.

    What the new party lacks of the items ``by_operator``, the operator gives it; why it can't of
    others is in ``blocked``. Of the items ``taken_back``, it takes from the giving party what it
    gave. What is revoked is what the subjects ``of`` the giving parties have too much of;
    ``remains`` is what of that no plan for one hub ends, ``obstacles`` what no plan at all does.
    """

    when: datetime | None
    what: str
    patch: Patch | None = None
    changes: tuple[PlannedChange, ...] = ()
    by_operator: tuple[str, ...] = ()
    blocked: tuple[tuple[str, str], ...] = ()
    taken_back: tuple[str, ...] = ()
    of: tuple[Subject, ...] = ()
    remains: tuple[Finding, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()
    nobody: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Handover:
    """All of it. ``plan`` is what will be left to revoke after the overlap.

    ``vacant`` are the items for which nobody can act as it is.
    """

    record: str
    to: Party
    lines: tuple[ItemHandover, ...]
    stages: tuple[HandoverStep, ...]
    plan: Plan
    vacant: tuple[str, ...] = ()


def hand_over(
    snapshot: Snapshot, request: HandoverRequest, foresee: ForecastOf = grants_nothing
) -> Handover:
    """Return how to hand items over. The record, its items and the party must be there.

    ``foresee`` says what the operator binds for the record.
    """
    simulation = HandoverSimulation(snapshot, request.record, foresee)
    assessment = simulation.assessor.assess(snapshot)
    agreement = assessment.hubs[request.record].agreement
    end = request.start + request.overlap
    record = snapshot.records[request.record]
    first, second, third = (
        patched(record, agreement, request, edit)
        for edit in (delegate_first, transfer_with_overlap, transfer)
    )
    to_first, to_second, to_third = patches((record, first, second, third))

    delegated = simulation.at(first, snapshot.now)
    grants = _grants(delegated, agreement, request)
    moments = (
        (first, snapshot.now, ()),
        (first, snapshot.now, grants),
        (second, request.start, grants),
        (third, end, grants),
    )
    views = [simulation.at(version, when, made) for version, when, made in moments]
    last = views[-1]
    giving = {i.owner for i in agreement.items if i.name in request.items and i.owner != request.to}
    subjects = sorted({s for name in giving for s in _subjects(agreement, name)})
    aim = Aim(record=request.record, subjects=tuple(subjects))
    plan = (
        make_plan(last.snapshot, aim, assessor=simulation.assessor)
        if subjects
        else Plan(f"hub {request.record}", snapshot.routes)
    )
    then = replace(last.snapshot, graph=simulate(last.snapshot.graph, plan))
    views.append(replace(last, snapshot=then, assessment=simulation.assessor.assess(then)))

    needed = {n for n in request.items if agreement.item(n).owner != request.to}
    stages = [
        HandoverStep(snapshot.now, f"delegate to {request.to}", to_first),
        HandoverStep(
            snapshot.now,
            f"give {request.to} what it lacks",
            changes=tuple(grants),
            by_operator=_made(delegated, snapshot, request),
            blocked=tuple((n, w) for n, w in delegated.granted.blocked.items() if n in needed),
        ),
        HandoverStep(
            request.start,
            f"make {request.to} the owner",
            to_second,
            taken_back=_ended(views[1], views[2], request),
        ),
        HandoverStep(
            end,
            END,
            to_third if request.overlap else None,
            taken_back=_ended(views[2], views[3], request),
        ),
        HandoverStep(
            end,
            "revoke what is then too much",
            changes=plan.changes,
            of=tuple(subjects),
            remains=tuple(_remaining(views[-1], request, subjects)),
            obstacles=plan.obstacles,
        ),
    ]
    had = {i.name for i in agreement.items if _subjects(agreement, i.owner)}
    vacant = tuple(_nobody(SimulatedState(snapshot, assessment), request, had))
    nobody = [tuple(_nobody(view, request, had)) for view in views]
    # The first step only adds: what nobody could do before is not its fault.
    nobody[0] = tuple(name for name in nobody[0] if name not in vacant)
    steps = [replace(stage, nobody=who) for stage, who in zip(stages, nobody, strict=True)]
    lines = item_handovers(snapshot, assessment, agreement, request, last.assessment)
    # Without an overlap, there is none to end.
    steps = [stage for stage in steps if stage.what != END or stage.patch is not None]
    party = agreement.parties[request.to]
    return Handover(request.record, party, tuple(lines), tuple(steps), plan, vacant)


# --- who can, and who could not -------------------------------------------------------------------


def _subjects(agreement: Agreement, party: str) -> tuple[Subject, ...]:
    return agreement.parties[party].subjects if party in agreement.parties else ()


def _made(view: SimulatedState, before: Snapshot, request: HandoverRequest) -> tuple[str, ...]:
    """Return the items of which the operator will give the receiving party what it hasn't yet."""
    return tuple(
        name
        for name in request.items
        if (binding := view.granted.bindings.get((name, request.to))) is not None
        and binding.key not in before.graph.bindings
    )


def _ended(
    before: SimulatedState, after: SimulatedState, request: HandoverRequest
) -> tuple[str, ...]:
    """Return the items of which the operator takes back what it gave."""
    gone = before.granted.bindings.keys() - after.granted.bindings.keys()
    return tuple(name for name in request.items if any(item == name for item, _ in gone))


def _remaining(
    view: SimulatedState, request: HandoverRequest, subjects: Collection[Subject]
) -> Iterable[Finding]:
    """Yield what the giving parties still have too much of by bindings of the whole cluster."""
    hub = view.assessment.hubs[request.record]
    cluster = view.assessment.clusters[hub.agreement.terms.name]
    for finding in cluster.findings_about(request.record):
        if finding.kind == EXCESS and finding.subject in subjects:
            yield finding


def _grants(
    view: SimulatedState, agreement: Agreement, request: HandoverRequest
) -> list[PlannedChange]:
    """Return the roles and bindings that give the receiving party what it lacks."""
    reader, snapshot = HoldingsReader(), view.snapshot
    party = agreement.parties[request.to]
    required = 0
    for name in request.items:
        required |= agreement.item(name).terms.required
    made: list[PlannedChange] = []
    if not party.subjects:
        return made
    for scope in scopes_of_hub(entitlement_scopes(snapshot, view.assessment), agreement):
        missing = lacking(snapshot, scope, party, required & scope.mask, reader)
        if missing:
            rules = rules_for(HeldPermissions(missing), scope)
            # A group stands for all its members; without one, everybody named gets it.
            groups = [s for s in party.subjects if s.kind == GROUP]
            made.extend(grant(scope.namespace, rules, groups or party.subjects, snapshot.graph))
    return sorted(made, key=lambda change: change.sort_key)


def _nobody(view: SimulatedState, request: HandoverRequest, had: Collection[str]) -> Iterable[str]:
    """Yield the items for which nobody both may and can act."""
    agreement = view.assessment.hubs[request.record].agreement
    found = scopes_of_hub(entitlement_scopes(view.snapshot, view.assessment), agreement)
    reader, now = HoldingsReader(), view.snapshot.now
    for name in request.items:
        item = agreement.item(name)
        parties = [agreement.parties[p] for p in item.parties(now) if p in agreement.parties]
        if not item.terms.required:
            continue
        if not any(party.subjects for party in parties):
            # Who has no identity in the cluster acts elsewhere; but here, somebody did so far.
            if name in had:
                yield name
            continue
        for scope in found:
            required = item.terms.required & scope.mask
            if required and all(
                lacking(view.snapshot, scope, party, required, reader) for party in parties
            ):
                yield name
                break


def created(changes: Iterable[PlannedChange]) -> list[PlannedChange]:
    """Return the changes that make something new."""
    return [c for c in changes if c.action in (Action.CREATE_ROLE, Action.CREATE_BINDING)]
