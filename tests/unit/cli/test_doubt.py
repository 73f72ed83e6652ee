"""In files, an owner that is bound to a role elsewhere is not said to lack anything."""

import json
from pathlib import Path

from responsibility.cli import kubeconfigs
from tests.unit.cli import small
from tests.unit.cli.conftest import Run

ELSEWHERE = """\
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: more, namespace: reef}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: elsewhere}
subjects: [{kind: Group, name: engineers, apiGroup: rbac.authorization.k8s.io}]
"""


def _settings(run: Run) -> tuple[str, set[str]]:
    reach = ("-f", "reef", "--at", small.AT, "-o", "json")
    (hub,) = json.loads(run("matrix", *reach).out)
    state = next(item["state"] for item in hub["items"] if item["name"] == "settings")
    found = json.loads(run("drift", *reach).out)
    return state, {f["kind"] for f in found if f["item"] == "settings" and f["party"]}


def test_what_may_be_elsewhere_is_unknown(run: Run, files: Path) -> None:
    people = files / "rbac" / "people.yaml"
    without = people.read_text(encoding="utf-8").replace("- {verbs: [patch]", "- {verbs: [get]")
    people.write_text(without, encoding="utf-8")
    assert _settings(run) == ("drift", {"missing-access"})
    people.write_text(without + ELSEWHERE, encoding="utf-8")
    assert _settings(run) == ("unknown", {"unknown"})


def test_the_namespace_is_that_of_the_context(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text(
        "current-context: a\n"
        "contexts: [{name: a, context: {user: u, namespace: reef}}, {name: b, context: {}}]\n",
        encoding="utf-8",
    )
    second.write_text("users: [{name: u, user: {as: ann}}]\n", encoding="utf-8")
    both = Path(f"{first}:{second}")
    assert kubeconfigs.current(both, None) == kubeconfigs.Current("reef", "ann")
    assert kubeconfigs.current(first, "b") == kubeconfigs.Current("default", "")
    assert kubeconfigs.current(tmp_path / "none", None) == kubeconfigs.Current()
