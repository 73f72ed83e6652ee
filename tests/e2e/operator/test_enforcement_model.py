"""The model changes under hubs that are enforced: it is told at once, and nobody is locked out."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.lab.lifetime import say
from tests.e2e.operator import enforcing
from tests.e2e.operator.api import Manifest
from tests.e2e.operator.enforcing import ENGINEER, ITEM, OTHER, STRANGER, Person
from tests.e2e.operator.process import Operator
from tests.e2e.operator.world import World

PATIENCE = 60.0
UPGRADES = "kubernetes-upgrades"
RESCUERS = {"kind": "Group", "name": "rescuers"}
RESCUER: Person = ("rescuer@example.org", [RESCUERS["name"]])


@pytest.fixture(scope="module")
def world(bare_world: World) -> World:
    enforcing.install(bare_world)
    return bare_world


@pytest.fixture(scope="module")
def operator(world: World) -> Iterator[Operator]:
    with world.operator(settings=enforcing.ENABLED) as running:
        yield running


# It runs for all tests of this module.
pytestmark = pytest.mark.usefixtures("operator")

Change = Callable[[Manifest], None]


@pytest.fixture
def change(world: World) -> Iterator[Callable[[Change], None]]:
    """Change the spec of the shipped model, as an upgrade of the chart would; in the end, back."""
    (shipped,) = [o for o in world.objects if o["kind"] == "ResponsibilityModel"]

    def changed(how: Change) -> None:
        model = copy.deepcopy(shipped)
        how(model["spec"])
        world.admin.apply(model, manager="helm")

    yield changed
    world.admin.apply(shipped, manager="helm")
    render(world)


def render(world: World) -> None:
    """Do what the condition proposes: apply what the model renders now."""
    world.admin.apply(*enforcing.policies(world), manager="helm")


def enforced(world: World, name: str, **spec: object) -> None:
    enforcing.deploy(world, name)
    world.admin.apply(enforcing.staged(name, **spec))  # type: ignore[arg-type]
    world.until_condition(name, "Enforced", "True", "Proved", seconds=PATIENCE)


def labels(world: World, name: str) -> dict[str, str]:
    return enforcing.namespace_keys(world, name)[0]


def test_permissions_that_change_are_told_and_what_is_in_force_stays(
    world: World, operator: Operator, change: Callable[[Change], None]
) -> None:
    enforced(world, "reef", items=[enforcing.item(), enforcing.item(OTHER)])
    before = labels(world, "reef")

    def reserve_more(spec: Manifest) -> None:
        item = next(i for i in spec["items"] if i["name"] == ITEM)
        more = {"verbs": ["create"], "apiGroups": ["example.org"], "resources": ["limits"]}
        item["reserved"] = [*item["reserved"], more]

    began = time.monotonic()
    change(reserve_more)
    told = world.until_condition("reef", "Enforced", "False", "PolicyNotReliable")
    say(f"told {time.monotonic() - began:.1f} s after the model was changed")
    assert ITEM in told
    assert OTHER not in told, "its policy is as it should be"
    assert "render policies" in enforcing.note(world, "reef"), "the remedy"
    world.until(lambda: operator.metrics().value("enforced", hub="reef", item=ITEM) == 0, "it")
    assert operator.metrics().value("enforced", hub="reef", item=OTHER) == 1
    assert operator.metrics().value("item_stage_info", item=ITEM, admission="observe") == 1
    assert operator.metrics().value("item_stage_info", item=OTHER, admission="deny") == 1
    # What was in force goes on as it was.
    assert labels(world, "reef") == before
    assert enforcing.outcome(world, STRANGER, "reef") == "refused"
    assert enforcing.outcome(world, ENGINEER, "reef") == "passed"
    # Nothing more goes up meanwhile.
    enforcing.deploy(world, "late")
    world.admin.apply(enforcing.staged("late", items=[enforcing.item()]))
    world.until_condition("late", "Enforced", "False", "PolicyNotReliable", seconds=PATIENCE)
    assert labels(world, "late") == {}
    render(world)
    for name in ("reef", "late"):
        world.until_condition(name, "Enforced", "True", "Proved", seconds=PATIENCE)
    assert operator.metrics().value("enforced", hub="reef", item=ITEM) == 1
