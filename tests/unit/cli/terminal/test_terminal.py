"""On a terminal: colours unless they are unwanted, and nothing cut off where it is narrow."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.cli import small

DRIFT = ("drift", "-f", "reef", "--at", small.AT)


def on_terminal(*arguments: str, columns: int, **environment: str) -> str:
    """Run a command with a terminal for stdout, and return what it shows."""
    ours, theirs = pty.openpty()
    code = "from responsibility.cli.main import script; script()"
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "COLUMNS": str(columns), "TERM": "xterm", **environment},
    ) as process:
        os.close(theirs)
        shown = b""
        while chunk := _read(ours):
            shown += chunk
        process.wait()
    os.close(ours)
    return shown.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:
        return b""  # how Linux says that the other side is gone


def test_a_wide_terminal_gets_a_coloured_table(files: Path) -> None:
    assert files.is_dir()
    shown = on_terminal(*DRIFT, columns=300)
    assert "\x1b[" in shown
    assert "SEVERITY" in shown
    assert "kubectl responsibility plan reef --subject user/leaver" in shown


def test_a_narrow_terminal_gets_lines_below_lines(files: Path) -> None:
    assert files.is_dir()
    shown = on_terminal(*DRIFT, columns=80, NO_COLOR="1")
    assert "    fix: kubectl responsibility plan reef --subject user/leaver -f reef\n" in shown
    assert "    contact: support@provider.example\n" in shown


@pytest.mark.parametrize("columns", [20, 40, 60, 80])
def test_only_commands_and_words_are_longer_than_a_terminal(files: Path, columns: int) -> None:
    """A command and a name stay whole, to be copied; the terminal itself breaks those."""
    assert files.is_dir()
    long = [
        line
        for line in on_terminal(*DRIFT, columns=columns, NO_COLOR="1").splitlines()
        if len(line) > columns and " kubectl " not in line
    ]
    assert [line for line in long if len(line.split(": ", 1)[-1].split()) > 1] == []


def test_nothing_of_a_row_is_lost_where_it_is_parted(files: Path) -> None:
    assert files.is_dir()
    narrow, wide = (on_terminal(*DRIFT, columns=n, NO_COLOR="1") for n in (40, 120))
    assert "    who: User leaver\n" in narrow
    assert "    who: " not in wide
    words = re.sub(r"(?m)^    [a-z]+: ", "", narrow).split()
    assert sorted(words) == sorted(re.sub(r"(?m)^    [a-z]+: ", "", wide).split())


@pytest.mark.parametrize("columns", [80, 300])
def test_no_color_is_respected(files: Path, columns: int) -> None:
    assert files.is_dir()
    shown = on_terminal(*DRIFT, columns=columns, NO_COLOR="1")
    assert not any(f"\x1b[{code}m" in shown for code in (31, 32, 33))


def test_many_narrow_columns_are_pushed_together_before_a_cell_breaks(files: Path) -> None:
    assert files.is_dir()
    matrix = ("matrix", "--all", "-f", "reef", "--at", small.AT)
    shown = on_terminal(*matrix, columns=28, NO_COLOR="1")
    (line,) = [line for line in shown.splitlines() if line.startswith("reef")]
    assert line.split()[-3:] == ["P✗", "C✗", "C!"]
