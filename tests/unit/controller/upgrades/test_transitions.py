"""Upgrades are told once, also by an operator that was away meanwhile; and stand in the status."""

from __future__ import annotations

from typing import Any

from responsibility.upgrades.versions import ClusterVersions, Unlisted, Version, grouped
from tests.unit.controller.virtual import virtual
from tests.unit.controller.world import MODELS, World, garden_world

KUBELETS = grouped({"a": "v1.33.0", "b": "v1.31.4-eks-1"})


def _status(world: World) -> dict[str, Any]:
    found: dict[str, Any] = world.server.objects[f"{MODELS}/garden"]["status"]["kubernetes"]
    return found


def _told(world: World) -> list[str]:
    return [event.message for event in world.told if event.reason == "KubernetesVersionChanged"]


async def _runs(world: World, *numbers: int) -> None:
    world.store.versions = ClusterVersions(Version(*numbers), KUBELETS)
    await world.publish(after=60.0)


@virtual
async def test_an_upgrade_is_told_once_with_whose_upgrades_are() -> None:
    world = garden_world("prod")
    await _runs(world, 1, 33, 0)
    assert _told(world) == []
    first = _status(world)
    assert (first["apiServer"], first["kubelets"]) == ("1.33.0", ["1.31.4", "1.33.0"])
    await _runs(world, 1, 33, 0)
    assert _status(world) == first
    await _runs(world, 1, 34, 0)
    await _runs(world, 1, 34, 0)
    assert _told(world) == ["Kubernetes 1.34.0 runs, where 1.33.0 did: Gate is Keeper's"]
    assert _status(world)["since"] > first["since"]


@virtual
async def test_an_upgrade_while_the_operator_was_away_is_told_at_its_start() -> None:
    world = garden_world("prod")
    await _runs(world, 1, 33, 0)
    world.restart()
    await _runs(world, 1, 33, 0)
    assert _told(world) == []
    world.restart()
    await _runs(world, 1, 34, 0)
    assert len(_told(world)) == 1


@virtual
async def test_what_is_not_known_is_no_upgrade_and_says_why() -> None:
    world = garden_world("prod")
    await _runs(world, 1, 33, 0)
    world.store.versions = ClusterVersions(None, (), Unlisted.FORBIDDEN)
    await world.publish()
    assert _status(world)["nodes"] == "forbidden"
    await _runs(world, 1, 33, 0)
    assert _told(world) == []


@virtual
async def test_where_nobody_looks_the_status_says_nothing() -> None:
    world = garden_world("prod")
    await world.publish()
    assert "kubernetes" not in world.server.objects[f"{MODELS}/garden"]["status"]
