"""``-w``: what is new of an answer is told, and what is gone; until somebody ends it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from responsibility.cli.terminal import watch
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
    back = lambda: away.rename(files)  # noqa: E731 - as the others
    done = watched(("drift",), lambda: files.rename(away), lambda: None, back)
    assert done.code == 130
    assert done.err.count("there is no such file or folder") == 1
    assert done.out.count("User leaver") == 1


@pytest.mark.usefixtures("files")
def test_what_can_not_be_watched_is_said(run: Run) -> None:
    done = run("drift", *AT, "-w", "-o", "json")
    assert (done.code, done.out) == (2, "")
    assert "-w tells what is new of tables" in done.err
    assert run("drift", "-f", "nowhere", "-w").code == 2
