"""The planner: from an aim to a plan, told with all that it does beside.

Changes are found by a `Search` in the cluster as it is. What stood in the way of a right may end
with the others, so it is searched on from where the changes lead, until nothing more is found; the
plan is what all of that comes to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from responsibility.ownership.assess import Assessor
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.plans.aim import Aim
from responsibility.plans.change import CREATES, Plan, PlannedChange
from responsibility.plans.context import PlanContext
from responsibility.plans.losses import SideEffects
from responsibility.plans.search.minimise import FindNeeded, Minimiser, Progress
from responsibility.plans.search.outcome import SearchOutcome
from responsibility.plans.search.preserve import needed
from responsibility.plans.search.search import PlanSearch
from responsibility.plans.simulate import simulate
from responsibility.rbac.objects import Attributes

# How much is done once the first search is, and once the last is; the rest is to tell it.
_FIRST = 0.6
_FOUND = 0.9
# Rights only become fewer, so it comes to rest by itself: mostly after one search, seldom two.
_MOST_SEARCHES = 10


def make_plan(
    snapshot: Snapshot,
    aim: Aim,
    *,
    assessor: Assessor | None = None,
    required_permissions: Iterable[Attributes] = (),
    progress: Progress = lambda _done: None,
    find_needed: FindNeeded = Minimiser.needed,
) -> Plan:
    """Return the plan that ends all excess rights that are meant, as far as RBAC can.

    ``assessor`` saves work where it knows the snapshot; ``required_permissions`` are those that the
    operator itself needs; ``progress`` is told how much is done, from 0 to 1. ``find_needed`` says
    what a plan can't do without; what it doesn't say is found by trying.
    """
    assessor = assessor or Assessor()
    context = PlanContext(snapshot, assessor.assess(snapshot))
    return plan_from(
        context,
        aim,
        assessor=assessor,
        required_permissions=required_permissions,
        progress=progress,
        find_needed=find_needed,
    )


def plan_from(
    context: PlanContext,
    aim: Aim,
    *,
    assessor: Assessor,
    required_permissions: Iterable[Attributes] = (),
    progress: Progress = lambda _done: None,
    find_needed: FindNeeded = Minimiser.needed,
) -> Plan:
    """Return the plan as `make_plan` does, of a cluster that many plans are made from.

    The assessor is the one that has made the assessment.
    """
    context = context.for_plan()
    search = partial(
        PlanSearch, required_permissions=tuple(required_permissions), find_needed=find_needed
    )
    found = _found(context, aim, assessor, search, progress)
    return Plan(
        aim=str(aim),
        routes=context.snapshot.routes,
        changes=tuple(_told_each(context, found.changes, progress)),
        ended=found.ended,
        obstacles=found.obstacles,
    )


def _found(
    context: PlanContext,
    aim: Aim,
    assessor: Assessor,
    search: Callable[..., PlanSearch],
    progress: Progress,
) -> SearchOutcome:
    found = first = search(
        context, aim, assessor, progress=lambda part: progress(_FIRST * part)
    ).outcome()
    more, done = found, _FIRST
    for _ in range(_MOST_SEARCHES):
        if not more.changes:
            break
        done += (_FOUND - done) / 2
        progress(done)
        assessor = assessor.fork()
        after = replace(context.snapshot, graph=simulate(context.graph, found.changes))
        assessment = assessor.assess(after)
        if found.is_final(aim.further(assessment, found.ended)):
            break
        then = PlanContext(after, assessment)
        more = search(then, aim, assessor, earlier=found.ended).outcome()
        found = found.then(more)
    return found if found is first else _without_superfluous(context, found)


def _without_superfluous(context: PlanContext, found: SearchOutcome) -> SearchOutcome:
    """Return the outcome without grants that give nothing beside the others of it."""
    made = [change for change in found.changes if change.action in CREATES]
    cuts = [change for change in found.changes if change.action not in CREATES]
    after = simulate(context.graph, cuts)
    made = needed(context, after, context.scopes, made)
    return replace(found, changes=(*made, *cuts))


def _told_each(
    context: PlanContext, changes: Sequence[PlannedChange], progress: Progress
) -> Iterator[PlannedChange]:
    after = simulate(context.graph, changes)
    side_effects = SideEffects(context.snapshot, after, context.scopes, context.reader)
    for number, change in enumerate(changes, 1):
        yield side_effects.described(change)
        progress(_FOUND + (1 - _FOUND) * number / len(changes))
