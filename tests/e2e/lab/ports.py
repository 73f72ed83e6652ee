"""Ports for clusters that run side by side on one machine.

Left to itself, kwokctl picks ports that are free at that moment; two clusters that start together
pick the same. So the lab picks, under a lock, from a range that the kernel does not hand out to
outgoing connections (those begin at 32768 on Linux), and counts ports promised to other clusters.
"""

import random
import socket
from collections.abc import Collection

from tests.e2e.lab.errors import LabError

_RANGE = range(20000, 30000)


def pick(count: int, promised: Collection[int]) -> list[int]:
    """So many ports that nobody listens on and nobody was promised."""
    candidates = random.sample(_RANGE, len(_RANGE))
    free = [port for port in candidates[: 20 * count] if port not in promised and _is_free(port)]
    if len(free) < count:
        raise LabError(
            f"found no {count} free ports in {_RANGE.start}-{_RANGE.stop - 1}: "
            "tear clusters down (`python -m tests.e2e.lab status` lists them)"
        )
    return free[:count]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
