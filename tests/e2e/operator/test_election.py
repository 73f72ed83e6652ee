"""Of two operators one leads, and the other takes over."""

from __future__ import annotations

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest

from responsibility.kube.leadership.leader_election import LEASE, QUICK
from tests.e2e.lab.lifetime import say
from tests.e2e.lab.waiting import wait_until
from tests.e2e.operator import leases
from tests.e2e.operator.process import Operator
from tests.e2e.operator.world import World, hub, record, role_binding

STRANGER = "stranger@example.org"
# A Lease lasts for 15 seconds at most; then come the look of the follower, and its start.
TAKEN_OVER = LEASE + 10.0
# Seconds of each fifth of one in which a process that is starved runs: a twentieth of a processor.
RUNS, RESTS = 0.01, 0.19
STARVED = 30.0


def election(identity: str) -> dict[str, str]:
    return {"LEADER_ELECTION": "true", "IDENTITY": identity}


def lease(world: World) -> Any:
    """Return what the Lease says."""
    return leases.spec(world.admin)


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def leads(operator: Operator) -> bool:
    return operator.metrics().value("leader") == 1


def excess(operator: Operator) -> float:
    return operator.metrics().total("drift", hub="reef", kind="excess-access")


def test_the_other_takes_over_when_the_leader_is_killed(world: World) -> None:
    world.admin.apply(*hub("reef"), record("reef"))
    leases.give_back(world.admin)
    with world.operator(settings=election("first")) as first:
        wait_until(lambda: leads(first), 20, "a leader")
        world.until_condition("reef", "Ready", "True")
        with world.operator(ready=False, settings=election("second")) as second:
            wait_until(lambda: second.page("/healthz")[0] == 200, 20, "the second one")
            second.until_ready(20)
            world.until(lambda: leads(first), "the first one to lead")
            assert not leads(second)
            assert second.metrics().hubs() == set(), "who does not lead has nothing to say"

            # Where renewing is quick, it comes to last for as little as it may.
            wait_until(lambda: lease(world)["leaseDurationSeconds"] == QUICK, 60, "short terms")
            first.kill()
            began, last = time.monotonic(), lease(world)
            world.admin.apply(role_binding("reef", "x", "admin", STRANGER))
            wait_until(lambda: leads(second), TAKEN_OVER, "the second one to lead")
            wait_until(lambda: excess(second) > 0, 10, "what changed meanwhile")
            say(f"taken over {time.monotonic() - began:.1f} s after a kill")
            taken = moment(lease(world)["acquireTime"]) - moment(last["renewTime"])
            lasts = last["leaseDurationSeconds"]
            say(f"the Lease was for {lasts} s, and was taken {taken:.1f} s after its last renewal")
            assert taken >= lasts, "never before its end"
            world.until(lambda: bool(world.causes("reef", kind="excess-access")), "the status")

            with world.operator(ready=False, settings=election("third")) as third:
                third.until_ready(20)
                assert second.stop() == 0
                began = time.monotonic()
                left = lease(world).get("holderIdentity") or ""
                wait_until(lambda: leads(third), 10, "the third one to lead")
                say(f"handed over {time.monotonic() - began:.1f} s after an orderly end")
                assert left in ("", "third"), "nobody had to wait for its Lease to end"
                assert lease(world)["holderIdentity"] == "third"


@pytest.mark.long
def test_a_starved_leader_keeps_the_lead(world: World) -> None:
    """At a twentieth of a processor, with passes to make, while another waits for the Lease."""
    names = [f"starved-{number}" for number in range(20)]
    world.admin.apply(*(o for name in names for o in hub(name)), *map(record, names))
    over = threading.Event()

    def starve(operator: Operator) -> None:
        while not over.is_set():
            operator.signal(signal.SIGSTOP)
            over.wait(RESTS)
            operator.signal(signal.SIGCONT)
            over.wait(RUNS)

    with world.operator(settings=election("hungry")) as hungry:
        wait_until(lambda: leads(hungry), 20, "a leader")
        with world.operator(ready=False, settings=election("waiting")) as waiting:
            waiting.until_ready(20)
            before = lease(world)
            with ThreadPoolExecutor(1) as pool:
                starving = pool.submit(starve, hungry)
                try:
                    end = time.monotonic() + STARVED
                    for turn in range(1_000):
                        world.admin.apply(
                            *(role_binding(n, f"x{turn}", "admin", STRANGER) for n in names)
                        )
                        assert lease(world)["holderIdentity"] == "hungry"
                        if time.monotonic() > end:
                            break
                finally:
                    over.set()
                    starving.result()
            after = lease(world)
            assert after["leaseTransitions"] == before["leaseTransitions"], "never lost"
            say(f"at 5 % of a processor the Lease came to be for {after['leaseDurationSeconds']} s")
            wait_until(lambda: excess_of(hungry, names) == len(names), 60, "all of it")


def excess_of(operator: Operator, names: list[str]) -> int:
    """Return how many of the hubs have excess rights, as the metrics say."""
    samples = operator.metrics()
    return sum(samples.total("drift", hub=name, kind="excess-access") > 0 for name in names)
