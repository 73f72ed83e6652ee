"""What is left out of the copies, and what of them is old, is told, and heals by itself."""

import time

import pytest

from responsibility.cluster.knowledge import (
    FAILING,
    SILENT,
    Heard,
    LeftOut,
    OperatorPart,
    resource_of,
)
from responsibility.cluster.store import Store
from responsibility.controller.admission.enforcement import EnforcementLoop
from responsibility.controller.process.settings import Settings
from responsibility.controller.reporting.metrics import Metrics
from responsibility.controller.reporting.writer import Writer
from responsibility.kube import errors
from responsibility.kube.object_reader import LEFT_OUT
from tests.unit.controller.virtual import virtual
from tests.unit.controller.world import garden_world
from tests.unit.ownership.building import NOW

ODD = {"metadata": {"namespace": "prod", "name": "odd"}, LEFT_OUT: "spec is nested too deep"}


@virtual
@pytest.mark.parametrize(
    ("namespace", "ready"), [("prod", "Unknown"), ("team", "True"), ("", "Unknown")]
)
async def test_an_object_that_cannot_be_read_is_told_where_it_matters(
    namespace: str, ready: str
) -> None:
    world = garden_world()
    odd = {**ODD, "metadata": {"namespace": namespace, "name": "odd"}}
    world.store.bindings._take([{"type": "ADDED", "object": odd}])
    (left_out,) = world.store.knowledge(NOW).left_out
    assert left_out == LeftOut("rolebindings", namespace, "odd", "spec is nested too deep")
    await world.publish()
    condition = world.condition("Ready")
    assert condition["status"] == ready
    if ready == "Unknown":
        name = f"{namespace}/odd".lstrip("/")
        assert condition["reason"] == "LeftOut"
        assert f"rolebindings {name}: spec is nested too deep" in condition["message"]
    (of_the_model,) = [c for c in world.model_status()["conditions"] if c["type"] == "Ready"]
    assert of_the_model["reason"] == "LeftOut", "all that is left out stands on the model"
    assert await world.writes() == []
    world.store.bindings._take([{"type": "DELETED", "object": odd}])
    await world.publish()
    assert world.condition("Ready")["reason"] == "Assessed"


@virtual
async def test_what_is_not_heard_of_is_told_as_of_one_moment() -> None:
    world = garden_world()
    await world.publish()
    assert world.condition("Ready")["status"] == "True"
    reflector = world.store.cluster_bindings
    reflector.last_event = time.monotonic() - FAILING - 1
    await world.publish()
    assert world.condition("Ready")["status"] == "True", "silence alone means little so soon"
    reflector.last_error = errors.ForbiddenError(403, "Forbidden", "no", "GET", "/x")
    await world.publish()
    ready = world.condition("Ready")
    assert (ready["status"], ready["reason"]) == ("Unknown", "Stale")
    assert "clusterrolebindings since 2030-06-15T1" in ready["message"]
    assert "(Forbidden)" in ready["message"]
    assert await world.writes() == [], "it does not say each time how old it is by now"
    reflector.last_error = None
    await world.publish()
    assert world.condition("Ready")["status"] == "True"
    reflector.last_event = time.monotonic() - SILENT - 1
    await world.publish()
    assert world.condition("Ready")["reason"] == "Stale"


@virtual
async def test_a_kind_that_may_not_be_read_is_told_while_its_watch_still_runs() -> None:
    world = garden_world()
    world.store.cannot_read(frozenset({"roles", "something else"}))
    assert world.store.changed.is_set()
    await world.publish()
    assert "roles since" in world.condition("Ready")["message"]
    world.store.cannot_read(frozenset())
    await world.publish()
    assert world.condition("Ready")["status"] == "True"


@virtual
async def test_our_own_kinds_are_old_after_some_lists_that_failed() -> None:
    store = Store(garden_world().api, relist=300, own_relist=30)
    assert "responsibilities" not in store.old(), "nothing is said before the first list"
    store.listed_at = time.monotonic()
    assert not store.old()
    store.listed_at -= 3 * 30 + FAILING + 1
    assert store.old() == {"responsibilities"}


@virtual
async def test_a_flood_of_subjects_costs_its_namespace_only() -> None:
    world = garden_world()

    def binding(namespace: str, name: str, many: int) -> dict[str, object]:
        subjects = [{"kind": "User", "name": f"u{n}"} for n in range(many)]
        return {
            "metadata": {"namespace": namespace, "name": name},
            "roleRef": {"kind": "ClusterRole", "name": "view"},
            "subjects": subjects,
        }

    flood = [binding("team", f"flood-{n}", 5_000) for n in range(10)]
    world.store.bindings._take(
        [{"type": "ADDED", "object": o} for o in [*flood, binding("prod", "real", 100)]]
    )
    names = {key.name for key in world.store.bindings.items}
    assert names == {"flood-0", "flood-1", "flood-2", "real"}
    assert len(world.store.knowledge(NOW).left_out) == 7
    await world.publish()
    assert world.condition("Ready")["status"] == "True"


