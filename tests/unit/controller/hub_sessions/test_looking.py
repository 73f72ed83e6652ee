"""The worker that looks at sessions: where, how often, and what it keeps."""

from __future__ import annotations

import asyncio
import logging
import pickle
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from aiohttp import web

from responsibility.cluster.knowledge import Heard
from responsibility.cluster.moment import Moment
from responsibility.cluster.store import Store
from responsibility.controller.hub_sessions.looking import SessionsLooker
from responsibility.controller.reporting.metrics import Metrics
from responsibility.controller.worker import Pass
from responsibility.hub.discovery import HubKey
from responsibility.hub.sessions.aspects import IMAGE, OF_CLAIMS, OF_PODS, STORAGE_CLASS
from responsibility.hub.values.agreed import HubValues, Unread, UnreadValues
from responsibility.ownership.assess import Assessor
from tests.apiserver.in_process import InProcessApi
from tests.apiserver.requests import refusal
from tests.apiserver.server import ApiServer, Gate
from tests.unit.controller.virtual import virtual
from tests.unit.hub.sessions.pods import CANARY, claim, pod
from tests.unit.ownership.building import record, snapshot
from tests.unit.ownership.value_worlds import MODEL

_EVERY = 600.0
AGREED = {"path": IMAGE, "within": "quay.io/coast"}


def page(*pods: dict[str, Any], more: str = "") -> dict[str, Any]:
    return {"metadata": {"continue": more} if more else {}, "items": list(pods)}


class Running:
    """A worker on such an API server, and passes that it follows."""

    def __init__(self, *namespaces: str, seconds: float | None = _EVERY) -> None:
        self.server, self.metrics, self.assessor = ApiServer(), Metrics(), Assessor()
        api = InProcessApi(self.server)
        self.store = Store(api, relist=300)
        self.worker = SessionsLooker(
            api, self.store, self.metrics, seconds=seconds, namespaces=namespaces
        )
        self.agreed = True
        self.more: list[dict[str, str]] = []

    def pods(self, namespace: str, answer: dict[str, Any] | web.Response) -> None:
        self.server.answers[f"/api/v1/namespaces/{namespace}/pods"] = lambda _: answer

    async def look(self, *names: str) -> None:
        items = {"image": {"agreed": [AGREED, *self.more]}} if self.agreed else {}
        world = snapshot(records=[record(n, items=items) for n in names], models=[MODEL])
        self.worker.follow(Pass(Moment(world), self.assessor.assess(world)))
        await self.worker.settle(asyncio.get_running_loop().time() + 60)

    def of(self, name: str) -> HubValues | None:
        return self.store.hub_sessions.get(HubKey(name, name))

    def images(self, name: str = "prod") -> list[str]:
        known = self.of(name)
        assert known is not None
        assert not isinstance(known, UnreadValues)
        return [setting.text for setting in known[IMAGE]]


@asynccontextmanager
async def _running(*namespaces: str) -> AsyncIterator[Running]:
    running = Running(*namespaces)
    task = asyncio.create_task(running.worker.run())
    try:
        yield running
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@virtual
async def test_what_runs_is_known_before_the_first_pass_ends_and_looked_at_seldom() -> None:
    async with _running("prod") as running:
        running.pods("prod", page(pod("ann")))
        await running.look("prod")
        assert running.images() == ["quay.io/coast/env:1"]
        await asyncio.sleep(10 * _EVERY)
        asked = running.server.requests
        assert 8 <= len(asked) <= 14
        assert {r.query["labelSelector"] for r in asked} == {"component=singleuser-server"}
        assert {r.query["limit"] for r in asked} == {"100"}
        assert not [r for r in asked if r.is_watch or r.is_write]


@virtual
async def test_it_looks_where_it_is_told_to_and_nowhere_else() -> None:
    async with _running("prod") as running:
        running.pods("prod", page())
        await running.look("prod", "reef")
        assert running.of("reef") == UnreadValues(Unread.OFF)
        assert {r.path for r in running.server.requests} == {"/api/v1/namespaces/prod/pods"}
        running.agreed = False
        await running.look("prod", "reef")
        # Where nothing is agreed, it is not said that nobody looks.
        assert running.of("reef") is None
        assert running.images() == []


@virtual
async def test_what_can_not_be_listed_is_unknown_until_it_can() -> None:
    for answer, why in (
        (refusal(403, "Forbidden"), Unread.FORBIDDEN),
        (refusal(503, "ServiceUnavailable"), Unread.FAILED),
        (web.json_response({"items": "none"}), Unread.FAILED),
    ):
        async with _running("prod") as running:
            running.pods("prod", answer)
            await running.look("prod")
            assert running.of("prod") == UnreadValues(why)
            running.pods("prod", page(pod("ann")))
            await asyncio.sleep(60)
            await running.look("prod")
            assert running.images() == ["quay.io/coast/env:1"]


@virtual
async def test_a_server_that_is_away_for_a_moment_makes_nothing_unknown() -> None:
    async with _running("prod") as running:
        running.pods("prod", page(pod("ann")))
        await running.look("prod")
        running.pods("prod", refusal(503, "ServiceUnavailable"))
        await asyncio.sleep(1.5 * _EVERY)
        await running.look("prod")
        assert running.images() == ["quay.io/coast/env:1"]
        await asyncio.sleep(3 * _EVERY)
        await running.look("prod")
        assert running.of("prod") == UnreadValues(Unread.FAILED)


