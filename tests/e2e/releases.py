"""A release of the chart, installed and changed by Helm."""

from __future__ import annotations

import subprocess
from pathlib import Path

import yaml

from tests.e2e import helms
from tests.e2e.lab.cluster import Cluster
from tests.e2e.operator.api import Manifest
from tests.e2e.operator.world import hub

CHART = Path(__file__).parents[2] / "helm" / "hub-responsibility"
NAMESPACE = "chart-life"
RELEASE = "hub-responsibility"
GROUP = "responsibility.2i2c.org"
PATIENCE = 120.0
INSTALL = ("upgrade", "--install", RELEASE)
DEFINITIONS = tuple(f"{plural}.{GROUP}" for plural in ("responsibilities", "responsibilitymodels"))
KINDS = (
    "clusterroles,clusterrolebindings,roles,rolebindings,validatingadmissionpolicies,"
    "validatingadmissionpolicybindings,validatingwebhookconfigurations,deployments,services,"
    "serviceaccounts,configmaps,secrets,leases,poddisruptionbudgets,networkpolicies"
)


class Release:
    """One release, its Helm and its cluster."""

    def __init__(self, helm: Path, cluster: Cluster) -> None:
        self.program = helm
        self.cluster = cluster

    def helm(self, *arguments: str) -> str:
        """Run Helm."""
        done = self.tried(*arguments)
        assert done.returncode == 0, done.stderr[:4000]
        return done.stdout

    def tried(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Helm, whatever comes of it."""
        where = (f"--kubeconfig={self.cluster.kubeconfig}", f"--namespace={NAMESPACE}")
        command = [str(self.program), *arguments, *where]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def install(self, chart: Path = CHART, **values: str) -> str:
        """Install or upgrade with these values."""
        options = [f"--set={name.replace('__', '.')}={value}" for name, value in values.items()]
        command = (*INSTALL, str(chart), "--create-namespace", *options)
        return helms.installed(lambda: self.tried(*command))

    def ours(self) -> set[str]:
        """Return all objects of the release that are there, but for Helm's own memory."""
        chosen = f"-l=app.kubernetes.io/instance={RELEASE}"
        found = self.cluster.kubectl("get", KINDS, "-A", chosen, "-o=name").stdout
        return set(found.split())

    def refused(self) -> bool:
        """Whether somebody who administers the hub's namespace, and owns nothing, is refused."""
        done = self.cluster.kubectl(
            *("annotate", "namespace", "reef", "--overwrite", "--dry-run=server"),
            f"owners.{GROUP}/data=user:eve",
            check=False,
            as_user="eve",
            as_groups=["engineers"],
        )
        assert not done.returncode or "denied request" in done.stderr, done.stderr
        return bool(done.returncode)


def set_the_scene(cluster: Cluster) -> None:
    """Put a hub on a cluster, and somebody who may do anything and owns nothing."""
    apply(cluster, *hub("reef"))
    engineers = ("--clusterrole=cluster-admin", "--group=engineers")
    cluster.kubectl("create", "clusterrolebinding", "engineers", *engineers)


def apply(cluster: Cluster, *objects: Manifest) -> None:
    """Apply objects as an administrator."""
    stream = yaml.safe_dump_all(objects)
    cluster.kubectl("apply", "--server-side", "-f=-", input=stream)
