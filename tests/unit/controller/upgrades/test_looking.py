"""The worker that looks at versions: what it asks, how often, and what it makes of answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from aiohttp import web
from prometheus_client import generate_latest

from responsibility.cluster.store import Store
from responsibility.controller.reporting.metrics import Metrics
from responsibility.controller.upgrades.looking import VersionsLooker
from responsibility.kube.client import TABLE
from responsibility.upgrades.versions import ClusterVersions, Unlisted, Version, grouped
from tests.apiserver.in_process import InProcessApi
from tests.apiserver.requests import refusal
from tests.apiserver.server import ApiServer
from tests.unit.controller.virtual import virtual
from tests.unit.upgrades.tables import table

_EVERY = 600.0
NODES = {"a": "v1.33.2", "b": "v1.31.4-eks-aeac579"}


class Running:
    """A worker on such an API server, in virtual time."""

    def __init__(self, *, seconds: float | None = _EVERY) -> None:
        self.server = ApiServer()
        self.metrics = Metrics()
        api = InProcessApi(self.server)
        self.store = Store(api, relist=300)
        self.worker = VersionsLooker(api, self.store, self.metrics, seconds=seconds)
        self.runs("v1.33.2")
        self.nodes(table(NODES))

    def runs(self, version: str) -> None:
        self.server.answers["/version"] = lambda _: {"gitVersion": version}

    def nodes(self, answer: dict[str, Any] | web.Response) -> None:
        self.server.answers["/api/v1/nodes"] = lambda _: answer

    @property
    def lists(self) -> int:
        return sum(request.path == "/api/v1/nodes" for request in self.server.requests)


@asynccontextmanager
async def _running(**more: Any) -> AsyncIterator[Running]:
    running = Running(**more)
    task = asyncio.create_task(running.worker.run())
    try:
        await running.worker.settle(asyncio.get_running_loop().time() + 60)
        yield running
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@virtual
async def test_both_are_known_before_the_first_pass_and_asked_for_seldom() -> None:
    async with _running() as running:
        assert running.store.versions == ClusterVersions(Version(1, 33, 2), grouped(NODES))
        await asyncio.sleep(10 * _EVERY)
        assert 8 <= running.lists <= 14
        lists = [r for r in running.server.requests if r.path == "/api/v1/nodes"]
        assert {r.headers["Accept"] for r in lists} == {TABLE}
        assert {r.query.get("includeObject") for r in lists} == {"None"}
        assert not [r for r in running.server.requests if r.is_watch or r.is_write]


@virtual
async def test_two_thousand_nodes_are_four_requests() -> None:
    names = [f"n{number:04}" for number in range(2_000)]
    running = Running()

    def page(request: Any) -> dict[str, Any]:
        begin, limit = int(request.query.get("continue", 0)), int(request.query["limit"])
        end = begin + limit
        part = dict.fromkeys(names[begin:end], "v1.33.2")
        return table(part, more=str(end) if end < len(names) else "")

    running.server.answers["/api/v1/nodes"] = page
    await running.worker._look(_EVERY)
    assert running.lists == 4
    assert running.store.versions is not None
    assert [each.nodes for each in running.store.versions.kubelets] == [2_000]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (refusal(403, "Forbidden"), Unlisted.FORBIDDEN),
        (refusal(503, "ServiceUnavailable"), Unlisted.FAILED),
        ({"kind": "NodeList", "metadata": {}, "items": []}, Unlisted.UNREADABLE),
        (web.json_response(["no", "list"]), Unlisted.FAILED),
    ],
)
def test_what_can_not_be_listed_is_unknown_until_it_can(answer: Any, why: Unlisted) -> None:
    @virtual
    async def told() -> None:
        running = Running()
        running.nodes(answer)
        await running.worker._look(_EVERY)
        assert running.store.versions == ClusterVersions(Version(1, 33, 2), (), why)
        metric = f'responsibility_version_looks_total{{result="{why}"}} 1.0'
        assert metric in generate_latest(running.metrics.registry).decode()
        running.nodes(table(NODES))
        await running.worker._look(_EVERY)
        assert running.store.versions == ClusterVersions(Version(1, 33, 2), grouped(NODES))

    told()


@virtual
async def test_a_server_that_is_away_for_a_moment_makes_nothing_unknown() -> None:
    async with _running() as running:
        before = running.store.versions
        running.nodes(refusal(503, "ServiceUnavailable"))
        running.server.answers["/version"] = lambda _: refusal(503, "ServiceUnavailable")
        await asyncio.sleep(1.5 * _EVERY)
        assert running.store.versions is before
        await asyncio.sleep(2 * _EVERY)
        assert running.store.versions is not None
        assert running.store.versions == ClusterVersions(None, (), Unlisted.FAILED)


@virtual
async def test_a_server_that_no_longer_says_its_version_has_none_after_as_many_rounds() -> None:
    async with _running() as running:
        running.server.answers["/version"] = lambda _: refusal(403, "Forbidden")
        await asyncio.sleep(1.5 * _EVERY)
        assert running.store.versions == ClusterVersions(Version(1, 33, 2), grouped(NODES))
        await asyncio.sleep(3 * _EVERY)
        assert running.store.versions == ClusterVersions(None, grouped(NODES))
        running.runs("v1.34.1")
        await asyncio.sleep(1.5 * _EVERY)
        assert running.store.versions == ClusterVersions(Version(1, 34, 1), grouped(NODES))


@virtual
async def test_while_api_servers_are_upgraded_one_by_one_the_old_version_stands() -> None:
    async with _running() as running:
        for version in ("v1.34.0", "v1.33.2", "v1.34.0"):
            running.runs(version)
            await running.worker._look(_EVERY)
            assert running.store.versions is not None
            assert running.store.versions.server == Version(1, 33, 2)
        await running.worker._look(_EVERY)
        assert running.store.versions is not None
        assert running.store.versions.server == Version(1, 34)


@virtual
async def test_a_right_that_is_given_is_used_at_once() -> None:
    async with _running() as running:
        running.nodes(refusal(403, "Forbidden"))
        await running.worker._look(_EVERY)
        running.nodes(table(NODES))
        running.worker.retry_refused()
        await asyncio.sleep(1)
        assert running.store.versions == ClusterVersions(Version(1, 33, 2), grouped(NODES))


@virtual
async def test_switched_off_it_asks_nothing() -> None:
    running = Running(seconds=None)
    assert not await running.worker.settle(asyncio.get_running_loop().time() + 60)
    task = asyncio.create_task(running.worker.run())
    await asyncio.sleep(10 * _EVERY)
    task.cancel()
    assert running.store.versions is None
    assert running.server.requests == []
