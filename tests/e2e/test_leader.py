"""Leading on a live API server: who takes over, when, and that two never lead at once."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest

from responsibility.kube.client import Api
from responsibility.kube.leader_election import QUICK, Leader, LeadershipLostError
from tests.e2e.conftest import MakeCluster
from tests.e2e.lab.cluster import Cluster

LEASE = 8
# A follower looks every second or two. It may come too late on a busy machine, and never too early.
LOOKS = 3.0


async def forever() -> None:
    await asyncio.Event().wait()


async def until(reached: Callable[[], object], seconds: float) -> float:
    """Wait and return how many seconds it took."""
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while not reached():  # noqa: ASYNC110 - the server sets no event here
            await asyncio.sleep(0.01)
    return time.monotonic() - began


def candidate(cluster: Cluster, lease: str, identity: str) -> Leader:
    def connect() -> AbstractAsyncContextManager[Api]:
        return Api.connect(cluster.kubeconfig)

    return Leader(connect, "default", lease, identity, lease=LEASE)


async def end(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_the_next_one_leads_at_once_when_one_ends(cluster: Cluster) -> None:
    async with Api.connect(cluster.kubeconfig) as api:
        first, second = (
            candidate(cluster, "orderly", "first"),
            candidate(cluster, "orderly", "second"),
        )
        leading = asyncio.create_task(first.run(forever))
        await until(lambda: first.is_leader, 3 * LEASE)
        waiting = asyncio.create_task(second.run(forever))
        # Long enough for several renewals and several looks.
        await asyncio.sleep(LEASE / 2)
        assert (first.is_leader, second.is_leader) == (True, False)
        await end(leading)
        assert not first.is_leader
        await until(lambda: second.is_leader, LEASE)
        await end(waiting)
        path = "/apis/coordination.k8s.io/v1/namespaces/default/leases/orderly"
        spec = (await api.get(path))["spec"]
        assert not spec.get("holderIdentity")
        assert spec["leaseTransitions"] == 2


async def test_a_dead_leader_is_succeeded_when_its_lease_ends(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(_: Api) -> bool:
        """Leave without a word, as a killed process does."""
        return True

    first, second = candidate(cluster, "dead", "first"), candidate(cluster, "dead", "second")
    monkeypatch.setattr(first, "_released", die)
    leading = asyncio.create_task(first.run(forever))
    await until(lambda: first.is_leader, 3 * LEASE)
    waiting = asyncio.create_task(second.run(forever))
    await end(leading)
    async with Api.connect(cluster.kubeconfig) as api:
        path = "/apis/coordination.k8s.io/v1/namespaces/default/leases/dead"
        lasts = (await api.get(path))["spec"]["leaseDurationSeconds"]
    assert QUICK <= lasts <= LEASE
    assert await until(lambda: second.is_leader, 3 * LEASE) > lasts - LOOKS
    await end(waiting)


async def test_a_leader_that_cannot_renew_stops_before_another_may_lead(
    make_cluster: MakeCluster,
) -> None:
    cluster = await asyncio.to_thread(make_cluster, "leader")
    leader = candidate(cluster, "cut-off", "first")
    leading = asyncio.create_task(leader.run(forever))
    await until(lambda: leader.is_leader, 3 * LEASE)
    await asyncio.to_thread(cluster.stop_apiserver)
    assert await until(lambda: not leader.is_leader, LEASE) < LEASE
    with pytest.raises(LeadershipLostError):
        await leading
    await asyncio.to_thread(cluster.start_apiserver)
    again = asyncio.create_task(candidate(cluster, "cut-off", "first").run(_nothing))
    assert await until(again.done, 3 * LEASE) < LEASE, "its own lease, it may renew"


async def _nothing() -> None:
    return
