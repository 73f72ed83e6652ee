"""Leading on a live API server: who takes over, when, and that two never lead at once."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime

import pytest

from responsibility.kube.client import Api
from responsibility.kube.leadership.leader_election import QUICK, Leader, LeadershipLostError
from responsibility.kube.leadership.lease_seal import with_seal
from tests.e2e.conftest import MakeCluster
from tests.e2e.lab import waiting
from tests.e2e.lab.cluster import Cluster

LEASE = 8
# What is left of it when its holder has to stop, a busy machine may need.
LONG_LEASE = 15
LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
# A follower looks every second or two. It may come too late on a busy machine, and never too early.
LOOKS = 3.0


async def forever() -> None:
    await asyncio.Event().wait()


async def until(reached: Callable[[], object], seconds: float = 3 * LEASE) -> float:
    """Wait and return how many seconds it took."""
    return await waiting.until(reached, seconds, "a leader, or none", interval=0.01)


def candidate(cluster: Cluster, lease: str, identity: str, lasts: int = LEASE) -> Leader:
    def connect() -> AbstractAsyncContextManager[Api]:
        return Api.connect(cluster.kubeconfig)

    return Leader(connect, "default", lease, identity, lease=lasts)


async def give_back(cluster: Cluster, name: str) -> None:
    """Leave a Lease as a leader does that ends: the very first one would claim it for a while."""
    body = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name},
        "spec": {"holderIdentity": "", "leaseDurationSeconds": 1},
    }
    async with Api.connect(cluster.kubeconfig) as api:
        made = await api.create(LEASES, body)
        await api.replace(f"{LEASES}/{name}", with_seal(made))


async def end(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_the_next_one_leads_at_once_when_one_ends(cluster: Cluster) -> None:
    await give_back(cluster, "orderly")
    async with Api.connect(cluster.kubeconfig) as api:
        first, second = (
            candidate(cluster, "orderly", "first"),
            candidate(cluster, "orderly", "second"),
        )
        leading = asyncio.create_task(first.run(forever))
        await until(lambda: first.is_leader)
        following = asyncio.create_task(second.run(forever))
        # Long enough for several renewals and several looks.
        await asyncio.sleep(LEASE / 2)
        assert (first.is_leader, second.is_leader) == (True, False)
        await end(leading)
        assert not first.is_leader
        path = f"{LEASES}/orderly"
        left = (await api.get(path))["spec"].get("holderIdentity")
        assert left in (None, "", "second"), "given back: nobody waits for its end"
        await until(lambda: second.is_leader)
        await end(following)
        spec = (await api.get(path))["spec"]
        assert not spec.get("holderIdentity")
        assert spec["leaseTransitions"] == 2


async def test_a_dead_leader_is_succeeded_when_its_lease_ends(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(_: Api) -> bool:
        """Leave without a word, as a killed process does."""
        return True

    await give_back(cluster, "dead")
    first, second = candidate(cluster, "dead", "first"), candidate(cluster, "dead", "second")
    monkeypatch.setattr(first, "_released", die)
    leading = asyncio.create_task(first.run(forever))
    await until(lambda: first.is_leader)
    began = time.monotonic()
    following = asyncio.create_task(second.run(forever))
    await end(leading)
    async with Api.connect(cluster.kubeconfig) as api:
        lasts = (await api.get(f"{LEASES}/dead"))["spec"]["leaseDurationSeconds"]
    assert QUICK <= lasts <= LEASE
    await until(lambda: second.is_leader)
    assert time.monotonic() - began > lasts - LOOKS
    await end(following)


async def test_a_leader_that_cannot_renew_stops_before_another_may_lead(
    make_cluster: MakeCluster,
) -> None:
    cluster = await asyncio.to_thread(make_cluster, "leader")
    leader = candidate(cluster, "cut-off", "first", LONG_LEASE)
    leading = asyncio.create_task(leader.run(forever))
    await until(lambda: leader.is_leader)
    await asyncio.to_thread(cluster.stop_apiserver)
    # No seconds of a test, but the point of a lease: later, another may have it.
    assert await until(lambda: not leader.is_leader, LONG_LEASE) < LONG_LEASE
    with pytest.raises(LeadershipLostError):
        await leading
    await asyncio.to_thread(cluster.start_apiserver)
    async with Api.connect(cluster.kubeconfig) as api:
        held = await api.get(f"{LEASES}/cut-off")
        spec = {**held["spec"], "leaseDurationSeconds": 3_600, "renewTime": _now()}
        await api.replace(f"{LEASES}/cut-off", with_seal({**held, "spec": spec}))
    again = asyncio.create_task(candidate(cluster, "cut-off", "first").run(_nothing))
    # Anybody else would wait for an hour.
    await until(again.done)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


async def _nothing() -> None:
    return
