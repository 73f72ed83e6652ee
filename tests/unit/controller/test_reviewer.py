"""Questions to the API server: few, confirmed, asked again in time, and not for ever."""

import asyncio
import logging
import random
from typing import Any

import pytest

from responsibility.api.names import UNKNOWN_USER
from responsibility.controller.loop import Loop
from responsibility.controller.reviewer import CONFIRM, FRESH, Reviewer
from tests.apiserver.requests import Refused
from tests.unit.controller.at_work import running
from tests.unit.controller.virtual import virtual
from tests.unit.controller.world import World, garden_world
from tests.unit.ownership.building import KEEPERS, grant

Json = dict[str, Any]


class Asking:
    """A reviewer at work in a world, and a loop that follows it where one is wanted."""

    def __init__(self, world: World, *, sample_seconds: float = 1e9, **more: Any) -> None:
        self.world = world
        self.reviewer = Reviewer(
            world.api, world.store, world.metrics, sample_seconds=sample_seconds, **more
        )
        self.loop = Loop(world.store, world.publisher, (self.reviewer,), world.metrics)

    def look(self) -> None:
        self.reviewer.follow(self.world.look())

    @property
    def answers(self) -> int:
        return len(self.world.store.reviews.answers)


def everything(spec: Json) -> bool:
    return bool(spec["resourceAttributes"]["verb"] == "*")


@virtual
async def test_nobody_is_asked_where_rbac_says_it_all() -> None:
    asking = Asking(garden_world())
    async with running(asking.reviewer, asking.loop):
        await asyncio.sleep(3_600)
    assert asking.world.server.asked == []


@virtual
async def test_of_whom_it_lets_do_more_it_is_asked_about_everything_and_then_one_by_one() -> None:
    asking = Asking(garden_world(grants=()))
    asked = asking.world.server.asked

    def of_the_hub(spec: Json) -> bool:
        return bool(spec["resourceAttributes"]["namespace"])

    asking.world.server.says = of_the_hub
    async with running(asking.reviewer):
        for _ in range(4):
            asking.look()
            await asyncio.sleep(2 * CONFIRM)
    everything_of = [spec["groups"] for spec in asked if everything(spec)]
    first = next(spec for spec in asked if of_the_hub(spec))
    assert first["groups"] in everything_of
    assert set(asking.world.store.reviews.answers.values()) == {True, False}


@virtual
async def test_a_first_yes_must_be_confirmed() -> None:
    asking = Asking(garden_world(grants=()))
    first = iter([True])
    asking.world.server.says = lambda _: next(first, False)
    async with running(asking.reviewer):
        asking.look()
        await asyncio.sleep(10)
    assert set(asking.world.store.reviews.answers.values()) == {False}


@virtual
async def test_what_the_server_allows_is_never_called_missing() -> None:
    asking = Asking(garden_world(grants=()))
    asking.world.server.says = lambda _: True
    async with running(asking.reviewer, asking.loop):
        await asyncio.sleep(10)
        world = asking.world
        assert world.status()["drift"]["total"] == 0
        assert world.told == [], "not even for a moment"
        world.watch_deployments()
        before = len(world.server.writes)
        # Cloud IAM still grants it, hours later: it is asked again, and nothing flickers.
        world.server.asked.clear()
        await asyncio.sleep(10 * FRESH)
        assert 8 * asking.answers <= len(world.server.asked) <= 10 * asking.answers
        assert len(world.server.writes) == before
        assert world.told == []
        # Cloud IAM no longer does.
        world.server.says = lambda _: False
        await asyncio.sleep(1.5 * FRESH)
        assert world.status()["drift"]["missing"] > 0


@virtual
async def test_what_nobody_wants_to_know_any_more_is_not_asked() -> None:
    asking = Asking(garden_world(grants=()))
    asking.world.server.says = everything
    async with running(asking.reviewer, asking.loop):
        await asyncio.sleep(10)
        assert asking.answers
        asking.world.delete_record()
        asking.world.put_model(generation=2, parties=[{"name": "keeper"}, {"name": "guests"}])
        asking.world.server.says = lambda _: False
        await asyncio.sleep(2 * FRESH)
        asking.world.server.asked.clear()
        await asyncio.sleep(10 * FRESH)
    assert asking.world.server.asked == []
    assert len(asking.reviewer._asked) == asking.answers


@virtual
async def test_answers_are_asked_for_again_when_they_are_old() -> None:
    asking = Asking(garden_world(grants=()))
    async with running(asking.reviewer, asking.loop):
        await asyncio.sleep(10)
        once = len(asking.world.server.asked)
        await asyncio.sleep(FRESH / 2)
        assert len(asking.world.server.asked) == once
        await asyncio.sleep(FRESH)
        assert len(asking.world.server.asked) == 2 * once


