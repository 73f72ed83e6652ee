"""An item goes from one party to another: in steps, at none of which nobody may or can act.

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
from responsibility.plans.change import Action, Change, Obstacle, Plan
from responsibility.plans.handover.entitlements import Line, lacking, lines_of, own_places
from responsibility.plans.handover.record_patch import (
    Patch,
    Wanted,
    delegate_first,
    own,
    own_alone,
    patched,
    patches,
)
from responsibility.plans.handover.simulation import Foresee, Scene, View, grants_nothing
from responsibility.plans.planner import make_plan
from responsibility.plans.scopes import Held, Ledger, places
from responsibility.plans.search.new_grants import grant, rules_for
from responsibility.plans.simulate import simulate
from responsibility.rbac.objects import GROUP, Subject

END = "end the overlap"


@dataclass(frozen=True, slots=True)
class Stage:
    """One step: when, what to do, and what of the record changes or which objects are made.

    What the new party lacks of the items ``by_operator``, the operator gives it; why it can't of
    others is in ``hindered``. Of the items ``taken_back``, it takes from the giving party what it
    gave. What is revoked is what the subjects ``of`` the giving parties have too much of;
    ``remains`` is what of that no plan for one hub ends, ``obstacles`` what no plan at all does.
    """

    when: datetime | None
    what: str
    patch: Patch | None = None
    changes: tuple[Change, ...] = ()
    by_operator: tuple[str, ...] = ()
    hindered: tuple[tuple[str, str], ...] = ()
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
    lines: tuple[Line, ...]
    stages: tuple[Stage, ...]
    plan: Plan
    vacant: tuple[str, ...] = ()


def hand_over(snapshot: Snapshot, wanted: Wanted, foresee: Foresee = grants_nothing) -> Handover:
    """Return how to hand items over. The record, its items and the party must be there.

    ``foresee`` says what the operator binds for the record.
    """
    scene = Scene(snapshot, wanted.record, foresee)
    assessment = scene.assessor.assess(snapshot)
    agreement = assessment.hubs[wanted.record].agreement
    end = wanted.start + wanted.overlap
    record = snapshot.records[wanted.record]
    first, second, third = (
        patched(record, agreement, wanted, edit) for edit in (delegate_first, own, own_alone)
    )
    to_first, to_second, to_third = patches((record, first, second, third))

    delegated = scene.at(first, snapshot.now)
    grants = _grants(delegated, agreement, wanted)
    moments = (
        (first, snapshot.now, ()),
        (first, snapshot.now, grants),
        (second, wanted.start, grants),
        (third, end, grants),
    )
    views = [scene.at(version, when, made) for version, when, made in moments]
    last = views[-1]
    giving = {i.owner for i in agreement.items if i.name in wanted.items and i.owner != wanted.to}
    subjects = sorted({s for name in giving for s in _subjects(agreement, name)})
    aim = Aim(record=wanted.record, subjects=tuple(subjects))
    plan = (
        make_plan(last.snapshot, aim, assessor=scene.assessor)
        if subjects
        else Plan(f"hub {wanted.record}", snapshot.routes)
    )
    then = replace(last.snapshot, graph=simulate(last.snapshot.graph, plan))
    views.append(replace(last, snapshot=then, assessment=scene.assessor.assess(then)))

    needed = {n for n in wanted.items if agreement.item(n).owner != wanted.to}
    stages = [
        Stage(snapshot.now, f"delegate to {wanted.to}", to_first),
        Stage(
            snapshot.now,
            f"give {wanted.to} what it lacks",
            changes=tuple(grants),
            by_operator=_made(delegated, snapshot, wanted),
            hindered=tuple((n, w) for n, w in delegated.granted.hindered.items() if n in needed),
        ),
        Stage(
            wanted.start,
            f"make {wanted.to} the owner",
            to_second,
            taken_back=_ended(views[1], views[2], wanted),
        ),
        Stage(
            end,
            END,
            to_third if wanted.overlap else None,
            taken_back=_ended(views[2], views[3], wanted),
        ),
        Stage(
            end,
            "revoke what is then too much",
            changes=plan.changes,
            of=tuple(subjects),
            remains=tuple(_remaining(views[-1], wanted, subjects)),
            obstacles=plan.obstacles,
        ),
    ]
    had = {i.name for i in agreement.items if _subjects(agreement, i.owner)}
    vacant = tuple(_nobody(View(snapshot, assessment), wanted, had))
    nobody = [tuple(_nobody(view, wanted, had)) for view in views]
    # The first step only adds: what nobody could do before is not its fault.
    nobody[0] = tuple(name for name in nobody[0] if name not in vacant)
    told = [replace(stage, nobody=who) for stage, who in zip(stages, nobody, strict=True)]
    lines = lines_of(snapshot, assessment, agreement, wanted, last.assessment)
    # Without an overlap, there is none to end.
    told = [stage for stage in told if stage.what != END or stage.patch is not None]
    party = agreement.parties[wanted.to]
    return Handover(wanted.record, party, tuple(lines), tuple(told), plan, vacant)


# --- who can, and who could not -------------------------------------------------------------------


def _subjects(agreement: Agreement, party: str) -> tuple[Subject, ...]:
    return agreement.parties[party].subjects if party in agreement.parties else ()


def _made(view: View, before: Snapshot, wanted: Wanted) -> tuple[str, ...]:
    """Return the items of which the operator will give the receiving party what it hasn't yet."""
    return tuple(
        name
        for name in wanted.items
        if (binding := view.granted.bindings.get((name, wanted.to))) is not None
        and binding.key not in before.graph.bindings
    )


