"""The image's contents, laid out by its own build script without a container engine.

What this leaves out: the base image, and that a registry and a node take what comes of it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.e2e.lab.directories import REPOSITORY

USER = 65532


def environment() -> dict[str, str]:
    """Return the variables that the Containerfile sets."""
    text = (REPOSITORY / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    (line,) = re.findall(r"^ENV (.*)$", text, re.MULTILINE)
    return dict(pair.split("=", 1) for pair in line.split())


def interpreter(directory: Path) -> Path:
    """Return the interpreter to build with: this one, or a copy where only its owner can reach it.

    In an image everybody can; but Python is often installed in somebody's home.
    """
    name = f"python3.{sys.version_info.minor}"
    base = Path(sys.base_prefix)
    if all(place.stat().st_mode & 0o001 for place in (base, *base.parents)):
        return base / "bin" / name
    copy = directory / "python"
    library = Path("lib") / name
    left_out = shutil.ignore_patterns("__pycache__", "site-packages", "test", "config-*")
    shutil.copytree(base / library, copy / library, symlinks=True, ignore=left_out)
    for shared in (base / "lib").glob("libpython*.so*"):
        shutil.copy(shared, copy / "lib")
    (copy / "bin").mkdir()
    shutil.copy(base / "bin" / name, copy / "bin")
    # What it finds by itself, and not by where it was once installed.
    asked = subprocess.run(
        [str(copy / "bin" / name), "-c", "import sys; print(sys.base_prefix)"],
        env=loading(copy / "bin" / name),
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.stdout.strip() == str(copy), asked.stderr
    return copy / "bin" / name


def loading(program: Path) -> dict[str, str]:
    """Return the image's environment, for an interpreter that may have been copied.

    Such a one looks for its library where it was built.
    """
    python = (program.parent / "python").resolve() if program.parent.name == "bin" else program
    return {**environment(), "LD_LIBRARY_PATH": str(python.parents[1] / "lib")}


def build(python: Path, directory: Path, contents: str = "operator") -> Path:
    """Build what the image holds in a directory, from the files that the Containerfile copies."""
    source = directory / "src"
    source.mkdir()
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for line in (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if not line.startswith("!"):
            continue
        place = REPOSITORY / line[1:]
        if place.is_dir():
            shutil.copytree(place, source / place.name, ignore=ignored)
        else:
            shutil.copy(place, source)
    done = subprocess.run(
        ["sh", "image/build.sh", str(directory / "opt"), str(directory / "scratch"), contents],
        cwd=source,
        env={**os.environ, "PYTHON": str(python)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # As on a read-only root.
    subprocess.run(["chmod", "-R", "a-w,a+rX", str(directory / "opt")], check=True)
    return directory / "opt"
