"""A person plans and applies on the demo's cluster; everybody is asked as themselves."""

import os
import pty
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from demo import organisation
from responsibility.cli.main import main
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.identities import impersonating_kubeconfig
from tests.e2e.lab.waiting import wait_until
from tests.e2e.plans.scene import OUTSIDER, READ, bindings, may, planned


def test_a_plan_is_approved_applied_proved_and_taken_back(
    demo: Cluster, captain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert captain.exists()
    before = bindings(demo)
    plan = planned(capsys, "--all")
    actions = {change["action"] for change in plan["changes"]}
    assert actions == {
        *("create-role", "create-binding", "narrow-role", "edit-binding", "delete-binding")
    }
    wait_until(
        lambda: may(demo, OUTSIDER, "patch", "deploy/hub", "-n", "coast"), 30, "it to be too much"
    )
    assert main(["apply-plan", plan["digest"], "--all", "--dry-run"]) == 0
    assert bindings(demo) == before
    assert main(["apply-plan", plan["digest"][:16], "--all", "--yes"]) == 0
    told = capsys.readouterr()
    assert "the server confirms it" in told.out
    assert "Warning" not in told.err

    # As themselves: the stranger, a member of the group, the leaver; and those who are owed it.
    wait_until(
        lambda: not may(demo, OUTSIDER, "patch", "deploy/hub", "-n", "coast"), 30, "it to end"
    )
    assert not may(demo, "lee", "delete", "pods", "-n", "leap-prod", groups=("leap-admins",))
    assert may(demo, "lee", "update", "secrets/hub", "-n", "leap-prod", groups=("leap-admins",))
    assert may(demo, "lee", "get", "pods", "-n", "leap-prod", groups=("leap-admins",))
    assert not may(demo, "former-engineer@example.org", "get", "pods", "-n", "coast")
    assert may(demo, "one@example.org", "get", "deploy", "-n", "coast")
    assert not may(demo, "one@example.org", "patch", "deploy", "-n", "coast")
    assert may(demo, "pat", "patch", "deploy/hub", "-n", "coast", groups=("platform-engineers",))
    # Nor can the stranger give it back to itself.
    again = demo.kubectl(
        *("create", "rolebinding", "back", "--clusterrole=admin", f"--user={OUTSIDER}"),
        *("-n", "coast", f"--as={OUTSIDER}"),
        check=False,
    )
    assert "forbidden" in again.stderr

    assert planned(capsys, "--all")["changes"] == []
    (undo,) = Path().glob("undo-*.json")
    assert stat.S_IMODE(undo.stat().st_mode) == 0o600
    assert main(["apply-plan", "--undo", str(undo), "--yes"]) == 0
    assert bindings(demo) == before
    assert planned(capsys, "--all")["digest"] == plan["digest"]
    assert main(["apply-plan", "--undo", str(undo), "--yes"]) == 0


def at_a_terminal(answer: str, *arguments: str) -> tuple[int, str]:
    """Run a command whose input is a terminal, and answer its question."""
    ours, theirs = pty.openpty()
    code = "import sys; from responsibility.cli.main import main; sys.exit(main(sys.argv[1:]))"
    try:
        # The terminal keeps it until it is asked for.
        os.write(ours, f"{answer}\n".encode())
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            stdin=theirs,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            check=False,
            capture_output=True,
            text=True,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    return done.returncode, done.stdout + done.stderr


def test_a_person_is_asked_first_and_need_not_repeat_the_hub(
    demo: Cluster, captain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert captain.exists()
    before = bindings(demo)
    digest = planned(capsys, "coast")["digest"]
    code, told = at_a_terminal("n", "apply-plan", digest)
    assert code != 0
    assert "Make these changes? [y/N]" in told
    assert bindings(demo) == before
    assert not list(Path().glob("undo-*.json"))
    code, told = at_a_terminal("y", "apply-plan", digest)
    assert code == 0, told
    assert "Make these changes? [y/N]" in told
    assert planned(capsys, "coast")["changes"] == []
    (undo,) = Path().glob("undo-*.json")
    code, told = at_a_terminal("n", "apply-plan", "--undo", str(undo))
    assert code != 0
    assert "coast/rolebindings/former-engineer: ClusterRole admin to User former-engineer" in told
    assert at_a_terminal("y", "apply-plan", "--undo", str(undo))[0] == 0
    assert bindings(demo) == before


def test_a_stale_plan_is_refused(
    demo: Cluster, captain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert captain.exists()
    plan = planned(capsys, "coast")
    demo.kubectl("delete", "rolebinding", "former-engineer", "-n", "coast")
    before = bindings(demo)
    assert main(["apply-plan", plan["digest"], "coast", "--yes"]) == 2
    told = capsys.readouterr()
    assert "have changed since it was made" in told.err
    assert planned(capsys, "coast")["digest"] in told.err
    assert bindings(demo) == before
    assert not list(Path().glob("undo-*.json"))


def test_a_missing_right_is_named_and_another_person_goes_on(
    demo: Cluster,
    captain: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    plan = planned(capsys, "--all")
    # May read everything, and edit RBAC in coast only.
    for words in (
        ("clusterrole", "reader", "--verb=get,list", f"--resource={READ}"),
        ("clusterrolebinding", "reader", "--clusterrole=reader", "--user=reader"),
    ):
        demo.kubectl("delete", *words[:2], "--ignore-not-found")
        demo.kubectl("create", *words)
    wait_until(lambda: may(demo, "reader", "list", "namespaces"), 30, "the reader to be let read")
    monkeypatch.setenv(
        "KUBECONFIG", str(impersonating_kubeconfig(demo, "reader", (), tmp_path / "reader"))
    )
    before = bindings(demo)
    code = main(["apply-plan", planned(capsys, "--all")["digest"], "--all", "--yes"])
    told = capsys.readouterr()
    assert code == 2
    assert "stopped at step 1" in told.err
    assert 'User "reader" cannot create resource "roles"' in told.err
    assert "--resume" in told.err
    assert bindings(demo) == before
    (undo,) = Path().glob("undo-*.json")
    monkeypatch.setenv("KUBECONFIG", str(captain))
    demo.kubectl("delete", "clusterrolebinding", "reader")
    demo.kubectl("delete", "clusterrole", "reader")
    assert main(["apply-plan", "--resume", str(undo), "--yes"]) == 0
    assert planned(capsys, "--all")["changes"] == []
    assert plan["changes"]


def test_nobody_saws_off_the_branch_they_sit_on(
    demo: Cluster,
    captain: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert captain.exists()
    me = "temp-contractor@example.org"
    monkeypatch.setenv("KUBECONFIG", str(impersonating_kubeconfig(demo, me, (), tmp_path / "me")))
    plan = planned(capsys, "--cluster-wide")
    assert main(["apply-plan", plan["digest"], "--cluster-wide", "--yes"]) == 2
    assert f"takes rights from yourself (User {me})" in capsys.readouterr().err


def test_the_demo_has_what_this_is_about() -> None:
    assert organisation.LEAP_ADMINS["name"] == "leap-admins"
