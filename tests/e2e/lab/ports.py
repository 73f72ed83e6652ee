"""Ports for clusters that run side by side on one machine.

Left to itself, kwokctl picks ports that are free at that moment; two clusters that start together
pick the same. So the lab picks, under a lock, from a range that the kernel does not hand out to
outgoing connections (those begin at 32768 on Linux), and counts ports promised to other clusters.
"""

import random
import socket
from collections.abc import Collection

from tests.e2e.lab.errors import LabError

_RANGE = range(20000, 28000)
# For what listens at once: a cluster's ports are picked seconds before it does.
_AT_ONCE = range(28000, 30000)


def pick_one() -> int:
    """Return a port for something that is no cluster and listens on it at once."""
    (port,) = _pick(1, (), _AT_ONCE)
    return port


def pick(count: int, promised: Collection[int]) -> list[int]:
    """So many ports for clusters that nobody listens on and nobody was promised."""
    return _pick(count, promised, _RANGE)


def _pick(count: int, promised: Collection[int], of: range) -> list[int]:
    candidates = random.sample(of, len(of))
    free = [port for port in candidates[: 20 * count] if port not in promised and _is_free(port)]
    if len(free) < count:
        raise LabError(
            f"found no {count} free ports in {of.start}-{of.stop - 1}: "
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
