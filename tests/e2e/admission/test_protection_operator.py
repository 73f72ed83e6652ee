"""What the operator may do, whatever its roles say, and what it may not."""

import copy
from typing import Any

import pytest

from responsibility.api.names import (
    DELEGATION_ROLE,
    GRANT_PREFIX,
    ITEM_ROLE_PREFIX,
    MANAGED_BY_LABEL,
    MANAGED_LABEL,
)
from responsibility.api.names import (
    OPERATOR as COMPONENT,
)
from responsibility.ownership.terms.managed_namespaces import MANAGED
from tests.e2e.admission.asking import APPLY, Asker, Person
from tests.e2e.admission.hubs import OPERATOR, OPERATOR_NAMESPACE

GROUP = "responsibility.2i2c.org"
RECORDS = f"/apis/{GROUP}/v1alpha1/responsibilities"
STRANGER = Person("stranger")


def _grant(**change: Any) -> dict[str, Any]:
    binding: dict[str, Any] = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {
            "name": f"{GRANT_PREFIX}x",
            "labels": {MANAGED_BY_LABEL: COMPONENT},
            "ownerReferences": [
                {
                    "apiVersion": f"{GROUP}/v1alpha1",
                    "kind": "Responsibility",
                    "name": "x",
                    "uid": "1",
                }
            ],
        },
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": f"{ITEM_ROLE_PREFIX}x",
        },
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "ann"}],
    }
    result = copy.deepcopy(binding)
    for key, value in change.items():
        result[key] = {**result[key], **value} if isinstance(value, dict) else value
    return result


def _marker(name: str = "until-20991231t000000z", **change: Any) -> dict[str, Any]:
    binding = _grant(
        metadata={"name": name, "labels": {}, "ownerReferences": []},
        roleRef={"kind": "Role", "name": DELEGATION_ROLE},
        subjects=[{"kind": "ServiceAccount", "name": name, "namespace": OPERATOR_NAMESPACE}],
    )
    return binding | change


def _job(name: str = "until-20991231t000000z", parallelism: int = 0) -> dict[str, Any]:
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "a"}]}}
    spec = {"parallelism": parallelism, "template": template}
    meta = {"name": name}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": spec}


OWN = OPERATOR_NAMESPACE
RBAC_API = "/apis/rbac.authorization.k8s.io/v1"
HUB = "/apis/apps/v1/namespaces/prod/deployments/hub"
OURS = {"metadata": {"annotations": {f"{GROUP}/owner": "x"}}}
EVENT = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "x"}, "involvedObject": {}}
LEASE = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "x"}}

