"""What protects enforcement itself: the records, the Namespaces' keys, the operator's limits."""

import copy
from typing import Any

import pytest

from responsibility.enforcement import keys
from responsibility.enforcement.cluster import DENY_NAME, WARN_NAME, Enforced, cluster_policies
from responsibility.enforcement.rendered import differences, installed, rendered
from tests.e2e.admission import hubs
from tests.e2e.admission.asking import APPLY, MERGE, Asker, Person
from tests.e2e.admission.conftest import PATIENCE, MakeHub, text
from tests.e2e.admission.hubs import OPERATOR, OPERATOR_NAMESPACE
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.waiting import wait_until

GROUP = "responsibility.2i2c.org"
RECORDS = f"/apis/{GROUP}/v1alpha1/responsibilities"
STRANGER = Person("stranger")
# May write records, and not hand out ownership.
CLERK = Person("clerk")
RBAC = f"""
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: e2e-clerk}}
rules:
- apiGroups: [{GROUP}]
  resources: [responsibilities, responsibilitymodels]
  verbs: [get, list, create, update, patch, delete]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: e2e-clerk}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: e2e-clerk}}
subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: Group, name: clerks}}]
"""


def record(**spec: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "hub": {"namespace": "guarded-record", "release": "x"},
        "parties": [{"name": "community", "subjects": [{"kind": "Group", "name": "a"}]}],
        "items": [{"name": "user-access", "owner": "community"}],
    }
    return {
        "apiVersion": f"{GROUP}/v1alpha1",
        "kind": "Responsibility",
        "metadata": {"name": "guarded"},
        "spec": base | spec,
    }


@pytest.fixture(scope="module")
def written(guarded: Cluster, asker: Asker) -> dict[str, Any]:
    """Write a record, as somebody with the verb assign."""
    guarded.kubectl("apply", "-f", "-", input=RBAC)
    done = asker.ask(STRANGER, "POST", RECORDS, record(), dry=False)
    assert done.code == 201, done.message
    return done.body


def _clerk(guarded: Cluster, verb: str, body: dict[str, Any]) -> tuple[bool, str]:
    done = guarded.kubectl(
        verb, "--dry-run=server", "-f", "-", input=text([body]),
        as_user="clerk", as_groups=["clerks"], check=False,
    )  # fmt: skip
    return done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("change", "free"),
    [
        ({"enforcement": {"admission": "deny"}}, False),
        ({"items": [{"name": "user-access", "owner": "provider"}]}, False),
        ({"items": [{"name": "user-access"}]}, False),
        ({"items": []}, False),
        (
            {
                "items": [
                    {
                        "name": "user-access",
                        "owner": "community",
                        "delegates": [{"party": "provider"}],
                    }
                ]
            },
            False,
        ),
        ({"parties": [{"name": "community", "subjects": []}]}, False),
        (
            {
                "exemptions": [
                    {"subject": {"kind": "User", "name": "me"}, "items": ["*"], "reason": "x"}
                ]
            },
            False,
        ),
        ({"model": "mine"}, False),
        (
            {
                "items": [
                    {
                        "name": "user-access",
                        "owner": "community",
                        "note": "talked",
                        "reviewAfter": "2031-01-01",
                    }
                ]
            },
            True,
        ),
        (
            {
                "parties": [
                    {
                        "name": "community",
                        "displayName": "LEAP",
                        "contact": {"email": "a@leap.example"},
                        "subjects": [{"kind": "Group", "name": "a"}],
                    }
                ]
            },
            True,
        ),
    ],
)
@pytest.mark.usefixtures("written")
def test_changing_owners_takes_the_verb_assign(
    guarded: Cluster, change: dict[str, Any], free: bool
) -> None:
    passed, said = _clerk(guarded, "replace", record(**change))
    assert passed is free, said
    assert free or "assign" in said


@pytest.mark.usefixtures("written")
def test_so_do_creating_and_deleting(guarded: Cluster, asker: Asker) -> None:
    fresh = record()
    fresh["metadata"]["name"] = "another"
    assert not _clerk(guarded, "create", fresh)[0]
    assert not _clerk(guarded, "delete", record())[0]
    assert asker.ask(STRANGER, "DELETE", f"{RECORDS}/guarded").code == 200


