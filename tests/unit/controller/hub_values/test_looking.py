"""The worker that looks at hubs' values: what it asks, what it makes of it, and what it keeps."""

from __future__ import annotations

import asyncio
import logging
import pickle
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import pytest
from aiohttp import web
from prometheus_client import generate_latest

from responsibility.cluster.knowledge import Heard
from responsibility.cluster.moment import Moment
from responsibility.cluster.store import Store
from responsibility.controller.hub_values.looking import ValuesLooker
from responsibility.controller.reporting.metrics import Metrics
from responsibility.controller.worker import Pass
from responsibility.hub.discovery import HubKey
from responsibility.hub.values.agreed import HubValues, Setting, Unread, UnreadValues
from responsibility.kube.object_reader import LEFT_OUT
from responsibility.ownership.assess import Assessor
from tests.apiserver.in_process import InProcessApi
from tests.apiserver.requests import Request, refusal
from tests.apiserver.server import ApiServer
from tests.unit.hub.values.values import secret
from tests.unit.ownership.building import record, snapshot
from tests.unit.ownership.value_worlds import LIMIT, MODEL

# Seconds in which an answer is to arrive; on a machine with much else to do.
_SOON = 60.0
CANARY = "canary-8d1f"
PROFILES = "singleuser.profileList[*].kubespawner_override.mem_limit"
AGREED = {"path": LIMIT, "value": "2G"}


def values(limit: Any = "2G") -> dict[str, Any]:
    return {
        "singleuser": {"memory": {"limit": limit}},
        "hub": {"config": {"Auth": {"client_secret": CANARY}}, "cookieSecret": CANARY},
    }


