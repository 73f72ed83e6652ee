"""One leads; the next takes over at once when the Lease is given back."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from responsibility.kube.client import Api
from responsibility.kube.leader_election import Leader, LeadershipLostError
from tests.unit.kube.fake import FakeServer, Request, refusal

LEASES = "/apis/coordination.k8s.io/v1/namespaces/ours/leases"
PATH = f"{LEASES}/operator"


class Lease:
    """The Lease as an API server keeps it, with optimistic locking."""

    def __init__(self, server: FakeServer) -> None:
        self.stored: dict[str, Any] | None = None
        self.versions = 0
        server.answers |= {LEASES: self.create, PATH: self.get_or_replace}

    def create(self, request: Request) -> dict[str, Any] | web.Response:
        if self.stored is not None:
            return refusal(409, "AlreadyExists")
        return self._store(request.body)

    def get_or_replace(self, request: Request) -> dict[str, Any] | web.Response:
        if self.stored is None:
            return refusal(404, "NotFound")
        if request.method == "GET":
            return self.stored
        if request.body["metadata"]["resourceVersion"] != str(self.versions):
            return refusal(409, "Conflict")
        return self._store(request.body)

    @property
    def spec(self) -> dict[str, Any]:
        assert self.stored is not None
        spec: dict[str, Any] = self.stored["spec"]
        return spec

    def _store(self, body: dict[str, Any]) -> dict[str, Any]:
        self.versions += 1
        metadata = {**body["metadata"], "resourceVersion": str(self.versions)}
        self.stored = {**body, "metadata": metadata}
        return self.stored


def candidate(api: Api, identity: str) -> Leader:
    return Leader(api, "ours", "operator", identity, lease=8)


async def until(reached: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not reached():  # noqa: ASYNC110 - the server's side has no event to wait for
            await asyncio.sleep(0.001)


async def test_leads_while_it_works_and_gives_the_lease_back(api: Api, server: FakeServer) -> None:
    lease = Lease(server)
    leader = candidate(api, "one")

    async def work() -> str:
        assert leader.is_leader
        assert lease.spec["holderIdentity"] == "one"
        assert lease.spec["leaseDurationSeconds"] == 8
        assert lease.spec["renewTime"].endswith("Z")
        return "done"

    assert await leader.run(work) == "done"
    assert not leader.is_leader
    assert lease.spec["holderIdentity"] == ""


async def test_a_successor_need_not_wait_for_the_lease_to_expire(
    api: Api, server: FakeServer
) -> None:
    lease = Lease(server)

    async def work() -> int:
        return int(lease.spec["leaseTransitions"])

    async with asyncio.timeout(2):
        assert await candidate(api, "one").run(work) == 1
        assert await candidate(api, "two").run(work) == 2


async def test_another_waits_while_one_leads(api: Api, server: FakeServer) -> None:
    lease = Lease(server)
    first, second = candidate(api, "one"), candidate(api, "two")
    over = asyncio.Event()
    led: list[str] = []

    async def work() -> None:
        led.append(lease.spec["holderIdentity"])
        await over.wait()

    tasks = [asyncio.create_task(first.run(work))]
    await until(lambda: led)
    asked = len(server.requests)
    tasks.append(asyncio.create_task(second.run(work)))
    await until(lambda: len(server.requests) > asked)
    assert (first.is_leader, second.is_leader) == (True, False)
    assert led == ["one"]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert lease.spec["holderIdentity"] == "", "given back when cancelled, too"


async def test_a_renewal_that_was_cut_off_does_not_keep_the_lease(
    api: Api, server: FakeServer
) -> None:
    lease = Lease(server)

    async def work() -> None:
        # As a request does that reaches the server when nobody waits for its answer any more.
        assert lease.stored is not None
        lease._store(lease.stored)

    await candidate(api, "one").run(work)
    assert lease.spec["holderIdentity"] == ""


async def test_a_fault_of_the_work_comes_through(api: Api, server: FakeServer) -> None:
    lease = Lease(server)

    async def work() -> None:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        await candidate(api, "one").run(work)
    assert lease.spec["holderIdentity"] == ""


async def test_losing_the_lease_cancels_the_work(
    api: Api, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = Lease(server)
    leader = candidate(api, "one")
    ended: list[bool] = []

    async def lose() -> None:
        """Return as the library's loop does when it could not renew in time."""
        assert lease.stored is not None
        lease.stored["spec"]["holderIdentity"] = "two"
        lease.versions += 1

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(leader.is_leader)

    monkeypatch.setattr(leader._election, "renew_loop", lose)
    with pytest.raises(LeadershipLostError, match="could not renew"):
        await leader.run(work)
    assert ended == [False], "the work was cancelled, and could see that it does not lead"
    assert lease.spec["holderIdentity"] == "two", "the other's lease is left alone"


async def test_trouble_with_the_server_is_no_reason_to_die(api: Api, server: FakeServer) -> None:
    lease = Lease(server)
    server.fail(503, "ServiceUnavailable")

    async def work() -> str:
        return str(lease.spec["holderIdentity"])

    async with asyncio.timeout(5):
        assert await candidate(api, "one").run(work) == "one"


async def test_a_lease_too_short_to_be_safe_is_refused(api: Api) -> None:
    with pytest.raises(ValueError, match="8 s or longer"):
        Leader(api, "ours", "operator", "one", lease=5)
