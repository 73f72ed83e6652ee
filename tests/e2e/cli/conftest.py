"""The demo's organisation on a real cluster, for the command line."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo import installation
from tests.e2e.lab import clusters
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.existing import ExistingCluster


@pytest.fixture(scope="package")
def demo() -> Iterator[Cluster]:
    """Bring up a cluster with the organisation, its records and its model."""
    if clusters.choose() is ExistingCluster:
        pytest.skip("the demo binds strangers to cluster-admin: set E2E_CLUSTER=kwok or kind")
    with clusters.cluster(f"e2e-{os.getpid()}-cli") as fresh:
        installation.install(fresh)
        yield fresh


@pytest.fixture
def kubeconfig(demo: Cluster, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point the command line at the demo."""
    monkeypatch.setenv("KUBECONFIG", str(demo.kubeconfig))
    return demo.kubeconfig
