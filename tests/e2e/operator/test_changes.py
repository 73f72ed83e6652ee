"""What changes in the cluster is seen soon, with a hundred hubs as with one."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from demo import organisation
from tests.e2e.lab.lifetime import say
from tests.e2e.lab.waiting import wait_until
from tests.e2e.operator.api import Manifest
from tests.e2e.operator.enforcement import only_told
from tests.e2e.operator.process import Operator
from tests.e2e.operator.samples import Samples
from tests.e2e.operator.world import (
    World,
    binding_path,
    hub,
    namespace_path,
    record,
    record_path,
    role_binding,
)

HUBS = [f"hub-{number:03}" for number in range(100)]
# The operator does not look by itself: what it sees, a change brought.
SEEN = 60.0
STRANGER, OTHER = "stranger@example.org", "other@example.org"

# It runs for all tests of this module.
pytestmark = pytest.mark.usefixtures("operator")


@pytest.fixture(scope="module")
def world(world: World) -> World:
    world.admin.apply(*organisation.provider()[:4], *(hub(name)[0] for name in HUBS))
    world.admin.apply(*(hub(name)[1] for name in HUBS), *(record(name) for name in HUBS))
    return world


@pytest.fixture(scope="module")
def operator(world: World) -> Iterator[Operator]:
    with world.operator(settings=only_told.SETTINGS, program=only_told.__name__) as operator:
        began = time.monotonic()
        wait_until(
            lambda: len(operator.metrics().of("hub_info")) == len(HUBS),
            60,
            "a hundred hubs with records",
        )
        world.until_at_rest(operator)
        say(f"{len(HUBS)} hubs at rest after {time.monotonic() - began:.1f} s")
        yield operator


def excess(operator: Operator, name: str) -> float:
    return operator.metrics().total("drift", hub=name, kind="excess-access")


def subjects(world: World, name: str) -> set[str]:
    return {c["subject"]["name"] for c in world.causes(name, kind="excess-access")}


def seconds_until(reached: Callable[[], object], what: str) -> float:
    began = time.monotonic()
    wait_until(reached, SEEN, what, interval=0.05)
    return time.monotonic() - began


def test_a_binding_is_seen_when_it_comes_changes_and_goes(world: World, operator: Operator) -> None:
    name, admin = HUBS[0], world.admin
    assert excess(operator, name) == 0
    admin.apply(role_binding(name, "help", "admin", STRANGER))
    seconds_until(lambda: excess(operator, name) > 0, "a new binding in the metrics")
    one = excess(operator, name)
    world.until(lambda: subjects(world, name) == {STRANGER}, "the stranger in the status")

    admin.apply(role_binding(name, "help", "admin", STRANGER, OTHER))
    seconds_until(lambda: excess(operator, name) == 2 * one, "a second subject")
    world.until(lambda: subjects(world, name) == {STRANGER, OTHER}, "both in the status")

    admin.apply(role_binding(name, "help", "admin", OTHER))
    world.until(lambda: subjects(world, name) == {OTHER}, "the other one in the status")

    admin.delete(binding_path(name, "help"))
    seconds_until(lambda: excess(operator, name) == 0, "the metrics after the deletion")
    world.until(lambda: not subjects(world, name), "the status after the deletion")


def test_a_role_that_grows_is_seen_wherever_it_is_bound(world: World, operator: Operator) -> None:
    reading = organisation.rule("", ["pods"], ["get"])
    deleting = organisation.rule("", ["pods"], ["delete"])
    first, second = HUBS[1], HUBS[2]
    world.admin.apply(organisation.cluster_role("helpers", reading))
    world.admin.apply(
        *(role_binding(name, "help", "helpers", STRANGER) for name in (first, second))
    )
    world.admin.apply(organisation.cluster_role("helpers", reading, deleting))
    world.until(lambda: excess(operator, first) == excess(operator, second) == 1, "the wider role")
    world.admin.delete("/apis/rbac.authorization.k8s.io/v1/clusterroles/helpers")
    world.until(lambda: excess(operator, first) == excess(operator, second) == 0, "the lost role")
    world.admin.delete(*(binding_path(name, "help") for name in (first, second)))


def test_each_change_is_in_the_metrics_long_before_it_would_be_looked_for(
    world: World, operator: Operator
) -> None:
    world.until_at_rest(operator)
    took, began = [], operator.metrics()
    changed = HUBS[10:30]
    for name in changed:
        world.admin.apply(role_binding(name, "help", "admin", STRANGER))
        took.append(seconds_until(partial(excess, operator, name), f"a change in {name}"))
    took.sort()
    ended = operator.metrics()
    own = {name: _mean(name, began, ended) for name in ("evaluation_seconds", "detection_seconds")}
    say(
        f"change to metric, {len(HUBS)} hubs, {len(took)} changes: "
        f"p50 {statistics.median(took):.3f} s, p95 {took[-2]:.3f} s, worst {took[-1]:.3f} s; "
        f"of it, on average: {own}"
    )
    world.admin.delete(*(binding_path(name, "help") for name in changed))
    world.until(
        lambda: operator.metrics().total("drift", kind="excess-access") == 0, "all to be gone"
    )


def _mean(histogram: str, began: Samples, ended: Samples) -> float:
    """Return the mean of what was observed between two looks."""
    seconds, count = (
        ended.value(f"{histogram}_{part}") - began.value(f"{histogram}_{part}")
        for part in ("sum", "count")
    )
    return seconds / count


def test_a_hub_that_is_deleted_is_said_to_be_missing(world: World, operator: Operator) -> None:
    name = HUBS[40]
    world.admin.delete(f"/apis/apps/v1/namespaces/{name}/deployments/hub")
    message = world.until_condition(name, "HubFound", "False", "HubMissing")
    assert f"namespace {name} has no JupyterHub release {name}" in message
    assert world.condition(name, "Ready")[:2] == ("False", "HubMissing")
    assert operator.metrics().total("drift", hub=name, kind="excess-access") == 0


def test_without_its_record_a_hub_leaves_no_series_and_no_annotation(
    world: World, operator: Operator
) -> None:
    name = HUBS[41]
    assert world.annotations(name, "hub")["record"] == name
    world.admin.apply(role_binding(name, "help", "admin", STRANGER))
    world.until(lambda: excess(operator, name) > 0, "drift")
    world.admin.delete(record_path(name))
    world.until(lambda: f"{name}/{name}" not in operator.metrics().hubs(), "no series of it")
    world.until(lambda: world.annotations(name, "hub") == {}, "no annotation of it")
    world.until(lambda: operator.metrics().value("unrecorded_hubs") == 1, "it to be counted")
    world.until(
        lambda: world.model_status().get("unrecordedHubs") == [f"{name}/{name}"], "it to be listed"
    )


def test_neither_record_nor_hub_leave_a_series(world: World, operator: Operator) -> None:
    name = HUBS[42]
    world.admin.delete(record_path(name), namespace_path(name))
    world.until(lambda: f"{name}/{name}" not in operator.metrics().hubs(), "no series of it")
    world.until(
        lambda: operator.metrics().value("unrecorded_hubs") == 1, "it not to be counted", 60
    )


def test_a_namespace_that_is_being_deleted_has_no_hub(world: World) -> None:
    name = HUBS[43]
    held: Manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "held", "namespace": name, "finalizers": ["example.org/held"]},
    }
    world.admin.apply(held)
    world.admin.delete(namespace_path(name))
    message = world.until_condition(name, "HubFound", "False", "NamespaceTerminating")
    assert "is being deleted" in message
    held["metadata"]["finalizers"] = None
    world.admin.merge(held)
    world.until_condition(name, "HubFound", "False", "NamespaceMissing", 60)
