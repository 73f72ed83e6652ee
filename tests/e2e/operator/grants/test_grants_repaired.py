"""Whatever is done by hand to what was granted is undone, and nothing that is others'."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from demo import organisation
from tests.e2e.lab.lifetime import say
from tests.e2e.lab.waiting import eventually, wait_until
from tests.e2e.operator.api import RBAC, Manifest, path_of
from tests.e2e.operator.enforcement import only_told
from tests.e2e.operator.grants.grants_world import (
    ITEM,
    MANAGED_BY,
    ON,
    ROLE,
    SETTLED,
    binding_name,
    granted_to,
    granting,
    grants,
    install,
    may_restart,
    settled,
    until_granted,
    until_may_restart,
)
from tests.e2e.operator.process import Operator
from tests.e2e.operator.world import (
    PREFIX,
    World,
    binding_path,
    hub,
)


@pytest.fixture(scope="module")
def world(bare_world: World) -> World:
    """Install the chart with grants, and the policy that confines the operator."""
    install(bare_world)
    return bare_world


@pytest.fixture(scope="module")
def operator(world: World) -> Iterator[Operator]:
    """Run one that looks at nothing by itself: what it repairs, a watch has told it."""
    settings = {**ON, **only_told.SETTINGS}
    with world.operator(settings=settings, program=only_told.__name__) as running:
        yield running


pytestmark = pytest.mark.usefixtures("operator")


def _edited(binding: Manifest, **metadata: Any) -> Manifest:
    meta = {"name": binding["metadata"]["name"], "namespace": binding["metadata"]["namespace"]}
    return {**_HEAD, "metadata": {**meta, **metadata}}


_HEAD = {"apiVersion": RBAC, "kind": "RoleBinding"}
EDITS: dict[str, Callable[[World, Manifest], object]] = {
    "deleted": lambda w, b: w.admin.delete(path_of({**b, **_HEAD})),
    "somebody added": lambda w, b: w.admin.merge(
        {**_edited(b), "subjects": [*b["subjects"], {"kind": "User", "name": "eve"}]}
    ),
    "nobody left": lambda w, b: w.admin.merge({**_edited(b), "subjects": None}),
    "a label gone": lambda w, b: w.admin.merge(_edited(b, labels={MANAGED_BY: None})),
    "all labels gone": lambda w, b: w.admin.merge(_edited(b, labels=None)),
    "another record's": lambda w, b: w.admin.merge(_edited(b, labels={f"{PREFIX}record": "x"})),
    "no owner": lambda w, b: w.admin.merge(_edited(b, ownerReferences=None)),
    "nothing of ours": lambda w, b: w.admin.merge(
        _edited(b, labels=None, ownerReferences=None) | {"subjects": []}
    ),
}


@pytest.fixture(scope="module")
def edited(world: World) -> str:
    settled(world, "lake")
    return "lake"


def shape(binding: Manifest) -> Any:
    meta = binding["metadata"]
    ours = {k: v for k, v in meta.get("labels", {}).items() if k != "team"}
    return (
        meta["name"],
        ours,
        meta.get("ownerReferences"),
        binding.get("subjects"),
        binding["roleRef"],
    )


@pytest.mark.parametrize("what", EDITS)
def test_it_is_put_right_at_once(world: World, edited: str, what: str) -> None:
    (before,) = grants(world, edited, ITEM)
    world.admin.merge(_edited(before, labels={"team": "blue"}))
    EDITS[what](world, before)
    began = time.monotonic()

    def right() -> bool:
        return [shape(b) for b in grants(world, edited, ITEM)] == [shape(before)]

    wait_until(right, SETTLED, "it to be put right")
    say(f"{what}: put right after {time.monotonic() - began:.2f} s")
    (after,) = grants(world, edited, ITEM)
    if what not in {"deleted", "all labels gone", "nothing of ours"}:
        assert after["metadata"]["labels"]["team"] == "blue", "labels of others are kept"
    if what != "deleted":
        assert after["metadata"]["uid"] == before["metadata"]["uid"]
    world.until_condition(edited, "Granted", "True")


def test_a_binding_that_pretends_to_be_ours_is_removed(world: World, edited: str) -> None:
    (real,) = grants(world, edited, ITEM)
    false = {
        **_HEAD,
        "metadata": {
            "name": "responsibility-grant-incident-response-0000000000000000",
            "namespace": edited,
            "labels": real["metadata"]["labels"],
        },
        "roleRef": real["roleRef"],
        "subjects": [{"kind": "User", "name": "eve", "apiGroup": "rbac.authorization.k8s.io"}],
    }
    world.admin.apply(false)
    world.admin.gone(path_of(false), seconds=SETTLED)
    (left,) = grants(world, edited, ITEM)
    assert (shape(left), left["metadata"]["uid"]) == (shape(real), real["metadata"]["uid"])


def test_bindings_of_others_are_left_alone_whatever_they_are_called(world: World) -> None:
    settled(world, "mere")
    roles = {"no-label": ROLE, "no-item": "view"}
    theirs = []
    for name, role in roles.items():
        binding = organisation.binding(
            "mere", f"responsibility-grant-{name}", role, {"kind": "User", "name": "ann"}
        )
        if name == "no-item":
            binding["metadata"]["labels"] = {MANAGED_BY: "responsibility-operator"}
        theirs.append(binding)
    since = world.mark()
    world.admin.apply(*theirs)
    for binding in theirs:
        assert world.admin.find(path_of(binding)) is not None
    world.admin.apply(granting("mere", "mere-others"))
    world.until(lambda: may_restart(world, "mere-others", "mere"), "a later change")
    world.until(lambda: not may_restart(world, "mere-admins", "mere"), "all of it")
    written = [w for w in world.writes(since) if "no-label" in w or "no-item" in w]
    assert written == []
    assert all(world.admin.find(path_of(binding)) for binding in theirs)


def test_a_name_that_is_taken_is_not_taken_over(world: World, operator: Operator) -> None:
    world.admin.apply(*hub("ford"), granting("ford", enforcement={"rbac": "audit"}))
    name = binding_name(world, "ford", ITEM, "community", "ford-admins")
    foreign = organisation.binding("ford", name, ROLE, {"kind": "User", "name": "ann"})
    world.admin.apply(foreign, manager="somebody")
    world.admin.apply(granting("ford"))
    message = world.until_condition("ford", "Granted", "False", "Conflict", SETTLED)
    assert name in message
    world.until(
        lambda: operator.metrics().total("grant_conflicts", hub="ford", item=ITEM) == 1, "it"
    )
    assert granted_to(world, "ford", ITEM) == {"ann"}, "nothing was written to it"

    def the_others_are_granted() -> None:
        assert granted_to(world, "ford", "data")
        items = world.items("ford")
        assert (items[ITEM].get("rbac"), items["data"]["rbac"]) == (None, "grant")
        assert name in items[ITEM]["rbacNote"]

    eventually(the_others_are_granted)
    world.admin.delete(binding_path("ford", name))
    until_granted(world, "ford")
    assert granted_to(world, "ford", ITEM) == {"ford-admins"}
    assert operator.metrics().total("grant_conflicts") == 0


def test_a_name_that_is_bound_to_another_role_is_not_ours_either(world: World) -> None:
    settled(world, "beck")
    (binding,) = grants(world, "beck", ITEM)
    path = path_of({**binding, **_HEAD})
    swapped = {
        **_HEAD,
        "metadata": {k: binding["metadata"][k] for k in ("name", "namespace", "labels")},
        "roleRef": {**binding["roleRef"], "name": "view"},
        "subjects": binding["subjects"],
    }
    # Faster than the operator puts it back, sooner or later.
    for _ in range(50):
        world.admin.delete(path)
        try:
            world.admin.apply(swapped)
        except AssertionError:
            continue
        found = world.admin.find(path)
        if found is not None and found["roleRef"]["name"] == "view":
            break
    world.until_condition("beck", "Granted", "False", "Conflict", SETTLED)
    world.admin.delete(path)
    until_granted(world, "beck")
    until_may_restart(world, "beck-admins", "beck")


# --- at the same time ----------------------------------------------------------------------


def test_many_edits_at_once_end_as_agreed(world: World) -> None:
    names = [f"many-{number}" for number in range(4)]
    for name in names:
        world.admin.apply(*hub(name), granting(name))
    for name in names:
        until_granted(world, name)

    def disturb(name: str) -> None:
        for number in range(6):
            for binding in grants(world, name):
                edit = list(EDITS.values())[number]
                try:
                    edit(world, binding)
                except AssertionError:
                    continue  # It was replaced meanwhile.
            world.admin.apply(granting(name, f"{name}-{number}"))

    with ThreadPoolExecutor() as pool:
        list(pool.map(disturb, names))
    for name in names:
        world.until(
            lambda name=name: granted_to(world, name, ITEM) == {f"{name}-5"},  # type: ignore[misc]  # a default argument
            "what was agreed last",
            SETTLED,
        )
        until_granted(world, name)


def test_at_rest_nothing_is_written(world: World, operator: Operator) -> None:
    world.until_at_rest(operator)
    since = world.mark()
    lists = operator.metrics().total("relists_total")
    with world.operator(settings={**ON, "RELIST_SECONDS": "2"}) as second:
        world.until_at_rest(second)
        wait_until(lambda: second.metrics().total("relists_total") > 14, 60, "lists")
        assert second.metrics().total("writes_total", what="grants") == 0
    assert operator.metrics().total("relists_total") >= lists
    assert [w for w in world.writes(since) if "rolebindings" in w] == []
