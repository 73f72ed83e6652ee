"""A date that passes changes what is so, though nobody has changed anything."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from demo import organisation
from tests.e2e.lab.lifetime import say
from tests.e2e.lab.waiting import eventually, wait_until
from tests.e2e.operator.api import Manifest
from tests.e2e.operator.enforcement import only_told
from tests.e2e.operator.lasting import TRIES, held_until
from tests.e2e.operator.process import Operator
from tests.e2e.operator.world import World, hub, record

COMMUNITY = {"kind": "Group", "name": "reef-admins"}


def agreement(name: str, **item: object) -> Manifest:
    community = {
        "name": "community",
        "contact": {"email": "reef@example.org"},
        "subjects": [COMMUNITY],
    }
    items = [{"name": "incident-response", "owner": "provider", **item}]
    return record(name, parties=[community], items=items)


# It runs for all tests of this module.
pytestmark = pytest.mark.usefixtures("operator")


@pytest.fixture(scope="module")
def operator(world: World) -> Iterator[Operator]:
    """Run one that looks at nothing by itself: without a change, a date has woken it."""
    with world.operator(settings=only_told.SETTINGS, program=only_told.__name__) as running:
        yield running


@pytest.fixture(scope="module")
def world(bare_world: World) -> World:
    """Hubs whose communities may delete pods, which is the provider's, or delegated to them."""
    world = bare_world
    # One of the delegations below has ended, which the chart's policy refuses in a new record.
    world.install("--set", "policies.recordDates=false")
    deleting = organisation.rule("", ["pods"], ["delete"])
    world.admin.apply(organisation.cluster_role("pod-cleaner", deleting))
    for name in ("reef", "dune", "moor"):
        world.admin.apply(*hub(name), organisation.binding(name, "help", "pod-cleaner", COMMUNITY))
    return world


def kinds(world: World, name: str) -> set[str]:
    found = world.causes(name, item="incident-response")
    return {c["kind"] for c in found} - {"missing-access"}


def test_a_delegation_holds_until_its_end_and_no_longer(world: World, operator: Operator) -> None:
    def holds(until: datetime) -> bool:
        delegate = {"party": "community", "until": until.isoformat().replace("+00:00", "Z")}
        world.admin.apply(agreement("reef", delegates=[delegate]))
        world.until_condition("reef", "Ready", "True")
        return kinds(world, "reef") == {"delegation-expiring"}

    until = held_until(holds)
    wait_until(
        lambda: operator.metrics().total("drift", hub="reef", kind="delegation-expired") == 1,
        TRIES[-1],
        "the end of the delegation",
    )
    late = time.time() - until.timestamp()
    say(f"the end of a delegation was seen {late:.2f} s after it")
    assert late >= 0
    world.until(lambda: kinds(world, "reef") == {"delegation-expired", "excess-access"}, "both")


def test_a_delegation_that_has_ended_long_ago(world: World) -> None:
    delegate = {"party": "community", "until": "2020-01-01T00:00:00Z", "reason": "a workshop"}
    world.admin.apply(agreement("dune", delegates=[delegate]))
    world.until(lambda: kinds(world, "dune") == {"delegation-expired", "excess-access"}, "both")
    assert world.items("dune")["incident-response"]["state"] == "drift"
    assert "incident-response" not in world.status("dune").get("delegates", {}).get("community", "")


def test_a_review_that_is_overdue(world: World, operator: Operator) -> None:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    today = datetime.now(UTC).date().isoformat()
    community = [{"name": "community", "contact": {"email": "moor@example.org"}}]
    items = [
        {"name": "general-user-support", "reviewAfter": yesterday},
        {"name": "use-sessions", "reviewAfter": today},
    ]
    world.admin.apply(record("moor", parties=community, items=items))
    world.until_condition("moor", "Ready", "True")

    def said() -> None:
        states = {name: item["state"] for name, item in world.items("moor").items()}
        assert states["general-user-support"] == "overdue"
        assert states["use-sessions"] == "recorded", "the day itself is still in time"

    eventually(said)
    (due,) = operator.metrics().of("drift", hub="moor", kind="attestation-overdue")
    assert due[0]["item"] == "general-user-support"
