"""What a plan can't do without is seen of many at once, and as if each were tried by itself."""

from collections.abc import Sequence

import pytest

from responsibility.plans.aim import Aim
from responsibility.plans.change import PlannedChange
from responsibility.plans.context import Pair
from responsibility.plans.planner import make_plan
from responsibility.plans.search import minimise
from tests.unit.plans.drawn import drawn

MANY = range(1000, 1100)
SEEDS = range(1000, 1020)


def test_what_is_needed_together_is_needed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"needed": 0, "batched": 0}
    needed = minimise.Minimiser._needed

    def held_against_each(
        self: minimise.Minimiser, loose: Sequence[Pair], changes: Sequence[PlannedChange]
    ) -> set[Pair]:
        seen = needed(self, loose, changes)
        for pair in seen:
            alone = self._without(frozenset({pair}), frozenset({pair}))
            assert alone is None, f"{pair} can be left out by itself"
        found["needed"] += len(seen)
        found["batched"] += sum(len(batch) > 1 for batch in self._batches(loose))
        return seen

    monkeypatch.setattr(minimise.Minimiser, "_needed", held_against_each)
    for seed in MANY:
        make_plan(drawn(seed, routes=True)[0], Aim())
    assert found["needed"] > 10
    assert found["batched"] > 2


@pytest.mark.parametrize("seed", SEEDS)
def test_the_plan_is_the_one_that_is_found_by_trying_each(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot, aim = drawn(seed, routes=True)
    quickly = make_plan(snapshot, aim)
    monkeypatch.setattr(minimise.Minimiser, "_needed", lambda *_: set())
    assert make_plan(snapshot, aim).digest == quickly.digest
