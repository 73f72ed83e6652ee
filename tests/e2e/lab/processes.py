"""The processes of a cluster, known by the pid files that kwokctl writes.

They are no children of ours (a cluster may outlive the process that started it), so they can be
neither waited for nor trusted: after a reboot a pid in a file may be anybody's.
"""

import os
import signal
from collections.abc import Iterable
from pathlib import Path

from tests.e2e.lab.waiting import wait_until

_PROC = Path("/proc")
_PATIENCE = 20.0


def running(pid_files: Iterable[Path], owner: Path) -> dict[Path, int]:
    """Select the pid files of living processes of the cluster in the directory `owner`."""
    pids = {path: _read(path) for path in pid_files}
    return {path: pid for path, pid in pids.items() if pid and is_ours(pid, owner)}


def is_ours(pid: int, owner: Path) -> bool:
    """Whether a process is alive and names `owner` in its arguments, as all of a cluster's do."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    if not (_PROC / "self").exists():
        return True  # no procfs (macOS): the pid file's word has to do
    try:
        # Empty for a zombie, which is as dead as it gets where nobody reaps (a container's PID 1).
        arguments = (_PROC / str(pid) / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return os.fsencode(owner) in arguments


def kill(pid_files: Iterable[Path], owner: Path) -> None:
    """End processes at once, wait until they are gone, and remove their pid files.

    SIGKILL, since an API server asked politely takes a minute to let its watchers go.
    """
    paths = list(pid_files)
    alive = running(paths, owner)
    for pid in alive.values():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    wait_until(
        lambda: all(_has_ended(pid, owner) for pid in alive.values()),
        _PATIENCE,
        f"processes {sorted(alive.values())} to die; end them by hand",
        interval=0.01,
    )
    for path in paths:
        path.unlink(missing_ok=True)


def _has_ended(pid: int, owner: Path) -> bool:
    """Whether nothing of a process is left, its sockets included.

    What it was started with is forgotten before they are closed, and its last thread closes them.
    """
    if is_ours(pid, owner):
        return False
    try:
        threads = len(list((_PROC / str(pid) / "task").iterdir()))
        state = (_PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()[0]
        somebody_elses = bool((_PROC / str(pid) / "cmdline").read_bytes())
    except (FileNotFoundError, ProcessLookupError):
        return True
    return somebody_elses or (state == b"Z" and threads == 1)


def forget_dead(pid_files: Iterable[Path], owner: Path) -> None:
    """Remove pid files of processes that are gone; kwokctl takes a zombie for a running one."""
    paths = list(pid_files)
    alive = running(paths, owner)
    for path in paths:
        if path not in alive:
            path.unlink(missing_ok=True)


def _read(path: Path) -> int:
    try:
        return int(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return 0