MAY = [
    ("annotate a Deployment", "PATCH", HUB, OURS),
    ("write an Event", "POST", "/api/v1/namespaces/default/events", EVENT),
    ("hold its Lease", "POST", f"/apis/coordination.k8s.io/v1/namespaces/{OWN}/leases", LEASE),
    ("make a marker", "POST", f"{RBAC_API}/namespaces/{OWN}/rolebindings", _marker()),
    ("make its clock", "POST", f"/apis/batch/v1/namespaces/{OWN}/jobs", _job()),
    ("grant", "POST", f"{RBAC_API}/namespaces/prod/rolebindings", _grant()),
]
KEYS = {"metadata": {"labels": {f"enforce.{GROUP}/x": "deny"}}}
OWN_ACCOUNT = {"kind": "ServiceAccount", "name": "any", "namespace": OWN}
MAY += [
    ("say what is in force", "PATCH", "/api/v1/namespaces/prod", KEYS),
    # Going down works wherever it has to.
    (
        "take it away",
        "PATCH",
        "/api/v1/namespaces/default",
        {"metadata": {"labels": {f"enforce.{GROUP}/x": None}}},
    ),
]
MAY_NOT = [
    *(
        (f"say it of {name}", "PATCH", f"/api/v1/namespaces/{name}", KEYS)
        for name in ("default", "kube-system", OWN)
    ),
    *(
        (
            f"mark {name}",
            "PATCH",
            f"/api/v1/namespaces/{name}",
            {"metadata": {"labels": {MANAGED_LABEL: value}}},
        )
        for name, value in (("default", MANAGED), ("prod", None), ("prod", "x"))
    ),
    ("scale", "PATCH", f"{HUB}/scale", {"spec": {"replicas": 0}}),
    ("change a Deployment", "PATCH", HUB, {"spec": {"replicas": 0}}),
    ("annotate a pod template", "PATCH", HUB, {"spec": {"template": OURS}}),
    ("annotate as others do", "PATCH", HUB, {"metadata": {"annotations": {"a": "b"}}}),
    ("label a Deployment", "PATCH", HUB, {"metadata": {"labels": {f"{GROUP}/x": "y"}}}),
    (
        "label as others do",
        "PATCH",
        "/api/v1/namespaces/prod",
        {"metadata": {"labels": {"a": "b"}}},
    ),
    ("delete a Namespace", "DELETE", "/api/v1/namespaces/prod", None),
    ("delete a pod", "DELETE", "/api/v1/namespaces/prod/pods/jupyter-ann", None),
    ("enter a pod", "POST", "/api/v1/namespaces/prod/pods/jupyter-ann/exec?command=ls", None),
    (
        "hold another's Lease",
        "POST",
        "/apis/coordination.k8s.io/v1/namespaces/default/leases",
        LEASE,
    ),
    (
        "write a Secret",
        "POST",
        f"/api/v1/namespaces/{OWN}/secrets",
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}},
    ),
    (
        "make a token",
        "POST",
        f"/api/v1/namespaces/{OWN}/serviceaccounts/default/token",
        {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}},
    ),
    ("run a Job", "POST", f"/apis/batch/v1/namespaces/{OWN}/jobs", _job(parallelism=1)),
    ("run another Job", "POST", f"/apis/batch/v1/namespaces/{OWN}/jobs", _job("other")),
    ("run one elsewhere", "POST", "/apis/batch/v1/namespaces/prod/jobs", _job()),
    *(
        ("grant " + what, "POST", f"{RBAC_API}/namespaces/{where}/rolebindings", body)
        for what, where, body in (
            ("by another role", "prod", _grant(roleRef={"name": "cluster-admin"})),
            ("by a Role", "prod", _grant(roleRef={"kind": "Role"})),
            ("by another name", "prod", _grant(metadata={"name": "x"})),
            ("without a label", "prod", _grant(metadata={"labels": {}})),
            ("without a record", "prod", _grant(metadata={"ownerReferences": []})),
            ("in kube-system", "kube-system", _grant()),
            ("where it is not let", "default", _grant()),
            ("where it runs", OWN, _grant()),
            ("to who may become it", "prod", _grant(subjects=[OWN_ACCOUNT])),
            (
                "to itself by name",
                "prod",
                _grant(
                    subjects=[
                        {
                            "apiGroup": "rbac.authorization.k8s.io",
                            "kind": "User",
                            "name": OPERATOR.user,
                        }
                    ]
                ),
            ),
            (
                "to a system group",
                "prod",
                _grant(
                    subjects=[
                        {
                            "apiGroup": "rbac.authorization.k8s.io",
                            "kind": "Group",
                            "name": "system:authenticated",
                        }
                    ]
                ),
            ),
            ("a marker elsewhere", "prod", _marker()),
            ("a marker to somebody", OWN, _marker(subjects=_grant()["subjects"])),
            (
                "a marker by another role",
                OWN,
                _marker(
                    roleRef={
                        "apiGroup": "rbac.authorization.k8s.io",
                        "kind": "Role",
                        "name": "x",
                    }
                ),
            ),
        )
    ),
    (
        "create a role",
        "POST",
        f"{RBAC_API}/clusterroles",
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "x"},
        },
    ),
]


@pytest.mark.usefixtures("prod")
@pytest.mark.parametrize(("what", "method", "path", "body"), MAY, ids=lambda v: str(v)[:30])
def test_the_operator_may(asker: Asker, what: str, method: str, path: str, body: Any) -> None:
    answer = asker.ask(OPERATOR, method, path, body)
    assert answer.code in (200, 201), (what, answer.message)
    assert not answer.warnings


@pytest.mark.usefixtures("prod")
@pytest.mark.parametrize(("what", "method", "path", "body"), MAY_NOT, ids=lambda v: str(v)[:30])
def test_the_operator_may_not(asker: Asker, what: str, method: str, path: str, body: Any) -> None:
    # RBAC would let it: here it has every right there is.
    answer = asker.ask(OPERATOR, method, path, body, dry="exec" not in path)
    assert answer.refused, (what, answer.code, answer.message)
    assert "operator-confined" in answer.message or "namespace-keys" in answer.message
    assert not answer.broken


def test_server_side_apply_by_the_operator_passes(asker: Asker, prod: str) -> None:
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "hub"} | OURS["metadata"],
    }
    path = f"/apis/apps/v1/namespaces/{prod}/deployments/hub?fieldManager=e2e&force=true"
    answer = asker.ask(OPERATOR, "PATCH", path, body, type=APPLY)
    assert answer.code == 200, answer.message
