"""An operator that is forked is what one is that Python has started: no cluster needed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e.lab import fork_server
from tests.e2e.lab.fork_server import ForkedProcess
from tests.e2e.lab.waiting import STRETCH
from tests.e2e.operator.process import PROGRAM, Operator, spawned

# Where nobody listens: it waits for its API server.
_KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: nobody
clusters: [{name: nobody, cluster: {server: "http://127.0.0.1:9"}}]
users: [{name: nobody, user: {}}]
contexts: [{name: nobody, context: {cluster: nobody, user: nobody}}]
"""


def started(
    how: str, settings: Mapping[str, str], log: Path
) -> subprocess.Popen[bytes] | ForkedProcess:
    environment = {
        "PATH": os.environ["PATH"],
        **{f"RESPONSIBILITY_{name}": value for name, value in settings.items()},
    }
    if how == "forked":
        return fork_server.shared().start(PROGRAM, environment=environment, log=log)
    return spawned([sys.executable, "-m", PROGRAM], environment, log)


def test_it_ends_with_the_same_words_and_the_same_code(tmp_path: Path) -> None:
    ends = []
    for how in ("forked", "spawned"):
        log = tmp_path / how
        process = started(how, {"LISTEN": "nowhere", "NAMESPACE": "ours"}, log)
        ends.append((process.wait(STRETCH * 60), log.read_text(encoding="utf-8")))
    assert ends[0] == ends[1]
    code, said = ends[0]
    assert code == 1
    assert "RESPONSIBILITY_LISTEN" in said


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 0), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_it_takes_signals_as_its_own(tmp_path: Path, number: signal.Signals, code: int) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(_KUBECONFIG, encoding="utf-8")
    settings = {"KUBECONFIG": str(kubeconfig), "LISTEN": "127.0.0.1:0", "NAMESPACE": "ours"}
    log = tmp_path / "log"
    operator = Operator(started("forked", settings, log), log)
    operator.until_logged("listening on port", 60)
    with pytest.raises(subprocess.TimeoutExpired):
        operator.process.wait(0.01)
    assert operator.answer("/healthz")[0] == 200
    operator.signal(number)
    assert operator.process.wait(STRETCH * 60) == code
    assert not operator.running
    # As with one that has ended, and been waited for.
    operator.signal(number)
