"""Changes of the cloud identity are told once, agreed on or not; also those of meanwhile."""

from __future__ import annotations

import yaml

from responsibility.api.status import MAX_LISTED
from responsibility.hub.discovery import HubKey
from responsibility.hub.sessions.aspects import IMAGE
from responsibility.hub.values.agreed import Setting, Unread, UnreadValues
from tests.unit.controller.virtual import virtual
from tests.unit.controller.world import RECORDS, World, garden_world
from tests.unit.ownership.building import GARDEN
from tests.unit.ownership.identity_worlds import DATA, OTHER, ROLE


def _world() -> World:
    world = garden_world("prod")
    world.put_model(generation=2, items=[*yaml.safe_load(GARDEN)["spec"]["items"], DATA])
    world.store.accounts.synced.set()
    return world


def _give(world: World, role: str) -> None:
    annotations = {"eks.amazonaws.com/role-arn": role} if role else {}
    meta = {"name": "user-sa", "namespace": "prod", "resourceVersion": "1"}
    thing = {"metadata": {**meta, "annotations": annotations}}
    world.store.accounts._take([{"type": "MODIFIED", "object": thing}])


def _told(world: World) -> list[str]:
    return [event.message for event in world.told if event.reason == "CloudIdentityChanged"]


@virtual
async def test_a_change_is_told_once_with_whose_it_is() -> None:
    world = _world()
    for role in (ROLE, ROLE, OTHER, OTHER, ""):
        _give(world, role)
        await world.publish()
    assert _told(world) == [
        f"Sessions' cloud identity is {OTHER}, where it was {ROLE}: Data is Guests's",
        f"Sessions' cloud identity is none, where it was {OTHER}: Data is Guests's",
    ]


@virtual
async def test_a_change_while_the_operator_was_away_is_told_at_its_start() -> None:
    world = _world()
    _give(world, ROLE)
    await world.publish()
    status = world.server.objects[f"{RECORDS}/prod"]["status"]
    assert status["sessions"] == {"identities": [ROLE]}
    world.restart()
    await world.publish()
    assert _told(world) == []
    world.restart()
    _give(world, OTHER)
    await world.publish()
    assert len(_told(world)) == 1


@virtual
async def test_of_hubs_that_have_none_nothing_is_said() -> None:
    world = _world()
    _give(world, "")
    await world.publish()
    assert "sessions" not in world.server.objects[f"{RECORDS}/prod"]["status"]
    assert _told(world) == []


def _runs(world: World, *images: str) -> None:
    found = {IMAGE: tuple(Setting(IMAGE, image) for image in images)}
    world.store.hub_sessions = {HubKey("prod", "prod"): found}


def _images(world: World) -> list[str]:
    status = world.server.objects[f"{RECORDS}/prod"]["status"]
    images: list[str] = status["sessions"]["images"]
    return images


def _told_images(world: World) -> list[str]:
    return [event.message for event in world.told if event.reason == "SessionImageChanged"]


@virtual
async def test_an_image_is_news_once_however_often_it_comes_and_goes() -> None:
    world = _world()
    for images in (("a:1",), (), ("a:1", "b:1"), ("b:1",), ("a:1",), (), ("b:1", "a:1")):
        _runs(world, *images)
        await world.publish()
    assert _told_images(world) == ["Sessions run b:1, as they did not before"]
    assert _images(world) == ["a:1", "b:1"]
    world.restart()
    _runs(world, "a:1", "c:1")
    await world.publish()
    assert len(_told_images(world)) == 2
    assert _images(world) == ["a:1", "b:1", "c:1"]


@virtual
async def test_what_is_not_known_for_a_while_is_not_forgotten() -> None:
    world = _world()
    _runs(world, "a:1")
    _give(world, ROLE)
    await world.publish()
    world.restart()
    world.store.hub_sessions = {HubKey("prod", "prod"): UnreadValues(Unread.FAILED)}
    await world.publish()
    assert _images(world) == ["a:1"]
    _runs(world, "a:1")
    await world.publish()
    assert _told_images(world) == []


@virtual
async def test_of_very_many_images_those_that_run_are_kept() -> None:
    world = _world()
    for number in range(40):
        _runs(world, "steady:1", f"env:{number}")
        await world.publish()
    assert _images(world)[0] == "steady:1"
    assert _images(world)[-1] == "env:39"
    assert len(_images(world)) == MAX_LISTED
