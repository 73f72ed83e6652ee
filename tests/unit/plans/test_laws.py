"""Laws of plans, held against drawn worlds; a failure names its seed."""

import random

import pytest

from responsibility.ownership.plans.change import Action
from responsibility.ownership.plans.planner import make_plan
from responsibility.rbac.graph import AccessGraph
from tests.unit.plans import laws
from tests.unit.plans.drawn import drawn

SEEDS = range(60)
ROUTES = range(1000, 1012)


# What a group gets back, a member of it does not need besides (313).
@pytest.mark.parametrize("seed", [*SEEDS, 313])
def test_a_plan_ends_what_it_says_and_takes_nothing_that_is_owed(seed: int) -> None:
    snapshot, aim = drawn(seed)
    plan = make_plan(snapshot, aim)
    assert not laws.broken(snapshot, aim, plan)


@pytest.mark.parametrize("seed", ROUTES)
def test_the_same_with_routes(seed: int) -> None:
    snapshot, aim = drawn(seed, routes=True)
    plan = make_plan(snapshot, aim)
    assert not laws.broken(snapshot, aim, plan)
    assert not list(laws.superfluous(snapshot, aim, plan))


@pytest.mark.parametrize("seed", SEEDS)
def test_no_change_of_a_plan_can_be_left_out(seed: int) -> None:
    snapshot, aim = drawn(seed)
    plan = make_plan(snapshot, aim)
    assert not list(laws.superfluous(snapshot, aim, plan))


@pytest.mark.parametrize("seed", range(8))
def test_the_order_of_objects_never_matters(seed: int) -> None:
    snapshot, aim = drawn(seed)
    draw = random.Random(seed)  # noqa: S311 - to be repeated
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
