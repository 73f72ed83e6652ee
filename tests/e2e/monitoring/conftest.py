"""One cluster, one operator and two Prometheus servers for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.e2e.conftest import lent
from tests.e2e.lab.pool import Pool
from tests.e2e.monitoring import organisation
from tests.e2e.monitoring.alertmanager import Alertmanager, telling
from tests.e2e.monitoring.prometheus import Json, Prometheus, running
from tests.e2e.monitoring.windows import shortened
from tests.e2e.operator.chart import NAMESPACE
from tests.e2e.operator.process import Operator
from tests.e2e.operator.world import World


@pytest.fixture(scope="module")
def world(
    pool: Pool, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Take a cluster, with the chart, and an organisation on which much has gone wrong."""
    directory = tmp_path_factory.mktemp(Path(request.module.__file__).stem)
    with lent(pool, request) as cluster:
        made = World(cluster, directory)
        # A delegation that has ended when it is written is refused else, and one is needed here.
        made.install("--set", "policies.recordDates=false")
        organisation.put(made, datetime.now(UTC))
        yield made


@pytest.fixture(scope="module")
def operator(world: World) -> Iterator[Operator]:
    """Run the operator, which lists and samples oftener than it would, so that it has data."""
    settings = {"RELIST_SECONDS": "3", "SAMPLE_SECONDS": "2"}
    with world.operator(settings=settings) as started:
        world.until_at_rest(started)
        yield started


@pytest.fixture(scope="module")
def told(world: World) -> Iterator[Alertmanager]:
    """Run an Alertmanager, which the Prometheus of one cluster tells of its alerts."""
    with telling(world.directory / "told") as started:
        yield started


@pytest.fixture(scope="module")
def one(world: World, operator: Operator, told: Alertmanager) -> Iterator[Prometheus]:
    """Run a Prometheus of one cluster, which names no cluster, with the rules."""
    jobs = [_job(operator)]
    with running(world.directory / "one", jobs, shortened(), told.address) as started:
        yield started


@pytest.fixture(scope="module")
def many(world: World, operator: Operator) -> Iterator[Prometheus]:
    """Run a Prometheus of two clusters with hubs of the same names: the same operator, twice."""
    jobs = [_job(operator, cluster=name) for name in ("north", "south")]
    with running(world.directory / "many", jobs, shortened()) as started:
        yield started


def _job(operator: Operator, **labels: str) -> Json:
    """Scrape the operator, with the labels that discovery adds in a cluster."""
    labels = {"namespace": NAMESPACE, "pod": "hub-responsibility-0", **labels}
    return {
        "job_name": labels.get("cluster", "services"),
        "static_configs": [{"targets": [operator.address], "labels": labels}],
    }
