"""Alerts from what the operator really exports: which fire, what they say, and that they end."""

from __future__ import annotations

from typing import Any

import pytest

from demo import organisation as demo
from responsibility.monitoring.rules import ALERTS
from tests.e2e.lab.waiting import eventually, wait_until
from tests.e2e.monitoring.alertmanager import Alertmanager, held_back
from tests.e2e.monitoring.organisation import ADRIFT, PERHAPS
from tests.e2e.monitoring.prometheus import Prometheus
from tests.e2e.operator import chart
from tests.e2e.operator.api import OURS, RBAC, where
from tests.e2e.operator.chart import NAMESPACE
from tests.e2e.operator.process import Operator
from tests.e2e.operator.world import World

_PATIENCE = 120.0
PREFIX = "Responsibility"
# What is wrong with this organisation.
EXPECTED = {
    "OwnerCannotAct",
    "OwnerVacant",
    "NotEnforced",
    "ExcessAccess",
    "ExcessAccessHigh",
    "OwnersDisagree",
    "DelegationExpired",
    "DelegationExpiring",
    "AttestationOverdue",
    "ContactMissing",
    "AccessUnknown",
    "RecordRefused",
    "HubsUnrecorded",
    "BreakGlassUndeclared",
}


def firing(prometheus: Prometheus, name: str = "", **labels: str) -> list[dict[str, Any]]:
    """Return the alerts that fire, of one name and with these labels."""
    return [
        alert
        for alert in prometheus.firing()
        if (not name or alert["labels"]["alertname"] == PREFIX + name)
        and labels.items() <= alert["labels"].items()
    ]


def names(prometheus: Prometheus) -> set[str]:
    """Return the names of the alerts that fire."""
    return {a["labels"]["alertname"].removeprefix(PREFIX) for a in prometheus.firing()}


def until(prometheus: Prometheus, name: str, **labels: str) -> dict[str, Any]:
    """Wait until an alert fires, and return it."""
    return wait_until(
        lambda: firing(prometheus, name, **labels),
        _PATIENCE,
        lambda: f"{name} with {labels}; there are {[a['labels'] for a in firing(prometheus)]}",
    )[0]


def test_what_is_wrong_fires_and_nothing_else(one: Prometheus) -> None:
    wait_until(
        lambda: names(one) == EXPECTED,
        _PATIENCE,
        lambda: f"alerts: missing {EXPECTED - names(one)}, beyond {names(one) - EXPECTED}",
    )


def test_every_rule_is_evaluated_without_an_error(one: Prometheus, many: Prometheus) -> None:
    for prometheus in (one, many):

        def evaluated(prometheus: Prometheus = prometheus) -> bool:
            return all(rule["health"] != "unknown" for rule in prometheus.rules())

        wait_until(evaluated, _PATIENCE, "all rules to be evaluated")
        failed = {r["name"]: r.get("lastError") for r in prometheus.rules() if r["health"] != "ok"}
        assert failed == {}


def test_alerts_name_whom_to_call(one: Prometheus) -> None:
    """By these labels Alertmanager groups and routes."""
    alert = until(one, "OwnerCannotAct", hub=demo.ATLAS.release)
    assert alert["labels"] == {
        "alertname": "ResponsibilityOwnerCannotAct",
        "hub_namespace": demo.ATLAS.namespace,
        "hub": demo.ATLAS.release,
        "namespace": demo.ATLAS.namespace,
        "kind": "missing-access",
        "level": "high",
        "party": "community",
        "contact": "operations@atlas.example",
        "severity": "same day action needed",
    }
    soon = until(one, "DelegationExpiring")
    assert soon["labels"]["delegate"] == "guests"
    assert soon["labels"]["party"] == "provider"
    assert soon["labels"]["namespace"] == ADRIFT
    assert "2d 23h" in soon["annotations"]["description"]


