"""What the granter sends, in which order, and what it makes of the answers."""

import asyncio

import pytest

from tests.unit.controller.grants.granting import NO_BIND, OTHERS, Granting, granted
from tests.unit.controller.virtual import virtual
from tests.unit.ownership.building import people


@virtual
async def test_all_is_granted_and_then_nothing_is_sent() -> None:
    world = await granted()
    assert await world.round() == []
    assert world.stages() == {"beds": "grant", "fence": "grant"}
    assert (world.told.claim.status, world.told.claim.reason) == (True, "Granted")
    world.restart()
    assert await world.round() == [], "nor by one that remembers nothing"


@virtual
async def test_only_where_people_let_it() -> None:
    world = Granting(parties=OTHERS)
    world.world.put_namespace("prod", managed=False)
    assert await world.round() == []
    assert set(world.stages().values()) == {"audit"}
    # Nothing else has changed.
    world.world.put_namespace("prod")
    assert await world.round() == [("create", "beds"), ("create", "fence")]
    # What is there stays, and ends as ever.
    world.world.put_namespace("prod", managed=False)
    assert await world.round() == []
    assert len(world.bindings) == 2
    world.agree(parties=OTHERS, enforcement={"rbac": "audit"})
    assert await world.round() == [("delete", "beds"), ("delete", "fence")]


@virtual
async def test_first_it_is_made_and_then_ended() -> None:
    world = await granted()
    world.agree(parties=OTHERS)
    assert await world.round() == [("create", "beds"), ("delete", "beds")]


@virtual
async def test_before_anything_was_assessed_nothing_is_superfluous() -> None:
    world = await granted()
    world.restart()
    world.granter.retry_refused()
    await world.granter._round()
    assert len(world.bindings) == 2


@virtual
async def test_what_was_written_counts_before_the_watch_tells() -> None:
    world = Granting(parties=OTHERS)
    world.slow = True
    assert len(await world.round()) == 2
    assert await world.round() == [], "it is known"
    assert world.stages()["beds"] == "grant"
    world.catch_up()
    assert await world.round() == []


@virtual
async def test_what_the_watch_never_tells_of_is_tried_again() -> None:
    world = await granted()
    world.agree(parties=OTHERS)
    world.slow = True
    await world.round()
    for path in world.bindings:
        del world.server.objects[path]
    await asyncio.sleep(1.5)
    assert ("create", "beds") in await world.round()


@virtual
async def test_a_failing_item_stops_no_other_and_is_left_alone_for_a_while() -> None:
    world = Granting(parties=OTHERS)
    world.failing("create", "beds", 403, NO_BIND)
    assert len(await world.round()) == 2
    assert world.stages() == {"beds": "audit", "fence": "grant"}
    assert (world.told.claim.status, world.told.claim.reason) == (False, "Forbidden")
    assert 'resourceNames: ["responsibility-item-beds"]' in world.told.claim.message
    await asyncio.sleep(20)
    assert await world.round() == []
    await asyncio.sleep(11)
    assert await world.round() == [("create", "beds")]
    world.server.failures.clear()
    world.granter.retry_refused()
    assert await world.round() == [("create", "beds")]
    assert world.told.claim.reason == "Granted"


@virtual
async def test_what_may_pass_is_tried_again_soon() -> None:
    for status, message in ((503, ""), (429, ""), (403, "because it is being terminated")):
        world = Granting(parties=OTHERS)
        world.failing("create", "beds", status, message)
        await world.round()
        world.server.failures.clear()
        await asyncio.sleep(3.5)
        assert ("create", "beds") in await world.round()


@virtual
async def test_where_the_new_one_fails_those_who_remain_keep_theirs() -> None:
    both = [{"name": "guests", **people("User ann", "User bob")}]
    world = await granted(parties=both)
    world.failing("create", "beds", 422, "bad name")
    world.agree(parties=OTHERS)
    assert await world.round() == [("create", "beds"), ("apply", "beds")]
    (beds,) = [b for path, b in world.bindings.items() if "beds" in path]
    assert [s["name"] for s in beds["subjects"]] == ["bob"]
    assert await world.round() == []
    assert "bad name" in world.told.claim.message


