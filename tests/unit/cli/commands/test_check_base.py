"""``check --base``: what a change brings and ends, and a failure only for what is new."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from responsibility.cli.sources.git.base import files_at
from tests.unit.cli import small
from tests.unit.cli.conftest import Run
from tests.unit.cli.repositories import git

ROOT = Path(__file__).parents[4]
NOW = ("--at", small.AT)
STRANGER = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: stranger, namespace: reef}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: operate}
subjects: [{kind: User, name: stranger, apiGroup: rbac.authorization.k8s.io}]
"""


@pytest.fixture
def repository(files: Path) -> Path:
    """Return the folder of the small organisation, committed, in a repository."""
    git(files.parent, "init", "-q", "-b", "main")
    git(files.parent, "add", "reef")
    git(files.parent, "commit", "-q", "-m", "as it is")
    return files


def check(run: Run, *options: str, base: str = "main") -> tuple[int, dict[str, Any]]:
    """Return the exit code and the answer."""
    done = run("check", "-f", "reef", "--base", base, *NOW, "-o", "json", *options)
    return done.code, json.loads(done.out)


def test_what_was_wrong_before_does_not_fail(run: Run, repository: Path) -> None:
    assert repository.is_dir()
    assert run("check", "-f", "reef", *NOW).code == 1
    code, answer = check(run)
    assert (code, answer["findings"], answer["ended"]) == (0, [], [])
    assert answer["asBefore"] > 3


def test_what_is_new_fails_and_is_all_that_is_told(run: Run, repository: Path) -> None:
    (repository / "stranger.yaml").write_text(STRANGER, encoding="utf-8")
    code, answer = check(run)
    assert code == 1
    assert {each["subject"]["name"] for each in answer["findings"]} == {"stranger"}
    assert {each["place"]["file"] for each in answer["findings"]} == {"reef/stranger.yaml"}
    assert answer["ended"] == []
    done = run("check", "-f", "reef", "--base", "main", *NOW)
    assert "this change brings 2 findings and ends 0; " in done.out
    assert "leaver" not in done.out


def test_what_a_change_ends_is_told(run: Run, repository: Path) -> None:
    people = repository / "rbac" / "people.yaml"
    text = people.read_text(encoding="utf-8")
    leaver = "- {kind: User, name: leaver, apiGroup: rbac.authorization.k8s.io}\n"
    people.write_text(text.replace(leaver, ""), encoding="utf-8")
    code, answer = check(run)
    assert code == 0
    assert {each["subject"]["name"] for each in answer["ended"]} == {"leaver"}
    done = run("check", "-f", "reef", "--base", "main", *NOW, "-o", "markdown")
    assert done.out.startswith("### Shared responsibility: no new drift\n")
    assert "* ends: User leaver can " in done.out


def test_more_of_the_same_is_new(run: Run, repository: Path) -> None:
    people, model = repository / "rbac" / "people.yaml", repository / "model.yaml"
    for path in (people, model):
        text = path.read_text(encoding="utf-8")
        text = text.replace(
            "{verbs: [patch], apiGroups: [apps]", "{verbs: [patch, delete], apiGroups: [apps]"
        )
        path.write_text(text, encoding="utf-8")
    code, answer = check(run)
    assert code == 1
    assert {each["subject"]["name"] for each in answer["findings"]} == {"leaver"}
    assert answer["asBefore"] > 2


@pytest.mark.parametrize("target", ["/etc", "../outside", "/etc/hostname"])
def test_a_link_that_leads_out_of_the_revision_is_passed_over(
    run: Run, repository: Path, target: str
) -> None:
    (repository / "link").symlink_to(target)
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "link")
    (repository / "link").unlink()
    code, answer = check(run, base="HEAD")
    assert (code, answer["findings"], answer["ended"]) == (0, [], [])


# Links by what they lead to, of which none leads out by itself as long as the others aren't there.
TOGETHER = {
    "one by another that is made later": {"a.yaml": "p/q/x/../../../secret", "p/q/x": "../.."},
    "one by another that is made before": {"z.yaml": "p/q/x/../../../secret", "p/q/x": "../.."},
    "by three": {"a": "b/../../secret", "b": "c/d", "c/d": "../p/q", "p/q": ".."},
    "by one that is taken away": {"a": "b/../p", "b": "/etc", "c": "a/../../secret"},
    "around": {"a": "b", "b": "a", "c": "a/../../../secret"},
    "far": {"a": "/".join(["x"] * 1_500), "b": "a/../../secret"},
}


@pytest.mark.parametrize("name", TOGETHER)
def test_links_that_lead_out_together_are_not_made(name: str, repository: Path) -> None:
    shutil.rmtree(repository / "rbac")
    (repository.parent / "secret").write_text("x", encoding="utf-8")
    for place, target in TOGETHER[name].items():
        (repository / place).parent.mkdir(parents=True, exist_ok=True)
        (repository / place).symlink_to(target)
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "links")
    with files_at("HEAD", [str(repository)]) as [found]:
        top = Path(found).parent.resolve()
        made = [path for path in top.rglob("*") if path.is_symlink()]
        assert all(path.resolve().is_relative_to(top) for path in made)
        assert (Path(found) / "model.yaml").is_file()


