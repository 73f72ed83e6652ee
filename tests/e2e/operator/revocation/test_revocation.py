"""What a record approves is revoked, and nothing else; the API server is asked as each subject."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from responsibility.cli.main import main
from tests.e2e.lab.waiting import eventually
from tests.e2e.operator import chart
from tests.e2e.operator.api import RefusedError
from tests.e2e.operator.process import Operator
from tests.e2e.operator.revocation.revoking import (
    ADAM,
    EVE,
    ON,
    RECORD_OWNERS,
    approve,
    deploy,
    documents,
    engineers_may,
    install,
    may,
    plan,
    revoking,
    settled_plan,
    shared,
    state,
    strange,
    there,
    until_lost,
    until_revoked,
)
from tests.e2e.operator.world import World, binding_path, hub, role_binding

HURRIED = {"RELIST_SECONDS": "3", "OWN_RELIST_SECONDS": "2", "SAMPLE_SECONDS": "2"}


@pytest.fixture(scope="module")
def world(bare_world: World) -> World:
    """Install the chart as mode revoke does."""
    install(bare_world)
    return bare_world


@pytest.fixture(scope="module")
def operator(world: World) -> Iterator[Operator]:
    with world.operator(settings={**ON, **HURRIED}) as running:
        yield running


pytestmark = pytest.mark.usefixtures("operator")


def planned(world: World, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return the digest that a person is shown."""
    capsys.readouterr()
    kubeconfig = f"--kubeconfig={world.cluster.kubeconfig}"
    assert main(["plan", *words, "-o", "json", kubeconfig]) == 0
    return str(json.loads(capsys.readouterr().out)["digest"])


def test_what_is_approved_is_revoked_and_can_be_taken_back(
    world: World, operator: Operator, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    deploy(world, "reef")
    told = settled_plan(world, "reef")
    digest = told["revocable"]["digest"]
    assert told["digest"] == digest == planned(world, capsys, "reef")
    assert (told["changes"], len(told["revocable"]["changes"])) == (2, 2)
    assert "the operator can make all of them once approved" in told["summary"]
    assert operator.metrics().value("plan_changes", hub="reef") == 2
    until_revoked(world, "reef", "False", "NotApproved")
    assert may(world, EVE, "reef")
    assert may(world, ADAM, "reef")

    since, before = world.mark(), operator.metrics().value("revocations_total", outcome="applied")
    approve(world, "reef", digest)
    message = until_revoked(world, "reef")
    assert there(world, "reef") == set()
    until_lost(world, "reef")
    assert engineers_may(world, "reef")
    world.until(lambda: "plan" not in world.status("reef"), "nothing to be left to plan")
    assert planned(world, capsys, "reef") != digest
    world.until(
        lambda: operator.metrics().value("revocations_total", outcome="applied") == before + 1,
        "the count",
    )
    world.until(lambda: "Revoked" in {e["reason"] for e in world.events("reef")}, "an Event")

    def written() -> None:
        # A request is written down a moment after it was answered.
        writes = [w for w in world.writes(since) if "/status" not in w and "/events" not in w]
        assert [w.split("?")[0] for w in writes if "/deployments/" not in w] == [
            f"create /api/v1/namespaces/{chart.NAMESPACE}/configmaps",
            f"delete {binding_path('reef', 'adams')}",
            f"delete {binding_path('reef', 'eves')}",
            f"patch {_document_path(world, 'reef')}",
        ]

    eventually(written)

    # As the message says.
    (document,) = documents(world, "reef")
    assert state(document) == "done"
    assert document["metadata"]["name"] in message
    undo = tmp_path / "undo.json"
    undo.write_text(document["data"]["undo.json"], encoding="utf-8")
    again = ["apply-plan", digest, "--undo", str(undo), "--yes"]
    assert main([*again, f"--kubeconfig={world.cluster.kubeconfig}"]) == 0
    assert there(world, "reef") == {"adams", "eves"}
    world.until(lambda: may(world, EVE, "reef"), "it to be given back")

    # The same plan once more is not what was approved; approved anew, it is.
    until_revoked(world, "reef", "False", "ApprovalUsed")
    assert settled_plan(world, "reef")["revocable"]["digest"] == digest
    assert there(world, "reef") == {"adams", "eves"}
    approve(world, "reef", None)
    until_revoked(world, "reef", "False", "NotApproved")
    approve(world, "reef", digest)
    until_revoked(world, "reef")
    assert there(world, "reef") == set()
    world.until(
        lambda: sorted(map(state, documents(world, "reef"))) == ["closed", "done"], "the documents"
    )


def _document_path(world: World, name: str) -> str:
    (document,) = documents(world, name)
    return f"/api/v1/namespaces/{chart.NAMESPACE}/configmaps/{document['metadata']['name']}"


def test_at_rest_nothing_is_written_though_there_are_plans(
    world: World, operator: Operator
) -> None:
    deploy(world, "moor")
    plan(world, "moor")
    world.until_at_rest(operator)
    relists = operator.metrics().total("relists_total")
    since = world.mark()
    world.until(lambda: operator.metrics().total("relists_total") >= relists + 14, "re-lists", 60)
    assert world.writes(since) == []


def test_without_an_approval_nothing_is_revoked(world: World) -> None:
    deploy(world, "dune")
    digest = settled_plan(world, "dune")["revocable"]["digest"]
    message = until_revoked(world, "dune", "False", "NotApproved")
    assert digest in message
    approve(world, "dune", "0" * 32)
    message = until_revoked(world, "dune", "False", "PlanChanged")
    assert digest in message
    world.until(
        lambda: "NotRevokedPlanChanged" in {e["reason"] for e in world.events("dune")}, "an Event"
    )
    assert there(world, "dune") == {"adams", "eves"}
    assert documents(world, "dune") == []


def test_what_only_people_can_do_is_left_to_them(world: World) -> None:
    deploy(world, "cove", shared("cove"))
    told = settled_plan(world, "cove")
    assert told["digest"] != told["revocable"]["digest"]
    assert told["changes"] == 3
    approve(world, "cove", told["digest"])
    message = until_revoked(world, "cove", "False", "NotByOperator")
    assert "remove User mallory@example.org from RoleBinding cove/shared" in message
    assert f"apply-plan {told['digest']}" in message
    assert told["revocable"]["digest"] in message
    assert there(world, "cove") == {"adams", "eves"}
    approve(world, "cove", told["revocable"]["digest"])
    until_revoked(world, "cove")
    assert there(world, "cove") == set()
    assert may(world, "mallory@example.org", "cove")
    assert engineers_may(world, "cove")


def test_an_item_that_does_not_ask_for_it_keeps_what_is_too_much(world: World) -> None:
    items = [{"name": "incident-response", "enforcement": {"rbac": "revoke"}}]
    rules = [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["patch"]}]
    tuner = role_binding("fjord", "tuners", "tuner", "carl@example.org")
    tuner["roleRef"]["kind"] = "Role"
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "tuner", "namespace": "fjord"},
        "rules": rules,
    }
    deploy(world, "fjord", role, tuner, items=items, enforcement={"rbac": "audit"})
    told = settled_plan(world, "fjord")
    assert told["changes"] == 3
    assert told["digest"] != told["revocable"]["digest"]
    approve(world, "fjord", told["digest"])
    assert "fjord/tuners" in until_revoked(world, "fjord", "False", "NotByOperator")
    approve(world, "fjord", told["revocable"]["digest"])
    until_revoked(world, "fjord")
    assert world.admin.find(binding_path("fjord", "tuners")) is not None