@virtual
async def test_where_nobody_remains_it_ends_though_the_new_one_fails() -> None:
    world = await granted()
    world.failing("create", "beds", 403, NO_BIND)
    world.agree(parties=OTHERS)
    assert await world.round() == [("create", "beds"), ("delete", "beds")]


@virtual
async def test_a_name_that_somebody_took_a_moment_ago_ends_nothing() -> None:
    both = [{"name": "guests", **people("User ann", "User bob")}]
    world = await granted(parties=both)
    world.failing("create", "beds", 409)
    world.agree(parties=[{"name": "guests", **people("User ann", "User bob", "User eve")}])
    assert await world.round() == [("create", "beds")], "all who have it still may"
    assert await world.round() == []
    assert world.told.claim.reason == "Granting"
    await asyncio.sleep(1.5)
    assert await world.round() == [("create", "beds")]


@pytest.mark.parametrize(
    ("verb", "message", "words"),
    [
        ("delete", 'cannot delete resource "rolebindings" in', 'verbs: ["delete"]'),
        ("delete", "denied by a webhook", "denied by a webhook"),
    ],
)
def test_what_cannot_be_ended_is_told(verb: str, message: str, words: str) -> None:
    @virtual
    async def run() -> None:
        world = await granted()
        world.failing(verb, "beds", 403, message)
        world.agree(
            enforcement={"rbac": "audit"},
            items=[{"name": "fence", "enforcement": {"rbac": "grant"}}],
        )
        assert await world.round() == [("delete", "beds")]
        assert words in world.told.claim.message
        assert world.told.claim.status is False
        assert await world.round() == []

    run()


@virtual
async def test_what_cannot_be_ended_is_told_though_nothing_is_asked_any_more() -> None:
    world = await granted()
    world.failing("delete", "beds", 403, "denied by a webhook")
    world.agree(enforcement={"rbac": "audit"})
    await world.round()
    assert "denied by a webhook" in world.told.claim.message


@virtual
async def test_without_rbac_nothing_is_done() -> None:
    world = await granted()
    world.world.store.rbac_enforced = False
    world.agree(enforcement={"rbac": "audit"})
    assert await world.round() == []


@virtual
async def test_a_record_or_model_that_cannot_be_read_changes_nothing() -> None:
    world = await granted()
    world.agree(model="another")
    assert "prod" in world.world.look().assessment.refused_records
    assert await world.round() == []
    world.world._put_own(
        "/apis/responsibility.2i2c.org/v1alpha1/responsibilities",
        {"metadata": {"name": "prod", "generation": 99}, "spec": {"hub": 5}},
    )
    assert await world.round() == []


@virtual
async def test_a_record_that_is_gone_takes_its_grants_along() -> None:
    world = await granted()
    world.world.delete_record()
    assert sorted(await world.round()) == [("delete", "beds"), ("delete", "fence")]


@virtual
async def test_switched_off_nothing_is_sent_and_it_says_so() -> None:
    world = Granting(enabled=False)
    assert await world.round() == []
    assert (world.told.claim.status, world.told.claim.reason) == (False, "SwitchedOff")
    assert world.granter.report.enabled is False


@virtual
async def test_it_is_waited_for_while_something_is_under_way() -> None:
    world = Granting(parties=OTHERS)
    loop = asyncio.get_running_loop()
    running = asyncio.create_task(world.granter.run())
    try:
        world.granter.follow(world.world.look())
        assert await world.granter.settle(loop.time() + 5)
        assert len(world.bindings) == 2
        assert not await world.granter.settle(loop.time() + 5), "now there is nothing"
        await _stuck(world)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _stuck(world: Granting) -> None:
    """Have a server that does not answer; it is not waited for longer than asked."""
    loop = asyncio.get_running_loop()
    world.server.hold("POST")
    world.agree(parties=[{"name": "guests", **people("User eve")}])
    world.granter.follow(world.world.look())
    began = loop.time()
    assert not await world.granter.settle(began + 5)
    assert 5 <= loop.time() - began < 6


@virtual
async def test_by_itself_it_tries_again_what_failed() -> None:
    world = Granting(parties=OTHERS)
    world.failing("create", "beds", 503)
    running = asyncio.create_task(world.granter.run())
    try:
        world.granter.follow(world.world.look())
        await asyncio.sleep(1)
        world.server.failures.clear()
        await asyncio.sleep(5)
        assert len(world.bindings) == 2
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
