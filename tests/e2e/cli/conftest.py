"""The demo's organisation on a real cluster, for the command line."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo import installation
from tests.e2e.conftest import lent, only_disposable
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.pool import Pool


@pytest.fixture(scope="package")
def demo(pool: Pool, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """Take a cluster, with the organisation, its records and its model."""
    only_disposable("the demo binds strangers to cluster-admin")
    with lent(pool, request) as taken:
        installation.install(taken)
        yield taken


@pytest.fixture
def kubeconfig(demo: Cluster, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point the command line at the demo."""
    monkeypatch.setenv("KUBECONFIG", str(demo.kubeconfig))
    return demo.kubeconfig
