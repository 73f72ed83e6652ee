"""Who cannot do something, but can make itself able to, shows where routes are asked for."""

import json
from pathlib import Path

from tests.unit.cli import small
from tests.unit.cli.conftest import Run

MANIFESTS = """\
apiVersion: v1
kind: ServiceAccount
metadata: {name: robot, namespace: reef}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: deploy, namespace: reef}
rules: [{apiGroups: [apps], resources: [deployments], verbs: [patch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: robot, namespace: reef}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: deploy}
subjects: [{kind: ServiceAccount, name: robot}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: tokens, namespace: reef}
rules: [{apiGroups: [""], resources: [serviceaccounts/token], verbs: [create]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: mallory, namespace: reef}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: tokens}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: mallory}]
"""

ASKED = ("who-can", "patch", "deployments.apps/hub", "-n", "reef")


def _world(folder: Path) -> tuple[str, str]:
    path = folder / "world.yaml"
    path.write_text(MANIFESTS, encoding="utf-8")
    return "-f", str(path)


def test_who_can_names_those_who_could_come_by_it(run: Run, tmp_path: Path) -> None:
    files = _world(tmp_path)
    plain, routed = run(*ASKED, *files), run(*ASKED, "--routes", *files)
    assert "mallory" not in plain.out
    (line,) = [line for line in routed.out.splitlines() if "mallory" in line]
    assert "by token: User mallory can request a token of ServiceAccount reef/robot" in line


def test_routes_are_told_step_by_step_in_json(run: Run, tmp_path: Path) -> None:
    done = run(*ASKED, "--routes", *_world(tmp_path), "-o", "json")
    (route,) = json.loads(done.out)["routes"]
    assert route["subject"]["name"] == "mallory"
    assert route["route"] == "token"
    assert len(route["steps"]) == 1


ROBOT = """\
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: robot, namespace: reef}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: operate}
subjects: [{kind: ServiceAccount, name: robot}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: tokens, namespace: reef}
rules: [{apiGroups: [""], resources: [serviceaccounts/token], verbs: [create]}]
"""
MALLORY = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: mallory, namespace: reef}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: tokens}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: mallory}]
"""


def test_what_a_subject_could_come_by_is_told_where_asked(run: Run, files: Path) -> None:
    (files / "robot.yaml").write_text(ROBOT, encoding="utf-8")
    (files / "mallory.yaml").write_text(MALLORY, encoding="utf-8")
    asked = ("subject", "user", "mallory", "-f", "reef", "--at", small.AT)
    assert "nothing that is reserved for others" in run(*asked).out
    routed = run(*asked, "--routes").out.splitlines()
    assert [line.split()[-1] for line in routed if "reef   settings" in line] == ["token"]
    (finding,) = [
        each
        for each in json.loads(run(*asked, "--routes", "-o", "json").out)["beyond"]
        if each["item"] == "settings"
    ]
    assert finding["steps"] == ["User mallory can request a token of ServiceAccount reef/robot"]


def test_a_route_that_would_open_is_a_difference(run: Run, files: Path) -> None:
    (files / "robot.yaml").write_text(ROBOT, encoding="utf-8")
    Path("mallory.yaml").write_text(MALLORY, encoding="utf-8")
    asked = ("diff", "--base", "reef", "-f", "mallory.yaml", "--at", small.AT)
    assert "0 findings would appear, 0 would go" in run(*asked).out
    routed = run(*asked, "--routes").out
    (line,) = [line for line in routed.splitlines() if "settings" in line]
    assert line.split()[0] == "+"
    assert line.split()[-1] == "token"


def test_routes_to_every_namespace_at_once_are_refused(run: Run, tmp_path: Path) -> None:
    done = run("who-can", "get", "pods", "-A", "--routes", *_world(tmp_path))
    assert done.code == 2
    assert "name it with -n" in done.err
