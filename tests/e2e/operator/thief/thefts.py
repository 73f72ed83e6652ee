"""What a thief of the operator's token tries, and in which modes it gets through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from responsibility.api.names import (
    CLUSTER_DENY_POLICY,
    DELEGATION_ROLE,
    GRANT_PREFIX,
    MANAGED_BY_LABEL,
    MANAGED_LABEL,
    OPERATOR,
    STAGE_LABEL,
    UNDO_PREFIX,
)
from responsibility.cluster.modes import MODES
from tests.e2e.operator import chart
from tests.e2e.operator.api import OURS, RBAC, Manifest, where

ALL = tuple(mode.name for mode in MODES)
POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
HERE = chart.NAMESPACE
DATE = "until-20991231t000000z"


def post(kind: str, name: str, api_version: str = "v1", **more: Any) -> Manifest:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **more}


def binding(name: str, role: Mapping[str, str], *subjects: Mapping[str, str]) -> Manifest:
    reference = {"apiGroup": "rbac.authorization.k8s.io", **role}
    return post("RoleBinding", name, RBAC, roleRef=reference, subjects=[*subjects])


def grant(*subjects: Mapping[str, str], role: str = "") -> Callable[[str], Manifest]:
    """Return what makes a grant of an item's role, as the operator makes it."""

    def made(item_role: str) -> Manifest:
        who = subjects or ({"kind": "User", "name": "ann"},)
        body = binding(f"{GRANT_PREFIX}x", {"kind": "ClusterRole", "name": role or item_role}, *who)
        owner = {"apiVersion": OURS, "kind": "Responsibility", "name": "reef", "uid": "1"}
        body["metadata"] |= {
            "labels": {MANAGED_BY_LABEL: OPERATOR},
            "ownerReferences": [owner],
        }
        return body

    return made


def bindings(namespace: str) -> str:
    return where(RBAC, "RoleBinding", namespace=namespace)


@dataclass(frozen=True)
class Act:
    """A request of the thief's; it passes in these modes, by this right of the docs' table."""

    what: str
    method: str
    path: str
    body: Any = None
    modes: tuple[str, ...] = ()
    right: str = ""


