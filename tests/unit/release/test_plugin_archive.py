"""The plugin's archive: what is where in it, and the program that finds it there."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from responsibility.api.names import PLUGIN
from tools.release import plugin_archive
from tools.release.plugin_launcher import CHOSEN, SUPPORTED

ROOT = Path(__file__).parents[3]
HERE = "cp{}{}".format(*sys.version_info[:2])
# The program as the launcher calls it; it says where it and its parts were found.
PROGRAM = """
import sys, compiled
def script():
    print(compiled.__file__.split("/")[-2], *sys.argv[1:])
"""


def _wheel(folder: Path, name: str, files: dict[str, str]) -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w") as wheel:
        for inside, text in files.items():
            wheel.writestr(inside, text)
    return path


@pytest.fixture
def wheels(tmp_path: Path) -> list[Path]:
    """Return a wheel for all Pythons, and one for each of two."""
    pure = {"responsibility/__init__.py": "", "responsibility/cli/__init__.py": ""}
    pure |= {"responsibility/cli/main.py": PROGRAM, "x-1.data/scripts/x": "not wanted"}
    pure |= {"kubernetes/client/api/apps_v1_api.py": "not wanted", "kubernetes/client/rest.py": ""}
    return [
        _wheel(tmp_path, "x-1-py3-none-any.whl", pure),
        *(
            _wheel(tmp_path, f"y-1-{tag}-{tag}-any.whl", {"compiled.py": f"tag = '{tag}'"})
            for tag in (HERE, "cp399")
        ),
    ]


@pytest.fixture
def plugin(wheels: list[Path], tmp_path: Path) -> Path:
    """Return the plugin, unpacked, by a link as krew makes one."""
    packed = plugin_archive.pack(dict(plugin_archive.contents(ROOT, wheels)))
    folder = tmp_path / "unpacked"
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    link = tmp_path / "bin" / PLUGIN
    link.parent.mkdir()
    link.symlink_to(folder / PLUGIN)
    return link


def test_each_file_is_where_its_python_looks(wheels: list[Path]) -> None:
    found = dict(plugin_archive.contents(ROOT, wheels))
    assert set(found) == {
        PLUGIN,
        "LICENSE",
        "lib/common/responsibility/__init__.py",
        "lib/common/responsibility/cli/__init__.py",
        "lib/common/responsibility/cli/main.py",
        "lib/common/kubernetes/client/rest.py",
        f"lib/{HERE}/compiled.py",
        "lib/cp399/compiled.py",
    }


@pytest.mark.parametrize(
    ("wheel", "folder"),
    [
        ("click-8.3.1-py3-none-any.whl", "common"),
        ("x-1-cp39-abi3-macosx_11_0_arm64.whl", "common"),
        ("yarl-1-cp313-cp313-manylinux2014_x86_64.manylinux_2_17_x86_64.whl", "cp313"),
        ("x-1-7-cp314-cp314-macosx_11_0_arm64.whl", "cp314"),
    ],
)
def test_a_wheel_s_name_says_whose_it_is(wheel: str, folder: str) -> None:
    assert plugin_archive.folder_of(wheel) == folder


def test_what_only_an_installer_could_place_is_refused(tmp_path: Path) -> None:
    odd = _wheel(tmp_path, "x-1-py3-none-any.whl", {"x-1.data/platlib/x.py": ""})
    with pytest.raises(plugin_archive.WheelError, match=r"x-1\.data/platlib/x\.py"):
        dict(plugin_archive.contents(ROOT, [odd]))


def test_the_same_files_are_the_same_bytes_whatever_the_clock(wheels: list[Path]) -> None:
    files = dict(plugin_archive.contents(ROOT, wheels))
    packed = plugin_archive.pack(files)
    assert plugin_archive.pack(dict(reversed(files.items()))) == packed
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        entries = archive.getmembers()
    assert {(e.mtime, e.uid, e.gid, e.uname) for e in entries} == {(0, 0, 0, "")}
    assert [e.name for e in entries if e.mode & 0o111] == [PLUGIN]


def _run(plugin: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(plugin), *words],
        env={"PATH": "/nowhere", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_runs_with_what_lies_beside_it(plugin: Path) -> None:
    done = _run(plugin, "drift", "--at", "now")
    assert (done.stdout, done.stderr) == (f"{HERE} drift --at now\n", "")


def test_what_the_machine_has_does_not_come_before_it(plugin: Path, tmp_path: Path) -> None:
    (tmp_path / "compiled.py").write_text("raise SystemExit('the wrong one')", encoding="utf-8")
    assert _run(plugin, PYTHONPATH=str(tmp_path)).stdout == f"{HERE}\n"


@pytest.fixture
def too_new(plugin: Path) -> Path:
    """Return a plugin that was built for other Pythons than this one."""
    path = plugin.resolve()
    text = path.read_text(encoding="utf-8")
    path.write_text(
        re.sub(r"^SUPPORTED = .*", "SUPPORTED = ((9, 8), (9, 9))", text, flags=re.MULTILINE)
    )
    return plugin


def test_another_python_is_told_what_is_needed(too_new: Path) -> None:
    done = _run(too_new)
    assert done.returncode == 2
    assert "needs Python 9.8 to 9.9" in done.stderr
    assert "python9.9 is found on PATH" in done.stderr


def test_the_newest_python_that_is_supported_takes_over(too_new: Path, tmp_path: Path) -> None:
    for name in ("python9.8", "python9.9", "python3"):
        other = tmp_path / "pythons" / name
        other.parent.mkdir(exist_ok=True)
        other.write_text(f'#!/bin/sh\necho {name} "$@"\n', encoding="utf-8")
        other.chmod(0o755)
    path = str(tmp_path / "pythons")
    done = _run(too_new, "can-i", "get pods", PATH=path)
    assert done.stdout == f"python9.9 {too_new.resolve()} can-i get pods\n"
    # Should that be none either, it ends instead of going on for ever.
    assert _run(too_new, PATH=path, **{CHOSEN: "python9.9"}).returncode == 2


def test_every_supported_python_is_one_that_the_package_takes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    oldest = "{}.{}".format(*SUPPORTED[0])
    assert project["requires-python"] == f">={oldest}"
    prefix = "Programming Language :: Python :: 3."
    named = {c.removeprefix(prefix) for c in project["classifiers"] if c.startswith(prefix)}
    assert named == {str(minor) for _, minor in SUPPORTED}


def test_the_image_leaves_out_the_same() -> None:
    script = (ROOT / "image" / "build.sh").read_text(encoding="utf-8")
    left_out = re.findall(r"site-packages/(kubernetes\S*)/client[ ;\\]", script)
    assert {f"{name}/client/api/" for name in left_out} == set(plugin_archive.UNUSED)
    assert os.access(plugin_archive.LAUNCHER, os.R_OK)
