"""What a plan can't do without is seen of many at once, and as if each were tried by itself."""

from collections.abc import Sequence

import pytest

from responsibility.plans.aim import Aim
from responsibility.plans.change import PlannedChange
from responsibility.plans.context import Pair
from responsibility.plans.planner import make_plan
from responsibility.plans.search.minimise import Minimiser
from tests.unit.plans.drawn import drawn

MANY = range(1000, 1100)
SEEDS = range(1000, 1020)


def test_what_is_needed_together_is_needed_alone() -> None:
    found = {"needed": 0, "batched": 0}

    def held_against_each(
        minimiser: Minimiser, loose: Sequence[Pair], changes: Sequence[PlannedChange]
    ) -> set[Pair]:
        seen = minimiser.needed(loose, changes)
        for pair in seen:
            alone = minimiser.without(frozenset({pair}), frozenset({pair}))
            assert alone is None, f"{pair} can be left out by itself"
        found["needed"] += len(seen)
        found["batched"] += sum(len(batch) > 1 for batch in minimiser.batches(loose))
        return seen

    for seed in MANY:
        make_plan(drawn(seed, routes=True)[0], Aim(), find_needed=held_against_each)
    assert found["needed"] > 10
    assert found["batched"] > 2


@pytest.mark.parametrize("seed", SEEDS)
def test_the_plan_is_the_one_that_is_found_by_trying_each(seed: int) -> None:
    snapshot, aim = drawn(seed, routes=True)
    quickly = make_plan(snapshot, aim)
    slowly = make_plan(snapshot, aim, find_needed=lambda *_: set())
    assert slowly.digest == quickly.digest
