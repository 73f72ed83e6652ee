"""Laws of plans, held against drawn worlds; a failure names its seed."""

import random
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import pytest

from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.plans.aim import Aim
from responsibility.plans.change import Action, Plan
from responsibility.plans.planner import make_plan
from responsibility.rbac.graph import AccessGraph
from tests.unit.deciding import Decided
from tests.unit.plans import laws
from tests.unit.plans.drawn import drawn

Planned = tuple[Snapshot, Aim, Plan]
SEEDS = range(60)
# Of these, all have something to plan.
ROUTES = (1000, 1004, 1005, 1014, 1015, 1018, 1020, 1021, 1022, 1023, 1024, 1030)
SHUFFLED = (5, 8, 9, 12, 13, 15, 16, 18)
LISTED = range(2000, 2020)

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


@cache
def planned(seed: int, *, routes: bool = False, listed: bool = False) -> Planned:
    """Return the world of a seed, and the plan for it."""
    snapshot, aim = drawn(seed, routes=routes, listed=listed)
    return snapshot, aim, make_plan(snapshot, aim)


@pytest.mark.parametrize("seed", [*SEEDS, *ONCE.values()], ids=[*map(str, SEEDS), *ONCE])
def test_a_plan_ends_what_it_says_and_takes_nothing_that_is_owed(seed: int) -> None:
    snapshot, aim, plan = planned(seed)
    assert not laws.broken(snapshot, aim, plan)


@pytest.mark.parametrize(
    "seed",
    [*ROUTES, *ONCE_WITH_ROUTES.values()],
    ids=[*map(str, ROUTES), *ONCE_WITH_ROUTES],
)
def test_the_same_with_routes(seed: int) -> None:
    snapshot, aim, plan = planned(seed, routes=True)
    assert not laws.broken(snapshot, aim, plan)
    assert not list(laws.superfluous(snapshot, aim, plan))


@pytest.mark.parametrize("seed", LISTED)
def test_the_same_where_it_is_known_which_accounts_there_are(seed: int) -> None:
    snapshot, aim, plan = planned(seed, listed=True)
    assert not laws.broken(snapshot, aim, plan)
    assert not list(laws.superfluous(snapshot, aim, plan))


@pytest.mark.parametrize("seed", [*SEEDS, *ONCE.values()], ids=[*map(str, SEEDS), *ONCE])
def test_no_change_of_a_plan_can_be_left_out(seed: int) -> None:
    snapshot, aim, plan = planned(seed)
    assert not list(laws.superfluous(snapshot, aim, plan))


@pytest.mark.parametrize("seed", SHUFFLED)
def test_the_order_of_objects_never_matters(seed: int) -> None:
    snapshot, aim, plan = planned(seed)
    draw = random.Random(seed)
    roles, bindings = [*snapshot.graph.roles.values()], [*snapshot.graph.bindings.values()]
    draw.shuffle(roles)
    draw.shuffle(bindings)
    again = make_plan(replace(snapshot, graph=AccessGraph.build(roles, bindings)), aim)
    assert (plan.digest, plan.changes) == (again.digest, again.changes)


def test_the_drawn_worlds_have_everything_in_them() -> None:
    plans = [planned(seed)[2] for seed in SEEDS]
    actions = {change.action for plan in plans for change in plan}
    assert actions >= set(Action) - {Action.NARROW_ROLE}
    reasons = {obstacle.reason for plan in plans for obstacle in plan.obstacles}
    assert {"system-object", "last-holder", "owed"} <= reasons


@pytest.mark.parametrize(
    ("seeds", "world", "least"),
    [
        (SEEDS, {}, 0.4),
        (ROUTES, {"routes": True}, 0.9),
        (LISTED, {"listed": True}, 0.35),
        (SHUFFLED, {}, 0.9),
    ],
    ids=["plain", "routes", "listed", "shuffled"],
)
def test_there_is_something_to_plan_in_enough_of_them(
    seeds: Sequence[int], world: dict[str, bool], least: float
) -> None:
    count = Decided()
    for seed in seeds:
        count.note(planned(seed, **world)[2].changes)
    count.held(least=least)