def _ended(before: View, after: View, wanted: Wanted) -> tuple[str, ...]:
    """Return the items of which the operator takes back what it gave."""
    gone = before.granted.bindings.keys() - after.granted.bindings.keys()
    return tuple(name for name in wanted.items if any(item == name for item, _ in gone))


def _remaining(view: View, wanted: Wanted, subjects: Collection[Subject]) -> Iterable[Finding]:
    """Yield what the giving parties still have too much of by bindings of the whole cluster."""
    hub = view.assessment.hubs[wanted.record]
    cluster = view.assessment.clusters[hub.agreement.terms.name]
    for finding in cluster.touching(wanted.record):
        if finding.kind == EXCESS and finding.subject in subjects:
            yield finding


def _grants(view: View, agreement: Agreement, wanted: Wanted) -> list[Change]:
    """Return the roles and bindings that give the receiving party what it lacks."""
    ledger, snapshot = Ledger(), view.snapshot
    party = agreement.parties[wanted.to]
    required = 0
    for name in wanted.items:
        required |= agreement.item(name).terms.required
    made: list[Change] = []
    if not party.subjects:
        return made
    for place in own_places(places(snapshot, view.assessment), agreement):
        missing = lacking(snapshot, place, party, required & place.scope, ledger)
        if missing:
            rules = rules_for(Held(missing), place)
            # A group stands for all its members; without one, everybody named gets it.
            groups = [s for s in party.subjects if s.kind == GROUP]
            made.extend(grant(place.namespace, rules, groups or party.subjects, snapshot.graph))
    return sorted(made, key=lambda change: change.place)


def _nobody(view: View, wanted: Wanted, had: Collection[str]) -> Iterable[str]:
    """Yield the items for which nobody both may and can act."""
    agreement = view.assessment.hubs[wanted.record].agreement
    found = own_places(places(view.snapshot, view.assessment), agreement)
    ledger, now = Ledger(), view.snapshot.now
    for name in wanted.items:
        item = agreement.item(name)
        parties = [agreement.parties[p] for p in item.parties(now) if p in agreement.parties]
        if not item.terms.required:
            continue
        if not any(party.subjects for party in parties):
            # Who has no identity in the cluster acts elsewhere; but here, somebody did so far.
            if name in had:
                yield name
            continue
        for place in found:
            required = item.terms.required & place.scope
            if required and all(
                lacking(view.snapshot, place, party, required, ledger) for party in parties
            ):
                yield name
                break


def created(changes: Iterable[Change]) -> list[Change]:
    """Return the changes that make something new."""
    return [c for c in changes if c.action in (Action.CREATE_ROLE, Action.CREATE_BINDING)]
