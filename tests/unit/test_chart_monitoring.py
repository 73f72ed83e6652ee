"""What the chart ships for Prometheus and Grafana, as far as that shows without Helm."""

import json
import re
from pathlib import Path
from typing import Any

import yaml

from responsibility.monitoring.alert import AlertSeverity
from responsibility.monitoring.rules import ALERTS

CHART = Path(__file__).parents[2] / "helm" / "hub-responsibility"
TEMPLATE = (CHART / "templates" / "alerts.yaml").read_text(encoding="utf-8")


def _monitoring() -> dict[str, Any]:
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    found: dict[str, Any] = values["monitoring"]
    return found


def test_all_but_the_annotations_is_off() -> None:
    """A cluster without the Prometheus Operator would refuse its kinds."""
    monitoring = _monitoring()
    assert monitoring["serviceMonitor"]["enabled"] is False
    assert monitoring["podMonitor"]["enabled"] is False
    assert monitoring["alerts"]["prometheusRule"] is False
    assert monitoring["alerts"]["configMap"] is False
    assert monitoring["dashboards"]["enabled"] is False


def test_severities_are_those_of_the_table() -> None:
    translated = dict(
        re.findall(
            r'^  "([^"]+)" \.Values\.monitoring\.alerts\.severities\.(\w+)', TEMPLATE, re.MULTILINE
        )
    )
    severities = _monitoring()["alerts"]["severities"]
    assert translated.keys() == {severity.value for severity in AlertSeverity}
    assert {severities[key] for key in translated.values()} == translated.keys()
    assert all(severities[key] == word for word, key in translated.items())


def test_examples_of_alerts_exist() -> None:
    names = {alert.full_name for alert in ALERTS}
    for text in (
        (CHART / "values.yaml").read_text(encoding="utf-8"),
        (CHART.parents[1] / "docs" / "monitoring.md").read_text(encoding="utf-8"),
    ):
        examples = re.findall(r"\[(Responsibility[A-Z]\w+)\]", text)
        assert examples
        assert set(examples) <= names


def test_every_alert_can_be_turned_off() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    alerts = schema["properties"]["monitoring"]["properties"]["alerts"]["properties"]
    pattern = alerts["disabled"]["items"]["pattern"]
    assert all(re.fullmatch(pattern, alert.full_name) for alert in ALERTS)
