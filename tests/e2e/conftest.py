"""Clusters for tests: one that each module has to itself for a while, and more where it must."""

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.e2e.lab import clusters, lifetime
from tests.e2e.lab.cluster import Cluster, Options
from tests.e2e.lab.errors import NotSupported
from tests.e2e.lab.existing import ExistingCluster
from tests.e2e.lab.pool import Pool
from tests.e2e.schedule import pytest_collection_modifyitems, pytest_xdist_make_scheduler
from tests.e2e.seeds import SEED
from tests.e2e.timing import Timing

# What pytest looks for in this module.
__all__ = ["pytest_collection_modifyitems", "pytest_xdist_make_scheduler"]

MakeCluster = Callable[..., Cluster]


def pytest_configure(config: pytest.Config) -> None:
    """Have the run tell where its time went."""
    config.pluginmanager.register(Timing())


def pytest_report_header() -> str:
    """Tell the seed, so that a run can be had again."""
    return f"SEED={SEED}"


@contextmanager
def _unsupported_is_skipped() -> Iterator[None]:
    """Skip, and say what this kind of cluster can't do, and what can."""
    try:
        yield
    except NotSupported as reason:
        pytest.skip(f"not supported here: {reason}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None]:
    """Skip a test whose fixtures want of a cluster what its kind can't do."""
    with _unsupported_is_skipped():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None]:
    """Skip a test that wants of a cluster what its kind can't do."""
    with _unsupported_is_skipped():
        return (yield)


@pytest.fixture(scope="session")
def pool() -> Iterator[Pool]:
    """Keep the clusters that this process's modules take turns on."""
    clusters.sweep()
    with Pool(f"e2e-{os.getpid()}") as opened:
        yield opened


@pytest.fixture(scope="module")
def cluster(pool: Pool, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """Have a blank cluster for the tests of a module; they use namespaces of their own."""
    with lent(pool, request) as taken:
        yield taken


@contextmanager
def lent(
    pool: Pool, request: pytest.FixtureRequest, options: Options | None = None
) -> Iterator[Cluster]:
    """Lend a blank cluster of the pool; its logs are kept if a test fails meanwhile."""
    failed_before = request.session.testsfailed
    with pool.taken(options) as taken:
        yield taken
        _keep_logs_of_failures(request.session, failed_before, taken)


@pytest.fixture
def make_cluster(request: pytest.FixtureRequest) -> Iterator[MakeCluster]:
    """Make further clusters, e.g. without RBAC or to be broken; gone after the test."""
    only_disposable("it starts more clusters")
    failed_before = request.session.testsfailed
    with ExitStack() as stack:
        made: list[Cluster] = []

        def make(suffix: str, options: Options | None = None) -> Cluster:
            fresh = clusters.cluster(f"e2e-{os.getpid()}-{suffix}", options=options)
            made.append(stack.enter_context(fresh))
            return fresh

        yield make
        _keep_logs_of_failures(request.session, failed_before, *made)


def only_disposable(why: str) -> None:
    """Stop where the cluster is somebody's.

    Raises:
        NotSupported: it is.
    """
    if clusters.choose() is ExistingCluster:
        raise NotSupported(f"{why}: an existing cluster is not for that; use kwok or kind")


def _keep_logs_of_failures(session: pytest.Session, failed_before: int, *used: Cluster) -> None:
    # A fixture is torn down after its test's outcome has been counted.
    if session.testsfailed == failed_before:
        return
    for each in used:
        if (kept := each.keep_logs()) is not None:
            lifetime.say(f"\nlogs of cluster {each.name} are kept in {kept}")
