"""Every alert is about a metric that there is, is tried, and is told how to end."""

import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from responsibility.controller.reporting.metrics_table import METRICS
from responsibility.monitoring import rules
from responsibility.monitoring.alert import Alert, AlertSeverity
from responsibility.monitoring.hub_alerts import HUB_ALERTS, RECORDS
from responsibility.monitoring.rules import ALERTS
from responsibility.ownership.results.findings import KINDS
from tests.unit.monitoring import expressions
from tests.unit.monitoring.cases import CASES

ROOT = Path(__file__).parents[3]
RUNBOOK = ROOT / "docs" / "runbook.md"
EXPRESSIONS = [*(r.expression for r in RECORDS), *(a.expression for a in ALERTS)]
each = pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)


def test_alerts_have_one_name_each() -> None:
    assert [name for name, times in Counter(a.full_name for a in ALERTS).items() if times > 1] == []


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_only_metrics_and_labels_that_there_are(expression: str) -> None:
    named = expressions.metrics(expression)
    assert named <= expressions.EXPORTED.keys()
    labels = {label for name in named for label in expressions.EXPORTED[name]}
    if used := expressions.recorded(expression):
        assert used <= {record.name for record in RECORDS}
        labels |= {"hub_namespace", "hub", "item", "kind", "level", "party", "contact"}
    found = expressions.groupings(expression) | expressions.selected(expression)
    assert found <= labels | expressions.ADDED


def test_what_scraping_adds_is_left_to_it() -> None:
    """A label of our own by that name would be in the way, or be renamed."""
    exported = {label for metric in METRICS for label in metric.labels}
    assert not exported & {*expressions.ADDED, "instance", "job", "pod", "service", "node"}


@each
def test_clusters_stay_apart(alert: Alert) -> None:
    """Of several clusters in one Prometheus, each has its own alert."""
    lists = re.findall(r"\b(?:by|on) ?\(([^)]*)\)", alert.expression)
    assert all(labels.startswith("cluster") for labels in lists)


def test_every_kind_of_finding_has_an_alert_and_no_other_is_asked_for() -> None:
    asked = {kind for alert in ALERTS for kind in expressions.kinds(alert.expression)}
    assert asked == KINDS.keys()


@each
def test_every_alert_is_tried(alert: Alert) -> None:
    cases = [case for case in CASES if case.alert == alert.full_name]
    assert cases
    assert any(series for case in cases for series in case.healthy)
    assert {case.severity for case in cases} == {alert.severity}


def test_no_case_is_about_an_alert_that_is_gone() -> None:
    assert {case.alert for case in CASES} <= {alert.full_name for alert in ALERTS}


@each
def test_what_it_says_can_be_read(alert: Alert) -> None:
    for text in (alert.summary, alert.description):
        assert text[-1] != " "
        assert "  " not in text
        assert text.count("{{") == text.count("}}")
        # Never a subject: metrics name none.
        assert set(re.findall(r"\$labels\.(\w+)", text)) <= {
            *("cluster", "hub_namespace", "hub", "item", "party", "contact", "delegate"),
            *("kind", "level"),
            *("reason", "resource", "what"),
        }
    assert not alert.summary.endswith(".")
    assert alert.description.endswith((".", "record."))


def test_the_runbook_ends_every_alert() -> None:
    headings = re.findall(r"^### (Responsibility\w+)$", RUNBOOK.read_text("utf-8"), re.MULTILINE)
    assert headings == [alert.full_name for alert in ALERTS]


@each
def test_the_runbook_tells_how_soon(alert: Alert) -> None:
    section = RUNBOOK.read_text("utf-8").split(f"### {alert.full_name}\n", 1)[1].split("\n#", 1)[0]
    assert f"*{alert.severity.value[0].upper()}{alert.severity.value[1:]}.*" in section
    assert "**End it**" in section


def test_links_lead_into_the_runbook() -> None:
    url = "https://docs.example/runbook.md"
    alerting = [r for g in rules.groups(url) for r in g["rules"] if "alert" in r]
    assert len(alerting) == len(ALERTS)
    for rule in alerting:
        assert rule["annotations"]["runbook_url"] == f"{url}#{rule['alert'].lower()}"
        assert "runbook" not in rule["annotations"]
    for group in rules.groups():
        for rule in group["rules"]:
            link = rule.get("annotations", {}).get("runbook", "docs/runbook.md#")
            assert (ROOT / link.partition("#")[0]).is_file()


def test_what_is_recorded_comes_before_what_uses_it() -> None:
    first = rules.groups()[0]["rules"]
    assert [rule.get("record") for rule in first[: len(RECORDS)]] == [r.name for r in RECORDS]
    for position, rule in enumerate(first):
        earlier = {r["record"] for r in first[:position] if "record" in r}
        assert expressions.recorded(rule["expr"]) <= earlier
    using = [a for a in ALERTS if expressions.recorded(a.expression)]
    assert set(using) <= set(HUB_ALERTS)


def test_the_file_is_what_the_table_says() -> None:
    loaded = yaml.safe_load(rules.render())
    assert loaded == {"groups": rules.groups()}


def test_every_severity_is_used() -> None:
    assert {alert.severity for alert in ALERTS} == set(AlertSeverity)
