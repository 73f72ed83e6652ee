"""The cases as promtool takes them."""

from __future__ import annotations

from typing import Any

from responsibility.monitoring import rules
from responsibility.monitoring.alert import PREFIX
from tests.unit.monitoring.case import Case, Series
from tests.unit.monitoring.cases import CASES

Json = dict[str, Any]


def rule_file() -> Json:
    """Return the rules with no annotation but the summary: promtool compares all there are."""
    groups = rules.groups()
    for group in groups:
        for rule in group["rules"]:
            if "alert" in rule:
                rule["annotations"] = {"summary": rule["annotations"]["summary"]}
    return {"groups": groups}


def files(rule_file: str) -> dict[str, Json]:
    """Return all cases as files of tests: one for each alert and step."""
    found: dict[str, Json] = {}
    for case in CASES:
        name = f"{case.alert.removeprefix(PREFIX)}-{case.step}"
        empty = {"rule_files": [rule_file], "evaluation_interval": case.step, "tests": []}
        found.setdefault(name, empty)["tests"] += _tests(case)
    return found


def _tests(case: Case) -> list[Json]:
    fired = {
        "exp_labels": {"severity": case.severity.value, **case.labels},
        "exp_annotations": {"summary": case.summary},
    }
    return [
        _test(f"{case.alert} fires", case, case.sick, {case.before: [], case.at: [fired]}),
        *(
            _test(f"{case.alert} stays silent, {number}", case, healthy, {case.at: []})
            for number, healthy in enumerate(case.healthy)
            if healthy
        ),
    ]


def _test(name: str, case: Case, given: Series, expected: dict[str, list[Json]]) -> Json:
    return {
        "name": name,
        "interval": case.step,
        "input_series": [
            {"series": selector, "values": values} for selector, values in (*case.common, *given)
        ],
        "alert_rule_test": [
            {"eval_time": at, "alertname": case.alert, "exp_alerts": alerts}
            for at, alerts in expected.items()
        ],
    }
