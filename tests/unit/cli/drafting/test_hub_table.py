"""A table of hubs gives drafts what no cluster knows; all that is wrong with it is told at once."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from responsibility.api.parse import parse_record
from responsibility.cli.drafting.hub_table import COLUMNS
from tests.unit.cli.conftest import Run

WORLD = ("-f", "reef/hub.yaml", "-f", "reef/rbac", "-f", "reef/model.yaml")


def _draft(run: Run, table: str) -> tuple[dict[str, Any], str, str]:
    """Return the draft with this table, its text, and the notes."""
    Path("hubs.csv").write_text(table, encoding="utf-8")
    done = run("init", *WORLD, "--from", "hubs.csv")
    assert done.code == 0, done.err
    raw = yaml.safe_load(done.out)
    parse_record(raw, strict=True)
    return raw["spec"], done.out, done.err


@pytest.mark.parametrize("hub", ["reef", "reef/reef"])
@pytest.mark.usefixtures("files")
def test_a_line_says_what_the_cluster_does_not_know(hub: str, run: Run) -> None:
    spec, text, notes = _draft(
        run,
        "hub,displayName,community,email,url,groups,users\n"
        f'{hub},"Reef, the hub",Reef people,leads@reef.example,https://reef.example,'
        "reef-leads; reef-ops,ann\n",
    )
    assert spec["hub"]["displayName"] == "Reef, the hub"
    (party,) = spec["parties"]
    assert party["displayName"] == "Reef people"
    assert party["contact"] == {"email": "leads@reef.example", "url": "https://reef.example"}
    assert party["subjects"] == [
        {"kind": "Group", "name": "reef-leads"},
        {"kind": "Group", "name": "reef-ops"},
        {"kind": "User", "name": "ann"},
    ]
    # Who holds rights and is not in the table is asked about, not granted.
    assert "# - {kind: User, name: leaver}" in text
    assert "has no line" not in notes


@pytest.mark.usefixtures("files")
def test_who_is_misspelt_is_asked_about(run: Run) -> None:
    spec, text, _ = _draft(run, "hub,users\nreef,leavr\n")
    assert spec["parties"][0]["subjects"] == [{"kind": "User", "name": "leavr"}]
    assert "# User leavr holds nothing in this namespace; is leaver meant, who does?" in text


@pytest.mark.usefixtures("files")
def test_a_table_may_be_short_of_columns_hubs_and_lines(run: Run) -> None:
    spec, text, notes = _draft(run, "\ufeffhub,email\r\nelsewhere,a@x.example\r\n\r\n")
    assert "contact" not in spec["parties"][0]
    assert "# contact: {email: …}" in text
    assert "what --from names has no line about reef/reef" in notes
    assert "no draft for elsewhere, which --from names" in notes


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("", "line 1: there is no column hub; the columns are hub, displayName"),
        ("namespace,email\n", "line 1: there is no column hub"),
        ("hub;email\n", "line 1: columns are separated by commas here, not by ;"),
        ("hub,e-mail\n", "line 1: there is no column e-mail; did you mean email?"),
        ("hub,email,email\n", "line 1: column email is there twice"),
        ("hub,email\nreef,not an address\n", "line 2: contact.email: "),
        (f"hub,displayName\nreef,{'x' * 600}\n", "line 2: displayName: "),
        ("hub,url\nreef,javascript:alert(1)\n", "line 2: contact.url: "),
        ("hub,groups\nreef,*\n", "line 2: subjects.0"),
        ("hub,email\n,a@x.example\n", "line 2: hub is empty"),
        ("hub,email\nreef,a@x.example\nreef,b@x.example\n", "line 3: hub reef is on line 2"),
        ("hub,email\nreef,a@x.example,b\n", "line 2: 3 cells under 2 headings"),
        ('hub,email\nreef,"a\n', "hubs.csv"),
        # All of it at once.
        ("hub,email\na,x\nb,y\n", "line 3: contact.email: "),
    ],
)
@pytest.mark.usefixtures("files")
def test_what_is_wrong_is_told_by_line_and_column(table: str, told: str, run: Run) -> None:
    Path("hubs.csv").write_text(table, encoding="utf-8")
    done = run("init", *WORLD, "--from", "hubs.csv")
    assert done.code == 2, done.out
    assert done.err.startswith("error: hubs.csv")
    assert told in done.err
    assert done.out == ""


@pytest.mark.usefixtures("files")
def test_what_is_no_table_is_an_error_of_one_line(run: Run) -> None:
    Path("hubs.csv").write_bytes(b"hub\n\xff\xfe\n")
    for name, told in (
        ("hubs.csv", "not UTF-8"),
        ("gone.csv", "No such file"),
        ("reef", "there is no cluster.yaml"),
    ):
        done = run("init", *WORLD, "--from", name)
        assert done.code == 2
        assert done.err.startswith(f"error: {name}: ")
        assert told in done.err


def test_the_help_names_every_column(run: Run) -> None:
    told = " ".join(run("init", "--help").out.split())
    assert [column for column in COLUMNS if column not in told] == []
