"""A control plane of plain processes: etcd, API server, controller manager, and kwok for nodes.

Needs no container engine and is up in seconds. Nothing is faked but the nodes, so it is the kind
that can do most: its API server can be stopped, and its watches can be made to expire.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.lab import etcd, ports, processes, unwatched
from tests.e2e.lab.binaries import build
from tests.e2e.lab.cluster import Cluster, Completed, Kubectl
from tests.e2e.lab.directories import LAB, clusters_root, locked
from tests.e2e.lab.errors import LabError
from tests.e2e.lab.kwokconfig import PORTS, configuration, ports_in, promised
from tests.e2e.lab.waiting import wait_until

_PATIENCE = 60.0
_MOMENT = 2.0
# Seconds; each question is a process, and what it asks about needs the processor more.
_BETWEEN = 0.25
_APISERVER = "kube-apiserver"
# A control plane lives for minutes: memory is cheaper than the time to collect it. A quarter of
# what it computes is that, with Go's own settings.
_COLLECT_LESS = {"GOGC": "300", "GOMEMLIMIT": "768MiB"}


class KwokCluster(Cluster):
    """A cluster made by kwokctl, in a directory of its own."""

    kind = "kwok"

    @property
    def context(self) -> str:
        """The name that kwokctl gives it."""
        return f"kwok-{self.name}"

    @property
    def logs(self) -> Path:
        """One file a component, and the audit log."""
        return self._home / "logs"

    @property
    def audit_log(self) -> Path:
        """One of the logs."""
        return self.logs / "audit.log"

    @property
    def node(self) -> str:
        """The one that kwok pretends to run."""
        return "lab-node"

    @property
    def neighbour(self) -> str:
        """All are processes of one machine."""
        return "127.0.0.1"

    @property
    def _home(self) -> Path:
        return self.directory / "kwok" / "clusters" / self.name

    @property
    def _configuration(self) -> Path:
        return self.directory / "kwokctl.yaml"

    @property
    def _pid_files(self) -> list[Path]:
        return sorted((self._home / "pids").glob("*.pid"))

    def up(self) -> None:
        """Build what is missing, create or continue the cluster, and wait until it serves."""
        build()
        with locked(clusters_root() / ".locks" / self.name):
            if self.is_up():
                return
            if (self._home / "kwok.yaml").exists():
                self._continue()
                return
            self.directory.mkdir(parents=True, exist_ok=True)
            self._write_configuration()
            self._kwokctl("create", f"--config={self._configuration}")
            self._wait_until_ready()
            self.kubectl("apply", "-f", str(LAB / "node.yaml"))

    def down(self) -> None:
        """Kill the processes and delete the directory. No need to ask kwokctl, or to be whole."""
        processes.kill(self._pid_files, self._home)
        shutil.rmtree(self.directory, ignore_errors=True)

    def is_up(self) -> bool:
        """Whether all of its processes run and the API server is ready."""
        pid_files = self._pid_files
        if not pid_files or len(processes.running(pid_files, self._home)) < len(pid_files):
            return False
        return self._answers()

    def stop_apiserver(self) -> None:
        """Kill it, as a crash would. A polite stop takes a minute, and is a rarer event."""
        processes.kill([self._home / "pids" / f"{_APISERVER}.pid"], self._home)

    def start_apiserver(self) -> None:
        """Start it again, with whatever else has died meanwhile."""
        self._continue()

    def compact(self) -> int:
        """Compact etcd's whole history; the revision it now begins with.

        Watches are not disturbed by that alone: the API server serves them from its own memory.
        """
        return etcd.compact_all(ports_in(self._configuration)["etcdPort"])

    def make_watches_expire(self, meanwhile: Callable[[Kubectl], object] | None = None) -> None:
        """Restart the API server with an empty memory, over an etcd with no history.

        Either one alone is not enough: a running API server remembers recent events, and one that
        has just started asks etcd for what it does not remember.
        """
        self.stop_apiserver()
        try:
            if meanwhile is not None:
                with self._unwatched_apiserver() as kubectl:
                    meanwhile(kubectl)
            self.compact()
        finally:
            # Also when `meanwhile` fails: the cluster may be shared with other tests.
            self.start_apiserver()

    def kubectl_program(self) -> Path:
        """Of the same version as the cluster."""
        return build() / "kubectl"

    @contextmanager
    def _unwatched_apiserver(self) -> Iterator[Kubectl]:
        """Hand out a kubectl that talks to an API server of its own."""
        with locked(clusters_root() / ".locks" / "ports"):
            port = ports.pick(1, promised(clusters_root()))[0]
        server = f"--server=https://127.0.0.1:{port}"

        def kubectl(*args: str, **options: Any) -> Completed:
            return self.kubectl(server, *args, **options)

        with unwatched.apiserver(self._home, port, lambda: self._answers(server)):
            yield kubectl

    def _answers(self, *flags: str) -> bool:
        asked = self.kubectl(*flags, "get", "--raw", "/readyz", "--request-timeout=5s", check=False)
        return asked.returncode == 0

    def _continue(self) -> None:
        """Have kwokctl start the components that do not run."""
        processes.forget_dead(self._pid_files, self._home)
        for log in self.logs.glob("*.log"):
            # kwokctl would truncate the log of what it starts, and that is where the reason for
            # its death stands.
            component = self._home / "pids" / f"{log.stem}.pid"
            if log != self.audit_log and not component.exists():
                with log.with_suffix(".earlier").open("ab") as earlier:
                    earlier.write(log.read_bytes())
        self._kwokctl("start")
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        wait_until(
            lambda: self._no_one_died() and self._answers(),
            _PATIENCE,
            f"the API server of {self.name}; see {self.logs}",
            interval=_BETWEEN,
        )
        if self._dead():
            # On a busy machine the controller manager gives up before the API server is there.
            processes.forget_dead(self._pid_files, self._home)
            self._kwokctl("start")
        # Made by the controller manager: a sign that it works, and pods need it.
        wait_until(
            lambda: self.kubectl("get", "serviceaccount/default", check=False).returncode == 0,
            _PATIENCE,
            f"the controller manager of {self.name} to work; see {self.logs}",
            interval=_BETWEEN,
        )

    def _dead(self) -> set[str]:
        pid_files = self._pid_files
        alive = processes.running(pid_files, self._home)
        return {path.stem for path in pid_files if path not in alive}

    def _no_one_died(self) -> bool:
        """Be sure that there is something to wait for: nobody starts these two again."""
        for name in sorted(self._dead() & {"etcd", _APISERVER}):
            if self._comes_to_life(name):
                continue
            log = self.logs / f"{name}.log"
            said = log.read_text(encoding="utf-8", errors="replace")[-1500:]
            raise LabError(
                f"{name} of {self.name} died when it was started; {log} ends in:\n{said}"
            )
        return True

    def _comes_to_life(self, name: str) -> bool:
        """Wait a moment: what was forked just now is not yet the program that it is to be."""
        try:
            wait_until(
                lambda: name not in self._dead(), _MOMENT, f"{name} to live", stretched=False
            )
        except LabError:
            return False
        return True

    def _write_configuration(self) -> None:
        with locked(clusters_root() / ".locks" / "ports"):
            picked = dict(
                zip(PORTS, ports.pick(len(PORTS), promised(clusters_root())), strict=True)
            )
            document = configuration(build(), picked, self.options, pki=self._home / "pki")
            self._configuration.write_text(yaml.safe_dump(document), encoding="utf-8")

    def _kwokctl(self, verb: str, *args: str) -> None:
        command = [str(build() / "kwokctl"), verb, "cluster", f"--name={self.name}", *args]
        if verb == "create":
            command.append(f"--kubeconfig={self.kubeconfig}")
        said = self.directory / "kwokctl.log"
        with said.open("ab") as log:
            process = subprocess.Popen(
                command,
                env={
                    **_COLLECT_LESS,
                    **os.environ,
                    "KWOK_WORKDIR": str(self.directory / "kwok"),
                },
                stdout=log,
                stderr=log,
            )
        try:
            # It waits for the API server, for minutes, and doesn't notice when that is dead.
            wait_until(
                lambda: process.poll() is not None or not self._no_one_died(),
                2 * _PATIENCE,
                f"`{' '.join(command)}`; see {said} and {self.logs}",
            )
        finally:
            process.kill()
            process.wait()
        if process.returncode:
            tail = said.read_text(encoding="utf-8", errors="replace")[-1500:]
            raise LabError(f"`{' '.join(command)}` failed; {said} ends in:\n{tail}")
