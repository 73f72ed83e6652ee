"""What protects enforcement itself: who may write records, and the keys of Namespaces."""

from typing import Any

import pytest

from responsibility.api.names import API_GROUP, MANAGED_LABEL, OWNERS_ANNOTATION, STAGE_LABEL
from responsibility.api.stages import AdmissionStage
from responsibility.ownership.terms.managed_namespaces import MANAGED
from tests.e2e.admission import hubs
from tests.e2e.admission.asking import MERGE, Asker, Person
from tests.e2e.admission.conftest import MakeHub, text
from tests.e2e.admission.hubs import OPERATOR
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


# May write all records, and assign: by name in the whole cluster, and in one namespace.
SETTLERS = f"""
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: e2e-settler}}
rules:
- {{apiGroups: [{GROUP}], resources: [responsibilities], verbs: [assign], resourceNames: [settled]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: e2e-assigner}}
rules:
- {{apiGroups: [{GROUP}], resources: [responsibilities], verbs: [assign]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: e2e-settler}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: e2e-settler}}
subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: Group, name: clerks}}]
---
apiVersion: v1
kind: Namespace
metadata: {{name: settlers-own}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: e2e-assigner, namespace: settlers-own}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: e2e-assigner}}
subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: Group, name: clerks}}]
"""


@pytest.mark.usefixtures("written")
def test_the_verb_is_asked_for_the_hub_and_not_for_the_name(guarded: Cluster) -> None:
    guarded.kubectl("apply", "-f", "-", input=SETTLERS)
    own = {"namespace": "settlers-own", "release": "x"}
    settled = record(hub=own)
    settled["metadata"]["name"] = "settled"

    def let() -> bool:
        return _clerk(guarded, "create", settled)[0]

    wait_until(let, 30, "the right to be known")
    # Whatever it is called, it is about a hub of others'.
    for name in ("settled", "guarded-record", "x"):
        foreign = record()
        foreign["metadata"]["name"] = name
        passed, said = _clerk(guarded, "create", foreign)
        assert not passed
        assert "in the namespace of the hub" in said
    # Not even in place of the one that is theirs, nor by way of it.
    assert not _clerk(guarded, "replace", record(hub=own))[0]
    assert not _clerk(guarded, "delete", record())[0]
    model: dict[str, Any] = {"apiVersion": f"{GROUP}/v1alpha1", "kind": "ResponsibilityModel"}
    model |= {"metadata": {"name": "settled"}, "spec": {"parties": [], "items": []}}
    assert not _clerk(guarded, "create", model)[0]


def test_what_is_said_of_a_record_is_said_by_the_operator(
    asker: Asker, written: dict[str, Any]
) -> None:
    path = f"{RECORDS}/{written['metadata']['name']}/status"
    status: dict[str, Any] = {"status": {"summary": "fine", "conditions": []}}
    scribe = Person("scribe", ("e2e-scribes",), bound=True)
    rights = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "e2e-scribe"},
        "rules": [{"apiGroups": [GROUP], "resources": ["responsibilities/status"], "verbs": ["*"]}],
    }
    bound = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "e2e-scribe"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "e2e-scribe"
        },
        "subjects": [
            {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "e2e-scribes"}
        ],
    }  # fmt: skip
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    for kind, body in (("clusterroles", rights), ("clusterrolebindings", bound)):
        assert asker.ask(None, "POST", f"{rbac}/{kind}", body, dry=False).code == 201

    def known() -> bool:
        return "cannot patch" not in asker.ask(scribe, "PATCH", path, status, type=MERGE).message

    wait_until(known, 30, "the right to be known")
    answer = asker.ask(scribe, "PATCH", path, status, type=MERGE)
    assert answer.refused
    assert "what is said of it" in answer.message
    assert asker.ask(OPERATOR, "PATCH", path, status, type=MERGE).code == 200


LABEL = f"{STAGE_LABEL}user-access"
NOTE = f"{OWNERS_ANNOTATION}user-access"
SUBRESOURCES = ["", "/status"]


@pytest.fixture(scope="module")
def keyed(make_hub: MakeHub) -> str:
    """Make a Namespace with keys of ours."""
    return make_hub(
        "keyed", hubs.stages([4], AdmissionStage.WARN), hubs.notes("keyed"), populated=False
    )


@pytest.mark.parametrize("subresource", SUBRESOURCES)
@pytest.mark.parametrize(
    ("metadata", "glass"),
    [
        ({"labels": {LABEL: "deny"}}, False),
        ({"labels": {f"{STAGE_LABEL}data": "deny"}}, False),
        ({"annotations": {NOTE: "user:stranger"}}, False),
        ({"annotations": {f"{API_GROUP}/anything": "x"}}, False),
        ({"annotations": {f"deep.er.{API_GROUP}/x": "x"}}, False),
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


@pytest.mark.parametrize("value", [MANAGED, "x", None])
def test_where_the_operator_may_write_is_said_by_those_with_the_verb_assign(
    guarded: Cluster, asker: Asker, keyed: str, value: str | None
) -> None:
    # The first is what it has already.
    body = {"metadata": {"labels": {MANAGED_LABEL: value}}}
    path = f"/api/v1/namespaces/{keyed}"
    clerk = Person("labeller", bound=True)
    rule = ["--verb=get,patch,update", "--resource=namespaces"]
    guarded.kubectl("create", "clusterrole", "labellers", *rule, check=False)
    guarded.kubectl(
        *("create", "clusterrolebinding", "labellers", "--clusterrole=labellers"),
        f"--user={clerk.user}",
        check=False,
    )
    for person, may in (
        (clerk, value == MANAGED),
        (hubs.MASTER, True),
        (OPERATOR, value == MANAGED),
    ):
        answer = asker.ask(person, "PATCH", path, body, type=MERGE)
        assert (answer.code == 200) is may, (person, answer.message)
        assert not answer.broken


def test_other_keys_of_a_namespace_are_free(asker: Asker, keyed: str) -> None:
    body = {"metadata": {"labels": {"a": "b", f"not-{API_GROUP}": "x"}}}
    path = f"/api/v1/namespaces/{keyed}"
    assert asker.ask(STRANGER, "PATCH", path, body, type=MERGE).code == 200


def test_a_namespace_cannot_be_created_with_our_keys(asker: Asker) -> None:
    body = hubs.namespace("forged", {LABEL: "deny"}, {})
    assert asker.ask(STRANGER, "POST", "/api/v1/namespaces", body).refused
    body = hubs.namespace("plain", {"a": "b"}, {})
    assert asker.ask(STRANGER, "POST", "/api/v1/namespaces", body).code == 201
