"""Tools that people use, in their name: a kubeconfig of each, and Helm."""

import subprocess
from pathlib import Path

from tests.e2e.admission.asking import Person
from tests.e2e.lab import identities
from tests.e2e.lab.cluster import Cluster

EVERYTHING = ("e2e-everything",)


def as_person(cluster: Cluster, person: Person, namespace: str, folder: Path) -> Path:
    """Return a kubeconfig of somebody who by RBAC may do anything, in a namespace."""
    path = folder / f"{person.user.replace(':', '-')}.kubeconfig"
    groups = (*person.groups, *EVERYTHING)
    return identities.impersonating_kubeconfig(
        cluster, person.user, groups, path, namespace=namespace
    )


def run_helm(
    helm: Path, kubeconfig: Path, *arguments: str, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run Helm with a kubeconfig; it has to succeed, unless that is not asked."""
    done = subprocess.run(
        [str(helm), "--kubeconfig", str(kubeconfig), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 or not check, done.stderr
    return done
