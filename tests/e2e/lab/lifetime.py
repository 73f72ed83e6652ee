"""Nothing a test starts outlives it, however the test ends.

Three nets, since each has a hole: a context manager's exit (missed when the process is told to
stop), `atexit` and SIGTERM (missed when it is killed), and a record of who owns a cluster, by which
the next run finds the orphans of a killed one.
"""

import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

_OWNER = "owner"

_teardowns: dict[Path, Callable[[], None]] = {}

# Seconds that this process has spent on clusters, by what for: a run tells them at its end.
SPENT: dict[str, list[float]] = {}


@contextmanager
def counted(what: str) -> Iterator[None]:
    """Note how long something took that a cluster needed, if it came to its end."""
    began = time.monotonic()
    yield
    SPENT.setdefault(what, []).append(time.monotonic() - began)


def adopt(directory: Path, kind: str, teardown: Callable[[], None]) -> None:
    """Have `teardown` called when this process ends, and note the process as the owner."""
    if not _teardowns:
        _install()
    _teardowns[directory] = teardown
    directory.mkdir(parents=True, exist_ok=True)
    (directory / _OWNER).write_text(f"{os.getpid()} {kind}", encoding="utf-8")


def release(directory: Path) -> None:
    """Forget about a cluster that is gone."""
    _teardowns.pop(directory, None)


def orphans(root: Path) -> Iterator[tuple[Path, str]]:
    """Find the directory and kind of clusters whose owner has died; without one, they stay."""
    for record in sorted(root.glob(f"*/{_OWNER}")):
        try:
            pid, kind = record.read_text(encoding="utf-8").split()
        except (ValueError, FileNotFoundError):
            continue  # half written, or just torn down by its owner
        if not _exists(int(pid)):
            yield record.parent, kind


def say(line: str) -> None:
    """Tell the person at the terminal, also from within a test's captured output."""
    print(line, file=sys.__stderr__, flush=True)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # as another user
    return True


def _teardown_all() -> None:
    for directory, teardown in list(_teardowns.items()):
        release(directory)
        teardown()


def _install() -> None:
    atexit.unregister(_teardown_all)  # once is enough, however often clusters come and go
    atexit.register(_teardown_all)
    # Python allows handlers in the main thread only; elsewhere the other nets must do.
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _on_sigterm)


def _on_sigterm(number: int, _frame: FrameType | None) -> None:
    # Not by raising SystemExit: pytest takes that for the failure of one test and goes on.
    _teardown_all()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
