"""Plans beside the loop: made where something has changed, kept until they are known better."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from responsibility.api.status import MAX_REVOCATIONS, PlanStatus
from responsibility.cluster.moment import Moment
from responsibility.controller.plans.process import Planner, PlanningError, PlanningTimeoutError
from responsibility.controller.plans.queue import PlanningQueue
from responsibility.controller.reporting.plan_status import plan_status
from responsibility.controller.worker import Pass
from responsibility.ownership.assess import Assessor
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.plans.aim import Aim
from responsibility.plans.deletions import Proposal
from responsibility.plans.planner import make_plan
from tests.unit.ownership.building import KEEPERS, grant, record, snapshot

FENCE = grant("User ann", "patch", "deployments", group="apps", names="hub")
OTHER = grant("User bob", "delete", "configmaps", ns="other")
REVOKE = {"rbac": "revoke"}
RECORDS = [record("prod", enforcement=REVOKE), record("other", enforcement=REVOKE)]


def world(*grants: object) -> Snapshot:
    return snapshot(*KEEPERS, *grants, records=RECORDS)  # type: ignore[arg-type]  # any field


class Watched(Planner):
    """Notes for whom it has planned, once ``before`` has let it: that may raise."""

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        revoking: bool,
        asked: list[str],
        before: Callable[[str, float], None] = lambda *_: None,
    ) -> None:
        super().__init__(snapshot, revoking=revoking)
        self._asked, self._before = asked, before

    async def propose(self, record: str, *, seconds: float = 600.0) -> Proposal | None:
        self._before(record, seconds)
        self._asked.append(record)
        return await super().propose(record, seconds=seconds)


# Without rest, and with time for a process to start on a machine that has more to do.
restless = partial(PlanningQueue, rest=0.0, pause=0.0, limits=(600.0, 600.0))


async def until(what: asyncio.Event) -> None:
    async with asyncio.timeout(600):
        await what.wait()
    what.clear()


async def test_what_has_changed_is_planned_for_and_nothing_else() -> None:
    asked: list[str] = []
    changed, assessor = asyncio.Event(), Assessor()
    planner = partial(Watched, asked=asked)
    beside = restless(changed.set, revoking=True, planner=planner)
    task = asyncio.create_task(beside.run())
    first = world(FENCE, OTHER)
    one = assessor.assess(first)
    beside.follow(Pass(Moment(first), one))
    assert beside.status(one.hubs["prod"]) is None, "whatever was told before"
    for _ in range(2):
        await until(changed)
    assert sorted(asked) == ["other", "prod"]
    told = beside.status(one.hubs["prod"])
    assert told is not None
    assert told.digest == make_plan(first, Aim(record="prod")).digest
    assert told.revocable is not None
    assert beside.changes() == {("prod", "prod"): 1, ("other", "other"): 1}

    # The same once more, and with another binding on one of the two.
    beside.follow(Pass(Moment(first), assessor.assess(first)))
    graph, _ = first.graph.replace(put_roles=[MORE[0]], put_bindings=[MORE[1]])
    second = replace(first, graph=graph)
    two = assessor.assess(second)
    assert two.hubs["other"] is one.hubs["other"]
    beside.follow(Pass(Moment(second), two))
    assert not beside.is_current(two.hubs["prod"])
    assert beside.status(two.hubs["prod"]) is None, "that digest was another moment's"
    assert beside.status(two.hubs["other"]) is not None
    assert beside.is_current(two.hubs["other"])
    await until(changed)
    assert asked[2:] == ["prod"]
    assert beside.changes()["prod", "prod"] == 2

    # Where there is nothing too much any more, there is no plan.
    graph, _ = graph.replace(drop_bindings=[MORE[1].key, FENCE[1].key])
    third = replace(first, graph=graph)
    three = assessor.assess(third)
    beside.follow(Pass(Moment(third), three))
    assert beside.status(three.hubs["prod"]) is None
    assert beside.changes() == {("other", "other"): 1}
    task.cancel()


MORE = grant("User eve", "delete", "configmaps")


async def test_what_cannot_be_planned_is_said_and_the_rest_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked: list[str] = []

    def before(record: str, _seconds: float) -> None:
        if record == "other":
            raise PlanningError("it takes too much")

    changed, first = asyncio.Event(), world(FENCE, OTHER)
    planner = partial(Watched, asked=asked, before=before)
    beside = restless(changed.set, revoking=True, planner=planner)
    task = asyncio.create_task(beside.run())
    hubs = Assessor().assess(first)
    beside.follow(Pass(Moment(first), hubs))
    for _ in range(2):
        await until(changed)
    assert "record other: it takes too much" in caplog.text
    assert beside.proposal(hubs.hubs["prod"]) is not None
    assert beside.proposal(hubs.hubs["other"]) is None
    assert beside.is_current(hubs.hubs["other"]), "nor is it tried again and again"
    assert beside.trouble(hubs.hubs["other"]) == "it takes too much"
    assert beside.trouble(hubs.hubs["prod"]) == ""
    assert beside.failed() == 1
    assert asked
    task.cancel()


async def test_what_could_not_be_planned_is_tried_again_after_a_while() -> None:
    asked: list[str] = []
    failures = iter(range(2))

    def before(_record: str, _seconds: float) -> None:
        for _ in failures:
            raise PlanningError("it takes too much")

    changed, first = asyncio.Event(), world(FENCE)
    planner = partial(Watched, asked=asked, before=before)
    beside = restless(changed.set, revoking=False, retry_after=0.01, planner=planner)
    hubs = Assessor().assess(first)
    beside.follow(Pass(Moment(first), hubs))
    task = asyncio.create_task(beside.run())
    async with asyncio.timeout(600):
        while beside.status(hubs.hubs["prod"]) is None:
            await changed.wait()
            changed.clear()
    assert asked == ["prod"], "the third time"
    assert beside.failed() == 0
    assert beside.waiting() == {}
    task.cancel()


def limited(cgroup: Path, *, most: str, used: int = 0) -> Path:
    """Return a folder that says how much memory a container may have, and has."""
    (cgroup / "memory.max").write_text(most)
    (cgroup / "memory.current").write_text(str(used))
    (cgroup / "memory.stat").write_text("inactive_file 0\n")
    return cgroup


async def test_the_other_process_says_what_it_takes_too_much_memory_for(tmp_path: Path) -> None:
    tiny = limited(tmp_path, most=str(65 << 20))
    many = [grant(f"User {n}", "delete", "configmaps", ns=f"ns-{n}") for n in range(3_000)]
    of = world(FENCE, *many)
    async with aclosing(Planner(of, revoking=True, cgroup=tiny, least_memory=0)) as found:
        with pytest.raises(PlanningError):
            await found.propose("prod")


async def test_it_is_not_begun_where_the_container_would_be_killed_for_it(tmp_path: Path) -> None:
    full = limited(tmp_path, most=str(512 << 20), used=440 << 20)
    async with aclosing(Planner(world(FENCE), revoking=True, cgroup=full)) as found:
        with pytest.raises(PlanningError, match="8 MiB of memory are left"):
            await found.propose("prod")
        (tmp_path / "memory.max").write_text("max")
        assert await found.propose("prod") is not None


async def test_an_end_that_is_interrupted_leaves_no_process_behind() -> None:
    """The operator may be told to end just then, and closes its loop a moment later."""
    planner = Planner(world(FENCE), revoking=True)
    assert await planner.propose("prod") is not None
    process = planner._process
    assert process is not None
    ending = asyncio.create_task(planner.aclose())
    # It has killed it, and waits.
    await asyncio.sleep(0)
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
    assert process.returncode is not None


async def test_who_changes_all_the_time_keeps_nobody_waiting() -> None:
    asked: list[str] = []
    """``other`` comes first by name, and is another at every moment."""
    assessor, now = Assessor(), world(FENCE, OTHER)
    changed = asyncio.Event()
    planner = partial(Watched, asked=asked)
    beside = restless(changed.set, revoking=True, planner=planner)
    beside.follow(Pass(Moment(now), assessor.assess(now)))
    task = asyncio.create_task(beside.run())
    for number in range(20):
        await until(changed)
        if "prod" in asked:
            break
        more = grant(f"User new-{number}", "delete", "configmaps", ns="other")
        graph, _ = now.graph.replace(put_roles=[more[0]], put_bindings=[more[1]])
        now = replace(now, graph=graph)
        beside.follow(Pass(Moment(now), assessor.assess(now)))
    assert asked[:2] == ["other", "prod"]
    task.cancel()


async def test_a_plan_that_takes_long_waits_for_the_others() -> None:
    asked: list[str] = []
    tries: list[tuple[str, float]] = []

    def before(record: str, seconds: float) -> None:
        tries.append((record, seconds))
        if record == "other":
            raise PlanningTimeoutError(f"it takes more than {seconds:g} s")

    first = world(FENCE, OTHER)
    hubs = Assessor().assess(first)
    changed = asyncio.Event()
    beside = restless(
        changed.set,
        revoking=True,
        limits=(60.0, 100.0),
        planner=partial(Watched, asked=asked, before=before),
    )
    beside.follow(Pass(Moment(first), hubs))
    task = asyncio.create_task(beside.run())
    async with asyncio.timeout(600):
        while beside.waiting():
            await changed.wait()
            changed.clear()
    assert tries == [("other", 60.0), ("prod", 60.0), ("other", 100.0)]
    assert beside.trouble(hubs.hubs["other"]) == "it takes more than 100 s", "that was the last"
    task.cancel()


async def test_the_other_process_ends_with_us() -> None:
    async with aclosing(Planner(world(FENCE), revoking=True)) as found:
        assert await found.propose("nobody") is None
        proposal = await found.propose("prod")
        assert proposal is not None
        assert proposal.part is not None
        assert all(not each.allowed for each in await found.expectations(proposal.part))
        process = found._process
        assert process is not None
        process.kill()
        with pytest.raises(PlanningError, match="has ended"):
            await found.propose("prod")
    assert process.returncode is not None


def test_a_status_never_outgrows_its_bounds() -> None:
    grants = [grant(f"User {'x' * 240}{n}", "delete", "configmaps") for n in range(MAX_REVOCATIONS)]
    first = snapshot(*KEEPERS, *grants, records=[record()])
    plan = make_plan(first, Aim(record="prod"))
    assert len(plan.changes) == MAX_REVOCATIONS
    told = plan_status(Proposal(plan, plan))
    assert PlanStatus.model_validate(told.dump()) == told
    assert told.revocable is not None
    assert len(told.revocable.changes) == MAX_REVOCATIONS
    assert max(map(len, told.revocable.changes)) <= 512
