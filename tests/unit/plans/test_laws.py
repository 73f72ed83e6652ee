"""Laws of plans, held against drawn worlds; a failure names its seed."""

import random

import pytest

from responsibility.plans.change import Action
from responsibility.plans.planner import make_plan
from responsibility.rbac.graph import AccessGraph
from tests.unit.plans import laws
from tests.unit.plans.drawn import drawn

SEEDS = range(60)
ROUTES = range(1000, 1012)

# Where plans went wrong once, by what they are about now.
ONCE = {
    "what a group gets back, a member of it does not get again": 313,
    "whoever was held back may go once another has to stay": 695,
    "a role may be narrowed once others have left it": 834,
    "what is given back everywhere is not given again in a namespace": 1262,
    "what was held for no name is not given back for all": 1441,
    "what ended before still counts when it is searched on": 1450,
    "what a group gets back in a namespace, a member does not get everywhere": 1832,
    "who is let through by a group alone keeps it": 2109,
    "a rule for no name is not a source of what is named": 31206,
    "no more is held back than it takes": 31476,
    "what only a member is owed, its group may be given": 33966,
}
ONCE_WITH_ROUTES = {
    "what was found on the way to where it may not go does not count": 20693,
    "there may be another way where one can't be cut": 20756,
}


@pytest.mark.parametrize("seed", [*SEEDS, *ONCE.values()], ids=[*map(str, SEEDS), *ONCE])
def test_a_plan_ends_what_it_says_and_takes_nothing_that_is_owed(seed: int) -> None:
    snapshot, aim = drawn(seed)
    plan = make_plan(snapshot, aim)
    assert not laws.broken(snapshot, aim, plan)


@pytest.mark.parametrize(
    "seed",
    [*ROUTES, *ONCE_WITH_ROUTES.values()],
    ids=[*map(str, ROUTES), *ONCE_WITH_ROUTES],
)
def test_the_same_with_routes(seed: int) -> None:
    snapshot, aim = drawn(seed, routes=True)
    plan = make_plan(snapshot, aim)
    assert not laws.broken(snapshot, aim, plan)
    assert not list(laws.superfluous(snapshot, aim, plan))


@pytest.mark.parametrize("seed", range(2000, 2020))
def test_the_same_where_it_is_known_which_accounts_there_are(seed: int) -> None:
    snapshot, aim = drawn(seed, listed=True)
    plan = make_plan(snapshot, aim)
    assert not laws.broken(snapshot, aim, plan)
    assert not list(laws.superfluous(snapshot, aim, plan))


@pytest.mark.parametrize("seed", [*SEEDS, *ONCE.values()], ids=[*map(str, SEEDS), *ONCE])
def test_no_change_of_a_plan_can_be_left_out(seed: int) -> None:
    snapshot, aim = drawn(seed)
    plan = make_plan(snapshot, aim)
    assert not list(laws.superfluous(snapshot, aim, plan))


@pytest.mark.parametrize("seed", range(8))
def test_the_order_of_objects_never_matters(seed: int) -> None:
    snapshot, aim = drawn(seed)
    draw = random.Random(seed)
    roles, bindings = [*snapshot.graph.roles.values()], [*snapshot.graph.bindings.values()]
    plan = make_plan(snapshot, aim)
    draw.shuffle(roles)
    draw.shuffle(bindings)
    object.__setattr__(snapshot, "graph", AccessGraph.build(roles, bindings))
    again = make_plan(snapshot, aim)
    assert (plan.digest, plan.changes) == (again.digest, again.changes)


def test_the_drawn_worlds_have_everything_in_them() -> None:
    plans = [make_plan(*drawn(seed)) for seed in SEEDS]
    actions = {change.action for plan in plans for change in plan}
    assert actions >= set(Action) - {Action.NARROW_ROLE}
    reasons = {obstacle.reason for plan in plans for obstacle in plan.obstacles}
    assert {"system-object", "last-holder", "owed"} <= reasons
    assert sum(bool(plan.changes) for plan in plans) > len(plans) / 3
