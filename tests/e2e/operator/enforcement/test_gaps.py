"""What happens while nobody watches is seen all the same, and an API server may come and go."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.e2e.lab.cluster import Kubectl
from tests.e2e.lab.lifetime import say
from tests.e2e.lab.waiting import wait_until
from tests.e2e.operator.enforcement import only_told
from tests.e2e.operator.process import Operator
from tests.e2e.operator.world import World, hub, record, record_path, role_binding

STRANGER = "stranger@example.org"
NAMES = ("one", "two", "three", "four")
UNRECORDED = "five"

# It runs for all tests of this module.
pytestmark = pytest.mark.usefixtures("operator")


@pytest.fixture(scope="module")
def world(world: World) -> World:
    for name in NAMES:
        world.admin.apply(*hub(name), record(name), role_binding(name, "help", "admin", STRANGER))
    world.admin.apply(*hub(UNRECORDED), role_binding(UNRECORDED, "help", "admin", STRANGER))
    return world


@pytest.fixture(scope="module")
def operator(world: World) -> Iterator[Operator]:
    """Run one that lists nothing by itself: what it sees after a gap, a watch has brought."""
    with world.operator(settings=only_told.SETTINGS, program=only_told.__name__) as operator:
        world.until_at_rest(operator)
        assert all(excess(operator, name) for name in NAMES)
        yield operator


def excess(operator: Operator, name: str) -> float:
    return operator.metrics().total("drift", hub=name, kind="excess-access")


def test_what_was_deleted_while_no_watch_could_see_it_leaves_no_ghost(
    world: World, operator: Operator
) -> None:
    def meanwhile(kubectl: Kubectl) -> None:
        kubectl("delete", "rolebinding", "help", "-n=one")
        kubectl("delete", "resp", "two")
        kubectl("delete", "deployment", "hub", "-n=three")

    world.cluster.make_watches_expire(meanwhile)
    began = time.monotonic()
    wait_until(lambda: excess(operator, "one") == 0, 20, "the binding to be forgotten")
    wait_until(lambda: "two/two" not in operator.metrics().hubs(), 20, "the record to be forgotten")
    wait_until(lambda: excess(operator, "three") == 0, 20, "the hub to be forgotten")
    say(f"repaired {time.monotonic() - began:.2f} s after the API server answered")
    world.until_condition("three", "HubFound", "False", "HubMissing", 20)
    world.until(lambda: world.causes("one", kind="excess-access") == [], "its status", 20)
    world.until(lambda: world.annotations("two", "hub") == {}, "its annotations", 20)
    assert excess(operator, "four"), "what is still there is still seen"
    assert operator.running


def test_changes_are_seen_at_once_after_the_api_server_was_away(
    world: World, operator: Operator
) -> None:
    world.cluster.stop_apiserver()
    wait_until(lambda: "NoConnection" in operator.log, 30, "the operator to notice")
    assert operator.answer("/healthz")[0] == 200, "a restart would not help"
    world.cluster.start_apiserver()
    began = time.monotonic()
    world.admin.apply(role_binding("one", "again", "admin", STRANGER))
    world.admin.apply(record(UNRECORDED))
    wait_until(lambda: excess(operator, "one") > 0, 20, "a new binding")
    binding = time.monotonic() - began
    wait_until(
        lambda: f"{UNRECORDED}/{UNRECORDED}" in operator.metrics().hubs(), 20, "a new record"
    )
    both = time.monotonic() - began
    say(f"after the API server's return: binding {binding:.2f} s, record {both:.2f} s")
    assert operator.metrics().value("rbac_enforced") == 1


def test_events_come_through_after_that(world: World) -> None:
    world.until(
        lambda: any(e["reason"] == "MissingAccess" for e in world.events(UNRECORDED)), "Events", 20
    )


def test_it_waits_for_an_api_server_that_is_not_there_yet(world: World) -> None:
    kubeconfig = world.identity()
    world.cluster.stop_apiserver()
    with world.operator(ready=False, kubeconfig=kubeconfig) as early:
        early.until_logged("waiting for the API server")
        assert early.answer("/healthz")[0] == 200
        status, why = early.answer("/readyz")
        assert status == 503
        assert "waiting for the API server" in why
        world.cluster.start_apiserver()
        began = time.monotonic()
        early.until_ready(20)
        say(f"ready {time.monotonic() - began:.2f} s after the API server answered")
        assert "four/four" in early.metrics().hubs()


def test_it_ends_at_once_while_it_waits(world: World) -> None:
    kubeconfig = world.identity()
    world.cluster.stop_apiserver()
    try:
        with world.operator(ready=False, kubeconfig=kubeconfig) as early:
            early.until_logged("waiting for the API server")
            # It would wait for as long as there is no API server.
            assert early.stop() == 0
    finally:
        world.cluster.start_apiserver()


def test_a_deleted_record_is_forgotten_without_any_gap(world: World, operator: Operator) -> None:
    world.admin.delete(record_path("four"))
    world.until(lambda: "four/four" not in operator.metrics().hubs(), "no series of it")