def test_a_link_that_stays_inside_is_made(repository: Path) -> None:
    (repository / "deep" / "er").mkdir(parents=True)
    (repository / "deep" / "er" / "link.yaml").symlink_to("../../model.yaml")
    (repository / "a").symlink_to("deep/er")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "links")
    with files_at("HEAD", [str(repository)]) as [found]:
        read = (Path(found) / "a" / "link.yaml").read_text(encoding="utf-8")
        assert read == (repository / "model.yaml").read_text(encoding="utf-8")


def test_a_folder_may_be_the_base(run: Run, files: Path) -> None:
    shutil.copytree(files, files.parent / "before")
    (files / "stranger.yaml").write_text(STRANGER, encoding="utf-8")
    code, answer = check(run, base="before")
    assert code == 1
    assert {each["subject"]["name"] for each in answer["findings"]} == {"stranger"}


def test_what_was_not_there_at_all_is_all_new(run: Run, repository: Path) -> None:
    git(repository.parent, "checkout", "-q", "--orphan", "empty")
    git(repository.parent, "commit", "-q", "--allow-empty", "-m", "nothing")
    git(repository.parent, "rm", "-rq", "--cached", "reef")
    git(repository.parent, "commit", "-q", "--allow-empty", "-m", "nothing")
    everything = json.loads(run("check", "-f", "reef", *NOW, "-o", "json").out)["findings"]
    code, answer = check(run, base="HEAD")
    assert (code, answer["findings"]) == (1, everything)


@pytest.mark.parametrize(("severity", "code"), [("high", 0), ("medium", 1), ("low", 1)])
def test_only_what_is_severe_enough_fails(
    severity: str, code: int, run: Run, repository: Path
) -> None:
    people = small.FILES["rbac/people.yaml"].partition("---")[0]
    only_patch = people.partition("- {verbs: [get]")[0].replace("name: operate", "name: patch")
    stranger = STRANGER.replace("name: operate", "name: patch")
    (repository / "stranger.yaml").write_text(f"{only_patch}---\n{stranger}", encoding="utf-8")
    found = check(run, "--fail-on", severity)
    assert [each["severity"] for each in found[1]["findings"]] == ["medium"]
    assert found[0] == code
    assert found[1]["failed"] is bool(code)
    junit = run("check", "-f", "reef", "--base", "main", *NOW, "--fail-on", severity, "-o", "junit")
    assert junit.out.count("<failure") == code
    told = run("check", "-f", "reef", "--base", "main", *NOW, "--fail-on", severity, "-o", "github")
    assert told.out.count("::error") == code
    assert told.out.count("::warning") == 1 - code


BAD = {
    "no such revision": ("nowhere", "--base nowhere: this is neither a folder nor a revision of"),
    "an option": ("--output=x", "--base --output=x: this is neither a folder nor a revision"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_base_that_isnt_there_is_named(name: str, run: Run, repository: Path) -> None:
    assert repository.is_dir()
    base, message = BAD[name]
    done = run("check", "-f", "reef", f"--base={base}", *NOW)
    assert done.code == 2
    assert f"the base can't be read: {message}" in done.err


def test_outside_of_a_repository_there_is_no_revision(
    run: Run, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(files.parent.parent))
    done = run("check", "-f", "reef", "--base", "main", *NOW)
    assert done.code == 2
    assert "the base can't be read: " in done.err
    assert "not a git repository" in done.err


def test_the_action_takes_its_inputs_as_words(repository: Path, tmp_path: Path) -> None:
    (repository / "stranger.yaml").write_text(STRANGER, encoding="utf-8")
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    step = action["runs"]["steps"][-1]
    assert "${{" not in step["run"]
    program = tmp_path / "responsibility" / "bin" / "kubectl-responsibility"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/bash\nprintf "%s\\n" "$@" end >> "$RUNNER_TEMP/asked"\nexit 1\n')
    program.chmod(0o755)
    given = {
        "INPUT_PATH": "reef\n$(touch evil)\n",
        "INPUT_BASE": "main",
        "INPUT_FAIL_ON": "medium",
        "INPUT_NAMESPACE": "",
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }
    assert set(step["env"]) == {name for name in given if name.startswith("INPUT_")}
    done = subprocess.run(
        ["bash", "-e", "-c", step["run"]], cwd=tmp_path, env={**os.environ, **given}, check=False
    )
    assert done.returncode == 1
    words = ["check", "--fail-on", "medium", "-f", "reef", "-f", "$(touch evil)", "--base", "main"]
    asked = (tmp_path / "asked").read_text(encoding="utf-8").split("\nend\n")
    assert [each.split("\n") for each in asked[:2]] == [
        [*words, "-o", "markdown"],
        [*words, "-o", "github"],
    ]
    assert not (tmp_path / "evil").exists()


def test_the_hook_runs_the_check_as_it_is_written(run: Run, repository: Path) -> None:
    assert repository.is_dir()
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    program, *words = hook["entry"].split()
    assert program == "kubectl-responsibility"
    assert run(*words, *hook["args"], *NOW).code == 0
    (repository / "stranger.yaml").write_text(STRANGER, encoding="utf-8")
    assert run(*words, *hook["args"], *NOW).code == 1


def test_the_examples_of_the_guide_are_yaml() -> None:
    text = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    blocks = [part.partition("```")[0] for part in text.split("```yaml\n")[1:]]
    assert len(blocks) == 6
    assert all(isinstance(yaml.safe_load(block), dict) for block in blocks)
