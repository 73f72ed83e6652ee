"""What the chart renders for Prometheus and Grafana, switch by switch, with both Helms."""

from __future__ import annotations

import json
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from responsibility.monitoring import rules
from responsibility.monitoring.rules import ALERTS
from tests.e2e import helms
from tests.e2e.lab import binaries, programs
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.waiting import wait_until
from tests.e2e.monitoring.prometheus import program

CHART = Path(__file__).parents[3] / "helm" / "hub-responsibility"
NAMESPACE = "hub-responsibility"
_KUBERNETES = "1.37.0"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PROMETHEUS_OPERATOR = "github.com/prometheus-operator/prometheus-operator"
_RULE = "monitoring.alerts.prometheusRule=true"
_CONFIG_MAP = "monitoring.alerts.configMap=true"

Manifest = dict[str, Any]


@pytest.fixture(scope="module", params=helms.BOTH)
def helm(request: pytest.FixtureRequest) -> Path:
    """Helm 4 and Helm 3: built where the control plane is built, else those on PATH."""
    name: str = request.param
    return programs.helm(name)


def _template(helm: Path, *settings: str) -> subprocess.CompletedProcess[str]:
    options = [option for setting in settings for option in ("--set", setting)]
    return subprocess.run(
        [
            *(str(helm), "template", "release", str(CHART), f"--namespace={NAMESPACE}"),
            *("--kube-version", _KUBERNETES, *options),
        ],
        capture_output=True,
        text=True,
        check=False,
    )


def _rendered(helm: Path, *settings: str) -> list[Manifest]:
    done = _template(helm, *settings)
    assert done.returncode == 0, done.stderr
    return [o for o in yaml.load_all(done.stdout, _LOADER) if o]


def _one(objects: list[Manifest], kind: str) -> Manifest:
    (found,) = [o for o in objects if o["kind"] == kind]
    return found


def _alerting(groups: list[Manifest]) -> list[Manifest]:
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


def test_by_default_there_is_nothing_but_annotations(helm: Path) -> None:
    objects = _rendered(helm)
    assert not [o for o in objects if o["apiVersion"].startswith("monitoring.coreos.com/")]
    assert not [o for o in objects if o["kind"] == "ConfigMap"]
    assert _one(objects, "Service")["metadata"]["annotations"] == {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": "8080",
        "prometheus.io/path": "/metrics",
    }


def test_annotations_can_be_left_out(helm: Path) -> None:
    service = _one(_rendered(helm, "service.scrape=false"), "Service")
    assert "annotations" not in service["metadata"]


def test_a_service_monitor_finds_the_service(helm: Path) -> None:
    objects = _rendered(
        helm,
        "monitoring.serviceMonitor.enabled=true",
        "monitoring.serviceMonitor.labels.release=stack",
    )
    monitor, service = _one(objects, "ServiceMonitor"), _one(objects, "Service")
    selector = monitor["spec"]["selector"]["matchLabels"]
    assert selector.items() <= service["metadata"]["labels"].items()
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint == {"port": "http", "path": "/metrics", "interval": "30s"}
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert monitor["metadata"]["labels"]["release"] == "stack"
    assert monitor["metadata"]["namespace"] == NAMESPACE


def test_a_pod_monitor_finds_the_pods(helm: Path) -> None:
    objects = _rendered(
        helm, "monitoring.podMonitor.enabled=true", "monitoring.podMonitor.interval="
    )
    template = _one(objects, "Deployment")["spec"]["template"]
    monitor = _one(objects, "PodMonitor")
    selector = monitor["spec"]["selector"]["matchLabels"]
    assert selector.items() <= template["metadata"]["labels"].items()
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert endpoint == {"port": "http", "path": "/metrics"}
    (container,) = template["spec"]["containers"]
    assert endpoint["port"] in {port["name"] for port in container["ports"]}


def test_nothing_is_scraped_twice(helm: Path) -> None:
    refused = _template(
        helm, "monitoring.serviceMonitor.enabled=true", "monitoring.podMonitor.enabled=true"
    )
    assert refused.returncode != 0
    assert "choose one" in refused.stderr


def test_the_alerts_come_through_the_template_unchanged(helm: Path) -> None:
    objects = _rendered(helm, _RULE, _CONFIG_MAP)
    assert _one(objects, "PrometheusRule")["spec"] == {"groups": rules.groups()}
    (text,) = _one(objects, "ConfigMap")["data"].values()
    assert yaml.safe_load(text) == {"groups": rules.groups()}


