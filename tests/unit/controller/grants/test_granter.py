"""What the granter sends, in which order, and what it makes of the answers."""

import asyncio
from typing import Any

import pytest

from responsibility.api.names import GRANT_PREFIX
from responsibility.controller.grants.granter import Granter
from responsibility.controller.reporting.grant_status import OwnerReport
from responsibility.grants.item_roles import render
from tests.apiserver.requests import Json, Refused, Request
from tests.unit.controller.virtual import virtual
from tests.unit.controller.world import World, garden_world
from tests.unit.ownership.building import garden, people

ASKING = {"rbac": "grant"}
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/namespaces/prod/rolebindings"
VERBS = {"POST": "create", "PATCH": "apply", "DELETE": "delete"}
NO_BIND = "user is attempting to grant RBAC permissions not currently held: {...}"


class Granting:
    """A world with a granter that does its rounds when told to, and whose watch can be slow."""

    def __init__(self, *, enabled: bool = True, **record: Any) -> None:
        self.world: World = garden_world("prod")
        self.server = self.world.server
        self.world.put_record("prod", generation=2, enforcement=ASKING, **record)
        self.slow = False
        self.held: list[tuple[str, str, Json]] = []
        self.server.listeners.append(self._watch)
        self.restart(enabled=enabled)
        for role in render(garden()).roles:
            event = {"type": "ADDED", "object": role.manifest()}
            self.world.store.cluster_roles._take([event])

    def restart(self, *, enabled: bool = True) -> None:
        self.granter = Granter(
            self.world.api,
            self.world.store,
            self.world.metrics,
            enabled=enabled,
            namespace="operator",
        )

    def _watch(self, type: str, path: str, thing: Json) -> None:
        if self.slow:
            self.held.append((type, path, thing))
        elif path.startswith(BINDINGS):
            self.world.store.bindings._take([{"type": type, "object": thing}])

    def catch_up(self) -> None:
        self.slow = False
        for change in self.held:
            self._watch(*change)

    @property
    def bindings(self) -> dict[str, Json]:
        objects = self.server.objects
        return {path: one for path, one in objects.items() if path.startswith(BINDINGS)}

    def agree(self, **record: Any) -> None:
        generation = self.server.version
        self.world.put_record("prod", generation=generation, **{"enforcement": ASKING, **record})

    async def round(self) -> list[tuple[str, str]]:
        """Assess, do what there is to do, and return what was sent: verb and item."""
        before = len(self.server.requests)
        self.granter.follow(self.world.look())
        await self.granter._round()
        return [self._sent(request) for request in self.server.requests[before:]]

    def _sent(self, request: Request) -> tuple[str, str]:
        name = request.target.rpartition("/")[2].removeprefix(GRANT_PREFIX)
        if request.method == "DELETE":
            assert request.body["preconditions"]["uid"], "only the one that was meant"
        if request.is_apply:
            assert request.body["metadata"]["uid"], "only the one that was meant"
        return VERBS[request.method], name.rpartition("-")[0]

    @property
    def told(self) -> OwnerReport:
        found = self.granter.report.of_record(self.world.look().assessment.hubs["prod"].agreement)
        assert found is not None
        return found

    def stages(self) -> dict[str, str]:
        return {item.name: item.stage for item in self.told.items.values()}

    def failing(self, verb: str, item: str, status: int, message: str = "") -> None:
        method = {sent: method for method, sent in VERBS.items()}[verb]
        part = f"{method} {BINDINGS}/{GRANT_PREFIX}{item}-"
        self.server.failures[part] = Refused(status, "Because", message)


async def granted(**record: Any) -> Granting:
    """Return a world in which all is granted: guests have the beds, the keeper the fence."""
    given = {"parties": [{"name": "guests", **people("User ann")}], **record}
    world = Granting(**given)
    assert await world.round() == [("create", "beds"), ("create", "fence")]
    return world


OTHERS = [{"name": "guests", **people("User bob")}]


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