def _path(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/secrets/hub"


class Running:
    """A worker on such an API server, and passes that it follows."""

    def __init__(self, *, seconds: float | None = 0.05) -> None:
        self.server = ApiServer()
        self.metrics = Metrics()
        api = InProcessApi(self.server)
        self.store = Store(api, relist=300)
        self.worker = ValuesLooker(api, self.store, self.metrics, seconds=seconds)
        self._version = 0
        self.assessor = Assessor()
        self.agreed: Mapping[str, Any] | None = AGREED

    def put(self, namespace: str, held: dict[str, Any] | web.Response) -> None:
        """Have the Secret of a hub, or an answer in its place."""
        self._version += 1
        if not isinstance(held, web.Response):
            held = {**held, "metadata": {"resourceVersion": str(self._version)}}
        answer = held
        self.server.answers[_path(namespace)] = lambda _: answer

    @property
    def gets(self) -> list[str]:
        return [request.path for request in self.server.requests]

    def found(self, *names: str) -> Pass:
        items = {"limits": {"agreed": [self.agreed]}} if self.agreed else {}
        world = snapshot(
            records=[record(name, items=items) for name in names],
            models=[MODEL],
            hub_values=self.store.hub_values,
        )
        return Pass(Moment(world), self.assessor.assess(world))

    async def look(self, *names: str) -> None:
        """Make passes until the worker has nothing more to say of this one."""
        until = asyncio.get_running_loop().time() + _SOON
        while True:
            self.worker.follow(self.found(*names))
            if not await self.worker.settle(until):
                return

    async def until(self, holds: Callable[[], bool], *names: str) -> None:
        async with asyncio.timeout(_SOON):
            await self.look(*names)
            while not holds():
                await asyncio.sleep(0.01)
                await self.look(*names)

    def of(self, name: str) -> HubValues | None:
        return self.store.hub_values.get(HubKey(name, name))


@asynccontextmanager
async def _running(seconds: float = 0.05) -> AsyncIterator[Running]:
    running = Running(seconds=seconds)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(running.worker.run())
        try:
            yield running
        finally:
            task.cancel()


def _is(limit: str) -> HubValues:
    return {LIMIT: (Setting(LIMIT, limit),)}


async def test_what_is_set_is_known_before_the_first_pass_ends_and_followed_after() -> None:
    async with _running() as running:
        running.put("prod", secret(values()))
        await running.look("prod")
        assert running.of("prod") == _is("2G")
        running.put("prod", secret(values("1G")))
        await running.until(lambda: running.of("prod") == _is("1G"), "prod")


async def test_hubs_of_which_nothing_is_agreed_are_not_looked_at() -> None:
    async with _running() as running:
        running.put("prod", secret(values()))
        running.agreed = None
        running.worker.follow(running.found("prod"))
        assert not await running.worker.settle(0)
        await asyncio.sleep(0)
        assert running.gets == []
        assert running.store.hub_values == {}


async def test_only_the_secret_of_that_name_is_asked_for() -> None:
    async with _running() as running:
        running.put("prod", secret(values()))
        await running.look("prod")
        assert {*running.gets} == {_path("prod")}


@pytest.mark.parametrize(
    ("held", "why"),
    [
        (refusal(403, "Forbidden"), Unread.FORBIDDEN),
        (refusal(404, "NotFound"), Unread.NO_SECRET),
        (refusal(503, "ServiceUnavailable"), Unread.FAILED),
        ({"data": {}}, Unread.NO_VALUES),
        ({"data": {"values.yaml": "!!"}}, Unread.UNREADABLE),
        ({LEFT_OUT: "too deep"}, Unread.UNREADABLE),
        (web.json_response({"metadata": "none", "data": {}}), Unread.FAILED),
    ],
)
async def test_what_can_not_be_read_is_unknown_by_its_reason_until_it_can(
    held: Any, why: Unread
) -> None:
    async with _running() as running:
        running.put("prod", held)
        await running.look("prod")
        assert running.of("prod") == UnreadValues(why)
        running.put("prod", secret(values()))
        await running.until(lambda: running.of("prod") == _is("2G"), "prod")


async def test_a_text_that_costs_too_much_ends_its_process_and_other_hubs_are_read() -> None:
    async with _running() as running:
        deep = "".join(f"{' ' * n}a{n}:\n" for n in range(3000))
        running.put("bad", secret(deep))
        running.put("prod", secret(values()))
        await running.look("bad", "prod")
        known = running.of("bad")
        assert isinstance(known, UnreadValues)
        assert known.why in {Unread.UNREADABLE, Unread.TOO_COSTLY}
        assert running.of("prod") == _is("2G")


async def test_a_server_that_is_away_for_a_moment_makes_nothing_unknown() -> None:
    # Two rounds are not over in this test; it looks at once where something else is agreed.
    async with _running(seconds=1000.0) as running:
        running.put("prod", secret(values()))
        await running.look("prod")
        running.put("prod", refusal(503, "ServiceUnavailable"))
        asked = len(running.gets)
        running.agreed = {"path": "singleuser.memory.guarantee", "value": "1G"}
        await running.until(lambda: len(running.gets) > asked, "prod")
        assert running.of("prod") == _is("2G")


async def test_switched_off_it_says_so_and_asks_nothing() -> None:
    running = Running(seconds=None)
    running.put("prod", secret(values()))
    running.worker.follow(running.found("prod"))
    assert await running.worker.settle(0)
    assert running.of("prod") == UnreadValues(Unread.OFF)
    running.agreed = None
    running.worker.follow(running.found("prod"))
    assert await running.worker.settle(0)
    assert running.store.hub_values == {}
    assert running.gets == []


async def test_nothing_else_of_a_secret_stays(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with _running() as running:
        running.put("prod", secret(values("1G")))
        await running.look("prod")
        running.put("prod", secret(f"{CANARY}: [ {CANARY}"))
        await running.until(lambda: running.of("prod") == UnreadValues(Unread.UNREADABLE), "prod")
        kept = (running.store.hub_values, running.worker._looked)
        assert CANARY.encode() not in pickle.dumps(kept)
    found = running.found("prod").assessment
    assert CANARY not in repr(found.hubs)
    assert CANARY not in caplog.text
    assert CANARY not in generate_latest(running.metrics.registry).decode()


async def test_an_existing_secret_is_read_by_its_name_and_wins_and_is_followed() -> None:
    async with _running() as running:
        held = values()
        held["hub"]["existingSecret"] = "mine"
        running.put("prod", secret(held))
        path = "/api/v1/namespaces/prod/secrets/mine"
        running.server.answers[path] = lambda _: refusal(403, "Forbidden")
        await running.look("prod")
        assert running.of("prod") == UnreadValues(Unread.EXISTING_FORBIDDEN)
        for limit in ("3G", "4G"):
            over = secret({"singleuser": {"memory": {"limit": limit}}})
            over |= {"metadata": {"resourceVersion": limit}}
            running.server.answers[path] = partial(_always, over)
            await running.until(partial(_holds, running, limit), "prod")
        assert {*running.gets} == {_path("prod"), path}


def _always(answer: dict[str, Any], _: Request) -> dict[str, Any]:
    return answer


def _holds(running: Running, limit: str) -> bool:
    return running.of("prod") == _is(limit)


async def test_each_hub_that_is_read_counts_and_not_all_of_them_together() -> None:
    """They may take longer than the worker may be silent, which is about every record's Ready."""
    running, now = Running(), 0.0

    for name in ("a", "b"):
        running.put(name, secret(values()))
    first = running.server.answers[_path("a")]

    def answer(request: Request) -> Any:
        nonlocal now
        now = 1_000.0
        return first(request)

    running.worker.heard = Heard(clock=lambda: now)
    running.server.answers[_path("a")] = answer
    gate = running.server.hold(_path("b"))
    task = asyncio.create_task(running.worker.run())
    try:
        running.worker.follow(running.found("a", "b"))
        async with asyncio.timeout(_SOON):
            await gate.arrived.wait()
        assert now
        assert running.worker.heard.age()[0] == 0
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_of_more_places_than_are_followed_it_is_said() -> None:
    profiles = [{"kubespawner_override": {"mem_limit": "1G"}} for _ in range(300)]
    held = {"singleuser": {"profileList": profiles}}
    async with _running(seconds=0.05) as running:
        running.agreed = {"path": PROFILES, "value": "1G"}
        running.put("prod", secret(held))
        await running.look("prod")
        known = running.store.hub_values[HubKey("prod", "prod")]
        assert isinstance(known, UnreadValues)
        assert known.why is Unread.TOO_MANY
        assert {each.text for each in known.seen[PROFILES]} == {"1G"}
