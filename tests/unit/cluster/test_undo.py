"""The undo file: what it would do is told from its objects, not from what it says of itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from responsibility.cluster.undo import Journal, UndoStep

BINDINGS = "/apis/rbac.authorization.k8s.io/v1/namespaces/coast/rolebindings"
BINDING: dict[str, Any] = {
    "metadata": {"name": "x"},
    "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"},
    "subjects": [
        {"kind": "User", "name": "mallory"},
        {"kind": "ServiceAccount", "namespace": "ci", "name": "deployer"},
    ],
}
ROLE: dict[str, Any] = {
    "metadata": {"name": "r"},
    "rules": [
        {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]},
        {"verbs": ["*"], "nonResourceURLs": ["/metrics"]},
    ],
}


def step(before: object, after: object, path: str = f"{BINDINGS}/x") -> dict[str, object]:
    what = "remove User ann from RoleBinding coast/x"
    return {"action": "edit", "what": what, "path": path, "before": before, "after": after}


def text(*steps: object) -> str:
    head = {"kind": "ResponsibilityUndo", "version": 1, "digest": "d", "aim": "coast"}
    return json.dumps({**head, "host": "https://c", "cluster": "u", "steps": steps})


def only(parsed: Journal) -> UndoStep:
    (found,) = parsed.steps
    return found


def test_what_it_says_of_itself_is_not_believed() -> None:
    found = only(Journal.parse(text(step(BINDING, None)), "undo.json"))
    assert found.outcome() == "namespaces/coast/rolebindings/x: gone"
    assert found.outcome(back=True) == (
        "namespaces/coast/rolebindings/x: ClusterRole cluster-admin to User mallory, "
        "ServiceAccount ci/deployer"
    )


def test_a_role_is_told_rule_by_rule() -> None:
    path = "/apis/rbac.authorization.k8s.io/v1/clusterroles/r"
    found = only(Journal.parse(text(step(ROLE, {**ROLE, "rules": []}, path)), "undo.json"))
    assert found.outcome() == "clusterroles/r: no rules"
    assert found.outcome(back=True) == 'clusterroles/r: get,list "" pods; * /metrics'


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        (step("text", None), "is not an undo file"),
        (step({"roleRef": "admin"}, None), "is not an undo file"),
        (step({**BINDING, "subjects": ["ann"]}, None), "is not an undo file"),
        (step({"rules": [{"verbs": [1]}]}, None), "is not an undo file"),
        ("step", "is not an undo file"),
        (step(BINDING, None, "/api/v1/secrets/s"), "names an object that no plan is about"),
    ],
)
def test_what_is_no_undo_file_is_said_to_be_none(odd: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Journal.parse(text(odd), "undo.json")
