"""The operator beside a cluster: a process of its own, with its log, pid and port in one place.

In a cluster the chart runs it as a pod. Here it runs from this checkout, with the same
ServiceAccount: a token by TokenRequest and exactly the rights that the chart gives it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from demo.installation import ACCOUNT, NAMESPACE
from responsibility.api.names import SETTING_PREFIX
from tests.e2e.lab import ports, processes
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.errors import LabError
from tests.e2e.lab.identities import service_account_token, token_kubeconfig
from tests.e2e.lab.waiting import wait_until

# Nobody renews it, and a demo may stay up for a while.
_TOKEN_LIFETIME = "720h"  # noqa: S105 - a duration
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Operator:
    """The operator of one demo, running or not."""

    cluster: Cluster

    @property
    def directory(self) -> Path:
        """Where its files are: beside the cluster's own, and gone with them."""
        return self.cluster.directory / "operator"

    @property
    def log(self) -> Path:
        """What it says."""
        return self.directory / "log"

    @property
    def url(self) -> str:
        """Where its metrics and probes are served."""
        port = (self.directory / "port").read_text(encoding="utf-8")
        return f"http://127.0.0.1:{port}"

    @property
    def _pid(self) -> Path:
        return self.directory / "pid"

    def start(self) -> None:
        """Start it anew and wait until it has assessed the cluster once.

        Anew also if it runs already: what it says then is about what is there now.
        """
        self.stop()
        self.directory.mkdir(parents=True, exist_ok=True)
        port = ports.pick_one()
        (self.directory / "port").write_text(str(port), encoding="utf-8")
        token = service_account_token(self.cluster, NAMESPACE, ACCOUNT, duration=_TOKEN_LIFETIME)
        kubeconfig = token_kubeconfig(self.cluster, token, self.directory / "kubeconfig")
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                # A process is known by its cluster's directory among its arguments, and Python
                # takes any word after -X.
                [
                    *(sys.executable, "-X", f"cluster={self.directory}"),
                    *("-m", "responsibility.controller.main"),
                ],
                env=_environment(port, kubeconfig, self.cluster.name),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Whoever presses Ctrl-C at the demo's end does not mean the operator.
                start_new_session=True,
            )
        self._pid.write_text(str(process.pid), encoding="utf-8")

        def ready() -> bool:
            if process.poll() is not None:
                raise LabError(f"the operator ended at once; {self.log} ends in:\n{self._tail()}")
            return self._answers("/readyz")

        wait_until(ready, _PATIENCE, lambda: f"the operator; {self.log} ends in:\n{self._tail()}")

    def stop(self) -> None:
        """Stop it, if it runs."""
        processes.kill([self._pid], self.directory)

    def is_up(self) -> bool:
        """Return whether it runs and is ready."""
        return bool(processes.running([self._pid], self.directory)) and self._answers("/readyz")

    def metrics(self) -> str:
        """Return what it serves to a Prometheus."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=10) as answer:  # noqa: S310 - our own port
            text: str = answer.read().decode()
        return text

    def _answers(self, path: str) -> bool:
        try:
            with urllib.request.urlopen(self.url + path, timeout=5):  # noqa: S310 - our own port
                return True
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def _tail(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-1500:]


def _environment(port: int, kubeconfig: Path, cluster: str) -> dict[str, str]:
    # Not what the shell happens to hold for another operator or another cluster.
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(SETTING_PREFIX)}
    return inherited | {
        "KUBECONFIG": str(kubeconfig),
        "RESPONSIBILITY_LISTEN": f"127.0.0.1:{port}",
        "RESPONSIBILITY_NAMESPACE": NAMESPACE,
        "RESPONSIBILITY_CLUSTER_NAME": cluster,
    }