ENFORCE, GRANTING = ("warn", "deny"), ("grant", "revoke")
ITSELF = {"kind": "ServiceAccount", "name": chart.RELEASE, "namespace": HERE}
ROLE = {"kind": "Role", "name": DELEGATION_ROLE}
LOCKED = {"metadata": {"labels": {f"{STAGE_LABEL}kubernetes-configuration": "deny"}}}
MARKED = {"metadata": {"labels": {MANAGED_LABEL: "true"}}}
NOTED = {"metadata": {"annotations": {"responsibility.2i2c.org/owner": "me"}}}
SPEC = {"spec": {"replicas": 7}}
IDLE = {
    "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "a"}]}}
}
EVENT = post("Event", "x", involvedObject={})
JOBS = f"/apis/batch/v1/namespaces/{HERE}/jobs"
HUB = "/apis/apps/v1/namespaces/reef/deployments/hub"
RECORD = where(OURS, "Responsibility", "reef")
MODEL = where(OURS, "ResponsibilityModel", "2i2c")
STATUS = {"status": {"summary": "all is well"}}
ACTS = (
    Act(
        "say anything of a record",
        "PATCH",
        f"{RECORD}/status",
        STATUS,
        ALL,
        "responsibilities/status",
    ),
    Act(
        "say anything of a model",
        "PATCH",
        f"{MODEL}/status",
        STATUS,
        ALL,
        "responsibilitymodels/status",
    ),
    Act("change a record", "PATCH", RECORD, {"spec": {"hub": {"displayName": "Mine"}}}),
    Act("change a model", "PATCH", MODEL, {"spec": {"breakGlass": []}}),
    Act("tell falsehoods", "POST", "/api/v1/namespaces/default/events", EVENT, ALL, "events"),
    Act(
        "tell them in a hub's namespace",
        "POST",
        "/api/v1/namespaces/reef/events",
        EVENT | {"involvedObject": {"namespace": "reef"}},
        ENFORCE,
    ),
    Act(
        "ask what anybody may do",
        "POST",
        where("authorization.k8s.io/v1", "SubjectAccessReview"),
        post(
            "SubjectAccessReview",
            "",
            "authorization.k8s.io/v1",
            spec={"user": "ann", "nonResourceAttributes": {"path": "/", "verb": "get"}},
        ),
        ALL,
        "subjectaccessreviews",
    ),
    Act(
        "hold a Lease",
        "POST",
        where("coordination.k8s.io/v1", "Lease", namespace=HERE),
        post("Lease", "x", "coordination.k8s.io/v1"),
        ALL,
        "leases",
    ),
    Act(
        "hold Kubernetes' Leases",
        "POST",
        where("coordination.k8s.io/v1", "Lease", namespace="kube-system"),
        post("Lease", "x", "coordination.k8s.io/v1"),
    ),
    Act(
        "change another Lease",
        "PUT",
        where("coordination.k8s.io/v1", "Lease", "x", HERE),
        post("Lease", "x", "coordination.k8s.io/v1"),
    ),
    Act("show a false owner", "PATCH", HUB, NOTED, ALL, "deployments"),
    # Without policies nothing keeps it from that, as the docs say above the table.
    Act("change a hub's Deployment", "PATCH", HUB, SPEC, ("audit",)),
    Act(
        "lock out of a marked Namespace",
        "PATCH",
        "/api/v1/namespaces/reef",
        LOCKED,
        ENFORCE,
        "namespaces",
    ),
    Act("lock out of another", "PATCH", "/api/v1/namespaces/wild", LOCKED),
    Act("lock out of Kubernetes' own", "PATCH", "/api/v1/namespaces/kube-system", LOCKED),
    Act("mark a Namespace", "PATCH", "/api/v1/namespaces/wild", MARKED),
    Act(
        "label a Namespace otherwise",
        "PATCH",
        "/api/v1/namespaces/reef",
        {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}},
    ),
    Act(
        "rewrite a policy of the cluster",
        "PATCH",
        f"{POLICIES}/{CLUSTER_DENY_POLICY}",
        {"spec": {"failurePolicy": "Ignore"}},
        ENFORCE,
        "validatingadmissionpolicies",
    ),
    Act(
        "rewrite what confines it",
        "PATCH",
        f"{POLICIES}/responsibility-operator-confined",
        {"spec": {"failurePolicy": "Ignore"}},
    ),
    Act("delete a policy", "DELETE", f"{POLICIES}/{CLUSTER_DENY_POLICY}"),
    Act(
        "rebind a policy",
        "PATCH",
        f"/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/{CLUSTER_DENY_POLICY}",
        {"spec": {"matchResources": {"namespaceSelector": {}}}},
    ),
    Act(
        "have a delegation go on",
        "POST",
        JOBS,
        post("Job", DATE, "batch/v1", spec={"parallelism": 0, **IDLE}),
        ENFORCE,
        "jobs",
    ),
    Act(
        "run something",
        "POST",
        JOBS,
        post("Job", DATE, "batch/v1", spec={"parallelism": 1, **IDLE}),
    ),
    Act(
        "mark a date",
        "POST",
        bindings(HERE),
        binding(DATE, ROLE, {"kind": "ServiceAccount", "name": DATE, "namespace": HERE}),
        ENFORCE,
        "roles",
    ),
    Act("mark it for itself", "POST", bindings(HERE), binding(DATE, ROLE, ITSELF)),
    Act("grant in a marked Namespace", "POST", bindings("reef"), grant(), GRANTING),
    Act("grant in another", "POST", bindings("wild"), grant()),
    Act("grant in Kubernetes' own", "POST", bindings("kube-system"), grant()),
    Act("grant in its own", "POST", bindings(HERE), grant()),
    Act("grant itself", "POST", bindings("reef"), grant(ITSELF)),
    Act(
        "grant everybody",
        "POST",
        bindings("reef"),
        grant({"kind": "Group", "name": "system:authenticated"}),
    ),
    Act("grant another role", "POST", bindings("reef"), grant(role="cluster-admin")),
    Act(
        "take rights away in a marked Namespace",
        "DELETE",
        f"{bindings('reef')}/eve",
        None,
        ("revoke",),
    ),
    Act("take rights away in another", "DELETE", f"{bindings('wild')}/eve"),
    Act("use what lets it revoke", "PATCH", RECORD, {"metadata": {"labels": {"x": "y"}}}),
    Act(
        "plant an undo document",
        "POST",
        f"/api/v1/namespaces/{HERE}/configmaps",
        post("ConfigMap", f"{UNDO_PREFIX}x"),
        ("revoke",),
        "configmaps",
    ),
    Act(
        "write another ConfigMap",
        "POST",
        f"/api/v1/namespaces/{HERE}/configmaps",
        post("ConfigMap", "x"),
    ),
    Act(
        "write one elsewhere",
        "POST",
        "/api/v1/namespaces/reef/configmaps",
        post("ConfigMap", f"{UNDO_PREFIX}x"),
    ),
    Act("read Secrets", "GET", "/api/v1/namespaces/reef/secrets"),
    Act("read its own Secrets", "GET", f"/api/v1/namespaces/{HERE}/secrets"),
    Act(
        "make a pod",
        "POST",
        f"/api/v1/namespaces/{HERE}/pods",
        post("Pod", "x", spec={"containers": [{"name": "a", "image": "a"}]}),
    ),
    Act(
        "mint a token",
        "POST",
        f"/api/v1/namespaces/{HERE}/serviceaccounts/{chart.RELEASE}/token",
        post("TokenRequest", "", "authentication.k8s.io/v1", spec={}),
    ),
    Act(
        "make a role", "POST", where(RBAC, "ClusterRole"), post("ClusterRole", "x", RBAC, rules=[])
    ),
)
