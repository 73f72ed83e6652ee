"""A release of the demo looks like one of the chart, in every generation of its labels."""

import base64
import gzip
import json
from collections import Counter
from typing import Any

import pytest
import yaml

from demo.labels import Generation, Manifest
from demo.release import distractors, helm_release_secret, release

LEGACY = {"app", "component", "release", "chart", "heritage"}
MODERN = {
    "app.kubernetes.io/name",
    "app.kubernetes.io/component",
    "app.kubernetes.io/instance",
    "helm.sh/chart",
}
GENERATIONS: tuple[Generation, ...] = ("current", "legacy", "modern-only")


def _kinds(objects: list[Manifest]) -> Counter[str]:
    return Counter(manifest["kind"] for manifest in objects)


def _one(objects: list[Manifest], kind: str, name: str) -> Manifest:
    (found,) = [o for o in objects if o["kind"] == kind and o["metadata"]["name"] == name]
    return found


def test_a_default_release_is_complete() -> None:
    assert _kinds(release("prod", "prod")) == {
        "ClusterRole": 1,
        "ClusterRoleBinding": 1,
        "ConfigMap": 2,
        "DaemonSet": 1,
        "Deployment": 3,
        "NetworkPolicy": 3,
        "PersistentVolumeClaim": 1,
        "PodDisruptionBudget": 2,
        "Role": 1,
        "RoleBinding": 1,
        "Secret": 1,
        "Service": 3,
        "ServiceAccount": 3,
        "StatefulSet": 1,
    }


@pytest.mark.parametrize(
    ("options", "deployments"),
    [
        ({"user_scheduler": False}, {"hub", "proxy"}),
        ({}, {"hub", "proxy", "user-scheduler"}),
        ({"https": True}, {"hub", "proxy", "user-scheduler", "autohttps"}),
    ],
)
def test_switches_decide_which_deployments_there_are(
    options: dict[str, bool], deployments: set[str]
) -> None:
    objects = release("prod", "prod", **options)  # type: ignore[arg-type]  # any field
    assert {o["metadata"]["name"] for o in objects if o["kind"] == "Deployment"} == deployments


@pytest.mark.parametrize(
    ("generation", "present", "absent"),
    [
        ("current", LEGACY | MODERN, set()),
        ("legacy", LEGACY, MODERN),
        ("modern-only", MODERN, LEGACY),
    ],
)
def test_every_object_has_the_labels_of_its_generation(
    generation: Generation, present: set[str], absent: set[str]
) -> None:
    for manifest in release("prod", "leap", generation=generation, https=True):
        labels = manifest["metadata"]["labels"]
        assert labels.keys() >= present
        assert not labels.keys() & absent
        assert labels["app.kubernetes.io/managed-by"] == "Helm"


def test_the_hub_deployment_has_the_labels_of_the_chart() -> None:
    hub = _one(release("prod", "leap", chart_version="4.3.3"), "Deployment", "hub")
    assert hub["metadata"] == {
        "name": "hub",
        "namespace": "prod",
        "labels": {
            "app": "jupyterhub",
            "component": "hub",
            "release": "leap",
            "chart": "jupyterhub-4.3.3",
            "heritage": "Helm",
            "app.kubernetes.io/name": "jupyterhub",
            "app.kubernetes.io/component": "hub",
            "app.kubernetes.io/instance": "leap",
            "helm.sh/chart": "jupyterhub-4.3.3",
            "app.kubernetes.io/managed-by": "Helm",
        },
        "annotations": {
            "meta.helm.sh/release-name": "leap",
            "meta.helm.sh/release-namespace": "prod",
        },
    }


@pytest.mark.parametrize("generation", GENERATIONS)
def test_selectors_match_their_own_pods(generation: Generation) -> None:
    for manifest in release("prod", "prod", generation=generation, https=True):
        if manifest["kind"] not in {"Deployment", "StatefulSet", "DaemonSet"}:
            continue
        selector = manifest["spec"]["selector"]["matchLabels"]
        pod_labels = manifest["spec"]["template"]["metadata"]["labels"]
        assert selector
        assert selector.items() <= pod_labels.items()