def test_the_mounted_file_is_one_of_rules(helm: Path, tmp_path: Path) -> None:
    config_map = _one(_rendered(helm, _CONFIG_MAP), "ConfigMap")
    ((name, text),) = config_map["data"].items()
    (tmp_path / name).write_text(text, encoding="utf-8")
    checked = subprocess.run(
        [str(program("promtool")), "check", "rules", "--lint-fatal", str(tmp_path / name)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


def test_links_lead_where_the_runbook_is(helm: Path) -> None:
    url = "https://docs.example/runbook.md"
    grafana = "https://grafana.example"
    urls = (f"monitoring.alerts.runbookUrl={url}", f"monitoring.alerts.grafanaUrl={grafana}")
    rule = _one(_rendered(helm, _RULE, *urls), "PrometheusRule")
    assert rule["spec"] == {"groups": rules.groups(url, grafana)}


def test_severities_and_labels_are_in_your_words(helm: Path) -> None:
    rule = _one(
        _rendered(
            helm,
            _RULE,
            "monitoring.alerts.severities.today=critical",
            "monitoring.alerts.ruleLabels.team=platform",
            "monitoring.alerts.labels.role=alert-rules",
        ),
        "PrometheusRule",
    )
    assert rule["metadata"]["labels"]["role"] == "alert-rules"
    told = {r["alert"]: r["labels"] for r in _alerting(rule["spec"]["groups"])}
    assert told["ResponsibilityOwnerCannotAct"] == {"severity": "critical", "team": "platform"}
    assert told["ResponsibilityExcessAccess"]["severity"] == "action needed this week"
    assert all(labels["team"] == "platform" for labels in told.values())


def test_alerts_can_be_turned_off(helm: Path) -> None:
    rule = _one(
        _rendered(helm, _RULE, "monitoring.alerts.disabled={ResponsibilityHubsUnrecorded}"),
        "PrometheusRule",
    )
    left = {r["alert"] for r in _alerting(rule["spec"]["groups"])}
    assert {a.full_name for a in ALERTS} - left == {"ResponsibilityHubsUnrecorded"}


def test_an_alert_that_is_not_there_cannot_be_turned_off(helm: Path) -> None:
    refused = _template(helm, _RULE, "monitoring.alerts.disabled={ResponsibilityTypo}")
    assert refused.returncode != 0
    assert "there is no alert ResponsibilityTypo; there are" in refused.stderr


def _established(cluster: Cluster, file: Path) -> bool:
    """Ask once: where there is no condition yet, kubectl gives up instead of waiting."""
    wait = ("wait", "--for=condition=Established", "-f", str(file))
    return cluster.kubectl(*wait, check=False).returncode == 0


@pytest.fixture(scope="module")
def with_prometheus_operator(cluster: Cluster) -> Cluster:
    """Have a cluster that knows the kinds of the Prometheus Operator."""
    source = binaries.module_source("prometheus-operator", _PROMETHEUS_OPERATOR)
    kinds = source / "example" / "prometheus-operator-crd"
    for kind in ("servicemonitors", "podmonitors", "prometheusrules"):
        file = kinds / f"monitoring.coreos.com_{kind}.yaml"
        cluster.kubectl("apply", "--server-side", "-f", str(file))
        wait_until(partial(_established, cluster, file), 60, f"{kind} to be served")
    cluster.kubectl("create", "namespace", NAMESPACE)
    return cluster


@pytest.mark.parametrize("monitor", ["serviceMonitor", "podMonitor"])
def test_the_prometheus_operators_kinds_are_what_it_defines(
    helm: Path, monitor: str, with_prometheus_operator: Cluster, tmp_path: Path
) -> None:
    """A field that is misspelt or of a wrong type is refused by the API server."""
    objects = _rendered(
        helm,
        _RULE,
        f"monitoring.{monitor}.enabled=true",
        "monitoring.alerts.ruleLabels.team=platform",
        "monitoring.alerts.runbookUrl=https://docs.example/runbook.md",
    )
    theirs = [o for o in objects if o["apiVersion"].startswith("monitoring.coreos.com/")]
    assert len(theirs) == 2
    file = tmp_path / "objects.yaml"
    file.write_text(yaml.safe_dump_all(theirs), encoding="utf-8")
    dry_run = ("apply", "--dry-run=server", "--validate=strict", "-f", str(file))
    shown = with_prometheus_operator.kubectl(*dry_run).stdout
    assert shown.count("(server dry run)") == 2


def test_dashboards_come_through_the_template_unchanged(helm: Path) -> None:
    objects = _rendered(
        helm,
        "monitoring.dashboards.enabled=true",
        "monitoring.dashboards.namespace=grafana",
        "monitoring.dashboards.annotations.grafana_folder=Hubs",
    )
    maps = [o for o in objects if o["kind"] == "ConfigMap"]
    shipped = {p.name: json.loads(p.read_text("utf-8")) for p in CHART.glob("files/dashboards/*")}
    rendered = {n: json.loads(t) for o in maps for n, t in o["data"].items()}
    assert shipped
    assert rendered == shipped
    for config_map in maps:
        assert config_map["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert config_map["metadata"]["annotations"] == {"grafana_folder": "Hubs"}
        assert config_map["metadata"]["namespace"] == "grafana"
    assert len({o["metadata"]["name"] for o in maps}) == len(maps)


def test_dashboards_are_in_the_release_unless_told_otherwise(helm: Path) -> None:
    objects = _rendered(
        helm, "monitoring.dashboards.enabled=true", "monitoring.dashboards.label=board"
    )
    for config_map in (o for o in objects if o["kind"] == "ConfigMap"):
        assert config_map["metadata"]["namespace"] == NAMESPACE
        assert config_map["metadata"]["labels"]["board"] == "1"
