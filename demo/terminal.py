"""Terminals of a fixed width: what a command shows at one, whole or in excerpts."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

COLUMNS = 98
ELLIPSIS = "…"
_STYLES = re.compile(r"\x1b\[[0-9;]*m")

# Stretches of lines to keep: the pattern that the first begins with, and how many they are.
Keep = Sequence[tuple[str, int]]


def on_terminal(script: str, *, cwd: Path | None = None) -> str:
    """Run a script of bash as at a terminal, and return what it shows, without styles.

    In ``cwd``, by default an empty folder that is gone afterwards.
    """
    ours, theirs = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if k not in {"FORCE_COLOR", "LINES"}}
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            ["bash", "-c", script],
            cwd=cwd or folder,
            env=environment | {"COLUMNS": str(COLUMNS), "NO_COLOR": "1", "TERM": "xterm"},
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
        ),
    ):
        os.close(theirs)
        shown = b""
        while chunk := _read(ours):
            shown += chunk
    os.close(ours)
    return _STYLES.sub("", shown.decode()).replace("\r\n", "\n")


def excerpt(text: str, keep: Keep, *, of: str) -> Iterator[str]:
    """Yield the lines to keep (all without), with an ellipsis for those that are left out.

    Raises ValueError, naming ``of``, where a stretch is not there any more.
    """
    lines = [line.rstrip() for line in text.splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    if not keep:
        yield from lines
        return
    end = 0
    for beginning, count in keep:
        start = next((n for n in range(end, len(lines)) if re.match(beginning, lines[n])), None)
        if start is None:
            raise ValueError(f"{of}: no line begins with {beginning!r} any more")
        if start > end:
            yield ELLIPSIS
        end = start + count
        yield from lines[start:end]
    if end < len(lines):
        yield ELLIPSIS


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:
        # How Linux says that nobody writes to it any more.
        return b""
