"""Who changes what is agreed, or ends what enforces it, really comes by what others own.

As in ``test_routes``, but what counts is the finding of an assessment: each scenario has a hub, a
record and a model of its own, and is also played without each single permission.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aiohttp
import pytest
import pytest_asyncio

from responsibility.api.parse import parse_model, parse_record
from responsibility.hub.discovery import Hub, HubKey
from responsibility.ownership.assess import Assessor
from responsibility.ownership.results import wording
from responsibility.ownership.results.findings import Finding
from responsibility.ownership.terms.snapshot import Snapshot
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.directories import REPOSITORY
from tests.e2e.lab.waiting import wait_until
from tests.e2e.routes.agreed import SCENARIOS, clean, manifests
from tests.e2e.routes.people import Refused, administrator
from tests.e2e.routes.world import World, access_graph

_NOW = datetime(2030, 1, 1, tzinfo=UTC)
Stage = tuple[dict[str, list[World]], dict[str, list[Finding]]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(cluster: Cluster) -> AsyncIterator[Stage]:
    """Build all worlds, and say what we find before anybody has done anything."""
    crds = str(REPOSITORY / "crds")
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", crds)
    wait_until(
        lambda: cluster.kubectl("get", "resp,respmodel", check=False).returncode == 0,
        30,
        "the API server to serve both kinds",
    )
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64)) as http:
        admin = administrator(cluster, http)
        worlds = {
            scenario.name: [
                World(scenario, f"pt-{os.getpid()}-{number}-{index}", admin, cluster, missing)
                for index, missing in enumerate((None, *scenario.permits))
            ]
            for number, scenario in enumerate(SCENARIOS)
        }
        every = [world for some in worlds.values() for world in some]
        await asyncio.gather(*(world.build() for world in every))
        agreed = {world.run: manifests(world) for world in every}
        keys = {world.run: HubKey(world.ns, world.ns) for world in every}
        assessment = Assessor().assess(
            Snapshot(
                graph=await access_graph(admin),
                now=_NOW,
                hubs={key: Hub(key, "", "", ()) for key in keys.values()},
                models={run: parse_model(model) for run, (model, _) in agreed.items()},
                records={run: parse_record(record) for run, (_, record) in agreed.items()},
                namespaces={world.ns: False for world in every},
                routes=True,
            )
        )
        found: dict[str, list[Finding]] = {run: [] for run in keys}
        for finding in assessment.findings():
            if finding.kind == "excess-access" and finding.item in found:
                found[finding.item].append(finding)
        yield worlds, found
        for world in every:
            await clean(world)


@pytest.mark.parametrize("name", [scenario.name for scenario in SCENARIOS])
async def test_what_is_agreed_is_undone_with_all_permissions_and_not_without_any(
    stage: Stage, name: str
) -> None:
    worlds, found = stage
    whole, *lacking = worlds[name]
    (finding,) = [f for f in found[whole.run] if f.subject == whole.subject]
    assert finding.route_kind == whole.scenario.routes[0], wording.message(finding)
    assert len(finding.route) == len(whole.scenario.routes), wording.message(finding)

    await asyncio.gather(*map(_is_refused, lacking), whole.scenario.act(whole))
    assert await whole.is_destroyed()
    for world in lacking:
        mine = [wording.message(f) for f in found[world.run] if f.subject == world.subject]
        assert not mine, f"{world}: {mine}"
        assert not await world.is_destroyed()


async def _is_refused(world: World) -> None:
    try:
        await world.scenario.act(world)
    except Refused:
        return
    pytest.fail(f"{world}: nothing was refused")
