"""One node for all modules of a run, with the image on it; each module installs the chart anew."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.e2e.lab.kind import KindCluster
from tests.e2e.operator.world import World
from tests.e2e.pods.release import NAMESPACE, Release


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """Start a cluster whose node runs pods, with the image, and nothing installed yet."""
    directory = tmp_path_factory.mktemp("pods")
    with KindCluster(f"e2e-{os.getpid()}-pods") as cluster:
        made = Release(World(cluster, directory), directory / "certificates")
        made.load()
        cluster.kubectl("create", "namespace", NAMESPACE)
        yield made
        print(made.told())
