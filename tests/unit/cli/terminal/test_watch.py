"""``-w``: what is new of an answer is told, and what is gone; until somebody ends it."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from responsibility.cli.terminal import watch
from responsibility.ownership.results.findings import Finding
from responsibility.ownership.terms.agreement import Agreement, Terms
from tests.unit.cli.conftest import Done, Run

AT = ("-f", "reef", "--at", "2026-04-01")
BINDING = """apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: intern, namespace: reef}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: admin}
subjects: [{kind: User, name: intern, apiGroup: rbac.authorization.k8s.io}]
"""
Watched = Callable[..., Done]


@pytest.fixture
def watched(run: Run, monkeypatch: pytest.MonkeyPatch) -> Watched:
    """Run a command with -w, in whose pauses these things happen, one each; then it is ended."""

    def call(command: tuple[str, ...], *changes: Callable[[], object]) -> Done:
        left = list(changes)

        def pause(seconds: float) -> None:
            assert seconds == watch.EVERY
            if not left:
                raise KeyboardInterrupt
            left.pop(0)()

        monkeypatch.setattr(watch, "pause", pause)
        return run(*command, *AT, "-w")

    return call


def test_what_is_new_and_what_is_gone_is_told_once(watched: Watched, files: Path) -> None:
    intern = files / "intern.yaml"
    add, remove = lambda: intern.write_text(BINDING, encoding="utf-8"), intern.unlink
    done = watched(("drift",), lambda: None, add, lambda: None, remove, lambda: None)
    assert done.code == 130
    lines = done.out.splitlines()
    heads = [n for n, line in enumerate(lines) if line.startswith("ID ")]
    assert heads == [0]
    footer = next(n for n, line in enumerate(lines) if " causes, " in line)
    new = lines[footer + 1 :]
    assert len(new) == 2, new
    assert "User intern" in new[0]
    assert new[1].startswith(f"gone: {new[0].split()[0]}  ")
    assert "User intern" in new[1]


def test_a_row_that_changes_is_told_again_and_is_not_gone(watched: Watched, files: Path) -> None:
    intern = files / "intern.yaml"
    done = watched(("matrix", "--all"), lambda: intern.write_text(BINDING, encoding="utf-8"))
    rows = [line for line in done.out.splitlines() if line.startswith("reef ")]
    assert len(rows) == 2
    assert rows[0] != rows[1]
    assert "gone" not in done.out


def test_names_are_told_as_they_come(watched: Watched, files: Path) -> None:
    intern = files / "intern.yaml"
    done = watched(
        ("drift", "-o", "name"), lambda: intern.write_text(BINDING, encoding="utf-8"), intern.unlink
    )
    lines = done.out.splitlines()
    assert len(lines) == len(set(lines))
    before = watched(("drift", "-o", "name")).out.splitlines()
    assert lines[: len(before)] == before
    assert len(lines) > len(before)


def test_a_failure_in_between_ends_nothing_and_is_told_once(watched: Watched, files: Path) -> None:
    away = files.with_name("away")
    back = partial(away.rename, files)
    done = watched(("drift",), partial(files.rename, away), lambda: None, back)
    assert done.code == 130
    assert done.err.count("there is no such file or folder") == 1
    assert done.err.count("there are answers again") == 1
    assert done.out.count("User leaver") == 1


def test_a_failure_that_comes_again_is_told_again(watched: Watched, files: Path) -> None:
    away = files.with_name("away")
    back = partial(away.rename, files)
    go = partial(files.rename, away)
    done = watched(("drift",), go, back, go, back)
    assert done.err.count("there is no such file or folder") == 2
    assert done.err.count("there are answers again") == 2


@pytest.mark.usefixtures("files")
def test_nothing_of_an_answer_is_kept(watched: Watched) -> None:
    alive: list[int] = []

    def count() -> None:
        objects = gc.get_objects()
        alive.append(sum(type(each) in (Agreement, Terms, Finding) for each in objects))

    watched(("drift",), *[count] * 6)
    assert alive[1] == alive[-1], alive


def test_whoever_reads_no_more_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as out:
        monkeypatch.setattr("sys.stdout", out)
        watch.pause(0.01)
        os.close(reader)
        with pytest.raises(BrokenPipeError):
            watch.pause(600)


@pytest.mark.usefixtures("files")
def test_what_can_not_be_watched_is_said(run: Run) -> None:
    done = run("drift", *AT, "-w", "-o", "json")
    assert (done.code, done.out) == (2, "")
    assert "-w tells what is new of tables" in done.err
    assert run("drift", "-f", "nowhere", "-w").code == 2
