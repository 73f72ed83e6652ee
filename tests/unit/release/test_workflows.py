"""The workflows of a public forge, as far as shows without one; `make lint` has them linted."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.release.images import IMAGES
from tools.release.plugin_launcher import SUPPORTED

ROOT = Path(__file__).parents[3]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yaml"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def _jobs(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    return found


def _commands(path: Path) -> Iterator[str]:
    for job in _jobs(path).values():
        for step in job["steps"]:
            yield str(step.get("run", ""))


def test_there_are_those_that_test_scan_and_release() -> None:
    assert [path.stem for path in WORKFLOWS] == ["release", "scan", "test"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_what_others_wrote_is_pinned_by_commit_and_says_its_version(path: Path) -> None:
    """A tag is moved by whoever takes over its repository."""
    uses = re.findall(r"^ *-? *uses: (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert uses
    assert [u for u in uses if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", u)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_job_has_rights_that_it_does_not_name(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert job["timeout-minutes"], name
        assert "permissions" not in job or path.stem == "release"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_script_has_foreign_text_in_it(path: Path) -> None:
    """What is put into a script before it runs could be a command; the environment can't."""
    assert [run for run in _commands(path) if "${{" in run] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_they_run_the_commands_that_people_run(path: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", MAKEFILE, re.MULTILINE))
    for run in _commands(path):
        for words in re.findall(r"^(?:[A-Z_]+=\S+ )*make (.*)$", run, re.MULTILINE):
            named = [w for w in words.split() if "=" not in w and re.fullmatch("[a-z0-9-]+", w)]
            assert set(named) <= targets, run


def test_the_unit_tests_run_on_every_python_that_is_supported() -> None:
    (test,) = [path for path in WORKFLOWS if path.stem == "test"]
    matrix = _jobs(test)["unit"]["strategy"]["matrix"]
    assert matrix["python"] == ["{}.{}".format(*version) for version in SUPPORTED]


def _named(name: str) -> Path:
    (found,) = [path for path in WORKFLOWS if path.stem == name]
    return found


def test_every_image_is_scanned() -> None:
    job = _jobs(_named("scan"))["image"]
    assert job["strategy"]["matrix"]["contents"] == [image.contents for image in IMAGES]
    (build,) = [step for step in job["steps"] if "make image" in step.get("run", "")]
    assert 'CONTENTS="$CONTENTS"' in build["run"]
    assert build["env"]["CONTENTS"] == "${{ matrix.contents }}"


def test_every_lock_is_looked_up() -> None:
    (run,) = [run for run in _commands(_named("scan")) if "pip-audit --" in run]
    assert re.search(r'for lock in image/\*\.lock; do pip-audit .* -r "\$lock"; done', run)


# Programs that say what they were asked, and read what is given to them, as real ones may.
_TOLD = """#!/bin/sh
echo "$(basename "$0") $*" >> "$RUNNER_TEMP/told"
cat > /dev/null
"""
_DIGEST = f"sha256:{'ab' * 32}"


@pytest.mark.skipif(sys.platform == "darwin", reason="its bash is older than the forge's")
def test_every_image_is_built_pushed_and_signed(tmp_path: Path) -> None:
    """The step itself, as the forge runs it, with programs that only tell."""
    (run,) = [run for run in _commands(_named("release")) if "docker buildx build" in run]
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("docker", "cosign", "git", "jq"):
        answer = f"echo {_DIGEST}\n" if name == "jq" else ""
        (programs / name).write_text(_TOLD + answer, encoding="utf-8")
        (programs / name).chmod(0o755)
    done = subprocess.run(
        ["bash", "-e", "-c", run],
        cwd=ROOT,
        env={
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "RUNNER_TEMP": str(tmp_path),
            "GITHUB_REPOSITORY_OWNER": "Forge",
            "GITHUB_SHA": "c" * 40,
            "TAG": "v1.2.3",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = (tmp_path / "told").read_text(encoding="utf-8").splitlines()
    signed = [line for line in told if line.startswith("cosign ")]
    assert signed == [f"cosign sign --yes ghcr.io/forge/{i.name}@{_DIGEST}" for i in IMAGES]
    built = [line for line in told if line.startswith("docker buildx build ")]
    assert len(built) == len(IMAGES)
    for image, line in zip(IMAGES, built, strict=True):
        assert f"--build-arg CONTENTS={image.contents} --build-arg NAME={image.name} " in line
        assert f"--tag {image.reference('ghcr.io/forge', '1.2.3')} --push" in line
