"""A cluster of its own: a plan for all of it would touch what other tests have made."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from responsibility.cli.answers.plan_text import PlanMaker
from responsibility.cli.sources import live
from responsibility.cli.sources.cluster_view import ALL
from responsibility.cli.sources.options import instant
from responsibility.cluster import apply_plan
from responsibility.cluster.undo import Journal
from responsibility.kube.client import Api
from responsibility.plans.aim import Aim
from tests.e2e.conftest import lent, only_disposable
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.identities import impersonating_kubeconfig
from tests.e2e.lab.pool import Pool
from tests.e2e.plans.scene import CAPTAIN, EXTRA_LIST, bindings, install

# All that rights depend on, as it was when the demo was installed.
_INSTALLED: dict[str, Any] = {}


@pytest.fixture(scope="package")
def plans_cluster(pool: Pool, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """Take a cluster on which everything may be revoked."""
    only_disposable("plans are made for all of a cluster")
    with lent(pool, request) as taken:
        yield taken


@pytest.fixture(scope="module")
def demo(plans_cluster: Cluster) -> Iterator[Cluster]:
    """Install the demo's organisation, and some more that is too much."""
    install(plans_cluster)
    _INSTALLED.clear()
    _INSTALLED.update(bindings(plans_cluster))
    yield plans_cluster
    plans_cluster.kubectl("delete", "-f", "-", "--ignore-not-found", input=EXTRA_LIST)


@pytest.fixture
def captain(demo: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be somebody of the provider, in a folder of their own, with everything as it was."""
    if bindings(demo) != _INSTALLED:
        install(demo)
    kubeconfig = impersonating_kubeconfig(demo, *CAPTAIN, tmp_path / "captain")
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    monkeypatch.chdir(tmp_path)
    return kubeconfig


@pytest.fixture
async def journal(
    demo: Cluster, captain: Path, capsys: pytest.CaptureFixture[str]
) -> tuple[Path, Journal]:
    """Write the undo file of the plan for all, and change nothing."""
    assert capsys is not None
    async with Api.connect(demo.kubeconfig) as api:
        world = await live.gather(api, ALL, namespace="default")
        plan = PlanMaker.of(world, instant(None), routes=True).plan(Aim())
        prepared = await apply_plan.prepare(api, plan)
    path = captain.parent / "journal.json"
    prepared.write(path)
    return path, prepared
