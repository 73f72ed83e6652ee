"""To act as a ServiceAccount is not to be it: with all items at deny, only its token counts.

The built-in roles ``edit`` and ``admin`` let their holders impersonate every ServiceAccount of a
namespace, and the hub's own is exempt.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from responsibility.api.names import (
    BREAK_GLASS_ANNOTATION,
    MANAGED_LABEL,
    OWNERS_ANNOTATION,
    STAGE_LABEL,
)
from responsibility.api.stages import AdmissionStage
from tests.e2e.admission import hubs
from tests.e2e.admission.asking import MERGE, Asker, Person
from tests.e2e.admission.conftest import MakeHub
from tests.e2e.lab import identities
from tests.e2e.lab.cluster import Cluster

NAME = "actors"
CORE = f"/api/v1/namespaces/{NAME}"
HUB = f"system:serviceaccount:{NAME}:hub"
SCHEDULER = f"system:serviceaccount:{NAME}:user-scheduler"
DEPLOYER = f"system:serviceaccount:{NAME}:deployer"
ELSEWHERE = "system:serviceaccount:flux:reconciler"
RIGHTS = f"""
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: actor, namespace: {NAME}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: admin}}
subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: User, name: actor}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: hub-account, namespace: {NAME}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}}
subjects: [{{kind: ServiceAccount, name: hub, namespace: {NAME}}}]
"""


@pytest.fixture(scope="module", autouse=True)
def _hub(guarded: Cluster, make_hub: MakeHub) -> None:
    more = [f"user:{DEPLOYER}", f"user:{ELSEWHERE}"]
    notes = hubs.notes(NAME, dict.fromkeys((14, 15, 19), more))
    notes[BREAK_GLASS_ANNOTATION] += f"\nuser:{DEPLOYER}"
    make_hub(NAME, hubs.stages(hubs.ITEMS, AdmissionStage.DENY), notes)
    guarded.kubectl("apply", "-f", "-", input=RIGHTS)


def _kubectl(cluster: Cluster, path: Path, *args: str) -> str:
    done = cluster.kubectl(*args, f"-n={NAME}", kubeconfig=path, check=False)
    return done.stdout + done.stderr


def test_an_admin_of_the_namespace_does_not_get_past_as_its_accounts(
    guarded: Cluster, tmp_path: Path
) -> None:
    actor = identities.certificate_kubeconfig(guarded, "/CN=actor", tmp_path / "actor")
    delete = ("delete", "pod", "jupyter-ann", "--dry-run=server")
    assert "item 19 (Incident response)" in _kubectl(guarded, actor, *delete)
    posing = _kubectl(guarded, actor, *delete, f"--as={HUB}")
    assert "item 19 (Incident response)" in posing
    assert "it takes a token of its own" in posing
    # Neither by the uid, which takes a right at cluster scope, nor by what else is exempt.
    answer = guarded.kubectl("get", "serviceaccount", "hub", f"-n={NAME}", "-o=json").stdout
    uid = json.loads(answer)["metadata"]["uid"]
    assert "uids" in _kubectl(guarded, actor, *delete, f"--as={HUB}", f"--as-uid={uid}")
    # The hub itself goes on.
    account = identities.service_account_kubeconfig(guarded, NAME, "hub", tmp_path / "hub")
    assert "deleted" in _kubectl(guarded, account, *delete)


@pytest.mark.parametrize("user", [HUB, SCHEDULER, DEPLOYER])
def test_accounts_of_the_namespace_count_by_their_tokens_only(asker: Asker, user: str) -> None:
    path = f"{CORE}/pods/jupyter-ann"
    answer = asker.ask(Person(user), "DELETE", path)
    assert answer.code == 200, answer.message
    refused = asker.ask(Person(user, poses=True), "DELETE", path)
    assert refused.refused, refused.message
    assert not refused.broken, refused.message


def test_whoever_may_act_as_an_account_elsewhere_has_that_right_elsewhere(asker: Asker) -> None:
    path = f"{CORE}/pods/jupyter-ann"
    assert asker.ask(Person(ELSEWHERE, poses=True), "DELETE", path).code == 200
    other = Person("system:serviceaccount:flux:other", poses=True)
    assert asker.ask(other, "DELETE", path).refused


def test_neither_do_the_groups_of_accounts(asker: Asker, make_hub: MakeHub) -> None:
    name = f"{NAME}-groups"
    item = hubs.ALL_ITEMS[19]
    notes = {f"{OWNERS_ANNOTATION}{item}": f"group:system:serviceaccounts:{name}\ngroup:helpers"}
    make_hub(name, hubs.stages([19], AdmissionStage.DENY), notes)
    path = f"/api/v1/namespaces/{name}/pods/jupyter-ann"
    user, groups = f"system:serviceaccount:{name}:hub", (f"system:serviceaccounts:{name}",)
    assert asker.ask(Person(user, groups), "DELETE", path).code == 200
    assert asker.ask(Person(user, groups, poses=True), "DELETE", path).refused
    # What people are given besides stays theirs.
    assert asker.ask(Person(user, ("helpers",), poses=True), "DELETE", path).code == 200


LIFTED = {"metadata": {"labels": {f"{STAGE_LABEL}{hubs.ALL_ITEMS[14]}": None}}}
QUOTA = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "mine"},
    "spec": {"hard": {"pods": "1"}},
}
EVENT = {
    "apiVersion": "v1",
    "kind": "Event",
    "metadata": {"name": "mine"},
    "involvedObject": {"namespace": NAME},
}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", f"/api/v1/namespaces/{NAME}", LIFTED),
        # What it may do itself; so nobody has its rights who has not its token.
        ("POST", f"{CORE}/events", EVENT),
    ],
    ids=["lifts a stage", "tells of something"],
)
def test_nobody_acts_as_the_operator(
    asker: Asker, method: str, path: str, body: Mapping[str, Any]
) -> None:
    assert asker.ask(hubs.OPERATOR, method, path, body, type=MERGE * (method == "PATCH")).code < 300
    posing = Person(hubs.OPERATOR.user, poses=True)
    answer = asker.ask(posing, method, path, body, type=MERGE * (method == "PATCH"))
    assert answer.refused, answer.message


def test_acting_as_the_operator_is_held_to_what_it_is(asker: Asker) -> None:
    marked = {"metadata": {"labels": {MANAGED_LABEL: None}}}
    path = f"/api/v1/namespaces/{NAME}"
    posing = Person(hubs.OPERATOR.user, poses=True)
    assert asker.ask(posing, "PATCH", path, marked, type=MERGE).refused


@pytest.mark.parametrize("controller", ["replicaset-controller", "generic-garbage-collector"])
def test_nobody_acts_as_a_controller(asker: Asker, controller: str) -> None:
    user = f"system:serviceaccount:kube-system:{controller}"
    assert asker.ask(Person(user), "POST", f"{CORE}/resourcequotas", QUOTA).code == 201
    posing = asker.ask(Person(user, poses=True), "POST", f"{CORE}/resourcequotas", QUOTA)
    assert posing.refused, posing.message
