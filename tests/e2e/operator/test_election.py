"""Of two operators one leads, and the other takes over."""

from __future__ import annotations

import time

from tests.e2e.lab.lifetime import say
from tests.e2e.lab.waiting import wait_until
from tests.e2e.operator.process import Operator
from tests.e2e.operator.world import World, hub, record, role_binding

STRANGER = "stranger@example.org"
# A Lease lasts for 15 seconds; then come the look of the follower, and its start.
TAKEN_OVER = 25.0


def election(identity: str) -> dict[str, str]:
    return {"LEADER_ELECTION": "true", "IDENTITY": identity}


def leads(operator: Operator) -> bool:
    return operator.metrics().value("leader") == 1


def excess(operator: Operator) -> float:
    return operator.metrics().total("drift", hub="reef", kind="excess-access")


def test_the_other_takes_over_when_the_leader_is_killed(world: World) -> None:
    world.admin.apply(*hub("reef"), record("reef"))
    with world.operator(settings=election("first")) as first:
        wait_until(lambda: leads(first), 20, "a leader")
        world.until_condition("reef", "Ready", "True")
        with world.operator(ready=False, settings=election("second")) as second:
            wait_until(lambda: second.page("/healthz")[0] == 200, 20, "the second one")
            second.until_ready(20)
            assert (leads(first), leads(second)) == (True, False)
            assert second.metrics().hubs() == set(), "who does not lead has nothing to say"

            first.kill()
            began = time.monotonic()
            world.admin.apply(role_binding("reef", "x", "admin", STRANGER))
            wait_until(lambda: leads(second), TAKEN_OVER, "the second one to lead")
            wait_until(lambda: excess(second) > 0, 10, "what changed meanwhile")
            say(f"taken over {time.monotonic() - began:.1f} s after a kill")
            world.until(lambda: bool(world.causes("reef", kind="excess-access")), "the status")

            with world.operator(ready=False, settings=election("third")) as third:
                third.until_ready(20)
                assert second.stop() == 0
                began = time.monotonic()
                wait_until(lambda: leads(third), 10, "the third one to lead")
                say(f"handed over {time.monotonic() - began:.1f} s after an orderly end")
                lease = world.admin.get(
                    "/apis/coordination.k8s.io/v1/namespaces/hub-responsibility/leases/"
                    "responsibility-operator"
                )
                assert lease["spec"]["holderIdentity"] == "third"
