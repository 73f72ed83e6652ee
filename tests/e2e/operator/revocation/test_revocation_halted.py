"""A revocation that is killed, held up or overtaken: it is finished, or says how far it came."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from itertools import product
from pathlib import Path

import pytest

from responsibility.api.names import REVOCATION_LABEL
from responsibility.cli.main import main
from tests.e2e.lab.errors import NotSupported
from tests.e2e.lab.waiting import wait_until
from tests.e2e.operator import chart
from tests.e2e.operator.api import OURS, RBAC, Manifest, where
from tests.e2e.operator.process import Operator
from tests.e2e.operator.revocation.revoking import (
    ADAM,
    EVE,
    ON,
    PATIENCE,
    approve,
    deploy,
    documents,
    engineers_may,
    install,
    settled_plan,
    shared,
    state,
    there,
    until_lost,
    until_revoked,
)
from tests.e2e.operator.world import World, binding_path, record_path, role_binding
from tests.e2e.seeds import drawn

HALTING = "tests.e2e.operator.revocation.halting"
# Its document, two deletions, and that it is done.
WRITES = 4
# Three operators each: a run has some of them, and a long one has all.
KILLS = drawn("REVOCATION_KILLS", product(range(1, WRITES + 1), ("before", "after")), usually=1)


@pytest.fixture(scope="module")
def world(bare_world: World) -> World:
    """Install the chart as mode revoke does."""
    install(bare_world)
    return bare_world


@contextmanager
def halting(world: World, *where_: object, grace: float | None = None) -> Iterator[Operator]:
    """Run an operator that is halted at a write, and patient with what is forbidden for so long."""
    settings = {**ON, "TEST_HALT": " ".join(map(str, where_))}
    if grace is not None:
        settings["TEST_GRACE"] = str(grace)
    # One that kills itself may be gone before anybody sees that it is ready.
    with world.operator(settings=settings, program=HALTING, ready=False) as running:
        yield running


def approved(world: World, name: str, *more: Manifest) -> str:
    """Make a hub whose plan is approved, without anybody there to carry it out; return it.

    What the operator could make of it is all of the plan that a person is shown, but for ``more``.
    """
    forget_others(world)
    deploy(world, name, *more)
    if more:
        with world.operator(settings=ON):
            digest = str(settled_plan(world, name)["revocable"]["digest"])
    else:
        told = io.StringIO()
        with redirect_stdout(told):
            code = main(["plan", name, "-o", "json", f"--kubeconfig={world.cluster.kubeconfig}"])
        assert code == 0, told.getvalue()
        digest = str(json.loads(told.getvalue())["digest"])
    approve(world, name, digest)
    return digest


def forget_others(world: World) -> None:
    """Delete all records, so that there is no other hub to plan for."""
    there_ = world.admin.items(where(OURS, "Responsibility"))
    world.admin.delete(*(record_path(record["metadata"]["name"]) for record in there_))


def reached(folder: Path) -> None:
    wait_until((folder / "reached").exists, PATIENCE, "the write")


def go_on(folder: Path) -> None:
    (folder / "go").touch()


def until_counted_as_stopped(world: World, operator: Operator) -> None:
    world.until(
        lambda: operator.metrics().value("revocations_total", outcome="stopped") == 1,
        "the count",
        PATIENCE,
    )


@pytest.mark.parametrize(("number", "when"), KILLS)
def test_killed_at_any_write_it_is_finished_by_the_next(
    world: World, number: int, when: str
) -> None:
    name = f"killed-{number}-{when}"
    approved(world, name)
    with halting(world, number, when, "kill") as operator:
        wait_until(lambda: not operator.running, PATIENCE, "its end")
    begun = [state(d) for d in documents(world, name)]
    done = number == WRITES and when == "after"
    assert begun == ([] if (number, when) == (1, "before") else ["done"] if done else ["open"])
    deleted = max(0, min(2, number - 1 - (when == "before")))
    assert len(there(world, name)) == 2 - deleted
    with world.operator(settings=ON) as operator:
        until_revoked(world, name)
        assert "Traceback" not in operator.log
    assert there(world, name) == set()
    until_lost(world, name)
    assert engineers_may(world, name)
    assert [state(d) for d in documents(world, name)] == ["done"]


def test_killed_and_overtaken_it_does_no_more_than_was_approved(world: World) -> None:
    approved(world, "overtaken")
    with halting(world, 2, "after", "kill") as operator:
        wait_until(lambda: not operator.running, PATIENCE, "its end")
    (left,) = there(world, "overtaken")
    world.admin.apply(role_binding("overtaken", "new", "admin", "newcomer@example.org"))
    with world.operator(settings=ON):
        message = until_revoked(world, "overtaken", "False", "Interrupted")
    assert "1 of 2 changes made" in message
    assert "--undo" in message
    assert there(world, "overtaken") == {left}
    assert world.admin.find(binding_path("overtaken", "new")) is not None
    assert [state(d) for d in documents(world, "overtaken")] == ["stopped"]
    # A new approval, of what is left, is carried out.
    with world.operator(settings=ON):
        digest = settled_plan(world, "overtaken", left, "new")["revocable"]["digest"]
        approve(world, "overtaken", digest)
        until_revoked(world, "overtaken")
    assert there(world, "overtaken") == set()


def test_a_forged_document_is_not_believed(world: World) -> None:
    approved(world, "forged")
    with halting(world, 1, "after", "kill") as operator:
        wait_until(lambda: not operator.running, PATIENCE, "its end")
    (document,) = documents(world, "forged")
    path = where("v1", "ConfigMap", document["metadata"]["name"], chart.NAMESPACE)
    world.admin.delete(path)
    document["metadata"] = {
        key: document["metadata"][key] for key in ("name", "namespace", "labels", "annotations")
    }
    document["data"]["undo.json"] = document["data"]["undo.json"].replace("eves", "adams")
    world.admin.apply({"apiVersion": "v1", "kind": "ConfigMap", **document})
    with world.operator(settings=ON):
        message = until_revoked(world, "forged", "False", "Interrupted")
    assert "digest: is not that of the plan" in message
    assert there(world, "forged") == {"adams", "eves"}


def test_somebody_who_edits_a_binding_meanwhile_stops_it(world: World, tmp_path: Path) -> None:
    approved(world, "edited")
    with halting(world, 3, "before", "wait", tmp_path) as operator:
        reached(tmp_path)
        (left,) = there(world, "edited")
        people = [EVE, ADAM, "third@example.org"]
        world.admin.apply(
            role_binding("edited", left, "admin" if left == "eves" else "edit", *people)
        )
        go_on(tmp_path)
        message = until_revoked(world, "edited", "False", "Stopped")
        assert "it was changed by somebody else" in message
        assert "1 of 2 changes made" in message
        assert there(world, "edited") == {left}
        until_counted_as_stopped(world, operator)
        assert operator.metrics().value("write_errors_total", what="revocations") == 1
        world.until(
            lambda: "NotRevokedStopped" in {e["reason"] for e in world.events("edited")}, "an Event"
        )


def test_an_edit_beside_the_matter_stops_nothing(world: World, tmp_path: Path) -> None:
    approved(world, "labelled")
    with halting(world, 3, "before", "wait", tmp_path):
        reached(tmp_path)
        (left,) = there(world, "labelled")
        world.admin.merge(
            {
                "apiVersion": RBAC,
                "kind": "RoleBinding",
                "metadata": {"namespace": "labelled", "name": left, "labels": {"a": "b"}},
            }
        )
        go_on(tmp_path)
        until_revoked(world, "labelled")
    assert there(world, "labelled") == set()


def test_an_approval_that_is_taken_back_meanwhile_stops_it(world: World, tmp_path: Path) -> None:
    approved(world, "withdrawn")
    with halting(world, 2, "before", "wait", tmp_path):
        reached(tmp_path)
        approve(world, "withdrawn", None)
        world.until(
            lambda: (
                world.status("withdrawn").get("observedGeneration")
                == world.record("withdrawn")["metadata"]["generation"]
            ),
            "the operator to know",
            PATIENCE,
        )
        go_on(tmp_path)
        world.until(
            lambda: [state(d) for d in documents(world, "withdrawn")] in (["stopped"], ["closed"]),
            "it to stop",
            PATIENCE,
        )
        until_revoked(world, "withdrawn", "False", "NotApproved")
    # The deletion that was on its way is made, and none after it.
    assert len(there(world, "withdrawn")) == 1


def test_a_record_that_is_deleted_meanwhile_stops_it(world: World, tmp_path: Path) -> None:
    approved(world, "deleted")
    with halting(world, 2, "before", "wait", tmp_path) as operator:
        reached(tmp_path)
        world.admin.delete(record_path("deleted"))
        world.until(
            lambda: not operator.metrics().total("hub_info", hub="deleted"),
            "the operator to know",
            PATIENCE,
        )
        go_on(tmp_path)
        world.until(
            lambda: [state(d) for d in documents(world, "deleted")] == ["stopped"],
            "it to stop",
            PATIENCE,
        )
        assert len(there(world, "deleted")) == 1
        until_counted_as_stopped(world, operator)


def test_killed_and_the_record_gone_nothing_goes_on(world: World) -> None:
    approved(world, "orphan")
    with halting(world, 2, "after", "kill") as operator:
        wait_until(lambda: not operator.running, PATIENCE, "its end")
    world.admin.delete(record_path("orphan"))
    with world.operator(settings=ON) as operator:
        operator.until_logged("record orphan was deleted while", PATIENCE)
        world.until(
            lambda: [state(d) for d in documents(world, "orphan")] == ["stopped"], "", PATIENCE
        )
    assert len(there(world, "orphan")) == 1


def test_an_api_server_that_restarts_meanwhile_only_delays_it(world: World, tmp_path: Path) -> None:
    approved(world, "restarted")
    with halting(world, 3, "before", "wait", tmp_path):
        reached(tmp_path)
        world.cluster.stop_apiserver()
        go_on(tmp_path)
        world.cluster.start_apiserver()
        until_revoked(world, "restarted")
    assert there(world, "restarted") == set()
    assert [state(d) for d in documents(world, "restarted")] == ["done"]


def test_a_deletion_that_is_refused_stops_the_rest(world: World, tmp_path: Path) -> None:
    """Somebody's policy, or a right that is gone for longer than we are patient."""
    approved(world, "refused")
    # Both give the right to delete RoleBindings.
    grants = where(RBAC, "ClusterRoleBinding", f"{chart.RELEASE}-grants")
    kept = world.admin.get(grants)
    with halting(world, 3, "before", "wait", tmp_path, grace=4.0) as operator:
        reached(tmp_path)
        (left,) = there(world, "refused")
        role = where(RBAC, "ClusterRole", f"{chart.RELEASE}-revocation")
        whole = world.admin.get(role)
        rules = [
            {**rule, "verbs": [verb for verb in rule["verbs"] if verb != "delete"]}
            for rule in whole["rules"]
        ]
        world.admin.replace(role, {**whole, "rules": rules})
        world.admin.delete(grants)
        group = RBAC.partition("/")[0]
        world.until(
            lambda: not world.own_account_may("delete", "rolebindings", group=group),
            "the right to be gone",
        )
        go_on(tmp_path)
        message = until_revoked(world, "refused", "False", "Stopped")
        assert "you lack a right" in message
        assert "1 of 2 changes made" in message
        assert there(world, "refused") == {left}
        until_counted_as_stopped(world, operator)
    world.admin.replace(role, {**world.admin.get(role), "rules": whole["rules"]})
    world.admin.apply({**kept, "metadata": {"name": kept["metadata"]["name"]}}, manager="helm")


