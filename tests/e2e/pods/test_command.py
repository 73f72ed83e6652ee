"""The image as the tool of a pipeline, as docs/ci.md has it: no cluster, nothing installed."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from demo import organisation
from tests.e2e.lab.directories import REPOSITORY
from tests.e2e.pods import release as releases

pytestmark = pytest.mark.skipif(bool(releases.hindrance()), reason=releases.hindrance())

Completed = subprocess.CompletedProcess[str]
NOW = datetime(2027, 3, 1, tzinfo=UTC)
MANIFESTS = yaml.safe_dump_all([*organisation.manifests(), *organisation.records(NOW)])


def _documented() -> list[str]:
    page = (REPOSITORY / "docs" / "ci.md").read_text(encoding="utf-8")
    lines = re.findall(r"docker run --rm [^`\n]*", page)
    assert len(lines) == 2
    return lines


def _run(line: str, *options: str, directory: Path) -> Completed:
    command = line.partition(" < ")[0].replace("IMAGE", releases.image())
    # No network: a check needs none.
    words = shlex.split(command.replace("$PWD", str(directory)))
    words[2:2] = ["--network=none"]
    return subprocess.run(
        [*words, *options], input=MANIFESTS, capture_output=True, text=True, check=False
    )


def _here(*options: str) -> Completed:
    command = [str(Path(sys.executable).with_name("kubectl-responsibility")), "check", "-f", "-"]
    return subprocess.run(
        [*command, *options],
        input=MANIFESTS,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "KUBECONFIG": "/nowhere"},
    )


@pytest.mark.parametrize("options", [(), ("-o", "json"), ("--fail-on", "high")])
def test_it_says_what_the_command_says(tmp_path: Path, options: tuple[str, ...]) -> None:
    expected = _here("--at", NOW.isoformat(), *options)
    assert expected.returncode == 1
    done = _run(_documented()[0], "--at", NOW.isoformat(), *options, directory=tmp_path)
    assert (done.returncode, done.stdout) == (1, expected.stdout), done.stderr


def test_folders_are_mounted(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(MANIFESTS, encoding="utf-8")
    tmp_path.chmod(0o755)
    done = _run(_documented()[1], directory=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "excess-access" in done.stdout
