"""A blank cluster for each module: what one module breaks, another never sees."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import lent
from tests.e2e.lab.cluster import Options
from tests.e2e.lab.pool import Pool
from tests.e2e.operator.process import Operator
from tests.e2e.operator.world import World


@pytest.fixture(scope="module")
def options() -> Options:
    """How the module's API server is started; modules override this."""
    return Options()


@pytest.fixture(scope="module")
def bare_world(
    pool: Pool,
    options: Options,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    """Take a cluster on which there is nothing of ours."""
    directory = tmp_path_factory.mktemp(Path(request.module.__file__).stem)
    with lent(pool, request, options) as cluster:
        yield World(cluster, directory)


@pytest.fixture(scope="module")
def world(bare_world: World) -> World:
    """Install the chart on it."""
    bare_world.install()
    return bare_world


@pytest.fixture(scope="module")
def operator(world: World) -> Iterator[Operator]:
    """Run the operator for all tests of the module."""
    with world.operator() as running:
        yield running