def test_one_binding_is_one_alert_with_its_cause_in_the_text(one: Prometheus, world: World) -> None:
    """The leaver of the demo touches seven items; the status tells of the same cause."""
    until(one, "ExcessAccessHigh", hub=demo.COAST.release)
    (alert,) = firing(one, "ExcessAccessHigh", hub=demo.COAST.release)
    assert alert["annotations"]["summary"].endswith("on hub coast/coast: 1 cause")
    status = world.admin.get(where(OURS, "Responsibility", demo.COAST.record))["status"]
    (cause,) = (c for c in status["causes"] if c["kind"] == "excess-access")
    assert len(cause["items"]) == 7
    told = f"tells of each: {cause['id']} (can give themselves and others more rights)."
    assert told in alert["annotations"]["description"]
    assert "can give themselves and others more rights" in cause["summary"]


def test_what_the_cluster_has_once_is_in_no_hub(one: Prometheus) -> None:
    alert = until(one, "OwnersDisagree")
    assert "namespace" not in alert["labels"]
    assert "hub" not in alert["labels"]


def test_alerts_about_the_operator_are_in_its_namespace(one: Prometheus) -> None:
    assert until(one, "HubsUnrecorded")["labels"]["namespace"] == NAMESPACE


def test_what_they_say_can_be_read(one: Prometheus) -> None:
    until(one, "AccessUnknown", hub=PERHAPS)
    for alert in one.firing():
        for text in alert["annotations"].values():
            for sign in ("<error", "<no value>", "{{", "%!", "  ", "()", " ."):
                assert sign not in text, text
        name = alert["labels"]["alertname"]
        link = f"https://docs.example/runbook.md#{name.lower()}"
        assert alert["annotations"]["runbook_url"] == link
        assert alert["annotations"]["dashboard_url"].startswith("https://grafana.example/d/hub-")


def test_they_lead_to_the_dashboard_of_what_they_are_about(
    one: Prometheus, many: Prometheus
) -> None:
    until(many, "OwnerCannotAct", cluster="north", hub=demo.ATLAS.release)
    (of_hub,) = firing(many, "OwnerCannotAct", cluster="north", hub=demo.ATLAS.release)
    assert of_hub["annotations"]["dashboard_url"] == (
        "https://grafana.example/d/hub-responsibility-hub?from=now-2d&to=now"
        "&var-hub_namespace=atlas&var-hub=atlas&var-cluster=north"
    )
    fleet = "https://grafana.example/d/hub-responsibility-fleet?from=now-2d&to=now"
    assert until(one, "OwnersDisagree")["annotations"]["dashboard_url"] == fleet


def test_no_alert_names_a_person(one: Prometheus) -> None:
    said = str(one.firing())
    for subject in (demo.CONTRACTOR, demo.LEAVER, demo.LEAP_ADMINS):
        assert subject["name"] not in said


def test_they_reach_whom_they_name_by_the_routes_of_the_documentation(
    one: Prometheus, told: Alertmanager
) -> None:
    """The owner gets what is the owner's, in messages of their own; the provider all else."""
    contact = "operations@atlas.example"
    until(one, "OwnerCannotAct", contact=contact)

    def grouped() -> None:
        (mine,) = (
            group
            for group in told.groups()
            if group["receiver"]["name"] == "communities"
            and group["labels"].get("alertname") == f"{PREFIX}OwnerCannotAct"
            and group["labels"].get("contact") == contact
        )
        assert [alert["labels"]["hub"] for alert in mine["alerts"]] == [demo.ATLAS.release]
        told_provider = [g for g in told.groups() if g["receiver"]["name"] == "platform"]
        assert told_provider
        assert not [
            alert
            for group in told_provider
            for alert in group["alerts"]
            if alert["labels"].get("party") == "community"
        ]

    eventually(grouped, _PATIENCE)


