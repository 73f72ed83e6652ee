"""Clusters for tests: one that a session shares, and more where a test must have its own."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.e2e.lab import clusters, lifetime
from tests.e2e.lab.cluster import Cluster, Options
from tests.e2e.lab.errors import NotSupported
from tests.e2e.lab.existing import ExistingCluster
from tests.e2e.seeds import SEED

MakeCluster = Callable[..., Cluster]


def pytest_report_header() -> str:
    """Tell the seed, so that a run can be had again."""
    return f"SEED={SEED}"


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """Share one fresh cluster in the session; tests use namespaces of their own."""
    clusters.sweep()
    with clusters.cluster(f"e2e-{os.getpid()}") as shared:
        yield shared
        _keep_logs_of_failures(request.session, 0, shared)


@pytest.fixture
def make_cluster(request: pytest.FixtureRequest) -> Iterator[MakeCluster]:
    """Make further clusters, e.g. without RBAC or to be broken; gone after the test."""
    if clusters.choose() is ExistingCluster:
        pytest.skip("there is only one existing cluster; set E2E_CLUSTER=kwok or kind for more")
    failed_before = request.session.testsfailed
    with ExitStack() as stack:
        made: list[Cluster] = []

        def make(suffix: str, options: Options | None = None) -> Cluster:
            fresh = clusters.cluster(f"e2e-{os.getpid()}-{suffix}", options=options)
            try:
                made.append(stack.enter_context(fresh))
            except NotSupported as reason:
                pytest.skip(str(reason))
            return fresh

        yield make
        _keep_logs_of_failures(request.session, failed_before, *made)


def _keep_logs_of_failures(session: pytest.Session, failed_before: int, *used: Cluster) -> None:
    # A fixture is torn down after its test's outcome has been counted.
    if session.testsfailed == failed_before:
        return
    for each in used:
        if (kept := each.keep_logs()) is not None:
            lifetime.say(f"\nlogs of cluster {each.name} are kept in {kept}")
