"""An item changes hands on a live cluster: what is printed is run, and both parties are asked."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from responsibility.cli.main import main
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.waiting import wait_until
from tests.e2e.plans.printed import scripts, shell, steps
from tests.e2e.plans.scene import may

ITEM = "kubernetes-configuration"
NORTH, SOUTH = "north@example.org", "south@example.org"
_RBAC: Any = {"apiGroup": "rbac.authorization.k8s.io"}


@pytest.fixture
def coast(demo: Cluster, captain: Path) -> Iterator[Cluster]:
    """Have one party own an item on Coast that can do all of it, and one that can't do anything."""
    assert captain.exists()
    before = json.loads(demo.kubectl("get", "responsibility", "coast", "-o", "json").stdout)["spec"]
    spec = dict(before)
    contact = {"email": "them@example.org"}
    spec["parties"] = [
        *before["parties"],
        *(
            {"name": name, "contact": contact, "subjects": [{"kind": "User", "name": user}]}
            for name, user in (("north", NORTH), ("south", SOUTH))
        ),
    ]
    items = [item for item in before.get("items", []) if item["name"] != ITEM]
    spec["items"] = [*items, {"name": ITEM, "owner": "north"}]
    _replace_spec(demo, spec)
    demo.kubectl(
        *(
            "create",
            "rolebinding",
            "north",
            "--clusterrole=cluster-admin",
            f"--user={NORTH}",
            "-n=coast",
        )
    )
    yield demo
    _replace_spec(demo, before)
    made = demo.kubectl("get", "roles,rolebindings", "-n", "coast", "-o", "name").stdout.split()
    made = [each for each in made if "/responsibility-keeps-" in each or each.endswith("/north")]
    if made:
        demo.kubectl("delete", "-n", "coast", *made)


def _replace_spec(cluster: Cluster, spec: Any) -> None:
    patch = json.dumps([{"op": "add", "path": "/spec", "value": spec}])
    cluster.kubectl("patch", "responsibility", "coast", "--type=json", "-p", patch)


def _told(capsys: pytest.CaptureFixture[str], *more: str) -> str:
    capsys.readouterr()
    assert main(["handover", "coast", "--item", ITEM, "--to", "south", *more]) == 0
    return capsys.readouterr().out


def _able(cluster: Cluster, user: str, needs: list[str]) -> bool:
    """Return whether the server lets somebody do all of it."""
    return all(may(cluster, user, *need.split(), "-n", "coast") for need in needs)


def _needs(capsys: pytest.CaptureFixture[str]) -> list[str]:
    capsys.readouterr()
    assert main(["handover", "coast", "--item", ITEM, "--to", "south", "-o", "json"]) == 0
    (item,) = json.loads(capsys.readouterr().out)["items"]
    assert item["lacks"] == item["needs"] != []
    needs: list[str] = item["needs"]
    return needs


def test_at_no_step_is_there_nobody_who_can_act(
    coast: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    needs = _needs(capsys)
    told = _told(capsys)
    assert "CAUTION" not in told
    printed = scripts(told)
    assert list(printed) == [
        "delegate to south",
        "give south what it lacks",
        "make south the owner",
        "revoke what is then too much",
    ]
    could = [(True, False), (True, True), (True, True), (False, True)]
    for (what, script), (north, south) in zip(printed.items(), could, strict=True):
        done = shell(coast, tmp_path, script)
        assert done.returncode == 0, f"{what}: {script}\n{done.stderr}"
        if "plan coast" in script:
            assert "to apply it: " in done.stdout, script + done.stdout
            (line,) = [x for x in done.stdout.splitlines() if x.startswith("to apply it: ")]
            command = line.removeprefix("to apply it: ") + " --yes"
            applied = shell(coast, tmp_path, command)
            assert applied.returncode == 0, applied.stdout + applied.stderr
        wait_until(
            lambda n=north, s=south: (  # type: ignore[misc]  # a default argument
                (_able(coast, NORTH, needs), _able(coast, SOUTH, needs)) == (n, s)
            ),
            60,
            f"north {north} and south {south} after: {what}",
        )
        agreed = json.loads(coast.kubectl("get", "resp", "coast", "-o", "json").stdout)["spec"]
        (item,) = [each for each in agreed["items"] if each["name"] == ITEM]
        entitled = {item["owner"], *(each["party"] for each in item.get("delegates", ()))}
        assert entitled & {"north" if north else "", "south" if south else ""}, what


def test_what_somebody_wrote_meanwhile_is_not_undone(
    coast: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = scripts(_told(capsys))
    # The operator's own status is no reason to refuse it, nor is a label.
    coast.kubectl("label", "responsibility", "coast", "by=somebody")
    assert shell(coast, tmp_path, printed["delegate to south"]).returncode == 0
    edited = json.dumps({"spec": {"hub": {"displayName": "Coast, edited"}}})
    coast.kubectl("patch", "responsibility", "coast", "--type=merge", "-p", edited)
    refused = shell(coast, tmp_path, printed["make south the owner"])
    assert refused.returncode != 0
    assert "invalid" in refused.stderr
    spec = json.loads(coast.kubectl("get", "resp", "coast", "-o", "json").stdout)["spec"]
    assert spec["hub"]["displayName"] == "Coast, edited"
    assert next(i["owner"] for i in spec["items"] if i["name"] == ITEM) == "north"
    # Asked for again, it goes on from there.
    again = scripts(_told(capsys))
    assert shell(coast, tmp_path, again["make south the owner"]).returncode == 0


def test_what_the_operator_does_not_grant_is_to_be_granted_by_hand(
    coast: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    def step() -> str:
        told = _told(capsys)
        assert "CAUTION" not in told
        return steps(told)["give south what it lacks"]

    assert "kind: RoleBinding" in step()
    grant = json.dumps({"spec": {"enforcement": {"rbac": "grant"}}})
    coast.kubectl("patch", "responsibility", "coast", "--type=merge", "-p", grant)
    without_roles = step()
    assert "the operator does not grant all of" in without_roles
    assert "apply what `kubectl responsibility render roles` prints" in without_roles
    assert "kind: RoleBinding" in without_roles
    capsys.readouterr()
    assert main(["render", "roles"]) == 0
    roles = capsys.readouterr().out
    coast.kubectl("apply", "-f", "-", input=roles)
    try:
        granted = step()
        assert f"the operator grants what is lacking for {ITEM}" in granted
        assert "kubectl wait responsibility coast --for=condition=Granted" in granted
        assert "kind: RoleBinding" not in granted
    finally:
        coast.kubectl("delete", "-f", "-", input=roles)
