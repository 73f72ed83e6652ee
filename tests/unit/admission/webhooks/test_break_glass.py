"""The webhook that is told of the break-glass: whose requests, which, and what is read of them."""

from __future__ import annotations

from typing import Any

import pytest

from responsibility.admission.policies.guards import Guards
from responsibility.admission.webhooks.break_glass import (
    concerns,
    is_listed,
    read_use,
    webhook_configuration,
)
from responsibility.api.names import STAGE_LABEL
from responsibility.api.parse import load_shipped_model
from responsibility.ownership.terms.permission_index import Names

MODEL = load_shipped_model()
HOOKS = webhook_configuration(MODEL, {"url": "https://127.0.0.1:1/", "caBundle": "x"})["webhooks"]
GUARDS = {guards.item.name: guards for guards in Guards.of(MODEL).items()}
LIMITS = "kubernetes-configuration"
ACCESS = "user-access"


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["name"])
def test_it_can_block_nothing_and_sees_no_secret(hook: dict[str, Any]) -> None:
    assert hook["failurePolicy"] == "Ignore"
    assert hook["timeoutSeconds"] == 1
    assert not [r for rule in hook["rules"] for r in rule["resources"] if r in ("secrets", "*")]
    (selector,) = hook["namespaceSelector"]["matchExpressions"]
    assert selector["key"].startswith(STAGE_LABEL)
    (glass, *_) = hook["matchConditions"]
    assert '"system:masters"' in glass["expression"]


def test_expressions_stand_for_themselves() -> None:
    """A webhook has no variables, and one that fails to compile is refused as a whole."""
    for hook in HOOKS:
        for condition in hook["matchConditions"]:
            assert "variables." not in condition["expression"], hook["name"]


def review(**more: Any) -> dict[str, Any]:
    request = {
        "uid": "1",
        "resource": {"group": "apps", "version": "v1", "resource": "deployments"},
        "name": "hub",
        "namespace": "prod",
        "operation": "UPDATE",
        "userInfo": {"username": "root", "groups": ["system:masters"]},
        "object": {"secret": "x"},
        **more,
    }
    return {"request": request}


def test_a_use_tells_who_did_what_and_nothing_of_the_object() -> None:
    use = read_use(LIMITS, review(subResource="scale"))
    assert use is not None
    assert (use.user, use.what, use.namespace) == ("root", "update deployments/scale hub", "prod")
    assert "secret" not in repr(use)


@pytest.mark.parametrize("odd", [{}, {"request": None}, {"request": []}, review(dryRun=True)])
def test_what_is_no_use_is_none(odd: dict[str, Any]) -> None:
    assert read_use(LIMITS, odd) is None


def test_a_deleted_namespace_is_its_own() -> None:
    gone = review(
        resource={"group": "", "resource": "namespaces"},
        name="prod",
        namespace="",
        operation="DELETE",
    )
    use = read_use("operate-cluster", gone)
    assert use is not None
    assert use.namespace == "prod"


def test_one_of_a_deleted_collection_is_named_by_its_object() -> None:
    """The API server leaves the request's own name empty there."""
    gone = review(name="", operation="DELETE", oldObject={"metadata": {"name": "hub"}})
    use = read_use(LIMITS, gone)
    assert use is not None
    assert (use.name, use.what) == ("hub", "delete deployments hub")


@pytest.mark.parametrize(
    ("name", "prefix", "about"),
    [("hub-db-dir", "", True), ("b-hub-db-dir", "b-", True), ("hub-db-dir", "b-", False)],
)
def test_what_is_guarded_by_name_goes_by_the_hubs_prefix(
    name: str, prefix: str, about: bool
) -> None:
    change = review(resource={"group": "", "resource": "persistentvolumeclaims"}, name=name)
    for subresource in ("", "status"):
        change["request"]["subResource"] = subresource
        use = read_use(ACCESS, change)
        assert use is not None
        assert concerns(use, GUARDS[ACCESS], Names("prod", "prod", prefix)) is about


@pytest.mark.parametrize(
    ("lines", "listed"),
    [
        (["user:root"], True),
        (["group:admins"], True),
        (["like:^ro.*$"], True),
        (["like-group:^adm.*$"], True),
        (["user:roo", "group:root", "like:^oot$", "like-group:^dm.*$", ""], False),
    ],
)
def test_who_is_listed_is_no_stranger(lines: list[str], listed: bool) -> None:
    assert is_listed(lines, "root", ["admins"]) is listed
