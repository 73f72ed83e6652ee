"""A container without an engine: the image's entry point in namespaces of its own.

From the chart's Deployment come the command, the variables, the user and the read-only root; from
the image its files and environment; from here what a kubelet adds: a projected token that can be
rotated, an empty /tmp, process number 1. The root holds nothing else than the system's libraries,
so no account of ours, no home and no kubeconfig can help.

Not tried here: a kubelet and its probes, a network of Services, seccomp, limits of memory and CPU.
The tests in tests/e2e/pods do that, where there is a container engine.
"""

from __future__ import annotations

import base64
import itertools
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.image import build
from tests.e2e.lab.cluster import Cluster
from tests.e2e.operator import chart
from tests.e2e.operator.api import Manifest
from tests.e2e.operator.process import Operator, spawned

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_HOME = "/opt/hub-responsibility"
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache")
_DEVICES = ("null", "zero", "random", "urandom")


class ServiceAccountVolume:
    """The directory that a kubelet projects into a pod, and replaces whole, by one rename."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._generations = itertools.count(1)
        directory.mkdir(mode=0o755)

    def write(self, files: Mapping[str, str]) -> None:
        """Project these files in place of all that was there."""
        generation = self.directory / f"..generation_{next(self._generations)}"
        generation.mkdir(mode=0o755)
        for name, text in files.items():
            (generation / name).write_text(text, encoding="utf-8")
            (generation / name).chmod(0o644)
            link = self.directory / name
            if not link.is_symlink():
                link.symlink_to(f"..data/{name}")
        following = self.directory / "..data_tmp"
        following.symlink_to(generation.name)
        following.rename(self.directory / "..data")


@dataclass(frozen=True, slots=True)
class Server:
    """Where pods find the API server, and the authority that has signed its certificate."""

    host: str
    port: str
    authority: str

    @classmethod
    def of(cls, cluster: Cluster) -> Server:
        """Read it from the administrator's kubeconfig."""
        shown = cluster.kubectl("config", "view", "--raw", "--flatten", "--minify").stdout
        (entry,) = yaml.safe_load(shown)["clusters"]
        host, _, port = entry["cluster"]["server"].removeprefix("https://").rpartition(":")
        authority = base64.b64decode(entry["cluster"]["certificate-authority-data"]).decode()
        return cls(host, port, authority)


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """What is to be run, and in what surroundings."""

    image: Path
    command: Sequence[str]
    environment: Mapping[str, str]
    mounts: Mapping[str, Path] = field(default_factory=dict)
    """Directories from outside, read-only, by where they are mounted."""
    writable_tmp: bool = True

    def script(self, root: Path) -> str:
        """Return the shell script that lays out the root and becomes the program in it.

        To be run in new mount and process namespaces by who is root there.
        """
        place = shlex.quote(str(root))
        lines = [
            "set -eu",
            f"mount -t tmpfs -o mode=0755,size=16m none {place}",
            f"cd {place}",
            "mkdir -p dev proc tmp etc old",
            # Before what may lie below it outside is mounted into it.
            *(["mount -t tmpfs -o mode=1777,size=64m none tmp"] if self.writable_tmp else []),
            # As in the base image: there is an account of root's, and none with our number.
            "echo 'root:x:0:0:root:/root:/bin/sh' >etc/passwd; echo 'root:x:0:' >etc/group",
            "echo '127.0.0.1 localhost' >etc/hosts",
            *itertools.chain.from_iterable(map(_bound, self._places())),
            *(f"touch dev/{name}; mount --bind /dev/{name} dev/{name}" for name in _DEVICES),
            "mkdir dev/shm; mount -t tmpfs -o mode=1777,size=64m none dev/shm",
            "mount -t proc none proc",
            f"mkdir -p opt; [ -e .{_HOME} ] || ln -s {shlex.quote(str(self.image))} .{_HOME}",
            "pivot_root . old; cd /; umount -l /old; rmdir /old",
            "mount -o remount,ro,bind /",
            f"exec {shlex.join([*_becoming(), 'env', '-i', *self._variables(), *self.command])}",
        ]
        return "\n".join(lines)

    def _places(self) -> Iterator[tuple[str, str]]:
        """Yield what is mounted: from where, to where."""
        for name in _SYSTEM:
            yield name, name
        for directory in (self.image, self._interpreter().parents[1]):
            if not directory.is_relative_to("/usr"):
                yield str(directory), str(directory)
        for target, source in self.mounts.items():
            yield str(source), target

    def _interpreter(self) -> Path:
        return (self.image / "bin" / "python").resolve()

    def _variables(self) -> Iterator[str]:
        loading = build.loading(self.image / "bin" / "python")
        return (f"{name}={value}" for name, value in {**loading, **self.environment}.items())


