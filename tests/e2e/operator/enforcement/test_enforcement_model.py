"""The model changes under hubs that are enforced: it is told at once, and nobody is locked out."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator

import pytest

from demo import organisation
from responsibility.api.names import BREAK_GLASS_ANNOTATION, OWNERS_ANNOTATION, STAGE_LABEL
from responsibility.api.stages import AdmissionStage
from tests.e2e.lab.lifetime import say
from tests.e2e.operator.api import Manifest
from tests.e2e.operator.enforcement import enforcing
from tests.e2e.operator.enforcement.enforcing import ENGINEER, ITEM, OTHER, STRANGER, Person
from tests.e2e.operator.process import Operator
from tests.e2e.operator.world import World

PATIENCE = 60.0
NEW = "controllers"
CONTROLLER = """
apiVersion: v1
kind: ReplicationController
metadata: {name: some}
spec:
  replicas: 0
  selector: {app: some}
  template:
    metadata: {labels: {app: some}}
    spec: {containers: [{name: some, image: registry.k8s.io/pause:3.10.2}]}
"""
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
def change(world: World, render: Callable[[], None]) -> Iterator[Callable[[Change], None]]:
    """Change the spec of the shipped model, as an upgrade of the chart would; in the end, back."""
    (shipped,) = [o for o in world.objects if o["kind"] == "ResponsibilityModel"]

    def changed(how: Change) -> None:
        model = copy.deepcopy(shipped)
        how(model["spec"])
        world.admin.apply(model, manager="helm")

    yield changed
    world.admin.apply(shipped, manager="helm")
    render()


@pytest.fixture(scope="module")
def render(world: World) -> Callable[[], None]:
    """Do what the condition proposes: apply what the model renders now."""
    applied = {(m["kind"], m["metadata"]["name"]): m["spec"] for m in enforcing.policies(world)}
    return lambda: enforcing.render(world, applied)


def enforced(world: World, name: str, **spec: object) -> None:
    enforcing.deploy(world, name)
    world.admin.apply(enforcing.staged(name, **spec))  # type: ignore[arg-type]  # any field
    world.until_condition(name, "Enforced", "True", "Proved", seconds=PATIENCE)


def labels(world: World, name: str) -> dict[str, str]:
    return enforcing.namespace_keys(world, name)[0]


def test_permissions_that_change_are_told_and_what_is_in_force_stays(
    world: World,
    operator: Operator,
    change: Callable[[Change], None],
    render: Callable[[], None],
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
    render()
    for name in ("reef", "late"):
        world.until_condition(name, "Enforced", "True", "Proved", seconds=PATIENCE)
    assert operator.metrics().value("enforced", hub="reef", item=ITEM) == 1


def as_shipped(_: Manifest) -> None:
    """Change nothing of the shipped model."""


def item_of(spec: Manifest, name: str) -> Manifest:
    found: Manifest = next(i for i in spec["items"] if i["name"] == name)
    return found


def said_of(world: World, name: str, item: str) -> set[str]:
    """Return the keys of a Namespace that are about an item."""
    found = enforcing.namespace_keys(world, name)
    return {key for part in found for key in part if key.endswith(f"/{item}")}


def test_an_item_that_leaves_the_model_is_not_enforced_any_more_and_comes_back(
    world: World,
    operator: Operator,
    change: Callable[[Change], None],
    render: Callable[[], None],
) -> None:
    enforced(world, "shoal", items=[enforcing.item(), enforcing.item(OTHER)])
    assert said_of(world, "shoal", OTHER)

    def drop(spec: Manifest) -> None:
        spec["items"] = [i for i in spec["items"] if i["name"] != OTHER]

    change(drop)
    # The record names what is not there any more, which is told and counts for nothing.
    told = world.until_condition("shoal", "Resolved", "False", "UnknownNames", seconds=PATIENCE)
    assert f"spec.items[{OTHER}]" in told
    world.until(lambda: not said_of(world, "shoal", OTHER), "nothing to be said of it", PATIENCE)
    world.until(lambda: not operator.metrics().of("enforced", hub="shoal", item=OTHER), "no metric")
    # The other one has not been let go of meanwhile.
    assert labels(world, "shoal") == {f"{STAGE_LABEL}{ITEM}": AdmissionStage.DENY}
    assert enforcing.outcome(world, STRANGER, "shoal") == "refused"
    render()
    world.until_condition("shoal", "Enforced", "True", "Proved", seconds=PATIENCE)
    assert not said_of(world, "shoal", OTHER)
    change(as_shipped)
    render()
    world.until(
        lambda: f"{STAGE_LABEL}{OTHER}" in said_of(world, "shoal", OTHER),
        "the item",
        PATIENCE,
    )
    world.until_condition("shoal", "Enforced", "True", "Proved", seconds=PATIENCE)
    world.until(lambda: operator.metrics().total("enforced", hub="shoal", item=OTHER) == 1, "it")


def test_an_item_that_is_new_to_the_model_is_enforced_once_it_has_policies(
    world: World,
    operator: Operator,
    change: Callable[[Change], None],
    render: Callable[[], None],
) -> None:
    enforced(world, "atoll", items=[enforcing.item()])

    def controls(person: Person) -> bool:
        """Return whether somebody may create a ReplicationController."""
        user, groups = person
        done = world.cluster.kubectl(
            "create",
            "-n=atoll",
            "-f=-",
            "--dry-run=server",
            input=CONTROLLER,
            as_user=user,
            as_groups=groups,
            check=False,
        )
        assert not done.returncode or "denied request" in done.stderr, done.stderr
        return not done.returncode

    def add(spec: Manifest) -> None:
        reserved = {"verbs": ["create"], "apiGroups": [""], "resources": ["replicationcontrollers"]}
        spec["items"].append(
            {
                "name": NEW,
                "number": 21,
                "title": "Controllers",
                "kinds": ["kubernetes"],
                "owner": "provider",
                "reserved": [reserved],
            }
        )

    assert controls(STRANGER)
    change(add)
    world.admin.apply(enforcing.staged("atoll", items=[enforcing.item(), enforcing.item(NEW)]))
    told = world.until_condition("atoll", "Enforced", "False", "PolicyNotReliable")
    assert NEW in told
    assert "is missing" in enforcing.note(world, "atoll", NEW)
    assert not said_of(world, "atoll", NEW)
    assert operator.metrics().value("enforced", hub="atoll", item=NEW) == 0
    render()
    world.until_condition("atoll", "Enforced", "True", "Proved", seconds=PATIENCE)
    assert f"{STAGE_LABEL}{NEW}" in said_of(world, "atoll", NEW)
    assert f"{OWNERS_ANNOTATION}{NEW}" in said_of(world, "atoll", NEW)
    assert operator.metrics().value("enforced", hub="atoll", item=NEW) == 1
    assert not controls(STRANGER)
    assert controls(ENGINEER)


def test_fields_that_change_count_once_the_policies_do(
    world: World, change: Callable[[Change], None], render: Callable[[], None]
) -> None:
    enforced(world, "lagoon", items=[enforcing.item()])
    before = labels(world, "lagoon")

    def let_go_of_replicas(spec: Manifest) -> None:
        item = item_of(spec, ITEM)
        item["fields"] = [f for f in item["fields"] if f["path"] != "spec.replicas"]

    change(let_go_of_replicas)
    world.until_condition("lagoon", "Enforced", "False", "PolicyNotReliable")
    assert labels(world, "lagoon") == before
    assert enforcing.outcome(world, STRANGER, "lagoon") == "refused"
    render()
    world.until_condition("lagoon", "Enforced", "True", "Proved", seconds=PATIENCE)
    assert labels(world, "lagoon") == before
    enforcing.until_outcome(world, STRANGER, "lagoon", "passed")


def test_whoever_may_break_the_glass_by_a_new_model_is_never_let_through_in_silence(
    world: World, change: Callable[[Change], None], render: Callable[[], None]
) -> None:
    enforced(world, "cove", items=[enforcing.item()])
    world.admin.apply(organisation.binding("cove", "rescuers", "admin", RESCUERS))

    def glass() -> str:
        return enforcing.namespace_keys(world, "cove")[1][BREAK_GLASS_ANNOTATION]

    def add(spec: Manifest) -> None:
        spec["breakGlass"].append({"subject": RESCUERS, "reason": "on call"})

    assert enforcing.outcome(world, RESCUER, "cove") == "refused"
    change(add)
    world.until_condition("cove", "Enforced", "False", "PolicyNotReliable")
    world.until(lambda: "group:rescuers" in glass().split("\n"), "the new list", PATIENCE)
    # The policies do not know them yet: neither that they may, nor that they are to be warned.
    assert enforcing.outcome(world, RESCUER, "cove") == "refused"
    render()
    world.until_condition("cove", "Enforced", "True", "Proved", seconds=PATIENCE)
    # What was proved is one policy; the API server may see the other one a moment later.
    enforcing.until_outcome(world, RESCUER, "cove", "warned")
    change(as_shipped)
    world.until_condition("cove", "Enforced", "False", "PolicyNotReliable")
    assert enforcing.outcome(world, RESCUER, "cove") == "warned"
    render()
    # Who has `admin` and is not let through any more can get round it.
    enforcing.until_proved(world, "cove", seconds=PATIENCE)
    enforcing.until_outcome(world, RESCUER, "cove", "refused")
