"""The image's contents, built once for all modules of a run."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.image import build
from tests.e2e.lab.directories import locked


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the directory that is /opt/hub-responsibility in the image."""
    shared = tmp_path_factory.getbasetemp()
    if shared.name.startswith("popen-"):
        # Workers of one run build it once, and share it.
        shared = shared.parent
    directory = shared / "image"
    with locked(shared / "image.lock"):
        if not (directory / "complete").exists():
            directory.mkdir()
            build.build(build.interpreter(directory), directory)
            (directory / "complete").touch()
    yield directory / "opt"
    # pytest deletes old directories, and a directory that can't be written to can't be emptied.
    with locked(shared / "image.lock"):
        subprocess.run(["chmod", "-R", "u+w", str(directory / "opt")], check=True)