def _bound(places: tuple[str, str]) -> list[str]:
    source, target = places
    if Path(source).is_symlink() and source in _SYSTEM:
        return [f"ln -s {shlex.quote(str(Path(source).readlink()))} .{target}"]
    if not Path(source).exists():
        return []
    at = shlex.quote(f".{target}")
    make = f"mkdir -p {at}" if Path(source).is_dir() else f"mkdir -p $(dirname {at}); touch {at}"
    return [f"{make}; mount --rbind {shlex.quote(source)} {at}"]


def _becoming() -> list[str]:
    """Return the command that becomes the image's user, for good and with no capability."""
    if os.geteuid() == 0:
        user = [f"--reuid={build.USER}", f"--regid={build.USER}", "--clear-groups"]
        return ["setpriv", *user, "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
    user = [f"--map-user={build.USER}", f"--map-group={build.USER}"]
    return ["unshare", "--user", *user, "setpriv", "--no-new-privs"]


def _namespaces() -> list[str]:
    own = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *own, "--mount", "--pid", "--fork", "--kill-child"]


def hindrance() -> str:
    """Return why no such container can be had on this machine; empty where one can."""
    for tool in ("unshare", "setpriv", "pivot_root"):
        if shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None:
            return f"there is no {tool} (util-linux), so nothing was started as a container's user"
    tried = subprocess.run(
        [*_namespaces(), "sh", "-c", "mount -t tmpfs none /mnt && mount -t proc none /proc"],
        capture_output=True,
        text=True,
        check=False,
    )
    if tried.returncode:
        return f"no namespaces of one's own can be made here: {tried.stderr.strip()}"
    return ""


class ContainedOperator(Operator):
    """The operator as number 1 of its container."""

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to number 1, as a kubelet does; what holds the namespaces ends with it."""
        os.kill(self._number_one(), number)

    def status(self) -> dict[str, str]:
        """Return what the kernel says of number 1, by field."""
        text = Path(f"/proc/{self._number_one()}/status").read_text(encoding="utf-8")
        return {
            name: value.strip() for name, _, value in (s.partition(":") for s in text.splitlines())
        }

    def _number_one(self) -> int:
        """Return its number out here."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
        assert children, f"it has ended:\n{self.log}"
        return int(children[0])


def of_chart(image: Path, server: Server, account: Path | None, *options: str) -> Container:
    """Return the chart's container, with its ServiceAccount's directory mounted, or with none."""
    (deployment,) = chart.pods(*options)
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsUser"] == build.USER
    assert container["securityContext"]["readOnlyRootFilesystem"]
    return Container(
        image=image,
        command=container["command"],
        environment={
            **_variables(container),
            "KUBERNETES_SERVICE_HOST": server.host,
            "KUBERNETES_SERVICE_PORT": server.port,
            # The network is the machine's own, and others may listen there.
            "RESPONSIBILITY_LISTEN": "127.0.0.1:0",
        },
        mounts={} if account is None else {ACCOUNT: account},
    )


def _variables(container: Manifest) -> dict[str, str]:
    fields = {"metadata.namespace": chart.NAMESPACE}
    found: dict[str, str] = {}
    for entry in container["env"]:
        source: dict[str, Any] = entry.get("valueFrom") or {}
        value = fields[source["fieldRef"]["fieldPath"]] if source else entry["value"]
        found[entry["name"]] = value
    return found


def run(container: Container, directory: Path, *, seconds: float = 180.0) -> tuple[int, str]:
    """Run a container to its end; return its exit code, and all that it has written."""
    with started(container, directory) as operator:
        return operator.process.wait(seconds), operator.log


@contextmanager
def started(container: Container, directory: Path) -> Iterator[ContainedOperator]:
    """Start a container; whatever is left of it in the end is killed."""
    root = directory / "root"
    root.mkdir(exist_ok=True)
    command = [*_namespaces(), "sh", "-c", container.script(root)]
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    log = directory / "container.log"
    operator = ContainedOperator(spawned(command, {"PATH": path}, log), log)
    try:
        yield operator
    finally:
        if operator.running:
            operator.kill()
        print(f"--- container.log ---\n{operator.log[-20_000:]}")
