"""Where the lab keeps things: what can be rebuilt, what runs, and what is left of failures."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LAB = Path(__file__).resolve().parent
REPOSITORY = LAB.parents[2]

# Beside the checkout, so that whoever reads a failure (or a CI job that uploads it) finds it.
KEPT_LOGS = REPOSITORY / ".e2e-logs"

_APPLICATION = "hub-responsibility"


def _base(variable: str, fallback: str) -> Path:
    """Find a base directory by the XDG specification, which says to ignore relative values."""
    value = os.environ.get(variable, "")
    base = Path(value) if value.startswith("/") else Path.home() / fallback
    return base / _APPLICATION


def cache_root() -> Path:
    """For binaries: costly to make, safe to delete."""
    return _base("XDG_CACHE_HOME", ".cache")


def clusters_root() -> Path:
    """For running clusters: one directory each, gone when the cluster is."""
    return _base("XDG_STATE_HOME", ".local/state") / "clusters"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file, across processes and threads.

    The kernel drops it when its holder dies, so a killed run leaves nothing to clean up.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
