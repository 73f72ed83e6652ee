"""Find a plan: what ends the excess rights that are meant, told with all that it does beside.

Changes are found by a `Search` in the cluster as it is. What stood in the way of a right may end
with the others, so it is searched on from where the changes lead, until nothing more is found; the
plan is what all of that comes to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from responsibility.ownership.assess import Assessor
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.plans.aim import Aim
from responsibility.plans.change import CREATES, Change, Plan
from responsibility.plans.context import Basis
from responsibility.plans.losses import Teller
from responsibility.plans.search.minimise import Told
from responsibility.plans.search.outcome import Outcome
from responsibility.plans.search.preserve import needed
from responsibility.plans.search.search import Search
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
    sees: Iterable[Attributes] = (),
    told: Told = lambda _done: None,
) -> Plan:
    """Return the plan that ends all excess rights that are meant, as far as RBAC can.

    ``assessor`` saves work where it knows the snapshot; ``sees`` are the rights without which
    the operator would be blind; ``told`` hears how much is done, from 0 to 1.
    """
    assessor = assessor or Assessor()
    basis = Basis(snapshot, assessor.assess(snapshot))
    return plan_from(basis, aim, assessor=assessor, sees=sees, told=told)


def plan_from(
    basis: Basis,
    aim: Aim,
    *,
    assessor: Assessor,
    sees: Iterable[Attributes] = (),
    told: Told = lambda _done: None,
) -> Plan:
    """Return the plan as `make_plan` does, of a cluster that many plans are made from.

    The assessor is the one that has made the assessment.
    """
    basis = basis.for_plan()
    found = _found(basis, aim, assessor, tuple(sees), told)
    return Plan(
        aim=str(aim),
        routes=basis.snapshot.routes,
        changes=tuple(_told_each(basis, found.changes, told)),
        ended=found.ended,
        obstacles=found.obstacles,
    )


def _found(
    basis: Basis, aim: Aim, assessor: Assessor, sees: tuple[Attributes, ...], told: Told
) -> Outcome:
    found = first = Search(basis, aim, assessor, sees, lambda part: told(_FIRST * part)).outcome()
    more, done = found, _FIRST
    for _ in range(_MOST_SEARCHES):
        if not more.changes:
            break
        done += (_FOUND - done) / 2
        told(done)
        assessor = assessor.fork()
        after = replace(basis.snapshot, graph=simulate(basis.graph, found.changes))
        assessment = assessor.assess(after)
        if found.is_final(aim.further(assessment, found.ended)):
            break
        then = Basis(after, assessment)
        more = Search(then, aim, assessor, sees, earlier=found.ended).outcome()
        found = found.then(more)
    return found if found is first else _without_superfluous(basis, found)


def _without_superfluous(basis: Basis, found: Outcome) -> Outcome:
    """Return it without what was made in one search, and again in another."""
    made = [change for change in found.changes if change.action in CREATES]
    cuts = [change for change in found.changes if change.action not in CREATES]
    after = simulate(basis.graph, cuts)
    made = needed(basis, after, basis.places, made)
    return replace(found, changes=(*made, *cuts))


def _told_each(basis: Basis, changes: Sequence[Change], told: Told) -> Iterator[Change]:
    after = simulate(basis.graph, changes)
    teller = Teller(basis.snapshot, after, basis.places, basis.ledger)
    for number, change in enumerate(changes, 1):
        yield teller.tell(change)
        told(_FOUND + (1 - _FOUND) * number / len(changes))
