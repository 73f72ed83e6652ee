"""The process in which hubs' Secrets are read, which ``values_readers`` starts and may end.

Whoever may write a Secret writes any text. What a text costs is its own affair here: time of the
processor and memory are bounded by the kernel, and nobody else waits for the interpreter's lock.
It imports nothing but what reads values, so that it is small, and there soon.
"""

from __future__ import annotations

import pickle
import resource
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any, Final

from responsibility.controller.process.frames import frame, frames
from responsibility.hub.release import storage
from responsibility.hub.release.changes import ReleaseUnread
from responsibility.hub.release.sealing import sealed
from responsibility.hub.values.agreed import HubValues
from responsibility.hub.values.difference import MISSING, UNKNOWN, SettingChange
from responsibility.hub.values.secret import SettingsDiff, difference, existing_secret, values_at

# What it says once, when it is there.
READY: Final = b"\x00"
# Seconds of the processor for one question: the largest hubs take a fifth of that.
CPU_SECONDS: Final = 0.5
MEMORY: Final = 192 << 20
# Changes that are told one by one: twenty times those of a new version of the chart.
MOST_CHANGES: Final = 10_000


@dataclass(frozen=True, slots=True)
class ChangeQuestion:
    """What changes from one Secret to another? Answered with a SettingsDiff."""

    old: Mapping[str, Any]
    new: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ValuesQuestion:
    """What is set at some paths of a Secret's values? Answered with HubValues."""

    secret: Mapping[str, Any]
    paths: tuple[str, ...]
    existing: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ExistingSecretQuestion:
    """Which Secret do a Secret's values name as laid over them? Answered with its name."""

    secret: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ReleaseQuestion:
    """What did a revision of a release deploy? Answered with its objects, sealed by ``key``."""

    secret: Mapping[str, Any]
    key: bytes


Question = ChangeQuestion | ValuesQuestion | ExistingSecretQuestion | ReleaseQuestion
Release = list[dict[str, Any]] | ReleaseUnread
Answer = SettingsDiff | HubValues | Release | str


def serve(source: IO[bytes], sink: IO[bytes]) -> None:
    """Answer each question, with None where that takes too much memory.

    What takes too long ends the process: the kernel sends SIGPROF.
    """
    sink.write(READY)
    sink.flush()
    for data in frames(source):
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
        answer = pickle.dumps(_answer(data))
        signal.setitimer(signal.ITIMER_PROF, 0)
        sink.write(frame(answer))
        sink.flush()


def _answer(data: bytes) -> Answer | None:
    try:
        question: Question = pickle.loads(data)  # noqa: S301 - from our parent
        if isinstance(question, ChangeQuestion):
            return _difference(question)
        if isinstance(question, ValuesQuestion):
            return values_at(question.secret, question.paths, question.existing)
        if isinstance(question, ExistingSecretQuestion):
            return existing_secret(question.secret)
        return _release(question)
    except (MemoryError, RecursionError):
        return None


def _difference(question: ChangeQuestion) -> SettingsDiff:
    found = difference(question.old, question.new)
    if len(found.changes) > MOST_CHANGES:
        return SettingsDiff((SettingChange((), MISSING, UNKNOWN),))
    return found


def _release(question: ReleaseQuestion) -> Release:
    deployed = storage.objects(question.secret)
    if isinstance(deployed, ReleaseUnread):
        return deployed
    return [sealed(each, question.key) for each in deployed]


def main() -> None:
    """Serve whoever has started us."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    serve(sys.stdin.buffer, sys.stdout.buffer)
