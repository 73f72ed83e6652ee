"""The worker: which hubs are asked, what it makes of their answers, and that none stops another."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from prometheus_client import generate_latest

from responsibility.cluster.moment import Moment
from responsibility.cluster.store import Store
from responsibility.controller.hub_admins import asking
from responsibility.controller.hub_admins.address import Address
from responsibility.controller.hub_admins.answers_over_http import HubAnswers
from responsibility.controller.hub_admins.asking import HubAsker, HubSource
from responsibility.controller.hub_admins.tokens import key_of
from responsibility.controller.process.settings import Settings
from responsibility.controller.reporting.metrics import Metrics
from responsibility.controller.worker import Pass
from responsibility.hub.admins.administrators import Administrators, Unknown, Unseen
from responsibility.hub.discovery import Hub, HubKey
from responsibility.ownership.assess import Assessor
from tests.apiserver.in_process import InProcessApi
from tests.apiserver.server import ApiServer
from tests.unit.controller.hub_admins.false_hub import TOKEN, FalseHub, false_hub, serving, user
from tests.unit.ownership.admin_worlds import DOOR
from tests.unit.ownership.building import garden_with, record, snapshot

# Seconds in which an answer is to arrive; on a machine with much else to do.
_SOON = 240.0
MODEL = garden_with(DOOR)


class Running:
    """A worker that asks false hubs, and passes that it follows."""

    def __init__(self, directory: Path, *, seconds: float = 0.05) -> None:
        self.hubs: dict[str, FalseHub] = {}
        self.directory = directory
        self.metrics = Metrics()
        api = InProcessApi(ApiServer())
        self.store = Store(api, relist=300)
        source = HubSource(
            directory,
            seconds,
            "cluster.local",
            address=self._address,
            soon=0.01,
        )
        self.worker = HubAsker(self.store, self.metrics, source)
        self.assessor = Assessor()

    def _address(self, hub: Hub, domain: str) -> Address:
        assert domain == "cluster.local"
        return self.hubs[hub.key.namespace].address

    def token(self, name: str, token: str) -> None:
        (self.directory / key_of(HubKey(name, name))).write_text(token)

    def found(self, *names: str) -> Pass:
        """Return a pass on a cluster with these hubs, with what is known of them by now."""
        world = snapshot(
            records=[record(name) for name in names],
            models=[MODEL],
            hub_admins=self.store.hub_admins,
        )
        return Pass(Moment(world), self.assessor.assess(world))

    async def look(self, *names: str) -> Pass:
        """Make passes until the worker has nothing more to say of this one."""
        until = asyncio.get_running_loop().time() + _SOON
        while True:
            found = self.found(*names)
            self.worker.follow(found)
            if not await self.worker.settle(until):
                return found

    async def until(self, holds: Callable[[], bool], *names: str) -> None:
        """Make passes until something holds."""
        async with asyncio.timeout(_SOON):
            await self.look(*names)
            while not holds():
                await asyncio.sleep(0.01)
                await self.look(*names)

    async def asked_again(self, *names: str, requests: int = 12) -> None:
        """Make passes until one of these has been asked twice more, at least."""
        hub = self.hubs[names[0]]
        asked = len(hub.asked) + requests
        await self.until(lambda: len(hub.asked) >= asked, *names)

    def of(self, name: str) -> Any:
        return self.store.hub_admins[HubKey(name, name)]


@asynccontextmanager
async def _running(directory: Path, *names: str) -> AsyncIterator[Running]:
    running = Running(directory)
    async with asyncio.TaskGroup() as group, contextmanagers(running, names):
        task = group.create_task(running.worker.run())
        try:
            yield running
        finally:
            task.cancel()


@asynccontextmanager
async def contextmanagers(running: Running, names: tuple[str, ...]) -> AsyncIterator[None]:
    """Serve a false hub for each name, with a token of its own."""
    if not names:
        yield
        return
    first, *rest = names
    async with false_hub() as hub:
        running.hubs[first] = hub
        running.token(first, f"{TOKEN}{first}")
        async with contextmanagers(running, tuple(rest)):
            yield


async def test_without_a_source_no_hub_is_asked_and_nothing_known(tmp_path: Path) -> None:
    running = Running(tmp_path)
    assert HubSource.of(Settings()) is None
    worker = HubAsker(running.store, running.metrics, None)
    worker.follow(running.found("coast"))
    assert not await worker.settle(0.0)
    assert running.store.hub_admins == {}
    assert "hub_questions_total{" not in generate_latest(running.metrics.registry).decode()


async def test_the_first_answers_are_waited_for(tmp_path: Path) -> None:
    """Else each start would tell, for a moment, that nothing is known."""
    async with _running(tmp_path, "coast", "lake") as running:
        found = await running.look("coast", "lake")
    for name in ("coast", "lake"):
        assert [admin.name for admin in running.of(name).everybody] == ["ann"]
    kinds = {f.kind for f in found.assessment.findings() if f.kind.startswith("hub-admin")}
    # The guests of this garden have named nobody.
    assert kinds == {"hub-admins-unknown"}


async def test_each_hub_gets_its_own_token_and_no_other(tmp_path: Path) -> None:
    async with _running(tmp_path, "coast", "lake") as running:
        await running.asked_again("coast", "lake")
        await running.asked_again("lake", "coast")
        for name, hub in running.hubs.items():
            assert set(hub.tokens) == {f"{TOKEN}{name}"}


async def test_hubs_without_a_record_or_a_place_for_it_are_not_asked(tmp_path: Path) -> None:
    async with _running(tmp_path, "coast", "lake") as running:
        await running.look("coast")
        assert not running.hubs["lake"].asked
        # A model that has no item inside the hub.
        world = snapshot(records=[record("lake")], models=[garden_with()])
        running.worker.follow(Pass(Moment(world), Assessor().assess(world)))
        await running.worker.settle(asyncio.get_running_loop().time() + _SOON)
        assert running.store.hub_admins == {}
        assert not running.hubs["lake"].asked


async def test_what_changes_in_a_hub_is_seen_when_it_is_asked_again(tmp_path: Path) -> None:
    async with _running(tmp_path, "coast") as running:
        await running.look("coast")
        running.hubs["coast"].users.append(user("eve", admin=True))
        await running.until(lambda: len(running.of("coast").everybody) == 2, "coast")


async def test_one_that_hangs_delays_no_other(tmp_path: Path) -> None:
    async def hang(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    async with _running(tmp_path, "coast", "lake") as running:
        running.hubs["coast"].otherwise["/"] = hang
        lake, known = HubKey("lake", "lake"), running.store.hub_admins
        async with asyncio.timeout(_SOON):
            while not isinstance(known.get(lake), Administrators):
                running.worker.follow(running.found("coast", "lake"))
                await running.worker.settle(asyncio.get_running_loop().time() + 0.1)
                # Given up once, a hub is not waited for again: whoever looks has to.
                await asyncio.sleep(0.01)
                known = running.store.hub_admins
        assert isinstance(running.of("coast"), Unknown)


async def test_what_refuses_is_unknown_at_once_and_known_again(tmp_path: Path) -> None:
    async with _running(tmp_path, "coast") as running:
        await running.look("coast")
        running.hubs["coast"].answers("/user", {}, status=403)
        await running.until(lambda: isinstance(running.of("coast"), Unknown), "coast")
        assert running.of("coast").why is Unseen.TOKEN_REFUSED
        del running.hubs["coast"].otherwise["/user"]
        await running.until(lambda: isinstance(running.of("coast"), Administrators), "coast")


async def test_what_can_not_be_reached_counts_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with _running(tmp_path, "coast") as running:
        await running.look("coast")
        running.hubs["coast"].answers("/users", {}, status=503)
        await running.asked_again("coast")
        assert isinstance(running.of("coast"), Administrators)
        # And no longer.
        monkeypatch.setattr(asking, "WHOLE", 0.0)
        await running.until(lambda: isinstance(running.of("coast"), Unknown), "coast")
        assert running.of("coast").why is Unseen.REFUSED


async def test_a_new_token_is_taken_and_a_lost_one_is_told(tmp_path: Path) -> None:
    async with _running(tmp_path, "coast") as running:
        await running.look("coast")
        running.token("coast", f"new{TOKEN}")
        hub = running.hubs["coast"]
        await running.until(lambda: f"new{TOKEN}" in hub.tokens, "coast")
        (tmp_path / "coast.coast").unlink()
        await running.until(lambda: isinstance(running.of("coast"), Unknown), "coast")
        assert running.of("coast").why is Unseen.NO_TOKEN


async def test_a_hub_that_is_gone_is_forgotten(tmp_path: Path) -> None:
    async with _running(tmp_path, "coast", "lake") as running:
        await running.look("coast", "lake")
        await running.look("lake")
        assert set(running.store.hub_admins) == {HubKey("lake", "lake")}
        # What was under way when it went has ended by then.
        await running.asked_again("lake")
        gone = len(running.hubs["coast"].asked)
        await running.asked_again("lake")
        assert len(running.hubs["coast"].asked) == gone


async def test_no_fault_of_ours_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_: object) -> None:
        raise ZeroDivisionError(TOKEN)

    monkeypatch.setattr(HubAnswers, "administrators", fail)
    async with _running(tmp_path, "coast") as running:
        await running.look("coast")
        assert running.of("coast") == Unknown(Unseen.IMPLAUSIBLE)


async def test_an_unchanged_answer_is_the_same_object(tmp_path: Path) -> None:
    """What was assessed by it is then used again."""
    async with _running(tmp_path, "coast", "lake") as running:
        await running.look("coast", "lake")
        before = running.of("lake")
        running.hubs["coast"].users.append(user("eve", admin=True))
        await running.until(lambda: len(running.of("coast").everybody) == 2, "coast", "lake")
        assert running.of("lake") is before


async def test_neither_log_nor_metrics_tell_names_or_tokens(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with _running(tmp_path, "coast") as running:
        hub = running.hubs["coast"]
        hub.users.append(user("canary7f3a", admin=True))
        await running.look("coast")
        hub.answers("/users", {"items": "canary7f3a"})
        await running.until(lambda: isinstance(running.of("coast"), Unknown), "coast")
        # Asked of by whoever debugs: the worker as a whole.
        assert TOKEN not in f"{vars(running.worker)}"
        told = [r.getMessage() for r in caplog.records if r.name != "aiohttp.access"]
        told.append(generate_latest(running.metrics.registry).decode())
    assert 'hub_questions_total{result="implausible"}' in told[-1]
    assert "it is not known who administers hub coast/coast: implausible (users)" in told
    assert not any("canary7f3a" in line or TOKEN in line for line in told)


async def test_a_source_is_made_of_the_settings(tmp_path: Path) -> None:
    settings = replace(Settings(), hub_tokens=tmp_path, hub_seconds=60.0, cluster_domain="x.y")
    source = HubSource.of(settings)
    assert source is not None
    assert (source.tokens, source.seconds, source.domain) == (tmp_path, 60.0, "x.y")


@pytest.mark.long
async def test_a_fleet_is_asked_a_few_at_a_time_and_costs_headers_once_it_is_known(
    tmp_path: Path,
) -> None:
    """As many hubs as 2i2c runs, each with a token of its own, all answered by one server."""
    names = [f"hub-{number}" for number in range(171)]
    at_once: list[int] = [0]
    async with false_hub() as hub:
        now = 0

        async def counted(request: web.Request) -> web.StreamResponse:
            nonlocal now
            now += 1
            at_once.append(now)
            try:
                return await hub.answer(request)
            finally:
                now -= 1

        async with serving(counted) as address:
            running = Running(tmp_path, seconds=1.0)
            for name in names:
                running.hubs[name] = replace(hub, address=address)
                running.token(name, f"{TOKEN}{name}")
            async with asyncio.TaskGroup() as group:
                task = group.create_task(running.worker.run())
                await running.look(*names)
                known = [running.of(name) for name in names]
                assert all(isinstance(each, Administrators) for each in known)
                asked, tokens = len(hub.asked), set(hub.tokens)
                again = 2 * asked
                await running.until(lambda: len(hub.asked) >= again, *names)
                task.cancel()
    assert max(at_once) <= 4
    assert tokens == {f"{TOKEN}{name}" for name in names}
    # A handful each, and less once it is known: of the lists nothing is sent again.
    assert asked <= 7 * len(names)
    assert hub.unchanged >= len(names)
