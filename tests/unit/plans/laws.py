"""What has to be true of every plan, whatever the world; each law yields what breaks it."""

from collections.abc import Iterator
from dataclasses import replace

from responsibility.ownership.assess import Assessor
from responsibility.ownership.results import wording
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.plans.aim import Aim
from responsibility.plans.change import CREATES, Action, Plan
from responsibility.plans.context import PlanContext
from responsibility.plans.planner import make_plan
from responsibility.plans.protect import is_operator, is_system, is_system_role
from responsibility.plans.scopes import EntitlementScope, HoldingsReader, entitlement_scopes
from responsibility.plans.search.preserve import lost_entitlements
from responsibility.plans.simulate import simulate
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.objects import BindingKey, RoleKey, Subject


def broken(snapshot: Snapshot, aim: Aim, plan: Plan) -> list[str]:
    """Return every law that a plan breaks, in words."""
    after = replace(snapshot, graph=simulate(snapshot.graph, plan))
    return [
        *_not_ended(after, aim, plan),
        *_owed_and_lost(snapshot, after.graph),
        *_gained(snapshot, after.graph),
        *_untouchable(snapshot, plan),
        *_left_to_nobody(snapshot, after.graph),
        *_to_plan_again(after, aim, plan),
    ]


def _not_ended(after: Snapshot, aim: Aim, plan: Plan) -> Iterator[str]:
    made = {c.key for c in plan if c.action is Action.CREATE_BINDING}
    known = {(each.finding.id, bool(each.finding.route)) for each in plan.obstacles}
    ended = {(each.id, bool(each.route)) for each in plan.ended}
    for finding in aim.further(Assessor().assess(after), plan.ended):
        key = (finding.id, bool(finding.route))
        if key not in known:
            yield f"not ended: {wording.message(finding)}"
        if key in ended and not {source.binding for source in finding.sources} <= made:
            yield f"said to have ended: {wording.message(finding)}"


def _owed_and_lost(snapshot: Snapshot, after: AccessGraph) -> Iterator[str]:
    context = PlanContext(snapshot, Assessor().assess(snapshot))
    for scope in context.scopes:
        named = {*scope.declared(), *scope.exempt.exact(), *snapshot.graph.subjects()}
        for subject in sorted(named):
            if not _exists(snapshot, subject):
                continue
            lost = lost_entitlements(context, after, scope, subject)
            if lost:
                yield f"{subject} loses {lost} {scope}, which it is owed"


def _gives(snapshot: Snapshot, after: AccessGraph, without: AccessGraph) -> Iterator[str]:
    reader = HoldingsReader()
    for scope in entitlement_scopes(snapshot, Assessor().assess(snapshot)):
        for subject in sorted(after.subjects()):
            more = reader.held(after, scope, subject).beyond(reader.held(without, scope, subject))
            if more:
                yield f"{subject} holds {more} {scope}"


def _exists(snapshot: Snapshot, subject: Subject) -> bool:
    return (
        snapshot.accounts is None
        or subject.kind != "ServiceAccount"
        or (subject.namespace, subject.name) in snapshot.accounts
    )


def _gained(snapshot: Snapshot, after: AccessGraph) -> Iterator[str]:
    reader = HoldingsReader()
    for scope in entitlement_scopes(snapshot, Assessor().assess(snapshot)):
        for subject in sorted(after.subjects()):
            new = reader.held(after, scope, subject).beyond(
                reader.held(snapshot.graph, scope, subject)
            )
            if new:
                yield f"{subject} gains {new} {scope}"


def _untouchable(snapshot: Snapshot, plan: Plan) -> Iterator[str]:
    graph = snapshot.graph
    for change in plan:
        if isinstance(change.key, RoleKey):
            if change.action is Action.NARROW_ROLE and is_system_role(graph.roles[change.key]):
                yield f"{change} touches Kubernetes' own"
        elif change.action is not Action.CREATE_BINDING:
            assert isinstance(change.key, BindingKey)
            if is_system(graph.bindings[change.key]):
                yield f"{change} touches Kubernetes' own"
            if any(is_operator(subject, snapshot.operator) for subject in change.removes):
                yield f"{change} touches ours"


def _left_to_nobody(snapshot: Snapshot, after: AccessGraph) -> Iterator[str]:
    reader = HoldingsReader()
    for scope in entitlement_scopes(snapshot, Assessor().assess(snapshot)):
        before = _anybody(reader, snapshot.graph, scope)
        now = _anybody(reader, after, scope)
        for item in scope.items:
            lost = item.required & scope.mask & before & ~now
            if lost:
                yield f"nobody is left for {item.name} {scope}"


def _anybody(reader: HoldingsReader, graph: AccessGraph, scope: EntitlementScope) -> int:
    mask = 0
    for subject in graph.subjects():
        if not subject.name.startswith("system:") and subject.namespace != "kube-system":
            mask |= reader.held_directly(graph, scope, subject).mask
    return mask


def _to_plan_again(after: Snapshot, aim: Aim, plan: Plan) -> Iterator[str]:
    again = make_plan(after, aim)
    for change in again:
        yield f"left to plan: {change} {change.ends} after {[str(c) for c in plan]}"


def superfluous(snapshot: Snapshot, aim: Aim, plan: Plan) -> Iterator[str]:
    """Yield every change that could be left out without anything being lost or left."""
    after = simulate(snapshot.graph, plan)
    for change in plan:
        rest = [each for each in plan if each is not change]
        graph = simulate(snapshot.graph, rest)
        if any(_owed_and_lost(snapshot, graph)):
            continue
        if change.action in CREATES and any(_gives(snapshot, after, graph)):
            # Who is given what it is owed keeps what nobody reserves as well.
            continue
        left = aim.further(Assessor().assess(replace(snapshot, graph=graph)), plan.ended)
        known = {(each.finding.id, bool(each.finding.route)) for each in plan.obstacles}
        before = {source.binding for each in plan.ended for source in each.sources}
        if any((each.id, bool(each.route)) not in known for each in left) or any(
            (one.id, bool(one.route)) == (other.id, bool(other.route))
            and (one.route or before & {source.binding for source in one.sources})
            for one in left
            for other in plan.ended
        ):
            continue
        yield f"{change} is superfluous in {[str(c) for c in plan]}"
