"""Lanes of make targets: side by side, in turn, and all ended by the first failure."""

import os
import re
import time
from pathlib import Path

import pytest

from tests import lanes

_MAKEFILE = """
one two:
\t@echo did $@; echo $@ >> done
broken:
\t@echo it broke; exit 3
endless:
\t@echo $$$$ > pid; exec sleep 600
after-endless:
\t@until [ -s pid ]; do sleep 0.01; done; exit 1
"""


@pytest.fixture(autouse=True)
def makefile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Makefile").write_text(_MAKEFILE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MAKEFLAGS", raising=False)


def _lives(pid: int) -> bool:
    """Return whether a process does; one that nobody has asked about yet has ended all the same."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"


def test_a_lane_runs_in_turn_and_says_how_long(capfd: pytest.CaptureFixture[str]) -> None:
    assert lanes.main(["one two", "two"]) == 0
    done = Path("done").read_text(encoding="utf-8").split()
    assert sorted(done) == ["one", "two", "two"]
    assert done.index("one") < len(done) - 1 - done[::-1].index("two")
    said = capfd.readouterr().out
    assert "--- one said:\ndid one\n" in said
    assert len(re.findall(r"^  two \d+ s$", said, re.MULTILINE)) == 2


def test_what_comes_after_a_failure_is_not_begun(capfd: pytest.CaptureFixture[str]) -> None:
    assert lanes.main(["broken one"]) == 1
    assert not Path("done").exists()
    said = capfd.readouterr()
    assert "it broke" in said.out
    assert re.search(r"error: make broken failed after \d+ s", said.err)


def test_a_failure_ends_what_runs_in_other_lanes(capfd: pytest.CaptureFixture[str]) -> None:
    began = time.monotonic()
    assert lanes.main(["after-endless", "endless"]) == 1
    # It would be ten minutes.
    assert time.monotonic() - began < 300
    pid = int(Path("pid").read_text(encoding="utf-8"))
    while _lives(pid):
        assert time.monotonic() - began < 300
        time.sleep(0.01)
    assert "make after-endless failed" in capfd.readouterr().err
