"""A world about which everything has been published, and what is counted of it."""

from prometheus_client.samples import Sample

from tests.unit.controller.world import World, garden_world
from tests.unit.ownership.building import grant

STRANGER = grant("User eve", "update", "configmaps")


async def settled(*namespaces: str) -> World:
    world = garden_world(*namespaces)
    await world.publish()
    assert await world.writes() == []
    return world


def samples(world: World, name: str) -> list[Sample]:
    return [
        sample
        for family in world.metrics.registry.collect()
        for sample in family.samples
        if sample.name == f"responsibility_{name}"
    ]
