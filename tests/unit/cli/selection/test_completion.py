"""Names that a shell offers, asked of a real bash with the script that it is given."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from responsibility.api.parse import load_shipped_model
from responsibility.ownership.results.findings import KINDS
from tests.unit.cli.conftest import Run
from tests.unit.cli.selection.offering import offered

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("matrix", "-f", "reef", ""), ["reef"]),
        (("drift", "-f", "reef", "--item", "s"), ["secrets", "settings", "support"]),
        (("drift", "-f", "reef", "--item", "secrets,se"), ["secrets,secrets", "secrets,settings"]),
        (("who-can", "get", "pods", "-f", "reef", "-n", ""), ["reef"]),
        (("drift", "--kind", "missing-"), [k for k in sorted(KINDS) if k.startswith("missing-")]),
        (("drift", "--severity", ""), ["high", "low", "medium"]),
        (("matrix", "-f", "nowhere", ""), []),
    ],
)
def test_names_are_offered_of_what_the_line_speaks_of(
    files: Path, words: tuple[str, ...], expected: list[str]
) -> None:
    assert files.is_dir()
    assert offered(*words) == expected


def test_ids_are_those_of_what_is_found_in_the_files(files: Path, run: Run) -> None:
    listed = run("drift", "-f", "reef", "-o", "json")
    ids = {each["id"] for each in json.loads(listed.out)}
    assert set(offered("explain", "-f", "reef", "")) == ids
    one = min(ids)
    assert offered("plan", "--all", "-f", "reef", "--finding", one[:9]) == [one]
    assert files.is_dir()


def test_items_are_those_of_the_shipped_model_where_files_have_none(files: Path) -> None:
    (path,) = [p for p in files.rglob("*.yaml") if "kind: ResponsibilityModel" in p.read_text()]
    path.write_text("", encoding="utf-8")
    shipped = {item.name for item in load_shipped_model().spec.items}
    assert set(offered("drift", "-f", "reef", "--item", "")) == {"record", *shipped}


def test_what_a_shell_could_take_for_more_than_a_word_is_not_offered(files: Path) -> None:
    """Whoever may write a model must not have it typed by whoever presses the key."""
    (path,) = [p for p in files.rglob("*.yaml") if "kind: ResponsibilityModel" in p.read_text()]
    documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    for each in documents:
        if each["kind"] == "ResponsibilityModel":
            for name in ("$(touch x)", "-rf", "a b", "*", "`id`", "a;b", "~", "good"):
                each["spec"]["items"].append({"name": name})
    path.write_text(yaml.safe_dump_all(documents), encoding="utf-8")
    found = offered("drift", "-f", "reef", "--item", "")
    assert "good" in found
    assert not [name for name in found if not name.replace("-", "").isalnum()]
    assert not Path("x").exists()


def test_entries_are_those_of_the_kubeconfig(tmp_path: Path) -> None:
    config = tmp_path / "config"
    entries = {
        kind: [{"name": f"{kind}-one", kind[:-1]: {}}, {"name": "other", kind[:-1]: {}}]
        for kind in ("contexts", "clusters", "users")
    }
    config.write_text(yaml.safe_dump(entries), encoding="utf-8")
    for flag in ("context", "cluster", "user"):
        assert offered("drift", f"--{flag}", f"{flag}s", KUBECONFIG=str(config)) == [f"{flag}s-one"]
    named = ("drift", "--kubeconfig", str(config), "--context", "o")
    assert offered(*named, KUBECONFIG="/nowhere") == ["other"]


def test_without_a_cluster_there_is_nothing_and_no_error(tmp_path: Path) -> None:
    assert offered("explain", "", KUBECONFIG=str(tmp_path / "none")) == []