def test_the_operator_may_write_the_status_and_nothing_else(
    asker: Asker, written: dict[str, Any]
) -> None:
    status = {"status": {"summary": "fine"}}
    path = f"{RECORDS}/{written['metadata']['name']}"
    assert asker.ask(OPERATOR, "PATCH", f"{path}/status", status, type=MERGE).code == 200
    spec: dict[str, Any] = {"spec": {"items": []}}
    assert asker.ask(OPERATOR, "PATCH", path, spec, type=MERGE).refused


LABEL = f"{keys.STAGE}user-access"
NOTE = f"{keys.OWNERS}user-access"
SUBRESOURCES = ["", "/status"]


@pytest.fixture(scope="module")
def keyed(make_hub: MakeHub) -> str:
    """Make a Namespace with keys of ours."""
    return make_hub("keyed", hubs.stages([4], keys.WARN), hubs.notes("keyed"), populated=False)


@pytest.mark.parametrize("subresource", SUBRESOURCES)
@pytest.mark.parametrize(
    ("metadata", "glass"),
    [
        ({"labels": {LABEL: "deny"}}, False),
        ({"labels": {f"{keys.STAGE}data": "deny"}}, False),
        ({"annotations": {NOTE: "user:stranger"}}, False),
        ({"annotations": {f"{keys.DOMAIN}/anything": "x"}}, False),
        ({"annotations": {f"deep.er.{keys.DOMAIN}/x": "x"}}, False),
        ({"labels": {LABEL: None}}, True),
        ({"annotations": {NOTE: None}}, True),
    ],
)
def test_only_the_operator_writes_our_keys(
    asker: Asker, keyed: str, metadata: Any, glass: bool, subresource: str
) -> None:
    path = f"/api/v1/namespaces/{keyed}{subresource}"
    body = {"metadata": metadata}
    refused = asker.ask(STRANGER, "PATCH", path, body, type=MERGE)
    assert refused.refused, refused.message
    # In an emergency they may be taken away, and going down always works.
    for person in (hubs.MASTER, hubs.EVE):
        assert asker.ask(person, "PATCH", path, body, type=MERGE).refused is not glass
    if not subresource:
        assert asker.ask(OPERATOR, "PATCH", path, body, type=MERGE).code == 200


def test_other_keys_of_a_namespace_are_free(asker: Asker, keyed: str) -> None:
    body = {"metadata": {"labels": {"a": "b", f"not-{keys.DOMAIN}": "x"}}}
    path = f"/api/v1/namespaces/{keyed}"
    assert asker.ask(STRANGER, "PATCH", path, body, type=MERGE).code == 200


def test_a_namespace_cannot_be_created_with_our_keys(asker: Asker) -> None:
    body = hubs.namespace("forged", {LABEL: "deny"}, {})
    assert asker.ask(STRANGER, "POST", "/api/v1/namespaces", body).refused
    body = hubs.namespace("plain", {"a": "b"}, {})
    assert asker.ask(STRANGER, "POST", "/api/v1/namespaces", body).code == 201


def _grant(**change: Any) -> dict[str, Any]:
    binding: dict[str, Any] = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {
            "name": f"{keys.GRANT}x",
            "labels": {keys.MANAGED_BY: keys.OPERATOR},
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
            "name": f"{keys.ITEM_ROLE}x",
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
        roleRef={"kind": "Role", "name": keys.DELEGATION_ROLE},
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
MAY_NOT = [
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
    assert "operator-confined" in answer.message
    assert not answer.broken


NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "e2e"}}
NODES = "/api/v1/nodes"


def _install(guarded: Cluster, table: dict[str, Enforced]) -> None:
    manifests = installed(
        cluster_policies(hubs.MODEL, table), namespace=OPERATOR_NAMESPACE, account=hubs.ACCOUNT
    )
    guarded.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=text(manifests))


