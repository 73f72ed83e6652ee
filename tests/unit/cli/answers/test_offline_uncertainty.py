"""In files, an owner that is bound to a role elsewhere is not said to lack anything."""

import json
from pathlib import Path

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
    kinds = {f["kind"] for f in found if f["item"] == "settings" and f["party"]}
    return state, kinds - {"delegation-expiring"}


def test_what_may_be_elsewhere_is_unknown(run: Run, files: Path) -> None:
    people = files / "rbac" / "people.yaml"
    without = people.read_text(encoding="utf-8").replace("- {verbs: [patch]", "- {verbs: [get]")
    people.write_text(without, encoding="utf-8")
    assert _settings(run) == ("drift", {"missing-access"})
    people.write_text(without + ELSEWHERE, encoding="utf-8")
    assert _settings(run) == ("unknown", {"unknown"})
