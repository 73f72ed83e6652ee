"""Every route that we report is one: somebody who has just these rights really gets there.

In each scenario a ServiceAccount, with a token of its own, goes step by step from the rights
that it is given to a right that it is not given. The scenario is also played without each single
permission: then the API server refuses a step, and we find no route. All of them are on the
stage at once, in namespaces of their own.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from responsibility.rbac.escalation.graph import EscalationGraph, routes_to
from responsibility.rbac.escalation.steps import describe
from tests.e2e.lab.cluster import Cluster
from tests.e2e.routes.people import Person, Refused, administrator
from tests.e2e.routes.scenarios import SCENARIOS
from tests.e2e.routes.world import World, access_graph

AT_A_TIME = 16


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(cluster: Cluster) -> AsyncIterator[tuple[dict[str, list[World]], EscalationGraph]]:
    """Build all worlds, and read what RBAC says before anybody has done anything."""
    limit = asyncio.Semaphore(AT_A_TIME)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64)) as http:
        admin = administrator(cluster, http)
        worlds = {
            scenario.name: [
                World(scenario, f"rt-{os.getpid()}-{number}-{index}", admin, cluster, missing)
                for index, missing in enumerate((None, *scenario.permits))
            ]
            for number, scenario in enumerate(SCENARIOS)
        }
        every = [world for some in worlds.values() for world in some]

        async def build(world: World) -> None:
            async with limit:
                await world.build()

        await asyncio.gather(*map(build, every))
        yield worlds, await _paths(admin)
        for world in every:
            await world.clean()


async def _paths(admin: Person) -> EscalationGraph:
    accounts = await admin.ask("GET", "/api/v1/serviceaccounts")
    pods = await admin.ask("GET", "/api/v1/pods")
    return EscalationGraph(
        await access_graph(admin),
        frozenset((a["metadata"]["namespace"], a["metadata"]["name"]) for a in accounts["items"]),
        frozenset(
            (p["metadata"]["namespace"], p["spec"]["serviceAccountName"])
            for p in pods["items"]
            # The kubelet's own pods have none.
            if "serviceAccountName" in p["spec"]
        ),
    )


@pytest.mark.parametrize("name", [scenario.name for scenario in SCENARIOS])
async def test_a_route_is_open_with_all_permissions_and_closed_without_any_of_them(
    stage: tuple[dict[str, list[World]], EscalationGraph], name: str
) -> None:
    worlds, escalation = stage
    whole, *lacking = worlds[name]
    route = routes_to(escalation, whole.target).get(whole.subject)
    assert route is not None, "the route is not found"
    assert tuple(step.route for step in route) == whole.scenario.routes, describe(route)

    await asyncio.gather(*map(_is_refused, lacking), whole.scenario.act(whole))
    assert whole.scenario.reach or await whole.is_destroyed()
    for world in lacking:
        other = routes_to(escalation, world.target).get(world.subject)
        assert other is None, f"{world}: {describe(other)}"
        assert not await world.is_destroyed()


async def _is_refused(world: World) -> None:
    try:
        await world.scenario.act(world)
    except Refused:
        return
    pytest.fail(f"{world}: nothing was refused")
