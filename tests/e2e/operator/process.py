"""The operator as a process of its own, and its three pages."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import urllib3

from tests.e2e.lab import fork_server
from tests.e2e.lab.fork_server import ForkedProcess
from tests.e2e.lab.waiting import STRETCH, wait_until
from tests.e2e.operator.chart import NAMESPACE
from tests.e2e.operator.samples import Samples

PROGRAM = "responsibility.controller.main"
_PATIENCE = 60.0
_OK = 200
_LISTENING = re.compile(r"listening on port (\d+)(?=\D)")


class Operator:
    """One running operator. ``log`` is all it has written so far."""

    def __init__(self, process: subprocess.Popen[bytes] | ForkedProcess, log: Path) -> None:
        self.process, self._log = process, log
        self._http = urllib3.PoolManager(retries=False, timeout=10.0)
        self._port = ""

    @property
    def log(self) -> str:
        """What it has logged."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self.process.poll() is None

    @property
    def address(self) -> str:
        """Where it serves its pages, once it listens."""
        if not self._port and (found := _LISTENING.search(self.log)) is not None:
            self._port = found[1]
        return f"127.0.0.1:{self._port}" if self._port else ""

    def page(self, path: str) -> tuple[int, str]:
        """Read one of its pages: status and text; status 0 while nobody listens."""
        if not self.address:
            return 0, ""
        try:
            answer = self._http.request("GET", f"http://{self.address}{path}")
        except urllib3.exceptions.HTTPError:
            return 0, ""
        return answer.status, answer.data.decode()

    def answer(self, path: str) -> tuple[int, str]:
        """Read one of its pages, as often as it takes until it listens and has the time."""

        def answered() -> tuple[int, str] | None:
            assert self.running, f"the operator ended with {self.process.returncode}:\n{self.log}"
            found = self.page(path)
            return found if found[0] else None

        answer = wait_until(answered, _PATIENCE, f"{path} to answer")
        assert answer is not None
        return answer

    def metrics(self) -> Samples:
        """Scrape it."""
        status, text = self.answer("/metrics")
        assert status == _OK, f"/metrics answered {status}"
        return Samples(text)

    def until_ready(self, seconds: float = _PATIENCE) -> None:
        """Wait until /readyz says so; fail at once if it dies."""

        def ready() -> bool:
            assert self.running, f"the operator ended with {self.process.returncode}:\n{self.log}"
            return self.page("/readyz")[0] == 200

        wait_until(ready, seconds, lambda: f"the operator to be ready:\n{self.log}")

    def until_logged(self, words: str, seconds: float = 30.0, *, since: int = 0) -> None:
        """Wait until it has written ``words``."""
        wait_until(
            lambda: words in self.log[since:], seconds, lambda: f"{words!r} in the log:\n{self.log}"
        )

    def stop(self) -> int:
        """Ask it to end, as a kubelet does, and return its exit code."""
        self.signal(signal.SIGTERM)
        return self.process.wait(STRETCH * 20)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it without a word."""
        self.process.kill()
        self.process.wait()


def spawned(
    command: Sequence[str], environment: Mapping[str, str], log: Path
) -> subprocess.Popen[bytes]:
    """Start a program whose output is the log."""
    with log.open("wb") as sink:
        return subprocess.Popen(command, env=environment, stdout=sink, stderr=sink)


def start(
    kubeconfig: Path, log: Path, *, settings: Mapping[str, str], program: str = PROGRAM
) -> Operator:
    """Start an operator, which somebody else is to end."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("KUBE")}
    environment = {
        **inherited,
        "RESPONSIBILITY_KUBECONFIG": str(kubeconfig),
        "RESPONSIBILITY_LISTEN": "127.0.0.1:0",
        "RESPONSIBILITY_NAMESPACE": NAMESPACE,
        **{f"RESPONSIBILITY_{name}": value for name, value in settings.items()},
    }
    forked = fork_server.shared().start(program, environment=environment, log=log)
    return Operator(forked, log)


@contextmanager
def running(
    kubeconfig: Path,
    log: Path,
    *,
    settings: Mapping[str, str],
    quiet: bool = True,
    program: str = PROGRAM,
) -> Iterator[Operator]:
    """Run an operator; at the end it must stop when asked, and say that all was well."""
    operator = start(kubeconfig, log, settings=settings, program=program)
    try:
        yield operator
    except BaseException:
        operator.kill()
        # Captured by pytest, and shown with the failure.
        print(f"--- {log.name} ---\n{operator.log[-20_000:]}")
        raise
    if operator.running:
        code = operator.stop()
        assert code == 0, f"it ended with {code}:\n{operator.log[-5_000:]}"
    assert not quiet or "Traceback" not in operator.log, operator.log[-10_000:]
