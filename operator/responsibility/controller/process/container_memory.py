"""The container's memory: what it may take, and what it takes.

Beyond its limit the kernel kills all processes of a container at once, and nothing is left to say
why (`OOMKilled` in the pod's status). So it is said before.

Used is the working set, as kubelets and `kubectl top` have it: without files that the kernel can
read again (cAdvisor, ``container/libcontainer/handler.go``, ``setMemoryStats``).
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)

CGROUP = Path("/sys/fs/cgroup")
# What it takes on a cluster without a hub is 75 MiB; the rest is for looking at one.
LEAST = 96 << 20
# The share of its limit from which on the next list, or a plan, may be what ends it.
SHORT = 0.9
# Version 1 has no word for "no limit", but the largest number that it knows, in pages.
_UNLIMITED = 1 << 60
_EVERY = 5.0
# By version: the limit, what is used, the statistics, and of those the files read once.
_FILES = (
    ("memory.max", "memory.current", "memory.stat", "inactive_file"),
    (
        "memory/memory.limit_in_bytes",
        "memory/memory.usage_in_bytes",
        "memory/memory.stat",
        "total_inactive_file",
    ),
)


class TooLittleMemoryError(Exception):
    """The container may take less than the operator needs; the message says how much that is."""


@dataclass(frozen=True, slots=True)
class ContainerMemory:
    """The limit of a container and its working set, in bytes."""

    limit: int
    used: int

    @property
    def left(self) -> int:
        """How much more it may take, in bytes."""
        return self.limit - self.used

    @property
    def is_short(self) -> bool:
        """Whether so little is left that it may be killed soon."""
        return self.used > SHORT * self.limit


def read(cgroup: Path = CGROUP) -> ContainerMemory | None:
    """Return the container's memory; None where it has no limit, or none that can be read."""
    for limit, used, statistics, files in _FILES:
        try:
            most = int((cgroup / limit).read_text(encoding="ascii"))
            taken = int((cgroup / used).read_text(encoding="ascii"))
            lines = (cgroup / statistics).read_text(encoding="ascii").splitlines()
        except (OSError, ValueError):
            # Another version, no limit ("max"), or not Linux.
            continue
        if most >= _UNLIMITED:
            return None
        found = dict(line.split(" ", 1) for line in lines if " " in line)
        return ContainerMemory(most, max(0, taken - int(found.get(files, 0))))
    return None


def require(cgroup: Path = CGROUP) -> None:
    """Raise TooLittleMemoryError where the operator could not even start."""
    memory = read(cgroup)
    if memory is not None and memory.limit < LEAST:
        raise TooLittleMemoryError(
            f"the container may take {memory.limit >> 20} MiB of memory, and {LEAST >> 20} are "
            "needed before there is a hub: raise the chart's resources.limits.memory"
        )


async def watch(cgroup: Path = CGROUP, *, every: float = _EVERY) -> None:
    """Look ``every`` so many seconds until cancelled; warn when little is left, once each time."""
    short = False
    while True:
        memory = read(cgroup)
        if memory is not None and memory.is_short != short:
            short = memory.is_short
            logger.log(
                logging.WARNING if short else logging.INFO,
                "%s MiB of the container's %s MiB of memory are used%s",
                memory.used >> 20,
                memory.limit >> 20,
                "; beyond that it is killed: raise resources.limits.memory" if short else "",
            )
        await asyncio.sleep(every)