def test_approving_takes_the_verb_assign(world: World) -> None:
    deploy(world, "holm")
    digest = settled_plan(world, "holm")["revocable"]["digest"]
    rules = [
        {
            "apiGroups": ["responsibility.2i2c.org"],
            "resources": ["responsibilities"],
            "verbs": ["get", "patch"],
        }
    ]
    rbac = {"apiVersion": "rbac.authorization.k8s.io/v1"}
    clerk = {"kind": "User", "name": "clerk", "apiGroup": "rbac.authorization.k8s.io"}
    reference = {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "ClusterRole",
        "name": "clerks",
    }
    role = {**rbac, "kind": "ClusterRole", "metadata": {"name": "clerks"}, "rules": rules}
    bound = {
        **rbac,
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "clerks"},
        "roleRef": reference,
        "subjects": [clerk],
    }
    world.admin.apply(role, bound)
    body = {
        "apiVersion": "responsibility.2i2c.org/v1alpha1",
        "kind": "Responsibility",
        "metadata": {"name": "holm"},
    }
    approval = {**body, "spec": {"enforcement": {"approvedPlan": digest}}}

    def refused() -> bool:
        # The authorizer learns of the binding, and the policy comes into force, in a moment.
        with pytest.raises(RefusedError) as caught:
            world.admin.merge({**approval, "metadata": {"name": "holm"}}, as_user="clerk")
        return RECORD_OWNERS in str(caught.value)

    world.until(refused, "the policy's refusal")
    noted = {**body, "spec": {"hub": {"displayName": "Holm"}}}
    world.admin.merge(noted, as_user="clerk")
    assert there(world, "holm") == {"adams", "eves"}
    rules[0]["verbs"] = ["get", "patch", "assign"]
    world.admin.apply(role)

    def passed() -> bool:
        try:
            world.admin.merge(approval, as_user="clerk")
        except RefusedError:
            return False
        return True

    world.until(passed, "the right")
    until_revoked(world, "holm")
    assert there(world, "holm") == set()


def test_a_plan_without_revoke_is_no_approval(world: World) -> None:
    with pytest.raises(RefusedError, match="nothing is revoked without rbac: revoke"):
        world.admin.apply(revoking("isle", enforcement={"rbac": "grant", "approvedPlan": "0" * 32}))


@pytest.mark.parametrize(
    ("namespace", "name", "metadata"),
    [
        ("kube-system", "somebodys", {}),
        ("reef", "system:somebodys", {}),
        ("reef", "booted", {"labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}}),
        (
            "reef",
            "kept",
            {"annotations": {"rbac.authorization.kubernetes.io/autoupdate": "false"}},
        ),
        (chart.NAMESPACE, "somebodys", {}),
    ],
)
def test_its_account_can_delete_nothing_of_kubernetes_and_nothing_of_its_own(
    world: World, namespace: str, name: str, metadata: dict[str, dict[str, str]]
) -> None:
    world.admin.apply(*hub("reef"))
    (binding, _) = strange(namespace)
    binding["metadata"] = {"namespace": namespace, "name": name, **metadata}
    world.admin.apply(binding)

    def refused() -> str:
        try:
            world.admin._send(
                "DELETE", f"{binding_path(namespace, name)}?dryRun=All", as_user=chart.ACCOUNT
            )
        except RefusedError as refusal:
            return str(refusal)
        return ""

    world.until(lambda: "whatever its roles say" in refused(), "the policy's refusal")