@virtual
async def test_pages_are_followed_and_nothing_of_a_pod_stays(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with _running("prod") as running:
        pages = {"": page(pod("ann"), more="2"), "2": page(pod("bo", "evil.example/env:1"))}
        running.server.answers["/api/v1/namespaces/prod/pods"] = lambda request: pages[
            request.query.get("continue", "")
        ]
        await running.look("prod")
        assert running.images() == ["evil.example/env:1", "quay.io/coast/env:1"]
        kept = pickle.dumps(running.store.hub_sessions)
        assert CANARY.encode() not in kept
        assert b"jupyter-" not in kept
    assert CANARY not in caplog.text


class _Slow(Gate):
    """Lets each request through after as many seconds."""

    async def wait(self) -> None:
        await asyncio.sleep(0.9)


@pytest.mark.parametrize(("hubs", "pages"), [(300, 1), (171, 1), (1, 200), (8, 200)])
def test_however_long_all_of_it_takes_it_is_heard_of(hubs: int, pages: int) -> None:
    """What it bears is every record's Ready."""

    @virtual
    async def heard() -> None:
        names = [f"hub-{number:03}" for number in range(hubs)]
        running = Running(*names)
        clock = asyncio.get_running_loop().time
        _, bound, _ = running.worker.heard.age()
        running.worker.heard = Heard(silent=bound, clock=clock)
        running.server.gates["/pods"] = _Slow()
        for name in names:
            running.server.answers[f"/api/v1/namespaces/{name}/pods"] = lambda request: page(
                pod("ann"),
                more=str(n) if (n := int(request.query.get("continue", 0)) + 1) < pages else "",
            )
        task = asyncio.create_task(running.worker.run())
        world = snapshot(
            records=[record(n, items={"image": {"agreed": [AGREED]}}) for n in names],
            models=[MODEL],
        )
        running.worker.follow(Pass(Moment(world), running.assessor.assess(world)))
        begun = clock()
        while clock() < begun + 400 or len(running.server.requests) < hubs * pages:
            age, _, _ = running.worker.heard.age()
            assert age <= bound / 2
            await asyncio.sleep(1)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    heard()


@virtual
async def test_a_few_hubs_are_looked_at_at_once_and_no_more() -> None:
    names = [f"hub-{number:02}" for number in range(20)]
    async with _running(*names) as running:
        gate = running.server.hold("/pods")
        for name in names:
            running.pods(name, page(pod("ann", release=name)))
        looking = asyncio.create_task(running.look(*names))
        await asyncio.sleep(5)
        assert len(running.server.requests) == 4
        gate.open.set()
        await looking
        assert {tuple(running.images(name)) for name in names} == {("quay.io/coast/env:1",)}


@virtual
async def test_of_more_pods_than_are_looked_at_it_is_said_and_they_are_not_asked_for_the_sooner(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("responsibility.controller.hub_sessions.looking._MOST_PODS", 1)
    async with _running("prod") as running:
        running.pods("prod", page(pod("ann"), pod("bo"), more="2"))
        await running.look("prod")
        known = running.of("prod")
        assert isinstance(known, UnreadValues)
        assert known.why is Unread.TOO_MANY
        assert [setting.text for setting in known.seen[IMAGE]] == ["quay.io/coast/env:1"]
        # What was seen is not forgotten while the API server is away for a moment.
        running.pods("prod", refusal(503, "ServiceUnavailable"))
        await asyncio.sleep(1.5 * _EVERY)
        await running.look("prod")
        assert running.of("prod") == known
        running.pods("prod", page(pod("ann"), pod("bo"), more="2"))
        await asyncio.sleep(_EVERY)
        running.server.requests.clear()
        await asyncio.sleep(10 * _EVERY)
        assert len(running.server.requests) <= 14


@virtual
async def test_switched_off_it_says_so_where_something_is_agreed_and_asks_nothing() -> None:
    running = Running(seconds=None)
    await running.look("prod")
    assert running.of("prod") == UnreadValues(Unread.OFF)
    running.agreed = False
    await running.look("prod")
    assert running.store.hub_sessions == {}
    assert running.server.requests == []


_CLAIMS = "/api/v1/namespaces/prod/persistentvolumeclaims"


@virtual
async def test_claims_are_listed_where_something_is_agreed_on_them_and_sessions_have_any() -> None:
    async with _running("prod") as running:
        running.pods("prod", page())
        running.server.answers[_CLAIMS] = lambda _: page(claim("claim-ann", "slow"))
        await running.look("prod")
        running.more = [{"path": STORAGE_CLASS, "value": "ssd"}]
        # Heeded at once: the next look would be in ten minutes.
        await running.look("prod")
        await asyncio.sleep(1)
        await running.look("prod")
        assert running.of("prod") == dict.fromkeys((*OF_PODS, *OF_CLAIMS), ())
        assert not [r for r in running.server.requests if r.path == _CLAIMS]
        running.pods("prod", page(pod("ann")))
        await asyncio.sleep(1.5 * _EVERY)
        await running.look("prod")
        found = running.of("prod")
        assert found is not None
        assert not isinstance(found, UnreadValues)
        assert [setting.text for setting in found[STORAGE_CLASS]] == ["slow"]
        assert running.images() == ["quay.io/coast/env:1"]


@virtual
async def test_without_the_right_to_list_claims_only_these_are_unknown() -> None:
    async with _running("prod") as running:
        running.more = [{"path": STORAGE_CLASS, "value": "ssd"}]
        running.pods("prod", page(pod("ann")))
        running.server.answers[_CLAIMS] = lambda _: refusal(403, "Forbidden")
        await running.look("prod")
        found = running.of("prod")
        assert isinstance(found, UnreadValues)
        assert found.why is Unread.FORBIDDEN
        assert found.whole == OF_PODS.keys()
        assert [setting.text for setting in found.seen[IMAGE]] == ["quay.io/coast/env:1"]
