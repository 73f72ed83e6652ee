"""A second API server on a cluster's etcd, at a port that no watcher knows.

It is how a test changes things while, for everybody else, the API server is down.
"""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.lab.waiting import wait_until

_NAME = "kube-apiserver"
_PATIENCE = 60.0


@contextmanager
def apiserver(home: Path, port: int, ready: Callable[[], bool]) -> Iterator[None]:
    """Run it with the arguments of the cluster in kwokctl's directory `home`, until left."""
    component = _component(home / "kwok.yaml")
    logs = home / "logs"
    replaced = {
        "--secure-port": str(port),
        # Two processes that append to one file would write into each other's lines.
        "--audit-log-path": str(logs / "audit-meanwhile.log"),
    }
    split = (argument.partition("=") for argument in component["args"])
    arguments = [f"{flag}={replaced.get(flag, value)}" for flag, _, value in split]
    pid_file = home / "pids" / f"{_NAME}-meanwhile.pid"
    with (logs / f"{_NAME}-meanwhile.log").open("ab") as log:
        process = subprocess.Popen(
            [component["binary"], *arguments], stdout=log, stderr=log, start_new_session=True
        )
    try:
        # So that a teardown finds it, should this process not live to end it.
        pid_file.write_text(str(process.pid), encoding="utf-8")
        wait_until(ready, _PATIENCE, f"a second API server; see {logs}")
        yield
    finally:
        process.kill()
        process.wait()
        pid_file.unlink(missing_ok=True)


def _component(path: Path) -> dict[str, Any]:
    """Find the API server in the file where kwokctl keeps all it knows of a cluster."""
    documents = yaml.safe_load_all(path.read_text(encoding="utf-8"))
    [config] = [each for each in documents if each["kind"] == "KwokctlConfiguration"]
    found: dict[str, Any] = next(each for each in config["components"] if each["name"] == _NAME)
    return found
