"""Make targets in lanes: those of one lane in turn, the lanes side by side.

End-to-end tests wait more than they compute, so what only computes takes what they leave: every
lane but the last is niced, and what a target there has to say is shown when it ends. The first
target that fails ends all.

python -m tests.lanes "lint unit" "e2e"
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

# An end-to-end test that is told to end has clusters to tear down.
_PATIENCE = 60.0


class Lanes:
    """What runs, what has been done, and what has failed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self.took: list[tuple[str, float]] = []
        self.failed: list[str] = []

    def run(self, targets: Sequence[str], *, beside: bool) -> None:
        """Make targets in turn, until one fails here or in another lane."""
        for target in targets:
            began = time.monotonic()
            command = [*(("nice", "-n", "5") if beside else ()), "make", "--no-print-directory"]
            output = subprocess.PIPE if beside else None
            with self._lock:
                if self.failed:
                    return
                print(f"--- {target}", flush=True)
                # A group of its own: whoever ends it ends what it has started, too.
                process = subprocess.Popen(
                    [*command, target], stdout=output, stderr=subprocess.STDOUT if beside else None,
                    start_new_session=True,
                )  # fmt: skip
                self._running.add(process)
            said, _ = process.communicate()
            self._ended(target, process, said or b"", time.monotonic() - began)

    def _ended(
        self, target: str, process: subprocess.Popen[bytes], said: bytes, seconds: float
    ) -> None:
        with self._lock:
            self._running.discard(process)
            if said and not (self.failed and process.returncode):
                print(f"--- {target} said:\n{said.decode(errors='replace')}", flush=True)
            if not process.returncode:
                self.took.append((target, seconds))
            elif not self.failed:
                self.failed.append(f"make {target} failed after {seconds:.0f} s")
                self.end()

    def end(self) -> None:
        """Ask all that runs to end."""
        for process in self._running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)


def main(arguments: Sequence[str]) -> int:
    """Run the lanes; 1 if one failed."""
    began, lanes = time.monotonic(), Lanes()
    threads = [
        threading.Thread(
            target=lanes.run, args=(lane.split(),), kwargs={"beside": number < len(arguments)}
        )
        for number, lane in enumerate(arguments, start=1)
    ]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except KeyboardInterrupt:
        lanes.failed.append("interrupted")
        lanes.end()
        for thread in threads:
            thread.join(_PATIENCE)
    if lanes.failed:
        print(f"error: {lanes.failed[0]}", file=sys.stderr)
        return 1
    print(f"--- all passed in {time.monotonic() - began:.0f} s:")
    for target, seconds in lanes.took:
        print(f"  {target} {seconds:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
