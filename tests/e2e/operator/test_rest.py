"""At rest nothing is written, and what was written stays within what is ours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from demo import organisation
from responsibility.api.names import SHIPPED_MODEL_ANNOTATION
from tests.e2e.lab.waiting import wait_until
from tests.e2e.operator.api import OURS, Manifest, where
from tests.e2e.operator.process import Operator
from tests.e2e.operator.world import PREFIX, World, hub, role_binding

HUBS = (organisation.LEAP, organisation.COAST)
# What the operator of these tests does once a minute or less often, it does every few seconds.
HURRIED = {"RELIST_SECONDS": "3", "OWN_RELIST_SECONDS": "2", "SAMPLE_SECONDS": "2"}
COLLECTIONS = (
    "/api/v1/namespaces",
    "/api/v1/pods",
    "/api/v1/serviceaccounts",
    "/api/v1/secrets",
    "/api/v1/configmaps",
    "/apis/apps/v1/deployments",
    "/apis/apps/v1/replicasets",
    "/apis/rbac.authorization.k8s.io/v1/roles",
    "/apis/rbac.authorization.k8s.io/v1/rolebindings",
    "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    where(OURS, "Responsibility"),
    where(OURS, "ResponsibilityModel"),
)
Pods = dict[str, Any]


def pods_and_templates(world: World) -> Pods:
    """All that would change if a hub were restarted.

    The generation of a Deployment is not in it: the API server counts a change of annotations too.
    """
    deployments = world.admin.items("/apis/apps/v1/deployments")
    sets = world.admin.items("/apis/apps/v1/replicasets")
    pods = world.admin.items("/api/v1/pods")
    return {
        "templates": {_name(d): d["spec"]["template"] for d in deployments},
        "sets": {_name(s): (s["metadata"]["uid"], s["metadata"]["generation"]) for s in sets},
        "pods": {_name(p): p["metadata"]["uid"] for p in pods},
    }


def _name(thing: Manifest) -> str:
    meta = thing["metadata"]
    return f"{meta.get('namespace', '')}/{meta['name']}"


# It runs for all tests of this module.
pytestmark = pytest.mark.usefixtures("operator")


@pytest.fixture(scope="module")
def world(bare_world: World) -> World:
    """Install the chart without the policy that refuses delegations which have ended."""
    bare_world.install("--set", "policies.recordDates=false")
    return bare_world


@pytest.fixture(scope="module")
def before(world: World) -> Pods:
    """Look at the hubs and all their pods before the operator has ever run."""
    world.admin.apply(*organisation.manifests())
    world.admin.apply(*organisation.records(datetime.now(UTC)))

    def complete() -> bool:
        # Nothing schedules them here; that they are there, and which, is all that matters.
        deployments = world.admin.items("/apis/apps/v1/deployments")
        status = [d.get("status", {}) for d in deployments]
        asked = [d["spec"]["replicas"] for d in deployments]
        return [s.get("replicas", 0) for s in status] == asked

    wait_until(complete, 60, "the hubs' pods")
    return pods_and_templates(world)


@pytest.fixture(scope="module")
def operator(world: World, before: Pods) -> Iterator[Operator]:
    assert before["pods"], "there is something that could be restarted"
    with world.operator(settings=HURRIED) as running:
        world.until_at_rest(running)
        yield running


def test_at_rest_nothing_is_written(world: World, operator: Operator) -> None:
    world.until_at_rest(operator)
    since, lists = world.mark(), operator.metrics().total("relists_total")
    samples = operator.metrics().total("evaluator_samples_total")
    wait_until(
        lambda: (
            operator.metrics().total("relists_total") >= lists + 14
            and operator.metrics().total("evaluator_samples_total") > samples
        ),
        60,
        "everything to be listed again, twice, and decisions to be sampled",
    )
    assert world.writes(since) == []
    assert operator.metrics().value("evaluator_disagreements_total") == 0


def test_what_is_of_no_concern_causes_no_write(world: World, operator: Operator) -> None:
    since, passes = world.mark(), operator.metrics().value("evaluation_seconds_count")
    world.admin.apply(
        organisation.namespace("elsewhere"), role_binding("elsewhere", "reader", "view", "somebody")
    )
    world.until(
        lambda: operator.metrics().value("evaluation_seconds_count") > passes, "it to be assessed"
    )
    world.until_at_rest(operator)
    assert world.writes(since) == []


def test_a_new_start_repeats_nothing(world: World, operator: Operator) -> None:
    def written() -> Any:
        return {
            "statuses": {h.record: world.status(h.record) for h in HUBS},
            "model": world.model_status(),
            "events": [e["metadata"]["uid"] for h in HUBS for e in world.events(h.record)],
        }

    earlier, since = written(), world.mark()
    with world.operator(settings=HURRIED) as second:
        world.until_at_rest(second)
        oldest = {
            str(labels): v for labels, v in second.metrics().of("drift_oldest_timestamp_seconds")
        }
    assert world.writes(since) == []
    assert written() == earlier, "since when, in particular, is kept"
    known = operator.metrics().of("drift_oldest_timestamp_seconds")
    assert oldest == {str(labels): pytest.approx(v, abs=1.0) for labels, v in known}


def test_a_reverted_annotation_is_written_again(world: World, operator: Operator) -> None:
    """And only that: Helm, or a person, may take it away at any time."""
    since = world.mark()
    deployment = hub(organisation.LEAP.namespace)[1]
    world.admin.merge(
        {
            **deployment,
            "spec": {},
            "metadata": {**_bare(deployment), "annotations": {f"{PREFIX}owners": None}},
        }
    )
    world.until(lambda: "owners" in world.annotations("leap-prod", "hub"), "the annotation")
    world.until_at_rest(operator)
    assert len(world.writes(since)) == 1


def _bare(deployment: Manifest) -> Manifest:
    return {k: v for k, v in deployment["metadata"].items() if k in ("name", "namespace")}


def test_no_pod_of_a_hub_was_restarted(world: World, before: Pods) -> None:
    assert world.annotations("leap-prod", "hub")["record"] == "leap-prod"
    after = pods_and_templates(world)
    for what, known in before.items():
        assert after[what] == known, what


def test_nothing_carries_a_finalizer_or_a_mark_of_the_framework(world: World) -> None:
    for path in COLLECTIONS:
        for thing in world.admin.items(path):
            meta = thing["metadata"]
            finalizers = meta.get("finalizers", [])
            assert not [f for f in finalizers if "kopf" in f or PREFIX in f], (path, meta["name"])
            marks = [k for k in meta.get("annotations", {}) if "kopf" in k or "zalando" in k]
            assert not marks, (path, meta["name"])


def test_only_the_hubs_deployments_carry_our_annotations(world: World) -> None:
    carrying = {
        (path.rpartition("/")[2], _name(thing))
        for path in COLLECTIONS
        for thing in world.admin.items(path)
        if any(
            key.startswith(PREFIX) and key != SHIPPED_MODEL_ANNOTATION
            for key in thing["metadata"].get("annotations", {})
        )
    }
    # The chart notes on its model which one it ships; the Deployment controller copies ours to the
    # ReplicaSets that are there already.
    owned = {name for kind, name in carrying if kind == "deployments"}
    assert {kind for kind, _ in carrying} <= {"deployments", "replicasets"}
    assert owned == {
        *(f"leap-prod/{name}" for name in ("hub", "proxy", "autohttps", "user-scheduler")),
        *(f"coast/{name}" for name in ("hub", "proxy")),
    }


def test_it_owns_no_field_but_its_own(world: World) -> None:
    for thing in world.admin.items("/apis/apps/v1/deployments"):
        for entry in thing["metadata"].get("managedFields", []):
            if entry["manager"] == "responsibility-operator":
                assert list(entry["fieldsV1"]) == ["f:metadata"]
                assert list(entry["fieldsV1"]["f:metadata"]) == ["f:annotations"]
                keys = set(entry["fieldsV1"]["f:metadata"]["f:annotations"]) - {"."}
                assert all(key.startswith(f"f:{PREFIX}") for key in keys)
