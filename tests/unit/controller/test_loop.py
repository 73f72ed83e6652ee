"""The loop: woken by changes and by dates, patient with failures, never deaf."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from responsibility.controller.loop import Loop
from responsibility.controller.reviewer import Reviewer
from tests.apiserver.requests import Refused
from tests.unit.controller.at_work import running
from tests.unit.controller.virtual import virtual
from tests.unit.controller.world import RECORDS, World, garden_world
from tests.unit.ownership.building import NOW, grant


def clock() -> Callable[[], datetime]:
    loop = asyncio.get_running_loop()
    began = loop.time()
    return lambda: NOW + timedelta(seconds=loop.time() - began)


def loop_in(world: World) -> tuple[Reviewer, Loop]:
    reviewer = Reviewer(world.api, world.store, world.metrics, sample_seconds=1e9)
    loop = Loop(world.store, world.publisher, (reviewer,), world.metrics, clock=clock())
    return reviewer, loop


@virtual
async def test_it_looks_at_once_and_then_now_and_again() -> None:
    world = garden_world()
    world.store.begin()
    reviewer, loop = loop_in(world)
    async with running(reviewer, loop):
        await asyncio.sleep(0.01)
        assert loop.passes == 1
        await asyncio.sleep(600)
        assert 10 <= loop.passes <= 12


@virtual
async def test_changes_that_come_together_are_one_look() -> None:
    world = garden_world()
    reviewer, loop = loop_in(world)
    async with running(reviewer, loop):
        await asyncio.sleep(1)
        before = loop.passes
        for n in range(50):
            world.allow(grant(f"User u{n}", "update", "configmaps"))
        await asyncio.sleep(1)
        assert loop.passes == before + 1
        assert world.status()["drift"]["excess"] == 50


@virtual
async def test_a_change_that_comes_while_writing_is_looked_at_next() -> None:
    world = garden_world()
    reviewer, loop = loop_in(world)
    gate = world.server.hold("PATCH")
    async with running(reviewer, loop):
        await asyncio.sleep(1)
        assert loop.passes == 0
        world.allow(grant("User eve", "update", "configmaps"))
        gate.open.set()
        await asyncio.sleep(1)
        assert world.status()["drift"]["excess"] == 1


@virtual
@pytest.mark.parametrize("change", ["gone", "made anew", "edited", "another hub", "all gone"])
async def test_what_comes_between_a_look_and_its_publication_meets_no_old_answer(
    change: str,
) -> None:
    # Where nobody holds anything the server is asked, and it takes its time.
    world = garden_world("prod", "staging", grants=())
    world.put_record(generation=2, items=[{"name": "fence", "owner": "guests"}])
    gate = world.server.hold("subjectaccessreviews")
    reviewer, loop = loop_in(world)
    async with running(reviewer, loop):
        await gate.arrived.wait()
        assert not world.server.writes
        if change == "gone":
            world.delete_record("staging")
        elif change == "made anew":
            world.delete_record()
            world.put_record(uid="another", items=[{"name": "fence", "owner": "keeper"}])
        elif change == "edited":
            world.put_record(generation=3, items=[{"name": "fence", "owner": "keeper"}])
        elif change == "another hub":
            world.delete_record("staging")
            world.delete_record()
            world.put_record(uid="another", hub={"namespace": "staging"})
        else:
            world.delete_record()
            world.delete_record("staging")
        # Longer than answers are waited for.
        await asyncio.sleep(60)
        gate.open.set()
        await asyncio.sleep(60)
        assert loop.passes > 1
    for write in world.server.writes:
        if write.subresource == "status" and write.path.startswith(RECORDS):
            meta, status = write.body["metadata"], write.body["status"]
            owners = {
                i: party for party, items in status["owners"].items() for i in items.split(", ")
            }
            guests = (meta["uid"], status["observedGeneration"]) == ("uid-prod", 2)
            assert owners["fence"] == ("guests" if guests else "keeper"), (change, meta)
            hub = (
                "staging" if change == "another hub" and meta["uid"] == "another" else meta["name"]
            )
            assert status["hub"] == f"{hub}/{hub}"


@virtual
async def test_a_date_that_passes_is_noticed_by_itself() -> None:
    world = garden_world()
    until = (NOW + timedelta(seconds=30.5)).isoformat()
    delegate = {"party": "guests", "until": until}
    world.put_record(generation=2, items=[{"name": "fence", "delegates": [delegate]}])
    reviewer, loop = loop_in(world)
    async with running(reviewer, loop):
        await asyncio.sleep(30)
        assert world.status()["drift"]["byKind"] == {"delegation-expiring": 1}
        await asyncio.sleep(1)
        assert world.status()["drift"]["byKind"] == {"delegation-expired": 1}
        assert loop.passes < 10


@virtual
async def test_what_could_not_be_written_is_tried_again() -> None:
    world = garden_world()
    world.server.failures = {RECORDS: Refused(503, "Trouble")}
    reviewer, loop = loop_in(world)
    async with running(reviewer, loop):
        await asyncio.sleep(7)
        assert loop.passes >= 2
        assert world.status() == {}
        world.server.failures = {}
        await asyncio.sleep(6)
        assert world.status()


@virtual
async def test_how_long_a_change_took_is_measured_from_its_arrival() -> None:
    world = garden_world()
    reviewer, loop = loop_in(world)
    async with running(reviewer, loop):
        await asyncio.sleep(1)
        value = world.metrics.registry.get_sample_value
        count, total = (
            value("responsibility_detection_seconds_count"),
            value("responsibility_detection_seconds_sum"),
        )
        world.allow(grant("User eve", "update", "configmaps"))
        await asyncio.sleep(1)
        assert value("responsibility_detection_seconds_count") == (count or 0) + 1
        took = (value("responsibility_detection_seconds_sum") or 0) - (total or 0)
        assert took == pytest.approx(0.1, abs=0.01)


@virtual
async def test_an_error_of_ours_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    world = garden_world()
    reviewer, loop = loop_in(world)

    async def broken(_: object) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr(world.publisher, "publish", broken)
    async with running(reviewer):
        with pytest.raises(ZeroDivisionError):
            await loop.run()
