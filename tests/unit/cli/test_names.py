"""Names may be anything: neither a terminal, a shell, YAML nor XML obeys them."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

from tests.unit.cli import small
from tests.unit.cli.conftest import Run

EVIL = "eve\x1b[2J\nkind: Evil"
BINDING = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "RoleBinding",
    "metadata": {"name": "x; touch $(gotcha)", "namespace": "reef"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "operate"},
    "subjects": [{"kind": "User", "name": EVIL}, {"kind": "Group", "name": EVIL}],
}
WORLD = ("-f", "reef", "-f", "evil.json", "--at", small.AT)


@pytest.fixture(autouse=True)
def evil(files: Path) -> None:
    """Add a binding of such names to the small organisation."""
    assert files.is_dir()
    Path("evil.json").write_text(json.dumps(BINDING), encoding="utf-8")


@pytest.mark.parametrize("output", ["table", "wide", "markdown", "junit", "github"])
def test_nothing_that_moves_a_cursor_is_shown(run: Run, output: str) -> None:
    shown = run("check", *WORLD, "-o", output).out
    assert "eve" in shown
    assert "\x1b" not in shown
    assert "\nkind: Evil" not in shown


def test_commands_are_quoted(run: Run) -> None:
    shown = run("subject", "group", EVIL, *WORLD, "-o", "json").out
    assert "kubectl edit rolebinding 'x; touch $(gotcha)' -n reef" in shown


@pytest.mark.parametrize("system", [False, True])
@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("--all", "-- --all"),
        ("-A", "-- -A"),
        ("system:x; touch $(gotcha)", "'system:x; touch $(gotcha)'"),
    ],
)
def test_no_command_that_is_shown_takes_a_name_for_anything_else(
    run: Run, files: Path, name: str, argument: str, *, system: bool
) -> None:
    """Whatever is shown: of a binding, of one that looks like Kubernetes' own, of a record."""
    labels = {"kubernetes.io/bootstrapping": "rbac-defaults"} if system else {}
    subject = {"kind": "User", "name": "mallory"}
    metadata = {"name": name, "namespace": "reef", "labels": labels}
    Path("evil.json").write_text(
        json.dumps({**BINDING, "metadata": metadata, "subjects": [subject]}), encoding="utf-8"
    )
    record = files / "record.yaml"
    text = record.read_text(encoding="utf-8")
    record.write_text(
        text.replace("name: reef}\nspec", f"name: {json.dumps(name)}}}\nspec"), encoding="utf-8"
    )
    found = json.loads(run("drift", *WORLD, "-o", "json").out)
    first, *_ = [f["id"] for f in found if (f["subject"] or {}).get("name") == "mallory"]
    commands = 0
    for arguments in (
        ("drift", *WORLD, "-o", "wide"),
        ("check", *WORLD),
        ("check", *WORLD, "-o", "markdown"),
        ("explain", first, *WORLD),
        ("explain", first, *WORLD, "-o", "json"),
        ("subject", "user", "mallory", *WORLD, "-o", "json"),
        ("plan", "reef/reef", *WORLD),
        ("plan", "reef/reef", *WORLD, "-o", "json"),
        ("handover", "reef/reef", "--all", "--to", "community", *WORLD),
    ):
        for line in run(*arguments).out.splitlines():
            shown = line.partition("kubectl ")[2]
            named = re.findall(rf"(?:\s|-- |')(?={re.escape(name)})", shown)
            assert len(named) == shown.count(argument), line
            commands += len(named)
    assert commands > 1


def test_junit_stays_xml(run: Run) -> None:
    ET.fromstring(run("check", *WORLD, "-o", "junit").out)  # noqa: S314 - our own


def test_a_draft_stays_the_yaml_it_is(run: Run, files: Path) -> None:
    (files / "record.yaml").unlink()
    text = run("init", "-f", "reef", "-f", "evil.json").out
    draft = yaml.safe_load(text)
    assert draft["kind"] == "Responsibility"
    # No record takes such a name, and it is said so without obeying it.
    assert "subjects" not in draft["spec"]["parties"][0]
    assert "that no record can name" in text
    assert "\x1b" not in text
