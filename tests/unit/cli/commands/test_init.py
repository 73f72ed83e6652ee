"""``init`` never drafts what the API server would refuse, whatever groups are called."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from responsibility.api.parse import parse_record
from tests.unit.cli.conftest import Run

# Names of groups, and whether a record can name them.
NAMES = {
    "activedirectory_group://CN=Hub Admins,OU=Groups,DC=example,DC=org": True,
    **dict.fromkeys(("yes", "012", "2026-01-01", "~", "=", "<<", "0x1f", "1e3", "null"), True),
    **dict.fromkeys(("oidc:team #1: leads", "<script>", "- x", "größen", "'"), True),
    **dict.fromkeys(
        ("*", "$(namespace)", "all-$(release)", "x" * 600, "a\nb: c", "a\u202eb"), False
    ),
}


def drafted(run: Run, names: list[str]) -> tuple[str, list[dict[str, Any]]]:
    """Return the draft for a hub where these groups hold rights, and the subjects in it."""
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "odd", "namespace": "reef"},
        "roleRef": {"kind": "Role", "name": "operate"},
        "subjects": [{"kind": "Group", "name": name} for name in names],
    }
    Path("odd.json").write_text(json.dumps(binding), encoding="utf-8")
    files = ("reef/hub.yaml", "reef/rbac", "reef/model.yaml", "odd.json")
    done = run("init", *(word for file in files for word in ("-f", file)))
    assert done.code == 0, done.err
    raw = yaml.safe_load(done.out)
    parse_record(raw, strict=True)
    return done.out, raw["spec"]["parties"][0].get("subjects", [])


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_drafted_as_it_is_or_told_to_be_impossible(
    name: str, run: Run, files: Path
) -> None:
    assert files.is_dir()
    text, subjects = drafted(run, [name])
    assert ({"kind": "Group", "name": name} in subjects) is NAMES[name]
    assert ("that no record can name" in text) is not NAMES[name]
    why = (
        *("#   write one exact name: ", "#   a record takes no name as long as this\n"),
        "#   a record takes no name with characters that can't be seen\n",
    )
    assert any(each in text for each in why) is not NAMES[name]


def test_more_groups_than_a_party_may_have_are_left_to_the_reviewer(run: Run, files: Path) -> None:
    assert files.is_dir()
    text, subjects = drafted(run, [f"group-{number:03}" for number in range(80)])
    assert len(subjects) == 64
    assert "a party has 64 subjects at most" in text
    assert "Group group-079" in text


@pytest.mark.usefixtures("files")
def test_who_only_looks_is_a_comment(run: Run) -> None:
    bindings = [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": name, "namespace": "reef"},
            "roleRef": {"kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "Group", "name": name}],
        }
        for name, role in (("readers", "view"), ("leads", "edit"))
    ]
    text = "\n---\n".join(map(json.dumps, bindings))
    Path("people.yaml").write_text(text, encoding="utf-8")
    # By the shipped model, which is about more than the small one.
    done = run("init", "-f", "reef/hub.yaml", "-f", "people.yaml")
    party = yaml.safe_load(done.out)["spec"]["parties"][0]
    assert party["subjects"] == [{"kind": "Group", "name": "leads"}]
    _, _, looking = done.out.partition("# These may look, and do nothing that an item is about:\n")
    assert looking.startswith("  # Group readers: RoleBinding reef/readers to ClusterRole view\n")
    alone = run("init", "-f", "reef/hub.yaml", "-f", "reef/model.yaml")
    assert "No group does more than look in this namespace." in alone.out
