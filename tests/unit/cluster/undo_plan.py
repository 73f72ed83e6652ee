"""A plan with a step of every kind as an undo file, and a cluster that notes what is sent."""

import copy
import json
from typing import Any

from responsibility.api.names import PLAN_LABEL
from responsibility.cluster import apply_plan
from responsibility.cluster.undo import Journal, UndoStep
from responsibility.cluster.undo_form import change_of, object_path
from responsibility.plans.change import Action, Plan
from tests.apiserver.in_process import InProcessApi
from tests.apiserver.requests import Json, Request
from tests.apiserver.server import ApiServer

RBAC = "rbac.authorization.k8s.io"
ANN: Json = {"kind": "User", "name": "ann", "apiGroup": RBAC}
BOB: Json = {"kind": "User", "name": "bob@example.org", "apiGroup": RBAC}
CREW: Json = {"kind": "Group", "name": "crew of the sea", "apiGroup": RBAC}
DEPLOYER: Json = {"kind": "ServiceAccount", "name": "deployer", "namespace": "ci"}
PODS: Json = {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]}
HUB: Json = {"verbs": ["patch"], "apiGroups": ["apps"], "resources": ["deployments"]}
METRICS: Json = {"verbs": ["get"], "nonResourceURLs": ["/metrics"]}


def stored(kind: str, name: str, **more: Any) -> Json:
    """Return an object as an API server has it."""
    metadata: Json = {
        "name": name,
        "uid": f"uid-{name}",
        "resourceVersion": "7",
        "creationTimestamp": "2030-01-01T00:00:00Z",
        "labels": {"team": "sea"},
        "annotations": {"why": "asked for, twice"},
        "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "u"}],
        "finalizers": ["example.org/held"],
    }
    if not kind.startswith("Cluster"):
        metadata["namespace"] = "coast"
    return {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": metadata, **more}


def made(kind: str, name: str, **more: Any) -> Json:
    """Return an object as a plan creates it; the label follows."""
    return {**stored(kind, name, **more), "metadata": {"name": name, "namespace": "coast"}}


def bound(*subjects: Json, kind: str = "ClusterRole", role: str = "admin") -> Json:
    return {"roleRef": {"apiGroup": RBAC, "kind": kind, "name": role}, "subjects": [*subjects]}


# By action: the object before and after.
EDITED = stored("RoleBinding", "shared", **bound(ANN, CREW, DEPLOYER))
NARROWED = stored("ClusterRole", "loose", rules=[PODS, HUB, METRICS])
CHANGES: list[tuple[Action, Json | None, Json | None]] = [
    (Action.CREATE_ROLE, None, made("Role", "kept", rules=[PODS])),
    (
        Action.CREATE_BINDING,
        None,
        made("RoleBinding", "kept", **bound(ANN, kind="Role", role="kept")),
    ),
    (Action.NARROW_ROLE, NARROWED, {**NARROWED, "rules": [PODS, METRICS]}),
    (Action.EDIT_BINDING, EDITED, {**EDITED, "subjects": [CREW]}),
    (Action.DELETE_BINDING, stored("RoleBinding", "eves", **bound(ANN, DEPLOYER)), None),
    (Action.DELETE_BINDING, stored("ClusterRoleBinding", "all", **bound(BOB)), None),
]


def whole() -> Json:
    """Return the undo file as data."""
    changes = tuple(change_of(*each) for each in CHANGES)
    plan = Plan("hub coast", routes=True, changes=changes)
    steps = []
    for (action, before, after), change in zip(copy.deepcopy(CHANGES), changes, strict=True):
        if before is None and after is not None:
            after["metadata"]["labels"] = {PLAN_LABEL: plan.digest}
        steps.append(UndoStep.of(action.value, object_path(change.key), before, after))
    journal = Journal(plan.digest, plan.content(), "https://c", "u", tuple(steps))
    data: Json = json.loads(journal.text())
    return data


def parsed(data: object) -> Journal:
    return Journal.parse(json.dumps(data), "undo.json")


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        pruned = {key: _without_empty(each) for key, each in value.items()}
        # A binding of nobody is said to be one, and a role without rules.
        return {k: v for k, v in pruned.items() if v not in ({}, [], "") or k == "name"}
    return [_without_empty(each) for each in value] if isinstance(value, list) else value


async def sent(journal: Journal, *, back: bool) -> list[tuple[str, str, Any]]:
    """Return what is sent to a cluster on which all is as the file wants it to be at first."""
    there = {step.path: step.after if back else step.before for step in journal.steps}
    server = ApiServer(
        {
            path: {**one, "metadata": {"uid": "made", **one["metadata"], "resourceVersion": "9"}}
            for path, one in there.items()
            if one is not None
        }
    )
    api = InProcessApi(server)
    if back:
        await apply_plan.take_back(api, journal, lambda _: None)
    else:
        await apply_plan.go_on(api, journal, lambda _: None)
    return [_as_noted(request) for request in server.requests if request.is_write]


def _as_noted(request: Request) -> tuple[str, str, Any]:
    """Return verb, path, and what is changed."""
    body = request.body
    if request.method == "DELETE":
        assert body["preconditions"].keys() == {"uid", "resourceVersion"}
        body = None
    elif request.method == "PATCH":
        # Of the metadata it holds the preconditions only, which narrow what is done.
        assert body["metadata"].keys() == {"uid", "resourceVersion"}
        body = {key: value for key, value in body.items() if key != "metadata"}
    return request.method, request.path, _without_empty(body)
