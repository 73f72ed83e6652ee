"""Kubernetes in containers: closest to a real cluster, with nodes that run pods."""

import os
import re
import shutil
import subprocess
from functools import cached_property
from pathlib import Path

import yaml

from tests.e2e.lab import containers, lifetime
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.containers import docker
from tests.e2e.lab.directories import KEPT_LOGS, LAB
from tests.e2e.lab.errors import LabError
from tests.e2e.lab.kindconfig import configuration
from tests.e2e.lab.waiting import wait_until

# Pulling the node image is most of it, the first time.
_PATIENCE = 300.0
_SOON = 60.0
# The node's image, as `kindest/node:v1.37.0`; a version alone is a tag of that.
IMAGE = "E2E_KIND_IMAGE"
_REPOSITORY = "kindest/node"
# The kubelet runs what is here; what is taken away, it ends and doesn't start again.
_MANIFEST = "/etc/kubernetes/manifests/kube-apiserver.yaml"
_ASIDE = "/etc/kubernetes/kube-apiserver.aside.yaml"
_APISERVER = "crictl ps --quiet --name '^kube-apiserver$'"


class KindCluster(Cluster):
    """A cluster of one container. Its watches can't be made to expire; all else is as on kwok."""

    kind = "kind"

    @property
    def context(self) -> str:
        """The name that kind gives it."""
        return f"kind-{self.name}"

    @property
    def audit_log(self) -> Path:
        """Written in the node, to a directory that is shared with it."""
        return self.directory / "audit" / "audit.log"

    @property
    def node(self) -> str:
        """The only one, named as its container."""
        return f"{self.name}-control-plane"

    @cached_property
    def image(self) -> str:
        """The image of the node's own pods' sandboxes: it is there, and does nothing."""
        listed = self._in_node("crictl images --output json | jq -r '.images[].repoTags[]'")
        found = [tag for tag in listed.split() if "/pause:" in tag]
        return found[0] if found else super().image

    @property
    def neighbour(self) -> str:
        """The gateway of the network that kind's nodes are in."""
        return containers.gateway("kind")

    def up(self) -> None:
        """Create the cluster, unless it is there, and wait until pods can be made.

        Raises:
            LabError: kind failed; its nodes' logs are kept.
        """
        _program()
        if self.is_up():
            return
        if missing := containers.scarcity():
            lifetime.say(missing)
        self.audit_log.parent.mkdir(parents=True, exist_ok=True)
        # There before the API server is, so that it is this user's to read.
        self.audit_log.touch(mode=0o644)
        policy = self.audit_log.parent / "policy.yaml"
        shutil.copy(LAB / "audit-policy.yaml", policy)
        document = configuration(
            self.options, audit_policy=policy, audit_log=self.audit_log, image=node_image()
        )
        create = ("create", "cluster", "--config=-", f"--wait={_PATIENCE:g}s", "--retain")
        self._kind(*create, f"--kubeconfig={self.kubeconfig}", input=yaml.safe_dump(document))
        wait_until(
            self._is_complete,
            _SOON,
            f"the controller manager of {self.name} to work",
            interval=0.25,
        )

    def down(self) -> None:
        """Delete the container."""
        self._kind("delete", "cluster", f"--kubeconfig={self.kubeconfig}")
        shutil.rmtree(self.directory, ignore_errors=True)

    def is_up(self) -> bool:
        """Whether it was created here and answers."""
        return self.kubeconfig.exists() and self._answers()

    def stop_apiserver(self) -> None:
        """Take its manifest away from the kubelet, and kill it as a crash would."""
        self._in_node(
            f"mv {_MANIFEST} {_ASIDE}; for id in $({_APISERVER}); do "
            "kill -9 $(crictl inspect $id | jq .info.pid); done"
        )
        wait_until(
            lambda: not self._in_node(_APISERVER).strip() and not self._answers(),
            _SOON,
            f"the API server of {self.name} to be gone",
        )

    def start_apiserver(self) -> None:
        """Give it back, and wait until it is ready."""
        self._in_node(f"if [ -f {_ASIDE} ]; then mv {_ASIDE} {_MANIFEST}; fi")
        wait_until(self._answers, 2 * _SOON, f"the API server of {self.name}", interval=0.25)

    def keep_logs(self) -> Path | None:
        """Have kind collect them; there are none where no container was made."""
        kept = KEPT_LOGS / self.name
        try:
            if self.name not in self._kind("get", "clusters", named=False).split():
                return None
            self._kind("export", "logs", str(kept))
        except LabError as error:
            lifetime.say(f"the logs of cluster {self.name} can't be had: {error}")
            return None
        return kept

    def _is_complete(self) -> bool:
        """Whether controllers have made what every cluster has, so that it is there at first."""
        account = self.kubectl("get", "serviceaccount/default", check=False)
        roots = ("get", "configmaps", "-A", "--field-selector=metadata.name=kube-root-ca.crt")
        owned = ("get", "replicasets,controllerrevisions", "-n=kube-system")
        lists = ((*roots, "-o=name"), ("get", "namespaces", "-o=name"), (*owned, "-o=name"))
        have, namespaces, made = (self.kubectl(*each, check=False).stdout for each in lists)
        return (
            account.returncode == 0
            and len(have.split()) >= len(namespaces.split()) > 0
            and all(
                kind in made for kind in ("replicaset.apps/coredns", "revision.apps/kube-proxy")
            )
        )

    def _answers(self) -> bool:
        asked = self.kubectl("get", "--raw", "/readyz", "--request-timeout=5s", check=False)
        return asked.returncode == 0

    def _in_node(self, script: str) -> str:
        """Run a script in the node, and return what it says."""
        return docker("exec", self.node, "sh", "-ec", script).stdout

    def _kind(self, *args: str, input: str | None = None, named: bool = True) -> str:  # noqa: A002 - as subprocess has it
        command = [_program(), *args, *([f"--name={self.name}"] if named else [])]
        done = subprocess.run(command, input=input, capture_output=True, text=True, check=False)
        if done.returncode:
            raise LabError(f"`{' '.join(command)}` failed{_hint(done.stderr)}\n{done.stderr}")
        return done.stdout


