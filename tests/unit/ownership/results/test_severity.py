"""How bad excess access is goes by what can be done with it."""

from pathlib import Path

import pytest

from responsibility.ownership.results import wording
from responsibility.ownership.results.findings import Finding, worst_first
from responsibility.ownership.results.severity import SCALE, Severity, danger_of, worst
from responsibility.ownership.terms.permission_index import EVERYTHING, Permission
from responsibility.rbac.escalation.steps import Step
from responsibility.rbac.objects import USER, BindingKey, RoleKey, Source, Subject

ANN = Subject(USER, "ann")
RBAC = "rbac.authorization.k8s.io"
PVCS = Permission("list", "", "persistentvolumeclaims")


def finding(*permissions: Permission, **more: object) -> Finding:
    return Finding("excess-access", "beds", 1, None, "Beds", ANN, permissions=permissions, **more)  # type: ignore[arg-type]  # any field


@pytest.mark.parametrize(
    ("permission", "rank", "severity"),
    [
        (EVERYTHING, 0, Severity.HIGH),
        (Permission("create", RBAC, "rolebindings"), 1, Severity.HIGH),
        (Permission("bind", RBAC, "clusterroles"), 1, Severity.HIGH),
        (Permission("impersonate", "", "users"), 1, Severity.HIGH),
        (Permission("create", "", "serviceaccounts", "token"), 1, Severity.HIGH),
        (Permission("*", "*", "*"), 1, Severity.HIGH),
        (Permission("patch", "admissionregistration.k8s.io", "x"), 1, Severity.HIGH),
        (Permission("get", "", "secrets", name="hub"), 2, Severity.HIGH),
        (Permission("get", "", "*"), 2, Severity.HIGH),
        (Permission("create", "", "pods", "exec"), 3, Severity.HIGH),
        (Permission("get", "", "nodes", "proxy"), 3, Severity.HIGH),
        (Permission("patch", "apps", "deployments"), 4, Severity.MEDIUM),
        (Permission("create", "", "pods"), 4, Severity.MEDIUM),
        (Permission("delete", "", "persistentvolumeclaims"), 5, Severity.MEDIUM),
        (Permission("get", RBAC, "roles"), 6, Severity.LOW),
        (Permission("get", "apps", "*"), 6, Severity.LOW),
        (PVCS, 6, Severity.LOW),
    ],
)
def test_each_permission_has_its_place(
    permission: Permission, rank: int, severity: Severity
) -> None:
    assert danger_of(permission).rank == rank
    assert finding(PVCS, permission).severity is severity


def test_a_route_is_a_degree_less_and_never_below_the_lowest() -> None:
    route = (Step("token", ANN, "request a token", ()),)
    assert finding(EVERYTHING, route=route).severity is Severity.MEDIUM
    assert finding(PVCS, route=route).severity is Severity.LOW


def test_a_stranger_who_can_do_everything_comes_first() -> None:
    secrets = finding(Permission("get", "", "secrets"), PVCS, Permission("get", "", "pods"))
    missing = Finding("missing-access", "beds", 1, None)
    everything = finding(EVERYTHING)
    order = sorted([finding(PVCS), secrets, missing, everything], key=worst_first)
    assert order == [everything, missing, secrets, finding(PVCS)]


def test_the_sentence_names_the_worst_first_and_the_names_it_is_for() -> None:
    source = Source(BindingKey("prod", "b"), RoleKey("prod", "r"), 0, ("hub", "tls"))
    found = finding(PVCS, Permission("get", "", "secrets"), sources=(source,))
    assert wording.message(found) == (
        "User ann can get secrets, list persistentvolumeclaims (only of the name hub, tls) "
        "cluster-wide on 0 hubs, but Beds is nobody's"
    )


def test_nothing_is_the_least() -> None:
    assert worst(()) is SCALE[-1]


def test_the_runbook_has_the_scale() -> None:
    text = (Path(__file__).parents[4] / "docs" / "runbook.md").read_text(encoding="utf-8")
    for step in SCALE:
        row = f"| {step.severity.name.lower()} | {step.what} | {step.reason} |"
        assert row in text
