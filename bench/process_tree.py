"""A process and its children, as the kernel counts them (``proc(5)``): CPU seconds and memory."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
# Seconds between two looks at the memory.
_BETWEEN = 0.1
# Of `stat`, behind the name: own time, and that of children that have been waited for.
_TIMES = slice(11, 15)


@dataclass(slots=True)
class Peak:
    """The most that was seen, in what it is measured in."""

    most: float = 0.0


@contextmanager
def peak_of(measure: Callable[[], float], between: float) -> Iterator[Peak]:
    """Measure again and again, with so many seconds between, in a thread of its own."""
    peak, ended = Peak(measure()), threading.Event()

    def look() -> None:
        while not ended.wait(between):
            peak.most = max(peak.most, measure())

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield peak
    finally:
        ended.set()
        looking.join()


@dataclass(frozen=True, slots=True)
class ProcessTree:
    """A process by its number, and all that it has started."""

    pid: int

    def cpu(self) -> float:
        """Return the seconds of processor that it has taken, with children that have ended."""
        return sum(_cpu(pid) for pid in self._pids())

    def memory(self) -> float:
        """Return its resident memory in MiB; what processes share is counted once for each."""
        return sum(_resident(pid) for pid in self._pids())

    def watched(self) -> AbstractContextManager[Peak]:
        """Look at the memory again and again: the most of it, in MiB."""
        return peak_of(self.memory, _BETWEEN)

    def _pids(self) -> list[int]:
        found = [self.pid]
        for pid in found:
            with suppress(OSError):
                for task in Path(f"/proc/{pid}/task").iterdir():
                    children = (task / "children").read_text(encoding="ascii")
                    found += map(int, children.split())
        return found


def _cpu(pid: int) -> float:
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
        return sum(map(int, fields[_TIMES])) / _TICKS
    return 0.0


def _resident(pid: int) -> float:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0.0
