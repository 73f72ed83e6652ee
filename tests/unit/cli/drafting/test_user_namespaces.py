"""A hub that makes a namespace for each of its users is asked about: a record is about one."""

from pathlib import Path

import pytest
import yaml

from responsibility.api.parse import parse_record
from tests.unit.cli import small
from tests.unit.cli.conftest import Run

HUB = small.hub("coast")
# As KubeSpawner needs it where enable_user_namespaces is set: a ClusterRole like its usual Role.
MAKES = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: coast-hub-user-namespaces}
rules:
- {apiGroups: [""], resources: [namespaces, secrets, services, pods], verbs: [get, list, create]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: coast-hub-user-namespaces}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: coast-hub-user-namespaces}
subjects: [{kind: ServiceAccount, name: hub, namespace: coast}]
"""
USERS = """\
apiVersion: v1
kind: Namespace
metadata: {name: coast-alice}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: stranger, namespace: coast-alice}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: admin}
subjects:
- {kind: User, apiGroup: rbac.authorization.k8s.io, name: stranger@example.org}
- {kind: ServiceAccount, name: hub, namespace: coast}
---
apiVersion: v1
kind: Namespace
metadata: {name: coastal}
"""
# Its name begins with that of the other hub, and so do those of its users.
SECOND = HUB.replace("coast", "coast-lab") + "---\n" + USERS.replace("coast-", "coast-lab-")


def joined(*documents: str) -> str:
    return "---\n".join(documents)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "all").mkdir()
    return tmp_path / "all"


def test_what_such_a_hub_makes_is_listed_and_asked_about(folder: Path, run: Run) -> None:
    (folder / "all.yaml").write_text(joined(HUB, MAKES, USERS, SECOND), encoding="utf-8")
    done = run("init", "coast/coast", "-f", "all")
    assert done.code == 0, done.err
    parse_record(yaml.safe_load(done.out), strict=True)
    told = " ".join(done.out.replace("#", " ").split())
    assert "Do its users have one each (enable_user_namespaces)?" in told
    assert (
        "ServiceAccount coast/hub: ClusterRoleBinding coast-hub-user-namespaces to "
        "ClusterRole coast-hub-user-namespaces"
    ) in told
    assert "namespaces named coast-…: coast-alice" in told
    assert (
        "User stranger@example.org: RoleBinding coast-alice/stranger to ClusterRole admin" in told
    )
    for other in ("coastal", "coast-lab"):
        assert other not in told, "no namespace of this hub's users"
    many = run("init", "-f", "all", "-d", "records")
    assert "1 draft of 2 ask something" in many.err
    assert "hold rights and are nobody's: ServiceAccount coast/hub (1 hub)" in many.err


@pytest.mark.parametrize("group", ["system:serviceaccounts", "system:serviceaccounts:coast"])
def test_it_may_make_them_as_one_of_a_group(folder: Path, run: Run, group: str) -> None:
    makes = MAKES.replace(
        "{kind: ServiceAccount, name: hub, namespace: coast}",
        f"{{apiGroup: rbac.authorization.k8s.io, kind: Group, name: '{group}'}}",
    )
    (folder / "all.yaml").write_text(joined(HUB, makes, USERS), encoding="utf-8")
    assert "coast-alice" in run("init", "coast/coast", "-f", "all").out


@pytest.mark.parametrize(
    "without", [(HUB, USERS), (HUB, USERS, MAKES.replace("namespace: coast}", "namespace: ci}"))]
)
def test_a_hub_that_makes_none_is_not_asked(
    without: tuple[str, ...], folder: Path, run: Run
) -> None:
    (folder / "all.yaml").write_text(joined(*without), encoding="utf-8")
    done = run("init", "-f", "all", "-d", "records")
    assert done.code == 0, done.err
    (draft,) = Path("records").glob("*.yaml")
    assert "enable_user_namespaces" not in draft.read_text(encoding="utf-8")
    assert "coast/hub" not in done.err


def test_names_can_say_nothing_else_and_many_are_counted(folder: Path, run: Run) -> None:
    evil = "eve\nspec: {hub: {namespace: kube-system}}"
    bindings = [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": f"b-{number}", "namespace": "coast-alice"},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": "view",
            },
            "subjects": [{"kind": "User", "name": evil}],
        }
        for number in range(30)
    ]
    (folder / "odd.yaml").write_text(yaml.safe_dump_all(bindings), encoding="utf-8")
    (folder / "all.yaml").write_text(joined(HUB, MAKES, USERS), encoding="utf-8")
    done = run("init", "-f", "all")
    assert yaml.safe_load(done.out)["spec"]["hub"]["namespace"] == "coast"
    assert "and 21 bindings more" in done.out