@pytest.mark.parametrize("generation", GENERATIONS)
def test_services_select_a_workload_of_the_release(generation: Generation) -> None:
    objects = release("prod", "prod", generation=generation, https=True)
    pods = [o["spec"]["template"]["metadata"]["labels"] for o in objects if "Set" in o["kind"]]
    pods += [
        o["spec"]["template"]["metadata"]["labels"] for o in objects if o["kind"] == "Deployment"
    ]
    for service in (o for o in objects if o["kind"] == "Service"):
        selector = service["spec"]["selector"]
        assert any(selector.items() <= labels.items() for labels in pods), service["metadata"]


def test_a_prefix_reaches_every_name() -> None:
    objects = release("prod", "leap", prefix="leap-jupyterhub-", https=True)
    assert {o["metadata"]["name"].startswith("leap-jupyterhub-") for o in objects} == {True}
    names = _one(objects, "ConfigMap", "leap-jupyterhub-hub")["data"]
    assert names["hub"] == "leap-jupyterhub-hub"
    assert names["hub-pvc"] == "leap-jupyterhub-hub-db-dir"
    assert names["user-scheduler"] == "leap-jupyterhub-user-scheduler"
    hub = _one(objects, "Deployment", "leap-jupyterhub-hub")
    assert hub["spec"]["template"]["spec"]["serviceAccountName"] == "leap-jupyterhub-hub"


def test_only_cluster_scoped_names_carry_the_release() -> None:
    objects = release("prod", "leap")
    for manifest in objects:
        metadata = manifest["metadata"]
        cluster_scoped = manifest["kind"].startswith("Cluster")
        assert ("namespace" in metadata) is not cluster_scoped
        assert (metadata["name"] == "leap-user-scheduler") is cluster_scoped


def test_bindings_lead_to_a_role_and_an_account_of_the_release() -> None:
    objects = release("prod", "leap", prefix="leap-jupyterhub-", https=True)
    known = {(o["kind"], o["metadata"]["name"]) for o in objects}
    for manifest in (o for o in objects if o["kind"].endswith("Binding")):
        assert (manifest["roleRef"]["kind"], manifest["roleRef"]["name"]) in known
        (subject,) = manifest["subjects"]
        assert subject["namespace"] == "prod"
        assert (subject["kind"], subject["name"]) in known


def test_the_hub_secret_holds_readable_values() -> None:
    secret = _one(release("prod", "leap"), "Secret", "hub")
    values: dict[str, Any] = yaml.safe_load(base64.b64decode(secret["data"]["values.yaml"]))
    assert values["Release"] == {"Name": "leap", "Namespace": "prod", "Service": "Helm"}
    assert values["Chart"]["Version"] == "4.4.0"
    assert values["singleuser"]["memory"] == {"guarantee": "256M", "limit": "1G"}


def test_a_release_is_the_same_every_time() -> None:
    first, second = release("a", "b", https=True), release("a", "b", https=True)
    assert first == second
    assert helm_release_secret("a", "b", first) == helm_release_secret("a", "b", second)


def test_helm_s_secret_holds_the_manifest() -> None:
    objects = release("prod", "leap")
    secret = helm_release_secret("prod", "leap", objects, revision=3)
    assert secret["metadata"]["name"] == "sh.helm.release.v1.leap.v3"
    assert secret["metadata"]["labels"]["status"] == "deployed"
    packed = base64.b64decode(base64.b64decode(secret["data"]["release"]))
    record = json.loads(gzip.decompress(packed))
    assert (record["name"], record["version"]) == ("leap", 3)
    assert list(yaml.safe_load_all(record["manifest"])) == objects


def test_distractors_share_the_app_label_and_nothing_else() -> None:
    for manifest in distractors("prod"):
        labels = manifest["metadata"]["labels"]
        assert labels["app"] == "jupyterhub"
        assert labels["component"] != "hub"
        assert not labels.keys() & {"release", "chart", "app.kubernetes.io/instance"}
