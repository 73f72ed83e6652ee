"""Whether planning beside the loop holds it up: ``python -m bench.planning``.

The reference world is planned for as the operator does it, in another process, while the loop
counts how late it wakes. It is planned all the time: the rest between two plans is left out.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
from dataclasses import replace

from bench.pass_ import snapshot
from bench.world import REFERENCE, build
from responsibility.cluster.moment import Moment
from responsibility.controller.plans import queue
from responsibility.controller.worker import Pass
from responsibility.ownership.assess import Assessor
from responsibility.ownership.terms.snapshot import Snapshot

_TICK = 0.01


async def _run(whole: Snapshot, seconds: float) -> None:
    assessor = Assessor()
    assessment = assessor.assess(whole)
    # What the pass itself leaves is none of ours.
    gc.collect()
    beside = queue.PlanningQueue(lambda: None, revoking=True, rest=0.0)
    beside.follow(Pass(Moment(whole), assessment))
    task = asyncio.create_task(beside.run())
    loop = asyncio.get_running_loop()
    late: list[float] = []
    end = loop.time() + seconds
    while loop.time() < end:
        before = loop.time()
        await asyncio.sleep(_TICK)
        late.append(loop.time() - before - _TICK)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    late.sort()
    made = len(beside.changes())
    print(
        f"{made} plans in {seconds:g} s; the loop was late by {late[len(late) // 2] * 1e3:.1f} ms "
        f"(median), {late[int(len(late) * 0.99)] * 1e3:.1f} ms (99 of 100), "
        f"{late[-1] * 1e3:.1f} ms at most"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=30.0)
    given = parser.parse_args()
    world = build(REFERENCE, seed=given.seed)
    whole = replace(snapshot(world, seed=given.seed), routes=True)
    print(f"seed {given.seed}: {REFERENCE}")
    asyncio.run(_run(whole, given.seconds))


if __name__ == "__main__":
    main()
