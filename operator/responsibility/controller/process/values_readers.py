"""Processes beside this one in which hubs' Secrets are read: see ``values_reader``.

What ends one of them while it reads a text is that text: its cost, or that it crashes what reads
it. That is told apart from what is our own: a process that can't be started, or that the machine
leaves without a processor.
"""

from __future__ import annotations

import asyncio
import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from responsibility.controller.process import child, values_reader
from responsibility.controller.process.frames import frame
from responsibility.controller.process.values_reader import (
    READY,
    Answer,
    ChangeQuestion,
    ExistingSecretQuestion,
    Question,
    Release,
    ReleaseQuestion,
    ValuesQuestion,
)
from responsibility.hub.release.changes import ReleaseUnread
from responsibility.hub.values.agreed import HubValues
from responsibility.hub.values.secret import SettingsDiff

# From so many seconds of the processor on, an answer that didn't come in time is the text's doing.
_COSTLY: Final = 0.1


class TooCostlyError(Exception):
    """A text takes more time or memory to read than any hub's values do."""


class Reader:
    """One process, started when it is first asked, and again after it was ended."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None

    async def difference(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> SettingsDiff:
        """Return what changes from one Secret to another. Raises TooCostlyError and OSError.

        Whoever cancels it ends the process; then the text was too costly if it has taken its time.
        """
        answer = await self._ask(ChangeQuestion(_content(old), _content(new)))
        assert isinstance(answer, SettingsDiff)  # noqa: S101 - it is the answer to this question
        return answer

    async def values(
        self,
        secret: Mapping[str, Any],
        paths: tuple[str, ...],
        existing: Mapping[str, Any] | None = None,
    ) -> HubValues:
        """Return what is set at some paths of a Secret's values. Raises as ``difference`` does.

        ``existing`` is the Secret that is laid over it, where there is one.
        """
        over = None if existing is None else _content(existing)
        answer = await self._ask(ValuesQuestion(_content(secret), paths, over))
        others = (SettingsDiff, list, ReleaseUnread, str)
        assert not isinstance(answer, others)  # noqa: S101 - as above
        return answer

    async def existing_secret(self, secret: Mapping[str, Any]) -> str:
        """Return the name of the Secret that is laid over one. Raises as ``difference`` does."""
        answer = await self._ask(ExistingSecretQuestion(_content(secret)))
        assert isinstance(answer, str)  # noqa: S101 - as above
        return answer

    async def release(self, secret: Mapping[str, Any], key: bytes) -> Release:
        """Return the objects of a revision, sealed, or why not. Raises as ``difference`` does."""
        answer = await self._ask(ReleaseQuestion(_content(secret), key))
        assert isinstance(answer, (list, ReleaseUnread))  # noqa: S101 - as above
        return answer

    async def _ask(self, question: Question) -> Answer:
        process = self._process = self._process or await self._start()
        before = _cpu(process.pid)
        try:
            answer = await _answer(process, question)
        except asyncio.CancelledError:
            costly = _cpu(process.pid) - before >= _COSTLY
            await self.aclose()
            if costly:
                raise TooCostlyError from None
            raise
        except (OSError, EOFError):
            await self.aclose()
            raise TooCostlyError from None
        if answer is None:
            # It may have run out of memory anywhere: the next question has a new one.
            await self.aclose()
            raise TooCostlyError
        return answer

    async def _start(self) -> asyncio.subprocess.Process:
        process = await child.start(values_reader)
        self._process = process
        try:
            assert process.stdout is not None  # noqa: S101 - it is a pipe
            await process.stdout.readexactly(len(READY))
        except BaseException as error:
            await self.aclose()
            if isinstance(error, asyncio.IncompleteReadError):
                raise OSError("the process that reads values does not start") from None
            raise
        return process

    async def aclose(self) -> None:
        """End the process, whatever it is doing."""
        process, self._process = self._process, None
        await child.end(process)


async def _answer(process: asyncio.subprocess.Process, question: Question) -> Answer | None:
    answer: Answer | None = pickle.loads(  # noqa: S301 - from our child
        await child.ask(process, frame(pickle.dumps(question)))
    )
    return answer


def _content(secret: Mapping[str, Any]) -> dict[str, Any]:
    """Return of a Secret only what is looked at."""
    return {"data": secret.get("data")}


def _cpu(pid: int) -> float:
    """Return the seconds of the processor that a process has taken; 0 where it can't be told."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return 0.0
