"""What people see, word for word: regenerate with `UPDATE_GOLDEN=1 pytest tests/unit/cli`."""

import json
import os
from pathlib import Path

import pytest

from tests.unit.cli import small
from tests.unit.cli.conftest import Run

GOLDEN = Path(__file__).parent / "golden"
WORLD = ("-f", "reef")
NOW = (*WORLD, "--at", small.AT)
LATER = (*WORLD, "--at", small.LATER)
LEADER = ("--as", "ann", "--as-group", "reef-leads")

CASES = {
    "matrix": ("matrix", "reef", *NOW),
    "matrix-wide": ("matrix", *LATER, "-o", "wide"),
    "matrix-all": ("matrix", "--all", *NOW),
    "matrix-json": ("matrix", "reef", *NOW, "-o", "json"),
    "page": ("page", *LATER, "--findings"),
    "drift": ("drift", *NOW),
    "drift-later": ("drift", "reef", *LATER, "-o", "wide"),
    "drift-json": ("drift", *NOW, "-o", "json"),
    "who-owns": ("who-owns", "patch", "deploy/hub", "-n", "reef", *NOW),
    "who-owns-wide": ("who-owns", "get", "secrets", *NOW, "-o", "wide"),
    "who-owns-path": ("who-owns", "--path", "singleuser.memory.limit", *NOW, "-o", "wide"),
    "who-owns-nobody": ("who-owns", "delete", "nodes", *NOW),
    "who-can": ("who-can", "patch", "deploy/hub", "-n", "reef", *WORLD),
    "who-can-wide": ("who-can", "get", "secrets/hub", "-n", "reef", *WORLD, "-o", "wide"),
    "who-can-all": ("who-can", "get", "pods", "-A", *WORLD),
    "who-can-json": ("who-can", "get", "pods", "-n", "reef", *WORLD, "-o", "json"),
    "can-i-yes": ("can-i", "get", "pods", "-n", "reef", *LEADER, *WORLD),
    "can-i-no": ("can-i", "get", "pods", "-n", "elsewhere", *LEADER, *WORLD),
    "can-i-group": ("can-i", "patch", "deploy", "-n", "reef", "--as", "ann", *WORLD),
    "can-i-assumed": ("can-i", "delete", "pods", "-n", "reef", *LEADER, *WORLD),
    "can-i-json": (
        *("can-i", "list", "po", "--as", "system:serviceaccount:reef:robot"),
        *(*WORLD, "-o", "json"),
    ),
    "subject": ("subject", "user", "leaver", *NOW),
    "subject-owner": ("subject", "group", "reef-leads", *NOW, "-o", "wide"),
    "init": ("init", "-f", "reef/hub.yaml", "-f", "reef/rbac", "-f", "reef/model.yaml"),
    "check": ("check", *NOW),
    "check-markdown": ("check", *NOW, "-o", "markdown"),
    "check-github": ("check", *NOW, "-o", "github"),
    "check-junit": ("check", *NOW, "-o", "junit"),
    "check-sarif": ("check", *NOW, "-o", "sarif"),
    "help": ("--help",),
}


@pytest.mark.parametrize("name", CASES)
def test_output_is_as_it_was_agreed_on(name: str, run: Run, files: Path) -> None:
    assert files.is_dir()
    done = run(*CASES[name])
    text = f"exit code {done.code}\n{done.out}"
    if done.err:
        text += f"--- stderr\n{done.err}"
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_explain_tells_the_whole_story(run: Run, files: Path) -> None:
    listed = run("drift", *NOW, "-o", "json")
    assert files.is_dir()
    assert listed.code == 0
    prefix = next(f["id"][:6] for f in json.loads(listed.out) if f["kind"] == "excess-access")
    done = run("explain", prefix, *NOW)
    path = GOLDEN / "explain.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(done.out, encoding="utf-8")
    assert done.out == path.read_text(encoding="utf-8")


def test_diff_shows_owners_entitlements_and_findings(run: Run, files: Path) -> None:
    record = files / "record.yaml"
    changed = record.read_text(encoding="utf-8").replace(
        "- name: settings\n", "- name: settings\n    owner: community\n"
    )
    Path("changed.yaml").write_text(changed, encoding="utf-8")
    done = run("diff", "--base", "reef", "-f", "changed.yaml", "--at", small.AT, "-o", "wide")
    path = GOLDEN / "diff.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(done.out, encoding="utf-8")
    assert done.out == path.read_text(encoding="utf-8")


def test_a_record_that_is_there_already_changes_nothing(run: Run, files: Path) -> None:
    assert files.is_dir()
    done = run("diff", "--base", "reef", "-f", "reef/record.yaml", "--at", small.AT)
    assert "nobody's ownership would change" in done.out
    assert "0 findings would appear, 0 would go" in done.out
