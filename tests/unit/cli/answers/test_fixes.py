"""A command that is shown can be copied and run: it ends the cause, and takes nobody their due."""

import json
import re
from pathlib import Path

import pytest
import yaml

from tests.unit.cli import small
from tests.unit.cli.conftest import Run

ALONE = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: {name}, namespace: reef}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: operate}}
subjects: {subjects}
"""
MALLORY = {"kind": "User", "name": "mallory"}
LEADS = {"kind": "Group", "name": "reef-leads"}
LEAVER = "- {kind: User, name: leaver, apiGroup: rbac.authorization.k8s.io}\n"
Bindings = tuple[str, list[dict[str, str]]]


def fixes(
    run: Run, files: Path, who: str, *bindings: tuple[str, list[dict[str, str]]]
) -> list[str]:
    for number, (name, subjects) in enumerate(bindings):
        text = ALONE.format(name=json.dumps(name), subjects=json.dumps(subjects))
        (files / f"more-{number}.yaml").write_text(text, encoding="utf-8")
    done = run("drift", "-f", "reef", "--at", small.AT)
    assert done.code == 0
    return [line for line in done.out.splitlines() if f" {who} " in line]


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("help-once", "kubectl delete rolebinding help-once -n reef "),
        ("--all", "kubectl delete rolebinding -n reef -- --all "),
        ("-A", "kubectl delete rolebinding -n reef -- -A "),
        ("a;b", "kubectl delete rolebinding 'a;b' -n reef "),
    ],
)
def test_a_strangers_own_binding_is_deleted_by_its_name(
    run: Run, files: Path, name: str, command: str
) -> None:
    (line,) = fixes(run, files, "User mallory", (name, [MALLORY]))
    assert command in line


@pytest.mark.parametrize(
    "bindings",
    [
        [("shared", [MALLORY, LEADS])],
        [("one", [MALLORY]), ("two", [MALLORY])],
        [("system:thing", [MALLORY])],
    ],
    ids=["shared", "two", "kubernetes' own"],
)
def test_what_one_command_does_not_end_is_planned(
    run: Run, files: Path, bindings: list[Bindings]
) -> None:
    (line,) = fixes(run, files, "User mallory", *bindings)
    assert "kubectl responsibility plan reef --subject user/mallory" in line


def test_a_plan_of_files_is_asked_of_the_files(run: Run, files: Path) -> None:
    (line,) = fixes(run, files, "User mallory", ("shared", [MALLORY, LEADS]))
    assert "kubectl responsibility plan reef --subject user/mallory -f reef " in line
    done = run("plan", "reef", "--subject", "user/mallory", "-f", "reef", "--at", small.AT)
    assert done.code == 0


def test_what_is_to_be_changed_in_files_is_no_command_about_a_cluster(
    run: Run, files: Path
) -> None:
    text = ALONE.format(name="help-once", subjects=json.dumps([MALLORY]))
    (files / "more.yaml").write_text(text, encoding="utf-8")
    (files / "other.yaml").write_text(
        ALONE.format(name="lost", subjects=json.dumps([LEADS])).replace(
            "name: operate", "name: gone"
        ),
        encoding="utf-8",
    )
    done = run("check", "-f", "reef", "--at", small.AT, "-o", "wide")
    lines = [each for each in done.out.splitlines() if " User mallory " in each]
    assert lines
    assert all(" remove RoleBinding reef/help-once " in each for each in lines)
    for output in ("table", "wide", "markdown", "github", "junit", "sarif", "json"):
        told = run("check", "-f", "reef", "--at", small.AT, "-o", output).out
        verbs = set(re.findall(r"kubectl (\S+)", told)) - {"responsibility"}
        assert not verbs, output


def test_what_files_do_not_say_is_to_be_read_too(run: Run, files: Path) -> None:
    """Neither a role that is elsewhere nor an owner who is bound elsewhere takes a new binding."""
    (files / "rbac" / "people.yaml").unlink()
    told = run("check", "-f", "reef", "--at", small.AT).out
    unknown = [each for each in told.splitlines() if each.split()[1:2] == ["unknown"]]
    assert unknown
    assert all("Add the files that bind " in each for each in unknown)
    engineers = {"kind": "Group", "name": "engineers"}
    lost = ALONE.format(name="lost", subjects=json.dumps([engineers]))
    (files / "rbac" / "lost.yaml").write_text(
        lost.replace("kind: Role, name: operate", "kind: Role, name: gone"), encoding="utf-8"
    )
    told = run("check", "-f", "reef", "--at", small.AT).out
    assert "Add the files that make Role reef/gone what it is on the cluster" in told


def test_who_owns_something_is_never_shown_a_command_that_takes_it(run: Run, files: Path) -> None:
    people = files / "rbac" / "people.yaml"
    people.write_text(people.read_text(encoding="utf-8").replace(LEAVER, ""), encoding="utf-8")
    (line,) = fixes(run, files, "Group engineers")
    assert "kubectl responsibility plan reef --subject group/engineers" in line
    assert "delete" not in line


def test_no_output_shows_an_option_like_name_as_an_option(run: Run, files: Path) -> None:
    (files / "odd.yaml").write_text(
        ALONE.format(name='"--all"', subjects=json.dumps([MALLORY])), encoding="utf-8"
    )
    world = ("-f", "reef", "--at", small.AT)
    found = json.loads(run("drift", *world, "-o", "json").out)
    (first, *_) = [f["id"] for f in found if (f["subject"] or {}).get("name") == "mallory"]
    for arguments in (
        ("drift", *world),
        ("drift", *world, "-o", "wide"),
        ("check", *world),
        ("explain", first, *world),
        ("explain", first, *world, "-o", "json"),
        ("subject", "user", "mallory", *world),
        ("plan", "reef", *world),
        ("plan", "reef", *world, "-o", "json"),
    ):
        out = run(*arguments).out
        assert "kubectl delete rolebinding --all" not in out, arguments
        assert "kubectl edit rolebinding --all" not in out, arguments


def test_of_a_declared_subject_it_is_not_said_to_declare_it(run: Run, files: Path) -> None:
    assert files.is_dir()
    found = yaml.safe_load(run("drift", "-f", "reef", "--at", small.AT, "-o", "yaml").out)
    (remedy,) = [f["remedy"] for f in found if (f["subject"] or {}).get("name") == "engineers"]
    assert "declare" not in remedy
    assert "keep what it is entitled to" in remedy
