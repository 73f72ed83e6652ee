"""How long plans take: ``python -m bench.plans`` plans for some hubs, and for everything.

Each is told as a ratio to one assessment of everything as well, which says the same on any machine,
and so is what a hub's plan takes if everything is assessed after each trial. Each has a limit, so
that what has become slow says so instead of running on.
"""

from __future__ import annotations

import argparse
import signal
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial
from types import FrameType
from unittest import mock

from bench.pass_ import snapshot
from bench.world import REFERENCE, build
from responsibility import api_groups
from responsibility.ownership.assess import Assessor
from responsibility.ownership.results.findings import Finding
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.plans.aim import Aim
from responsibility.plans.change import Plan, PlannedChange
from responsibility.plans.planner import make_plan
from responsibility.plans.search.remaining import RemainingFindings
from responsibility.plans.simulate import simulate
from responsibility.rbac.objects import USER, Binding, BindingKey, Role, RoleKey, Rule, Subject

# Seconds of the processor: for a plan, and for one by the long way.
_LIMIT = 30
_LONG = 25
_HUBS = 3
# Users in one binding, and what it gives them.
_CROWDS = (3_000, 12_000)
_CROWD_RULES = (
    Rule(("patch", "delete"), (api_groups.APPS,), ("deployments",)),
    Rule(("create", "delete"), ("",), ("configmaps", "services")),
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    seed = parser.parse_args().seed
    world = build(REFERENCE, seed=seed)
    whole = replace(snapshot(world, seed=seed), routes=True)
    Assessor().assess(whole)
    assessor = Assessor()
    start = time.process_time()
    assessment = assessor.assess(whole)
    unit = time.process_time() - start
    print(f"seed {seed}: {REFERENCE}; seconds are of the processor")
    _show(f"one assessment, with {len(assessment.findings()):,} findings", unit, unit)
    hubs = [Aim(record=hub) for hub in world.hubs[:_HUBS]]
    for count in _CROWDS:
        _crowd(whole, hubs[0], count)
    for aim in (*hubs, Aim()):
        _tell(f"the plan for {aim}", partial(make_plan, whole, aim, assessor=assessor), unit)
    with _by_the_long_way():
        what = f"assessing everything each time, {hubs[0]}"
        _tell(what, partial(make_plan, whole, hubs[0], assessor=assessor), unit, limit=_LONG)


def _crowd(whole: Snapshot, aim: Aim, count: int) -> None:
    """Tell of the plan for a hub where one binding more has so many users, and none may have it."""
    namespace = aim.record
    role = Role(RoleKey(namespace, "crowd"), _CROWD_RULES)
    users = tuple(Subject(USER, f"crowd-{number:05}") for number in range(count))
    binding = Binding(BindingKey(namespace, "crowd"), role.key, users)
    graph, _ = whole.graph.replace(put_roles=[role], put_bindings=[binding])
    crowded, assessor = replace(whole, graph=graph), Assessor()
    start = time.process_time()
    assessor.assess(crowded)
    unit = time.process_time() - start
    what = f"the plan for {aim}, {count:,} users in a binding"
    _tell(what, partial(make_plan, crowded, aim, assessor=assessor), unit)


def _tell(what: str, make: Callable[[], Plan], unit: float, *, limit: int = _LIMIT) -> None:
    start = time.process_time()
    plan = _limited(make, limit)
    seconds = time.process_time() - start
    if plan is None:
        print(f"{what}: stopped after {seconds:.0f} s, {seconds / unit:.0f} assessments")
    else:
        _show(f"{what}, with {len(plan.changes):,} changes", seconds, unit)


def _show(what: str, seconds: float, unit: float) -> None:
    print(f"{what:<60}{seconds:>8.2f} s{seconds / unit:>8.1f} assessments", flush=True)


def _by_the_long_way() -> mock._patch[object]:
    """Have everything assessed after each trial, and nothing remembered of it."""

    def left(
        self: RemainingFindings, changes: Sequence[PlannedChange], known: Collection[Finding]
    ) -> Iterable[Finding]:
        before: Snapshot = self.context.snapshot
        graph = simulate(before.graph, changes)
        return self.aim.further(self.assessor.assess(replace(before, graph=graph)), known)

    return mock.patch.multiple(RemainingFindings, left=left, in_subcluster=lambda *_, **__: [])


def _limited(make: Callable[[], Plan], limit: int) -> Plan | None:
    """Return what is made, None if it takes too long."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, limit)
    try:
        return make()
    except TimeoutError:
        return None
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


if __name__ == "__main__":
    main()
