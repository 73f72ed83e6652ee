"""How long plans take: ``python -m bench.plans`` plans for one hub, and for everything.

Each has a limit, so that what has become slow says so instead of running on.
"""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import FrameType

from bench.pass_ import snapshot
from bench.timing import best, show
from bench.world import REFERENCE, build
from responsibility.ownership.assess import Assessor
from responsibility.ownership.plans.aim import Aim
from responsibility.ownership.plans.change import Plan
from responsibility.ownership.plans.planner import make_plan

# Seconds.
_LIMIT = 120


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    seed = parser.parse_args().seed
    world = build(REFERENCE, seed=seed)
    whole = replace(snapshot(world, seed=seed), routes=True)
    assessor = Assessor()
    seconds, assessment = best(lambda: assessor.assess(whole), 1)
    print(f"seed {seed}: {REFERENCE}")
    show(f"the assessment, with {len(assessment.findings()):,} findings", seconds)
    for what, aim in (
        ("the plan for one hub", Aim(record=world.hubs[0])),
        ("the plan for everything", Aim()),
    ):
        assessor.assess(whole)
        made = _limited(partial(make_plan, whole, aim, assessor=assessor))
        if made is None:
            print(f"{what}: not within {_LIMIT} s")
            continue
        seconds, plan = made
        show(f"{what}, with {len(plan.changes):,} changes", seconds)


def _limited(make: Callable[[], Plan]) -> tuple[float, Plan] | None:
    """Return what is made, None if it takes too long."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(_LIMIT)
    try:
        return best(make, 1)
    except TimeoutError:
        return None
    finally:
        signal.alarm(0)


if __name__ == "__main__":
    main()