@pytest.mark.parametrize("silent", ["OperatorStale", "OperatorAbsent", "RBACNotEnforced"])
def test_what_rests_on_the_operator_is_held_back_on_that_cluster_only(
    told: Alertmanager, silent: str
) -> None:
    here, elsewhere = {"cluster": f"with-{silent}"}, {"cluster": f"without-{silent}"}
    told.put(silent, here)
    for labels in (here, elsewhere):
        for name in ("ExcessAccess", "BreakGlassUsed", "BreakGlassUsedOnHub"):
            told.put(name, {**labels, "hub": "reef"})

    def held() -> None:
        assert held_back(told.alerts("ExcessAccess", **here)) == [True]
        assert held_back(told.alerts("ExcessAccess", **elsewhere)) == [False]
        # Whoever stops the operator silences no word of the break-glass, nor that it was stopped.
        for name in (silent, "BreakGlassUsed", "BreakGlassUsedOnHub"):
            assert held_back(told.alerts(name, **here)) == [False]

    eventually(held, _PATIENCE)


def test_clusters_have_alerts_of_their_own(many: Prometheus) -> None:
    for cluster in ("north", "south"):
        until(many, "OwnerCannotAct", cluster=cluster, hub=demo.ATLAS.release)
        until(many, "HubsUnrecorded", cluster=cluster)


def test_a_new_excess_is_told_apart_from_old_ones(
    one: Prometheus, told: Alertmanager, world: World
) -> None:
    until(one, "ExcessAccessHigh", hub=demo.COAST.release)
    wait_until(lambda: not firing(one, "ExcessAccessGrew"), _PATIENCE, "old news to be old")
    newcomer = {"kind": "User", "name": "newcomer@example.org"}
    world.admin.apply(demo.binding(demo.COAST.namespace, "newcomer", "admin", newcomer))
    until(one, "ExcessAccessGrew", namespace=demo.COAST.namespace)

    def new_first() -> None:
        assert held_back(told.alerts("ExcessAccessHigh", hub=demo.COAST.release)) == [True]
        assert held_back(told.alerts("ExcessAccessHigh", hub=demo.LEAP.release)) == [False]

    eventually(new_first, _PATIENCE)
    world.admin.delete(where(RBAC, "RoleBinding", "newcomer", demo.COAST.namespace))
    wait_until(lambda: not firing(one, "ExcessAccessGrew"), _PATIENCE, "it to be over")


def test_an_alert_ends_with_its_cause(one: Prometheus, world: World) -> None:
    until(one, "OwnerCannotAct", hub=demo.ATLAS.release)
    world.admin.apply(
        demo.binding(demo.ATLAS.namespace, "atlas-again", "cluster-admin", demo.ATLAS_ENGINEERS)
    )
    wait_until(
        lambda: not firing(one, "OwnerCannotAct", hub=demo.ATLAS.release),
        _PATIENCE,
        "the owner to be able to act",
    )


def test_rights_that_are_taken_away_are_told(
    one: Prometheus, world: World, operator: Operator
) -> None:
    """Annotations are what it writes to objects of others."""
    role = chart.role(world.objects)
    rules = [rule for rule in role["rules"] if "deployments" not in rule["resources"]]
    world.admin.apply({**role, "rules": rules}, manager="helm")
    # A change to write, which is refused.
    world.admin.merge(
        {
            "apiVersion": "responsibility.2i2c.org/v1alpha1",
            "kind": "Responsibility",
            "metadata": {"name": demo.COAST.record},
            "spec": {"parties": [{"name": "community", "contact": {"email": "new@coast.example"}}]},
        }
    )
    until(one, "WritesFail", what="annotations", namespace=NAMESPACE)
    until(one, "WatchesFail", namespace=NAMESPACE)
    world.admin.apply(role, manager="helm")
    wait_until(lambda: not firing(one, "WritesFail"), _PATIENCE, "writes to succeed again")
    assert operator.running


def test_an_operator_that_is_gone_is_missed(
    one: Prometheus, many: Prometheus, operator: Operator
) -> None:
    assert operator.stop() == 0
    assert until(one, "OperatorAbsent")["labels"]["namespace"] == NAMESPACE
    for cluster in ("north", "south"):
        until(many, "OperatorAbsent", cluster=cluster)
    # Nothing else is said any more about hubs.
    wait_until(
        lambda: names(one) == {"OperatorAbsent"}, _PATIENCE, lambda: f"silence, not {names(one)}"
    )


def test_expected_alerts_exist() -> None:
    assert {alert.name for alert in ALERTS} >= EXPECTED
