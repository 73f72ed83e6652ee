"""A fork server: processes that begin with their imports done, as ``python -m MODULE`` would run.

An operator's imports are more than a second of a processor, three times what most tests then have
it do, and a run starts hundreds. So one process imports once, and each operator is a fork of it:
with its own memory, environment, signals and output, and it ends as any interpreter does. Python's
own (``multiprocessing``'s) ends its children by ``os._exit``, which skips what is told at the end
of an interpreter, and tests look for that. What ``python`` itself does with a program, from its
flags to its path, is for tests of the image, which are started by it.

The server is ``python -m tests.e2e.lab.fork_server DESCRIPTOR MODULE…``. It is asked by lines of
JSON through a socket, and ends when that is closed.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

# What operators are forked with.
MODULES: Final = ("responsibility.controller.main",)
# Seconds between two looks at whether a process has ended.
_BETWEEN = 0.02

Json = dict[str, Any]


class ForkServer:
    """The server's other end. Threads may share it."""

    def __init__(self, *modules: str) -> None:
        """Start a server that imports modules; it may be asked at once."""
        ours, its = socket.socketpair()
        with its:
            command = [sys.executable, "-m", __name__, str(its.fileno()), *modules]
            self._process = subprocess.Popen(
                command,
                pass_fds=[its.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        self._socket, self._lines = ours, ours.makefile("rb")
        self._lock = threading.Lock()

    def start(self, module: str, *, environment: Mapping[str, str], log: Path) -> ForkedProcess:
        """Run a module as a program, with this environment alone; its output is the log."""
        # Who reads it at once finds it.
        log.write_bytes(b"")
        asked = {"module": module, "environment": dict(environment), "log": str(log)}
        return ForkedProcess(self, int(self.ask(asked)["pid"]))

    def ask(self, question: Json) -> Json:
        """Return the server's answer."""
        with self._lock:
            self._socket.sendall(json.dumps(question).encode() + b"\n")
            answer = self._lines.readline()
        if not answer:
            raise EOFError(f"the fork server has ended with {self._process.wait()}")
        told: Json = json.loads(answer)
        return told

    def close(self) -> None:
        """End it; what it has forked goes on."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._process.wait()


class ForkedProcess:
    """A process that a server has forked; as ``subprocess.Popen``, as far as that goes."""

    def __init__(self, server: ForkServer, pid: int) -> None:
        self._server, self.pid = server, pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return what it ended with, if it has; a signal is a negative number."""
        if self.returncode is None:
            self.returncode = self._server.ask({"wait": self.pid})["code"]
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises subprocess.TimeoutExpired after so many seconds."""
        end = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if end is not None and time.monotonic() > end:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            time.sleep(_BETWEEN)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it is known to have ended."""
        if self.poll() is None:
            # Until its end has been asked for, its number is nobody else's.
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it without a word."""
        self.send_signal(signal.SIGKILL)


@cache
def shared() -> ForkServer:
    """Return this process's server of operators, from the first use to the process's end."""
    server = ForkServer(*MODULES)
    atexit.register(server.close)
    return server


def _serve(connection: socket.socket) -> Json | None:
    """Answer until nobody asks; in a fork, return what it was forked for."""
    with connection, connection.makefile("rb") as questions:
        for line in questions:
            question = json.loads(line)
            if "wait" in question:
                pid, status = os.waitpid(question["wait"], os.WNOHANG)
                answer = {"code": os.waitstatus_to_exitcode(status) if pid else None}
            elif pid := os.fork():
                answer = {"pid": pid}
            else:
                asked: Json = question
                return asked
            connection.sendall(json.dumps(answer).encode() + b"\n")
    return None


def _become(asked: Json) -> None:
    """Be a program of one's own."""
    # As in a process that has imported it itself: an assessment asks whether anything is put aside.
    gc.unfreeze()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(asked["environment"])
    log = os.open(asked["log"], os.O_WRONLY | os.O_APPEND)
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    os.close(log)
    module = asked["module"]
    # It is run as __main__, which it is not yet.
    sys.modules.pop(module, None)
    sys.argv = [module]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def main() -> None:
    """Serve; each fork leaves by here, too."""
    # A terminal's interrupt is for who has started us, and for the forks.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for module in sys.argv[2:]:
        importlib.import_module(module)
    # Looking through what is shared would only copy it. Once it is looked through here, so that it
    # counts as old, and forks don't soon do that.
    gc.collect()
    gc.freeze()
    asked = _serve(socket.socket(fileno=int(sys.argv[1])))
    if asked is not None:
        _become(asked)


if __name__ == "__main__":
    main()