def test_what_the_cluster_has_only_one_of(guarded: Cluster, asker: Asker) -> None:
    label = {"metadata": {"labels": {"a": "b"}}}
    path = f"{NODES}/lab-node"
    # As shipped, nothing is enforced.
    assert not asker.ask(STRANGER, "PATCH", path, label).warnings
    upgrades, operate = hubs.ALL_ITEMS[18], hubs.ALL_ITEMS[20]
    _install(
        guarded,
        {
            upgrades: Enforced(
                keys.DENY, ["user:upgrader", "like:^robot\\-.*$"], "Ops: o@x.example"
            ),
            operate: Enforced(keys.WARN, ["user:operator"], "Ops"),
        },
    )
    wait_until(lambda: asker.ask(STRANGER, "PATCH", path, label).refused, PATIENCE, "a refusal")
    answer = asker.ask(STRANGER, "PATCH", path, label)
    assert "item 18 (Cluster upgrades)" in answer.message
    assert "Ops: o@x.example" in answer.message
    for person in (Person("upgrader"), Person("robot-7"), Person("x", ("system:nodes",))):
        assert asker.ask(person, "PATCH", path, label).code == 200
    # Others of it: each its own.
    for path_, body, refused, warned in (
        ("/apis/storage.k8s.io/v1/storageclasses/e2e-growing", label, True, False),
        (f"{RBAC_API}/clusterroles/view", label, False, True),
        ("/api/v1/namespaces/default", label, False, True),
    ):
        answer = asker.ask(STRANGER, "PATCH", path_, body)
        assert (answer.refused, bool(answer.warnings)) == (refused, warned), (path_, answer)
        assert not answer.broken
    kube = "/apis/apps/v1/namespaces/kube-system/deployments"
    coredns = hubs.workload("Deployment", "coredns")
    assert asker.ask(STRANGER, "POST", kube, coredns, dry=False).code == 201
    assert asker.ask(STRANGER, "DELETE", f"{kube}/coredns").refused
    # Elsewhere, the same kind is nobody's.
    elsewhere = "/apis/apps/v1/namespaces/default/deployments"
    assert asker.ask(STRANGER, "POST", elsewhere, coredns, dry=False).code == 201
    assert asker.ask(STRANGER, "DELETE", f"{elsewhere}/coredns", dry=False).code == 200
    glass = asker.ask(hubs.MASTER, "PATCH", path, label)
    assert glass.code == 200
    assert any("break-glass" in warning for warning in glass.warnings)
    _install(guarded, {})
    wait_until(
        lambda: asker.ask(STRANGER, "PATCH", path, label).code == 200, PATIENCE, "it to be free"
    )


def test_what_lives_in_the_cluster_is_what_was_rendered(guarded: Cluster) -> None:
    import json  # noqa: PLC0415

    kinds = "validatingadmissionpolicies,validatingadmissionpolicybindings"
    live = json.loads(guarded.kubectl("get", kinds, "-o", "json").stdout)["items"]
    wanted = rendered(hubs.MODEL, namespace=OPERATOR_NAMESPACE, account=hubs.ACCOUNT)
    assert differences(live, wanted) == []
    assert {WARN_NAME, DENY_NAME} < {m["metadata"]["name"] for m in wanted}


def test_the_api_server_finds_nothing_odd_in_them(guarded: Cluster) -> None:
    import json  # noqa: PLC0415

    def warnings() -> dict[str, Any] | None:
        live = json.loads(
            guarded.kubectl("get", "validatingadmissionpolicies", "-o", "json").stdout
        )["items"]
        if any("typeChecking" not in policy.get("status", {}) for policy in live):
            return None
        return {
            policy["metadata"]["name"]: policy["status"]["typeChecking"].get("expressionWarnings")
            for policy in live
        }

    found = wait_until(warnings, 5 * PATIENCE, "the policies to be checked", interval=1.0)
    assert {name: said for name, said in (found or {}).items() if said} == {}


def test_server_side_apply_by_the_operator_passes(asker: Asker, prod: str) -> None:
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "hub"} | OURS["metadata"],
    }
    path = f"/apis/apps/v1/namespaces/{prod}/deployments/hub?fieldManager=e2e&force=true"
    answer = asker.ask(OPERATOR, "PATCH", path, body, type=APPLY)
    assert answer.code == 200, answer.message
