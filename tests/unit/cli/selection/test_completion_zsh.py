"""Completion by a real zsh at a terminal, where a person presses Tab."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    shutil.which("zsh") is None, reason="there is no zsh here: apt install zsh"
)
_PATIENCE = 120.0
_SET_UP = (
    "autoload -Uz compinit && compinit -u -D; "
    "source <(kubectl-responsibility completion zsh); PS1=; echo rea''dy\n"
)


@contextmanager
def terminal(home: Path, cwd: Path) -> Iterator[int]:
    """Run an interactive zsh without anybody's files, with completion set up; its terminal."""
    ours, its = pty.openpty()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "HOME": str(home), "TERM": "xterm", "COLUMNS": "200"}
    shell = subprocess.Popen(
        ["zsh", "-f", "-i"],
        stdin=its,
        stdout=its,
        stderr=its,
        env=environment,
        cwd=cwd,
        start_new_session=True,
    )
    try:
        os.write(ours, _SET_UP.encode())
        until(ours, "ready")
        yield ours
    finally:
        shell.kill()
        shell.wait()
        os.close(ours)
        os.close(its)


def until(handle: int, *words: str) -> str:
    """Read until all words have come, and return all that came."""
    text, end = "", time.monotonic() + _PATIENCE
    while not all(word in text for word in words):
        assert time.monotonic() < end, f"{words} did not come: {text!r}"
        if select.select([handle], [], [], 1.0)[0]:
            text += os.read(handle, 65536).decode(errors="replace")
    return text


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("who-", ("who-can", "who-owns")),
        ("drift -f reef --item s", ("secrets", "settings", "support")),
        ("drift --severity ", ("high", "medium", "low")),
    ],
)
def test_names_are_offered_at_a_key(
    files: Path, tmp_path: Path, typed: str, offered: tuple[str, ...]
) -> None:
    with terminal(tmp_path, files.parent) as handle:
        os.write(handle, f"kubectl-responsibility {typed}\t\t".encode())
        until(handle, *offered)


def test_what_is_the_only_one_is_written_and_runs(files: Path, tmp_path: Path) -> None:
    with terminal(tmp_path, files.parent) as handle:
        os.write(handle, b"kubectl-responsibility matr\t-f reef --item sec\t -o name\n")
        until(handle, "responsibility.responsibility.2i2c.org/reef")
