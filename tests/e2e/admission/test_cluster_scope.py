"""The policies of what the cluster has only one of, and all of them as they live in a cluster."""

import json
from typing import Any

from responsibility.admission.policies.cluster_policies import ClusterEnforcement, cluster_policies
from responsibility.admission.policies.rendered import differences, installed, rendered
from responsibility.api import admission
from responsibility.api.names import CLUSTER_DENY_POLICY, CLUSTER_WARN_POLICY
from responsibility.api.stages import AdmissionStage
from tests.e2e.admission import hubs
from tests.e2e.admission.asking import Asker, Person
from tests.e2e.admission.conftest import PATIENCE, text
from tests.e2e.admission.hubs import OPERATOR_NAMESPACE
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.waiting import wait_until

GROUP = "responsibility.2i2c.org"
STRANGER = Person("stranger")

NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "e2e"}}
NODES = "/api/v1/nodes"


def _install(guarded: Cluster, table: dict[str, ClusterEnforcement]) -> None:
    manifests = installed(
        cluster_policies(hubs.MODEL, table), namespace=OPERATOR_NAMESPACE, account=hubs.ACCOUNT
    )
    guarded.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=text(manifests))


def test_what_the_cluster_has_only_one_of(guarded: Cluster, asker: Asker) -> None:
    label = {"metadata": {"labels": {"a": "b"}}}
    path = f"{NODES}/{guarded.node}"
    # As shipped, nothing is enforced.
    assert not asker.ask(STRANGER, "PATCH", path, label).warnings
    upgrades, operate = hubs.ALL_ITEMS[18], hubs.ALL_ITEMS[20]
    _install(
        guarded,
        {
            upgrades: ClusterEnforcement(
                AdmissionStage.DENY, ["user:upgrader", "like:^robot\\-.*$"], "Ops: o@x.example"
            ),
            operate: ClusterEnforcement(AdmissionStage.WARN, ["user:operator"], "Ops"),
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
        ("/apis/rbac.authorization.k8s.io/v1/clusterroles/view", label, False, True),
        ("/api/v1/namespaces/default", label, False, True),
    ):
        answer = asker.ask(STRANGER, "PATCH", path_, body)
        assert (answer.refused, bool(answer.warnings)) == (refused, warned), (path_, answer)
        assert not answer.broken
    kube = "/apis/apps/v1/namespaces/kube-system/deployments"
    coredns = hubs.workload("Deployment", "coredns")
    # Where a cluster has one already, nothing is to become of it.
    assert asker.ask(STRANGER, "POST", kube, coredns, dry=False).code in (201, 409)
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
    kinds = "validatingadmissionpolicies,validatingadmissionpolicybindings"
    live = json.loads(guarded.kubectl("get", kinds, "-o", "json").stdout)["items"]
    wanted = rendered(hubs.MODEL, namespace=OPERATOR_NAMESPACE, account=hubs.ACCOUNT)
    assert differences(live, wanted) == []
    assert {CLUSTER_WARN_POLICY, CLUSTER_DENY_POLICY} < {m["metadata"]["name"] for m in wanted}


def test_the_api_server_finds_nothing_odd_in_them(guarded: Cluster) -> None:
    # The one about dates belongs to the records, and stands here for this question.
    dates, _ = admission.manifests()
    guarded.kubectl("apply", "--server-side", "-f", "-", input=text([dates]))

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
    guarded.kubectl("delete", "validatingadmissionpolicy", dates["metadata"]["name"])
    assert found is not None
    assert dates["metadata"]["name"] in found
    assert {name: said for name, said in found.items() if said} == {}
