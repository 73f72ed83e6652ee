"""The soak in short: three replicas that grant, of which the leader is killed amid changes."""

from __future__ import annotations

from tests.e2e.operator.soak.installations import INSTALLATIONS
from tests.e2e.operator.soak.phases import soak
from tests.e2e.operator.world import World

# Always the same draw, which `make soak` never is: what another one finds is no fault of a change.
DRAWN = 99
FAULT = "the leader is killed"


def test_all_is_well_after_changes_and_a_fault(bare_world: World) -> None:
    (granting,) = (i for i in INSTALLATIONS if i.name == "grant")
    soaked = soak(bare_world, granting, 3, DRAWN, lambda phases: not phases)
    assert soaked.faults == [FAULT], "another draw by now: look for one that is worth it"
    (recovered,) = soaked.recovered
    assert [end.asked for end in recovered.exits] == [True], "who was killed, and nobody else"
