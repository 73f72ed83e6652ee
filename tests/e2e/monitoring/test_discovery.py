"""A Prometheus without an operator of its own finds ours, by the annotations of its Service.

No pod runs here: what stands for the operator's is one that the lab pretends to run, with an
address at which nobody is. So the last rule puts the address of the real operator in its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.lab import identities
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.waiting import wait_until
from tests.e2e.monitoring.prometheus import Json, Prometheus, running
from tests.e2e.monitoring.windows import shortened
from tests.e2e.operator import chart
from tests.e2e.operator.api import RBAC, Manifest, path_of, where
from tests.e2e.operator.process import Operator
from tests.e2e.operator.world import World, hub, record

_PATIENCE = 120.0
# By which kinds of the API Prometheus can be told to look for what stands behind Services.
ROLES = ("endpoints", "endpointslice")
_ANNOTATION = "__meta_kubernetes_service_annotation_prometheus_io"


def job(role: str, kubeconfig: Path, operator: Operator) -> Json:
    """Scrape whatever is behind annotated Services, by the rules that are usual for it."""
    rules: list[Json] = [
        {"source_labels": [f"{_ANNOTATION}_scrape"], "action": "keep", "regex": "true"},
        {
            "source_labels": [f"{_ANNOTATION}_scheme"],
            "regex": "(https?)",
            "target_label": "__scheme__",
        },
        {
            "source_labels": [f"{_ANNOTATION}_path"],
            "regex": "(.+)",
            "target_label": "__metrics_path__",
        },
        {
            "source_labels": ["__address__", f"{_ANNOTATION}_port"],
            "regex": r"(.+?)(?::\d+)?;(\d+)",
            "replacement": "$1:$2",
            "target_label": "__address__",
        },
        {"action": "labelmap", "regex": "__meta_kubernetes_service_label_(.+)"},
        {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"},
        {"source_labels": ["__meta_kubernetes_service_name"], "target_label": "service"},
        {"source_labels": ["__meta_kubernetes_pod_node_name"], "target_label": "node"},
        # What only this test needs.
        {"source_labels": ["__address__"], "target_label": "found_at"},
        {"target_label": "__address__", "replacement": operator.address},
    ]
    return {
        "job_name": role,
        "kubernetes_sd_configs": [{"role": role, "kubeconfig_file": str(kubeconfig)}],
        "relabel_configs": rules,
    }


def scraper() -> list[Manifest]:
    """Return an account that may look for targets, and do nothing else."""
    subject = {"kind": "ServiceAccount", "namespace": "default", "name": "prometheus"}
    looked_at = {"": ["services", "endpoints", "pods"], "discovery.k8s.io": ["endpointslices"]}
    rules = [
        {"apiGroups": [group], "resources": resources, "verbs": ["list", "watch"]}
        for group, resources in looked_at.items()
    ]
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole"}
    name = {"name": "prometheus"}
    return [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {**name, "namespace": "default"},
        },
        {"apiVersion": RBAC, "kind": "ClusterRole", "metadata": name, "rules": rules},
        {
            "apiVersion": RBAC,
            "kind": "ClusterRoleBinding",
            "metadata": name,
            "roleRef": {**reference, **name},
            "subjects": [subject],
        },
    ]


def pod(cluster: Cluster) -> Manifest:
    """Return the pod that the chart's Deployment would make."""
    (deployment,) = chart.pods()
    template = deployment["spec"]["template"]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "hub-responsibility-0",
            "namespace": chart.NAMESPACE,
            "labels": template["metadata"]["labels"],
        },
        "spec": {**template["spec"], "nodeName": cluster.node},
    }


@pytest.fixture(scope="module")
def world(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Install the chart, with its Service and a pod behind it, and a hub."""
    made = World(cluster, tmp_path_factory.mktemp("found"))
    made.install()
    made.admin.apply(*hub("reef"), record("reef", parties=[{"name": "community"}]))
    made.admin.apply(chart.service(), pod(cluster), *scraper())
    return made


@pytest.fixture(scope="module")
def prometheus(world: World, operator: Operator) -> Iterator[Prometheus]:
    kubeconfig = world.directory / "prometheus.kubeconfig"
    identities.service_account_kubeconfig(world.cluster, "default", "prometheus", kubeconfig)
    jobs = [job(role, kubeconfig, operator) for role in ROLES]
    with running(world.directory / "found", jobs, shortened()) as started:
        yield started


def test_it_is_found_and_scraped_as_annotated(world: World, prometheus: Prometheus) -> None:
    def up() -> set[str]:
        return {s.labels["job"] for s in prometheus.query("up == 1")}

    wait_until(lambda: up() == set(ROLES), _PATIENCE, lambda: f"targets: {prometheus.targets()}")
    address = world.admin.get(path_of(pod(world.cluster)))["status"]["podIP"]
    for target in prometheus.targets():
        assert target["scrapeUrl"].endswith("/metrics")
        told = target["labels"]
        assert told["found_at"] == f"{address}:8080"
        assert told["service"] == chart.RELEASE
        assert told["namespace"] == chart.NAMESPACE


def test_no_label_of_ours_is_in_the_way_of_those_that_are_added(prometheus: Prometheus) -> None:
    found = wait_until(
        lambda: prometheus.query('responsibility_item_owner_info{hub="reef"}'), _PATIENCE, "items"
    )
    for sample in found:
        assert sample.labels["hub_namespace"] == "reef"
        assert sample.labels["namespace"] == chart.NAMESPACE
    everything = prometheus.query('{__name__=~"responsibility_.+"}')
    assert not [s for s in everything for label in s.labels if label.startswith("exported_")]


def test_alerts_come_of_it_in_the_hub_s_namespace(prometheus: Prometheus) -> None:
    def told() -> list[Json]:
        name = "ResponsibilityContactMissing"
        return [a["labels"] for a in prometheus.firing() if a["labels"]["alertname"] == name]

    alerts = wait_until(told, _PATIENCE, "an alert")
    assert {alert["namespace"] for alert in alerts if alert.get("hub") == "reef"} == {"reef"}
    assert all("service" not in alert and "node" not in alert for alert in alerts)


def test_without_the_annotations_it_is_left_alone(world: World, prometheus: Prometheus) -> None:
    service = chart.service("--set=service.scrape=false")
    assert "annotations" not in service["metadata"]
    world.admin.apply(service)
    wait_until(lambda: not prometheus.targets(), _PATIENCE, "no target")
    assert world.admin.get(where("v1", "Service", chart.RELEASE, chart.NAMESPACE))