def test_what_has_changed_since_the_approval_is_not_revoked(world: World) -> None:
    digest = approved(world, "stale")
    world.admin.apply(role_binding("stale", "new", "admin", "newcomer@example.org"))
    with world.operator(settings=ON):
        message = until_revoked(world, "stale", "False", "PlanChanged")
        new = settled_plan(world, "stale", "adams", "eves", "new")["revocable"]["digest"]
        world.until(lambda: new in world.condition("stale", "Revoked")[2], "the new one", PATIENCE)
    assert digest in message
    assert there(world, "stale") == {"adams", "eves"}
    assert documents(world, "stale") == []


def test_where_the_chart_does_not_allow_it_the_record_says_so(world: World) -> None:
    approved(world, "audit", shared("audit"))
    with world.operator(settings={"GRANTS": "true"}):
        message = until_revoked(world, "audit", "False", "SwitchedOff")
        assert "mode: revoke" in message
        world.until_condition("audit", "Enforced", "False", "RevocationSwitchedOff")
        world.until(
            lambda: "revocable" not in (world.status("audit").get("plan") or {"revocable": ""}),
            "a plan",
            PATIENCE,
        )
    assert there(world, "audit") == {"adams", "eves"}
    assert documents(world, "audit") == []


def test_the_last_holder_of_an_item_keeps_it_whatever_is_approved(world: World) -> None:
    """Without grants nobody but the strangers can do what an item needs."""
    bound = {
        each["metadata"]["name"] for each in world.admin.items(where(RBAC, "ClusterRoleBinding"))
    }
    if "kubeadm:cluster-admins" in bound:
        raise NotSupported("kubeadm binds its administrators as a group, so somebody is left")
    forget_others(world)
    world.admin.delete(where(RBAC, "ClusterRoleBinding", "engineers"))
    deploy(world, "last")
    with world.operator(settings={"REVOCATION": "true"}):
        told = wait_until(lambda: world.status("last").get("plan"), PATIENCE, "a plan")
        assert told is not None
        assert any("nobody would be left" in text for text in told["cannotEnd"])
        assert told["heldBack"]
        approve(world, "last", told["digest"])
        until_revoked(world, "last", "False", "")
    assert "eves" in there(world, "last"), "who alone can do all of it"


def test_its_documents_hold_no_secret_and_are_immutable(world: World) -> None:
    path = f"/api/v1/namespaces/{chart.NAMESPACE}/configmaps?labelSelector={REVOCATION_LABEL}"
    found = world.admin.items(path)
    assert found
    for document in found:
        assert document["immutable"] is True
        assert set(document["data"]) == {"undo.json"}
        assert '"kind": "Secret"' not in document["data"]["undo.json"]
