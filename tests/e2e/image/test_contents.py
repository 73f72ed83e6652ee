"""The image's contents: its programs run as nobody, and hold what the bill of materials lists."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from responsibility.api.crd import RESOURCES
from tests.e2e.image import build, container
from tests.e2e.image.container import Container
from tests.unit.cli import small

ROOT = Path(__file__).parents[3]
Completed = subprocess.CompletedProcess[str]


def run(image: Path, *command: str) -> Completed:
    """Run something of the image's, with nothing of ours in its environment."""
    program = image / "bin" / command[0]
    return subprocess.run(
        [str(program), *command[1:]],
        env=build.loading(program),
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_entry_points_run(image: Path) -> None:
    for command in ("responsibility-operator", "kubectl-responsibility"):
        done = run(image, command, "--help")
        assert done.returncode == 0, done.stderr
        assert "Usage" in done.stdout or "usage" in done.stdout
    version = run(image, "responsibility-operator", "--version").stdout.split()
    assert version[0] == "responsibility-operator"
    assert version[1] in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_it_is_the_tool_of_a_pipeline_as_its_page_has_it(image: Path) -> None:
    """The command of docs/ci.md; `make e2e-pods` has an engine run it."""
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^docker run --rm -i IMAGE (.*) < manifests\.yaml$", page, re.MULTILINE)
    program = image / "bin" / line.split()[0]
    done = subprocess.run(
        [str(program), *line.split()[1:]],
        env=build.loading(program),
        input=small.FILES["record.yaml"] + "\n---\n" + small.FILES["model.yaml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("SEVERITY")
    assert "standard input" in done.stdout


@pytest.mark.skipif(bool(container.hindrance()), reason=container.hindrance())
def test_it_runs_as_nobody_who_can_write_nothing(image: Path, tmp_path: Path) -> None:
    def contained(*command: str) -> tuple[int, str]:
        return container.run(Container(image=image, command=command, environment={}), tmp_path)

    code, told = contained("responsibility-operator", "--version")
    assert code == 0, told
    # It comes as far as it does for root: all of it can be read.
    code, told = contained("responsibility-operator")
    assert code == 1
    assert "responsibility-operator: " in told
    assert "Traceback" not in told
    tries = "import os, responsibility.controller as c; print(os.getuid()); open(c.__file__, 'a')"
    _, told = contained("python", "-c", tries)
    assert told.splitlines()[0] == str(build.USER)
    assert "PermissionError" in told or "Read-only file system" in told


def test_data_is_in_it(image: Path) -> None:
    code = (
        "from responsibility.api.parse import load_shipped_model as m; print(len(m().spec.items))"
    )
    assert run(image, "python", "-c", code).stdout.strip() == "20"
    code = "from responsibility.api import crd; print(''.join(map(crd.render, crd.RESOURCES)))"
    made = run(image, "python", "-c", code).stdout
    assert (
        made.strip()
        == "".join(
            (ROOT / "crds" / resource.filename).read_text(encoding="utf-8")
            for resource in RESOURCES
        ).strip()
    )


def test_without_a_cluster_it_says_so_and_ends(image: Path) -> None:
    done = run(image, "responsibility-operator")
    assert done.returncode == 1
    assert "responsibility-operator: " in done.stderr
    assert "Traceback" not in done.stderr


def test_the_bill_of_materials_lists_what_is_installed(image: Path) -> None:
    bill = json.loads((image / "share" / "sbom.cdx.json").read_text(encoding="utf-8"))
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["name"] == "hub-responsibility"
    listed = {(_plain(c["name"]), c["version"]) for c in bill["components"]}
    code = (
        "import importlib.metadata as m\n"
        "for d in m.distributions(): print(d.metadata['Name'], d.version)"
    )
    lines = run(image, "python", "-c", code).stdout.splitlines()
    installed = {(_plain(n), v) for n, v in (line.split() for line in lines)}
    assert {name for name, _ in installed} >= {"kopf", "kubernetes", "pydantic"}
    assert "pip" not in {name for name, _ in installed}
    assert {i for i in installed if i[0] != "hub-responsibility"} <= listed
    locked = re.findall(
        r"^([A-Za-z0-9._-]+)==(\S+)",
        (ROOT / "image" / "requirements.lock").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    others = {i for i in installed if i[0] != "hub-responsibility"}
    assert others <= {(_plain(name), version) for name, version in locked}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