@virtual
async def test_no_more_than_a_round_is_asked_at_once() -> None:
    asking = Asking(garden_world("a", "b", "c", grants=()), most_at_once=3)
    server = asking.world.server
    probe = server.hold("subjectaccessreviews")
    async with running(asking.reviewer, asking.loop):
        await probe.arrived.wait()
        server.gates.clear()
        gate = server.hold("subjectaccessreviews")
        probe.open.set()
        await asyncio.sleep(30)
        assert sum(request.is_review for request in server.requests) == 1 + 3, "and no answer yet"
        gate.open.set()
        await asyncio.sleep(30)
    asked = [spec for spec in server.asked if spec["user"] != UNKNOWN_USER]
    assert len(asked) == asking.answers, "and each of them once"


@virtual
async def test_a_server_that_does_not_answer_reviews_is_left_alone_for_a_while(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asking = Asking(garden_world(grants=()))
    asking.world.server.failures = {"reviews": Refused(403, "Forbidden")}
    async with running(asking.reviewer, asking.loop):
        with caplog.at_level(logging.WARNING):
            await asyncio.sleep(60)
        assert asking.loop.passes, "the loop goes on without answers"
        assert 5 <= len(caplog.records) <= 8
        assert asking.world.status()["drift"]["missing"] > 0
        asking.world.server.failures = {}
        asking.world.server.says = lambda _: True
        await asyncio.sleep(60)
    assert asking.world.status()["drift"]["total"] == 0


@virtual
async def test_a_probe_that_changes_its_answer_asks_for_a_look() -> None:
    asking = Asking(garden_world(), sample_seconds=60)
    async with running(asking.reviewer, asking.loop):
        await asyncio.sleep(10)
        asking.world.server.says = lambda _: True
        await asyncio.sleep(60)
        assert asking.world.condition("RBACNotEnforced")["status"] == "True"
        # No answer is no news.
        asking.world.server.failures = {"reviews": Refused(503, "Trouble")}
        await asyncio.sleep(60)
        assert asking.world.store.rbac_enforced is False


def disagreements(world: World) -> float | None:
    return world.metrics.registry.get_sample_value("responsibility_evaluator_disagreements_total")


def sampled(world: World) -> float | None:
    return world.metrics.registry.get_sample_value("responsibility_evaluator_samples_total")


@virtual
async def test_samples_that_agree_count_as_samples() -> None:
    world = garden_world()
    asking = Asking(world)
    asking.look()
    graph = asking.reviewer._graph
    assert graph is not None
    world.server.says = lambda _: True
    await asking.reviewer._sample()
    assert (sampled(world), disagreements(world)) == (25, 0)


@virtual
async def test_a_disagreement_counts_if_it_shows_twice(caplog: pytest.LogCaptureFixture) -> None:
    world = garden_world()
    asking = Asking(world)
    asking.reviewer._random = random.Random(1)
    asking.look()
    with caplog.at_level(logging.INFO):
        await asking.reviewer._sample()
    assert disagreements(world)
    # Whom it is about is a person's name, and logs travel far.
    assert "keepers" not in caplog.text
    assert "Group" in caplog.text


@virtual
async def test_a_disagreement_that_ends_is_a_cache_that_lagged() -> None:
    world = garden_world()
    asking = Asking(world)
    asking.look()
    asked = iter(range(25))
    world.server.says = lambda _: next(asked, None) is None
    await asking.reviewer._sample()
    assert (sampled(world), disagreements(world)) == (25, 0)


@virtual
async def test_a_disagreement_while_rbac_changes_is_none() -> None:
    world = garden_world()
    asking = Asking(world)
    asking.reviewer._random = random.Random(1)
    asking.look()
    sampling = asyncio.create_task(asking.reviewer._sample())
    await asyncio.sleep(0.5)
    world.forbid(*KEEPERS)
    world.allow(grant("User eve", "update", "configmaps"))
    asking.look()
    await sampling
    assert disagreements(world) == 0


@virtual
async def test_what_we_hear_of_late_is_no_disagreement() -> None:
    """Much is deleted at once: the server refuses already, and our graph lags by seconds."""
    world = garden_world()
    asking = Asking(world)
    asking.reviewer._random = random.Random(1)
    asking.look()
    sampling = asyncio.create_task(asking.reviewer._sample())
    # The first news are of others, and those that matter wait to be assessed.
    await asyncio.sleep(8)
    world.allow(grant("User eve", "update", "configmaps"))
    asking.look()
    await asyncio.sleep(9)
    world.forbid(*KEEPERS)
    world.store.touch()
    await asyncio.sleep(9)
    asking.look()
    await sampling
    assert disagreements(world) == 0
    assert sampled(world) == 25


@virtual
async def test_a_disagreement_counts_on_a_cluster_that_never_rests() -> None:
    world = garden_world()
    asking = Asking(world)
    asking.reviewer._random = random.Random(1)
    asking.look()
    sampling = asyncio.create_task(asking.reviewer._sample())
    for number in range(100):
        await asyncio.sleep(1)
        world.allow(grant(f"User eve-{number}", "update", "configmaps"))
        asking.look()
    assert sampling.done()
    assert disagreements(world)


@virtual
async def test_nothing_is_sampled_without_a_record() -> None:
    world = World()
    world.put_model()
    asking = Asking(world)
    asking.look()
    await asking.reviewer._sample()
    assert world.server.asked == []
