"""``-o name``: whatever is a table is a list of names as well, which other commands take."""

import json
import shutil
from pathlib import Path

import click
import pytest

from responsibility.api.names import API_GROUP
from responsibility.cli.main import COMMANDS, cli
from tests.unit.cli import small
from tests.unit.cli.conftest import Run
from tests.unit.replay.events import event

NOW = ("-f", "reef", "--at", small.AT)
LATER = ("-f", "reef", "--at", small.LATER)
REQUEST = "/apis/apps/v1/namespaces/reef/deployments/hub"
RECORDS = ("--records", "reef/record.yaml", "--records", "reef/model.yaml")
BINDING = "rolebinding.rbac.authorization.k8s.io/engineers"
# How each is asked, and a name that is then among those told.
NAMED = {
    "matrix": (("--all", *NOW), "responsibility.responsibility.2i2c.org/reef"),
    "drift": (NOW, ""),
    "check": (NOW, ""),
    "subject": (("user", "leaver", *NOW), BINDING),
    "who-can": (("get", "secrets/hub", "-n", "reef", "-f", "reef"), "user/leaver"),
    "who-owns": (("get", "secrets", *NOW), "responsibility.responsibility.2i2c.org/reef"),
    "diff": (("-f", "more.yaml", "--base", "reef", "--at", small.AT), ""),
    "review": (("--base", "reef", "--head", "changed", *RECORDS), "support"),
    "model": (("diff", "-f", "reef", "--then", "reef/model.yaml"), ""),
    "plan": (("--all", *NOW), BINDING),
    "close-gaps": (NOW, ""),
    "handover": (("reef", "--all", "--to", "provider", *NOW), "secrets"),
    "leftovers": (
        (
            "-f",
            "left.yaml",
        ),
        "namespaces/reef",
    ),
    "split": (NOW, "provider"),
    "replay": (("audit.log", "-f", "reef"), "ann"),
}


def test_whatever_is_a_table_is_tried_here() -> None:
    tables = set()
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        output = next((p for p in command.params if "--output" in p.opts), None)
        if isinstance(output, click.Option) and output.default == "table":
            tables.add(name)
    assert tables == NAMED.keys()


@pytest.mark.parametrize("name", NAMED)
def test_names_are_told_a_line_each_and_nothing_else(name: str, run: Run, files: Path) -> None:
    _more(files)
    asked, expected = NAMED[name]
    table, done = run(name, *asked), run(name, *asked, "-o", "name")
    assert done.code == table.code != 2, done.err
    lines = done.out.splitlines()
    assert len(lines) == len(set(lines))
    assert all(line and "  " not in line for line in lines), "no columns"
    assert not set(lines) & set(table.out.splitlines()[:1]), "no headings"
    assert not expected or expected in lines
    assert lines or not expected


def _more(files: Path) -> None:
    """Write beside the organisation what commands are asked about that compare, or look back."""
    owned = small.RECORD.replace("- {name: support,", "- {name: support, owner: provider,")
    Path("more.yaml").write_text(owned, encoding="utf-8")
    changed = Path(shutil.copytree(files, "changed"))
    (changed / "record.yaml").write_text(owned, encoding="utf-8")
    Path("audit.log").write_text(
        json.dumps(event("ann", ref={"namespace": "reef"}, requestURI=REQUEST)) + "\n",
        encoding="utf-8",
    )
    left = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "reef", "labels": {f"data.admission.{API_GROUP}/stage": "deny"}},
    }
    Path("left.yaml").write_text(json.dumps(left), encoding="utf-8")
