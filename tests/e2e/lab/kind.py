"""Kubernetes in containers: closest to a real cluster, with nodes that run pods."""

import shutil
import subprocess
from pathlib import Path

import yaml

from tests.e2e.lab.cluster import Cluster, Options
from tests.e2e.lab.directories import KEPT_LOGS
from tests.e2e.lab.errors import LabError, NotSupported

# Pulling the node image is most of it, the first time.
_PATIENCE = "300s"


class KindCluster(Cluster):
    """A cluster of one container. Its audit log is not turned on, and it is never half stopped."""

    kind = "kind"

    @property
    def context(self) -> str:
        """The name that kind gives it."""
        return f"kind-{self.name}"

    def up(self) -> None:
        """Create the cluster, unless it is there.

        Raises:
            NotSupported: the options ask for more than feature gates and API versions.
            LabError: kind failed.
        """
        given = self.options
        if given.apiserver_flags or given.authorization_mode != Options().authorization_mode:
            raise NotSupported("flags of the API server are not passed to kind; use kwok")
        _program()
        if self.is_up():
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        configuration = {
            "kind": "Cluster",
            "apiVersion": "kind.x-k8s.io/v1alpha4",
            "featureGates": dict(given.feature_gates),
            # Strings here, although they say true and false.
            "runtimeConfig": {k: str(v).lower() for k, v in given.runtime_config.items()},
        }
        self._kind(
            *("create", "cluster", "--config=-", f"--wait={_PATIENCE}"),
            input=yaml.safe_dump(configuration),
        )

    def down(self) -> None:
        """Delete the container."""
        self._kind("delete", "cluster")
        shutil.rmtree(self.directory, ignore_errors=True)

    def is_up(self) -> bool:
        """Whether it was created here and answers."""
        if not self.kubeconfig.exists():
            return False
        return self.kubectl("get", "--raw", "/readyz", check=False).returncode == 0

    def keep_logs(self) -> Path | None:
        """Have kind collect them; it has none where no container was made."""
        kept = KEPT_LOGS / self.name
        try:
            self._kind("export", "logs", str(kept))
        except LabError:
            return None
        return kept

    def _kind(self, *args: str, input: str | None = None) -> None:  # noqa: A002 - as subprocess has it
        command = [_program(), *args, f"--name={self.name}", f"--kubeconfig={self.kubeconfig}"]
        done = subprocess.run(command, input=input, capture_output=True, text=True, check=False)
        if done.returncode:
            raise LabError(
                f"`{' '.join(command)}` failed; does `docker info` answer?\n{done.stderr.strip()}"
            )


def _program() -> str:
    program = shutil.which("kind")
    if program is None:
        raise LabError(
            "kind is not on PATH: install it (https://kind.sigs.k8s.io), or use "
            "E2E_CLUSTER=kwok, which needs Go and no container engine"
        )
    return program
