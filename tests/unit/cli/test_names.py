"""Names may be anything: neither a terminal, a shell, YAML nor XML obeys them."""

import json
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


def test_junit_stays_xml(run: Run) -> None:
    ET.fromstring(run("check", *WORLD, "-o", "junit").out)  # noqa: S314 - our own


def test_a_draft_stays_the_yaml_it_is(run: Run, files: Path) -> None:
    (files / "record.yaml").unlink()
    draft = yaml.safe_load(run("init", "-f", "reef", "-f", "evil.json").out)
    assert draft["kind"] == "Responsibility"
    assert draft["spec"]["parties"][0]["subjects"] == [{"kind": "Group", "name": EVIL}]