_BOTH = ("Unknown", "Unknown")
# What each kind, and each part, makes doubtful once it is old: Ready, and Enforced.
DOUBTS = {
    "roles": ("Unknown", "False"),
    "clusterroles": ("Unknown", "False"),
    "rolebindings": _BOTH,
    "clusterrolebindings": _BOTH,
    "deployments": ("Unknown", "False"),
    "namespaces": _BOTH,
    "serviceaccounts": ("Unknown", "False"),
    "responsibilities": _BOTH,
    "validatingadmissionpolicies": ("True", "Unknown"),
    "validatingadmissionpolicybindings": ("True", "Unknown"),
    "jobs": ("True", "Unknown"),
    OperatorPart.FRAMEWORK: _BOTH,
    OperatorPart.FRAMEWORK_LOGIN: _BOTH,
    OperatorPart.HUB_ASKER: ("Unknown", "False"),
    OperatorPart.OWN_IDENTITY: ("Unknown", "False"),
    OperatorPart.OWN_RIGHTS: ("Unknown", "False"),
    OperatorPart.PLANNER: ("True", "False"),
    OperatorPart.PROBER: ("True", "Unknown"),
    OperatorPart.REVIEWER: ("Unknown", "False"),
    OperatorPart.SESSIONS_LOOKER: ("Unknown", "False"),
    OperatorPart.VALUES_LOOKER: ("Unknown", "False"),
    OperatorPart.RELEASE_LOOKER: ("Unknown", "False"),
    OperatorPart.VERSIONS_LOOKER: ("True", "False"),
}


@virtual
async def test_whatever_can_be_old_is_tried() -> None:
    store = Store(garden_world().api, relist=300)
    enforcing = EnforcementLoop(
        store._api, store, Writer(store._api, Metrics()), Metrics(), Settings(enforcement=True)
    )
    kinds = {resource_of(r.path) for r in (*store.reflectors, *enforcing.reflectors)}
    assert kinds | {"responsibilities"} | set(OperatorPart) == DOUBTS.keys()


@virtual
@pytest.mark.parametrize("what", DOUBTS)
async def test_what_rests_on_something_old_is_not_known(what: str) -> None:
    world = garden_world()
    world.put_record(generation=2, enforcement={"admission": "deny"})
    await world.publish()
    assert (world.condition("Ready")["status"], world.condition("Enforced")["status"]) == (
        "True",
        "False",
    )
    told = len(world.told)
    world.store.parts[what] = lambda: (100.0, FAILING, "Trouble")
    await world.publish()
    found = {type: world.condition(type) for type in ("Ready", "Enforced")}
    assert tuple(condition["status"] for condition in found.values()) == DOUBTS[what]
    for condition in found.values():
        if condition["status"] == "Unknown":
            assert condition["reason"] == "Stale"
            assert f"{what} since " in condition["message"]
            assert "(Trouble)" in condition["message"]
    enforced = world.metrics.registry.get_sample_value(
        "responsibility_enforced", {"hub_namespace": "prod", "hub": "prod", "item": "fence"}
    )
    assert enforced == {"Unknown": -1, "False": 0}[found["Enforced"]["status"]]
    assert len(world.told) == told, "not to know is no transition"
    assert await world.writes() == [], "it does not say each time how old it is by now"
    del world.store.parts[what]
    await world.publish()
    assert world.condition("Ready")["status"] == "True"
    assert world.condition("Enforced")["status"] == "False"


def test_a_part_is_old_sooner_where_something_fails() -> None:
    now = [1_000.0]
    often, seldom = Heard(clock=lambda: now[0]), Heard(silent=None, clock=lambda: now[0])
    now[0] += 100
    assert often.age() == (100.0, SILENT, "")
    assert seldom.age() == (0.0, FAILING, ""), "it had nothing to ask"
    for heard in (often, seldom):
        heard.failed("Forbidden")
        now[0] += 10
        heard.failed("Forbidden")
    assert often.age() == (120.0, FAILING, "Forbidden")
    assert seldom.age() == (10.0, FAILING, "Forbidden"), "since it began to fail"
    for heard in (often, seldom):
        heard.good()
        assert heard.age()[0] == 0.0
        assert not heard.fails
