"""``check``: what isn't in the files is unknown, and nothing checked is not fine."""

import json
from pathlib import Path

from tests.unit.cli import small
from tests.unit.cli.conftest import Run

NOW = ("--at", small.AT)


def kinds(run: Run, *arguments: str) -> list[tuple[str, str]]:
    """Return the kind of each finding, and whom it is about."""
    found = json.loads(run("check", *arguments, *NOW, "-o", "json").out)["findings"]
    return [(each["kind"], each["party"]) for each in found]


def test_nothing_to_hold_against_is_fine_only_where_it_is_said(run: Run, files: Path) -> None:
    assert files.is_dir()
    assert run("check", "-f", "reef/rbac", "-f", "reef/model.yaml").code == 2
    done = run("check", "-f", "reef/rbac", "--allow-empty")
    assert done.code == 0
    assert "0 findings in 0 records" in done.out


def test_a_hub_that_is_elsewhere_is_checked_all_the_same(run: Run, files: Path) -> None:
    before = run("check", "-f", "reef", *NOW)
    (files / "hub.yaml").unlink()
    after = run("check", "-f", "reef", *NOW)
    assert (after.code, after.out) == (before.code, before.out) == (1, after.out)
    assert "excess-access" in after.out
    assert "taken to be there as the chart names its objects: 1 hub, reef/reef" in after.err


def test_what_an_owner_holds_is_unknown_where_no_binding_names_it(run: Run, files: Path) -> None:
    assert ("missing-access", "provider") in kinds(run, "-f", "reef")
    people = files / "rbac" / "people.yaml"
    text = people.read_text(encoding="utf-8")
    people.write_text(text.replace("name: engineers, api", "name: others, api"), encoding="utf-8")
    found = kinds(run, "-f", "reef")
    assert ("unknown", "provider") in found
    assert ("missing-access", "provider") not in found


def test_what_is_ignored_is_not_read_and_told(run: Run, files: Path) -> None:
    broken = files / "docs"
    broken.mkdir()
    (broken / "x.yaml").write_text("a: [\n", encoding="utf-8")
    assert run("check", "-f", "reef").code == 2
    done = run("check", "-f", "reef", "--ignore", "docs")
    assert done.code != 2, done.err
    assert "passed over 1 file or folder as --ignore says: reef/docs" in done.err
    assert run("check", "-f", "reef", "--ignore", "*").code == 2
