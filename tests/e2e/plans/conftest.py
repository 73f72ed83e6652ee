"""A cluster of its own: a plan for all of it would touch what other tests have made."""

import os
from collections.abc import Iterator

import pytest

from tests.e2e.lab import clusters
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.existing import ExistingCluster


@pytest.fixture(scope="package")
def plans_cluster() -> Iterator[Cluster]:
    """Start a cluster on which everything may be revoked."""
    if clusters.choose() is ExistingCluster:
        pytest.skip("plans would be made for all of a cluster: set E2E_CLUSTER=kwok or kind")
    with clusters.cluster(f"e2e-{os.getpid()}-plans") as fresh:
        yield fresh
