"""A change that wants to look fine: what kubectl would apply of a folder is what is checked.

``kubectl apply -R`` reads every file of a folder that ends like a manifest, those that begin with a
dot and those beside a ``Chart.yaml`` too, and follows no link to a folder.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.unit.cli import small
from tests.unit.cli.conftest import Run
from tests.unit.cli.repositories import git

STRANGER = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: stranger, namespace: reef}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: operate}
subjects: [{kind: User, name: stranger, apiGroup: rbac.authorization.k8s.io}]
"""
DECOY = "apiVersion: v2\nname: decoy\nversion: 0.1.0\n"
CHECK = ("check", "-f", "reef", "--base", "main", "--at", small.AT)


@pytest.fixture
def repository(files: Path) -> Path:
    """Return the folder of the small organisation, committed, in a repository."""
    git(files.parent, "init", "-q", "-b", "main")
    git(files.parent, "add", "reef")
    git(files.parent, "commit", "-q", "-m", "as it is")
    return files


def put(**content: str) -> Callable[[Path], None]:
    """Return what writes files, ``__`` for a slash and ``_`` for a dot in their names."""

    def write(folder: Path) -> None:
        for name, text in content.items():
            path = folder / name.replace("__", "/").replace("_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    return write


def listed(raw: object) -> object:
    """Return a list of one."""
    return {"apiVersion": "v1", "kind": "List", "items": [raw]}


HIDDEN: dict[str, Callable[[Path], None]] = {
    "a hidden file": put(_stranger_yaml=STRANGER),
    "in a hidden folder": put(_github__stranger_yml=STRANGER),
    "a hidden file with an odd key": put(
        _x_yaml=STRANGER.replace("apiVersion", '"\\x61piVersion"')
    ),
    "beside the file of a chart": put(rbac__Chart_yaml=DECOY, rbac__stranger_yaml=STRANGER),
    "as the template of a chart": put(x__Chart_yaml=DECOY, x__templates__stranger_yaml=STRANGER),
    "as a chart's template among others": put(
        x__Chart_yaml=DECOY, x__templates__a_yaml="{{ x }}", x__templates__stranger_yaml=STRANGER
    ),
    "beside a kustomization that needs the network": put(
        x__kustomization_yaml="resources: [https://example.org/x.yaml, stranger.yaml]\n",
        x__stranger_yaml=STRANGER,
    ),
    "behind a document's end": put(x_yaml="a: 1\n...\n---\n" + STRANGER),
    "with carriage returns": put(x_yaml=STRANGER.replace("\n", "\r\n")),
    "in a list of lists": put(x_json=json.dumps(listed(listed(yaml.safe_load(STRANGER))))),
}


@pytest.mark.parametrize("how", HIDDEN)
def test_nothing_that_is_applied_is_hidden_from_a_check(
    how: str, run: Run, repository: Path
) -> None:
    HIDDEN[how](repository)
    assert run(*CHECK).code in (1, 2)


def test_what_was_made_of_nothing_before_does_not_fail(run: Run, repository: Path) -> None:
    put(x__Chart_yaml=DECOY, x__templates__a_yaml="{{ x }}")(repository)
    told = run(*CHECK)
    assert told.code == 1
    assert "x/Chart.yaml" in told.out
    assert "nothing of it was checked" in told.out
    assert run(*CHECK, "--ignore", "x").code == 0
    git(repository.parent, "add", "reef")
    git(repository.parent, "commit", "-q", "-m", "a chart")
    assert run(*CHECK).code == 0


def test_settings_of_programs_are_passed_over(run: Run, repository: Path) -> None:
    for name, text in (
        (".vscode/settings.json", '{\n  // ours\n  "a": 1,\n}\n'),
        (".github/workflows/test.yaml", "on: push\njobs: {}\n"),
        (".gitlab-ci.yml", "x: !reference [a, b]\n"),
    ):
        path = repository / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    told = run(*CHECK)
    assert told.code == 0, told.err
    assert "passed over 3 files with something else" in told.err


def test_what_git_ignores_is_no_part_of_a_change_unless_it_is_in_it(
    run: Run, repository: Path
) -> None:
    put(_venv__stranger_yaml=STRANGER, _gitignore=".venv\n")(repository)
    assert run(*CHECK).code == 0
    git(repository.parent, "add", "--force", "reef/.venv/stranger.yaml")
    assert run(*CHECK).code == 1


def test_a_link_to_a_folder_is_not_followed_and_told(
    run: Run, repository: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "stranger.yaml").write_text(STRANGER, encoding="utf-8")
    (repository / "more").symlink_to(outside)
    told = run(*CHECK)
    assert told.code == 0
    assert "passed over 1 link to a folder" in told.err
    # A link to a file is read, as kubectl reads it.
    (repository / "one.yaml").symlink_to(outside / "stranger.yaml")
    assert run(*CHECK).code == 1


def test_a_pipe_among_the_files_is_not_waited_for(run: Run, repository: Path) -> None:
    os.mkfifo(repository / "pipe.yaml")
    assert run(*CHECK).code == 0


@pytest.mark.parametrize("attribute", ["export-ignore", "export-subst", "text eol=crlf", "binary"])
def test_attributes_make_nothing_else_of_the_base(
    attribute: str, run: Run, repository: Path
) -> None:
    """What Git leaves out of an archive is in the base all the same."""
    attributes = repository / ".gitattributes"
    attributes.write_text(f"* {attribute}\n", encoding="utf-8")
    git(repository.parent, "add", "reef")
    git(repository.parent, "commit", "-q", "-m", "attributes")
    told = run(*CHECK)
    assert told.code == 0, told.out
    (repository / "stranger.yaml").write_text(STRANGER, encoding="utf-8")
    assert run(*CHECK).code == 1


BOMB = "".join(
    f"    k{n}: &k{n} [{', '.join([f'*k{n - 1}' if n else 'x'] * 9)}]\n" for n in range(12)
)
# What would be gone through to the end, were it read.
BOMBS = {
    "a rule": "rules:\n- {apiGroups: [''], verbs: [get], resources: *k11}\n",
    "a name": "rules: *k11\n",
    "a key": "? *k11\n: x\nrules: []\n",
    "annotations only": "rules: []\n",
}


@pytest.mark.parametrize("where", BOMBS)
def test_aliases_of_aliases_end_with_their_line(where: str, run: Run, repository: Path) -> None:
    head = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: x\n"
    text = f"{head}  annotations:\n{BOMB}{BOMBS[where]}"
    (repository / "bomb.yaml").write_text(text, encoding="utf-8")
    told = run(*CHECK)
    assert told.code == 2
    assert "reef/bomb.yaml, document 1, line " in told.err
    assert "aliases of aliases" in told.err
