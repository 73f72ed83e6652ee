"""What a test may ask of a cluster, whichever kind it is."""

import re
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from tests.e2e.lab import lifetime
from tests.e2e.lab.directories import KEPT_LOGS, clusters_root
from tests.e2e.lab.errors import KubectlError, LabError, NotSupported

Completed = subprocess.CompletedProcess[str]
Kubectl = Callable[..., Completed]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the API server is started. Kinds that cannot honour an option say so in `up`."""

    authorization_mode: str = "Node,RBAC"
    """`AlwaysAllow` is a cluster where RBAC is there to be read and decides nothing."""

    feature_gates: Mapping[str, bool] = field(default_factory=dict)
    runtime_config: Mapping[str, bool] = field(default_factory=dict)
    """API groups and versions by name, e.g. `{"api/all": True}`."""

    apiserver_flags: Mapping[str, str] = field(default_factory=dict)
    """Any other flags, without the dashes; they come last, so they win."""

    typechecks_policies: bool = False
    """Whether policies get their `status.typeChecking`. Nothing else depends on it, and for ours it
    is as much work as everything that the other controllers do. Kinds with a controller manager of
    their own always do it."""


class Cluster(ABC):
    """A control plane. As a context manager it is up inside and gone afterwards."""

    kind: ClassVar[str]

    def __init__(self, name: str, options: Options | None = None) -> None:
        # It becomes a directory, a kubeconfig context and a container's name.
        if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", name):
            raise LabError(
                f"{name!r} is no cluster name: use up to 40 of a-z, 0-9 and -, "
                "with a letter or a digit at both ends"
            )
        self.name = name
        self.options = options or Options()
        self.directory = clusters_root() / name

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig of an administrator, with this cluster as its only context."""
        return self.directory / "kubeconfig"

    @property
    @abstractmethod
    def context(self) -> str:
        """The name of the context in `kubeconfig`."""

    @property
    def audit_log(self) -> Path:
        """The API server's audit log (JSON lines); see `audit` for a reader."""
        raise NotSupported(f"the audit log of kind {self.kind} can't be read; use kwok or kind")

    @property
    def logs(self) -> Path | None:
        """The directory of the control plane's logs, where the kind has one."""
        return None

    @property
    def node(self) -> str:
        """The name of a node on which pods run that name it."""
        named = self.kubectl("get", "nodes", "-o=jsonpath={.items[0].metadata.name}").stdout
        return named.strip()

    @property
    def image(self) -> str:
        """An image that this node has, or gets, and that does nothing."""
        return "registry.k8s.io/pause:3.10"

    @property
    def neighbour(self) -> str:
        """The address at which the API server reaches a process of this machine."""
        raise NotSupported(f"nobody knows how kind {self.kind} reaches this machine; use kwok")

    @abstractmethod
    def up(self) -> None:
        """Bring the cluster up and wait until it serves; nothing happens if it does already."""

    @abstractmethod
    def down(self) -> None:
        """Tear the cluster down, whatever state it is in, with everything it kept on disk."""

    @abstractmethod
    def is_up(self) -> bool:
        """Whether the API server answers now."""

    def stop_apiserver(self) -> None:
        """Kill the API server, as a crash would; the rest of the control plane stays."""
        raise NotSupported(f"the API server of kind {self.kind} can't be stopped; use kwok")

    def start_apiserver(self) -> None:
        """Start the API server again and wait until it is ready."""
        raise NotSupported(f"the API server of kind {self.kind} can't be started; use kwok")

    def make_watches_expire(
        self,
        meanwhile: Callable[[Kubectl], object] | None = None,  # noqa: ARG002 - for kinds that can
    ) -> None:
        """Make every resource version seen so far too old to watch from (410 Gone).

        What `meanwhile` does, with the kubectl that it is handed, happens while no watcher can
        see it: a deletion there is one that no watch will ever report.
        """
        raise NotSupported(f"watches of kind {self.kind} can't be made to expire; use kwok")

    def kubectl(
        self,
        *args: str,
        input: str | None = None,  # noqa: A002 - the name that subprocess.run uses
        as_user: str | None = None,
        as_groups: Sequence[str] = (),
        kubeconfig: Path | None = None,
        check: bool = True,
    ) -> Completed:
        """Run kubectl as the administrator, or impersonating `as_user` with `as_groups`.

        `kubeconfig` replaces the administrator's, e.g. by one that `identities` made.

        Raises:
            KubectlError: it failed, and `check` is on.
        """
        if as_groups and as_user is None:
            raise LabError("the API server impersonates groups only with a user: pass as_user too")
        command = [str(self.kubectl_program()), f"--kubeconfig={kubeconfig or self.kubeconfig}"]
        if as_user is not None:
            # As by a token: without a uid it would be somebody who acts as a ServiceAccount.
            uid = ["--as-uid=any"] if as_user.startswith("system:serviceaccount:") else []
            command += [f"--as={as_user}", *uid, *(f"--as-group={group}" for group in as_groups)]
        command += args
        done = subprocess.run(command, input=input, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise KubectlError(command, done.returncode, done.stdout, done.stderr)
        return done

    def kubectl_program(self) -> Path:
        """Find the kubectl to use: the one on PATH, unless the kind builds its own."""
        found = shutil.which("kubectl")
        if found is None:
            raise LabError(
                "kubectl is not on PATH: install it (https://kubernetes.io/docs/tasks/tools/), "
                "or use E2E_CLUSTER=kwok, which builds one"
            )
        return Path(found)

    def keep_logs(self) -> Path | None:
        """Copy the logs to where they outlive the cluster; the directory, if there are any."""
        if self.logs is None or not self.logs.is_dir():
            return None
        kept = KEPT_LOGS / self.name
        shutil.copytree(self.logs, kept, dirs_exist_ok=True)
        return kept

    def __enter__(self) -> Self:
        lifetime.adopt(self.directory, self.kind, self.down)
        try:
            with lifetime.counted("started"):
                self.up()
        except BaseException:
            self._let_go(failed=True)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._let_go(failed=error is not None)

    def _let_go(self, *, failed: bool) -> None:
        if failed and (kept := self.keep_logs()) is not None:
            lifetime.say(f"logs of cluster {self.name} are kept in {kept}")
        self.down()
        lifetime.release(self.directory)