def node_image() -> str | None:
    """Return the image that is asked for, if one is; else kind's default is taken."""
    asked = os.environ.get(IMAGE, "").strip()
    if re.fullmatch(r"v?\d+\.\d+\.\d+\S*", asked):
        return f"{_REPOSITORY}:v{asked.removeprefix('v')}"
    return asked or None


def why_not() -> str:
    """Return what keeps kind from working on this machine; empty if nothing does."""
    if shutil.which("kind") is None:
        return "kind is not on PATH"
    if not containers.answers():
        return "docker doesn't answer"
    image = node_image() or _default_image()
    if image and not containers.can_have_image(image):
        return f"its node image {image} is not here, and no registry has it; {IMAGE} names another"
    return ""


def _default_image() -> str:
    """Find the image that kind would take in the program itself: no command of it tells."""
    with Path(_program()).open("rb") as program:
        found = re.search(rb"kindest/node:v\d+\.\d+\.\d+@sha256:[0-9a-f]{64}", program.read())
    return found[0].decode() if found else ""


def _hint(said: str) -> str:
    """Say what is known to help, for what kind has said."""
    if "pull" in said and "image" in said:
        return f": no registry has the node's image. {IMAGE} names another, E2E_CLUSTER=kwok none"
    if scarce := containers.scarcity():
        return f": {scarce}"
    return ""


def _program() -> str:
    program = shutil.which("kind")
    if program is None:
        raise LabError(
            "kind is not on PATH: install it (https://kind.sigs.k8s.io), or use "
            "E2E_CLUSTER=kwok, which needs Go and no container engine"
        )
    return program
