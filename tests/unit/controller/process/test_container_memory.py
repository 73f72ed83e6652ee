"""A container's memory, as control groups of both versions tell it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path
from unittest import mock

import pytest

from responsibility.controller import start
from responsibility.controller.process import container_memory
from responsibility.controller.process.container_memory import (
    LEAST,
    ContainerMemory,
    TooLittleMemoryError,
)

MIB = 1 << 20
# Used at each look, in MiB.
USED = (40, 95, 95, 50, 50)


def second(root: Path, *, limit: str, used: int, files: int = 0) -> Path:
    """Lay out version 2, as a container sees its own group."""
    (root / "memory.max").write_text(f"{limit}\n")
    (root / "memory.current").write_text(f"{used}\n")
    (root / "memory.stat").write_text(f"anon {used - files}\nfile {files}\ninactive_file {files}\n")
    return root


def first(root: Path, *, limit: int, used: int, files: int = 0) -> Path:
    """Lay out version 1."""
    group = root / "memory"
    group.mkdir()
    (group / "memory.limit_in_bytes").write_text(f"{limit}\n")
    (group / "memory.usage_in_bytes").write_text(f"{used}\n")
    # What is its own alone stands beside what is that of groups below it as well.
    (group / "memory.stat").write_text(f"inactive_file 0\ntotal_inactive_file {files}\n")
    return root


def test_both_versions_say_the_same(tmp_path: Path) -> None:
    wanted = ContainerMemory(512 * MIB, 70 * MIB)
    other = tmp_path / "first"
    other.mkdir()
    of_second = second(tmp_path, limit=str(512 * MIB), used=100 * MIB, files=30 * MIB)
    assert container_memory.read(of_second) == wanted
    of_first = first(other, limit=512 * MIB, used=100 * MIB, files=30 * MIB)
    assert container_memory.read(of_first) == wanted


def test_without_a_limit_there_is_none(tmp_path: Path) -> None:
    assert container_memory.read(tmp_path) is None
    assert container_memory.read(second(tmp_path, limit="max", used=MIB)) is None
    # As Linux writes "none" in version 1.
    other = tmp_path / "first"
    other.mkdir()
    assert container_memory.read(first(other, limit=9223372036854771712, used=MIB)) is None


def test_what_would_be_killed_at_its_start_ends_with_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    container_memory.require(second(tmp_path, limit=str(LEAST), used=MIB))
    with pytest.raises(TooLittleMemoryError, match=r"32 MiB .*resources\.limits\.memory"):
        container_memory.require(second(tmp_path, limit=str(32 * MIB), used=MIB))

    def refuse() -> None:
        raise TooLittleMemoryError("too little")

    monkeypatch.setattr(container_memory, "require", refuse)
    with pytest.raises(SystemExit, match="responsibility-operator: too little"):
        start.main()


def test_it_is_told_when_little_is_left_and_when_there_is_more_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    looks: list[str] = []

    async def change_and_wait(seconds: float) -> None:
        """Have other figures for each look, and end after the last."""
        assert seconds == 5.0
        looks.append(f"{len(looks)}")
        if len(looks) == len(USED):
            raise asyncio.CancelledError
        second(tmp_path, limit=str(100 * MIB), used=USED[len(looks)] * MIB)

    second(tmp_path, limit=str(100 * MIB), used=USED[0] * MIB)
    with (
        mock.patch.object(asyncio, "sleep", change_and_wait),
        contextlib.suppress(asyncio.CancelledError),
    ):
        asyncio.run(container_memory.watch(tmp_path, every=5.0))
    warning = (
        "95 MiB of the container's 100 MiB of memory are used; beyond that it is killed: raise "
        "resources.limits.memory"
    )
    assert [(r.levelname, r.message) for r in caplog.records] == [
        ("WARNING", warning),
        ("INFO", "50 MiB of the container's 100 MiB of memory are used"),
    ]
