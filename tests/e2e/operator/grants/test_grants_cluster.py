"""What the cluster has only one of is granted where that was switched on and all records agree."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.lab.waiting import eventually
from tests.e2e.operator.api import RBAC, Manifest, where
from tests.e2e.operator.grants.grants_world import (
    ON,
    SETTLED,
    can,
    granting,
    install,
    until_granted,
)
from tests.e2e.operator.process import Operator
from tests.e2e.operator.world import World, condition, hub, record_path

NAMES = ("reef", "dune")
ENGINEERS = "platform-engineers"
PROVIDER = {
    "apiVersion": "responsibility.2i2c.org/v1alpha1",
    "kind": "ResponsibilityModel",
    "metadata": {"name": "2i2c"},
    "spec": {
        "parties": [
            {
                "name": "provider",
                "contact": {"email": "provider@example.org"},
                "subjects": [{"kind": "Group", "name": ENGINEERS}],
            }
        ]
    },
}


@pytest.fixture(scope="module")
def world(bare_world: World) -> World:
    install(bare_world, "--set", "grants.cluster=true")
    bare_world.admin.apply(PROVIDER, manager="organisation")
    return bare_world


@pytest.fixture(scope="module")
def operator(world: World) -> Iterator[Operator]:
    with world.operator(settings={**ON, "GRANTS_CLUSTER": "true"}) as running:
        world.admin.apply(*(o for n in NAMES for o in (*hub(n), granting(n))))
        yield running


pytestmark = pytest.mark.usefixtures("operator")


def bindings(world: World) -> dict[str, Manifest]:
    found = world.admin.items(where(RBAC, "ClusterRoleBinding"))
    begin = "responsibility-grant-"
    return {b["metadata"]["name"]: b for b in found if b["metadata"]["name"].startswith(begin)}


def granted(world: World) -> tuple[str, str, str]:
    return condition(world.model_status(), "Granted")


def until(world: World, status: str, reason: str) -> str:
    world.until(
        lambda: granted(world)[:2] == (status, reason), f"Granted={status} {reason}", SETTLED
    )
    return granted(world)[2]


def may_drain(world: World) -> bool:
    nodes = {"group": "", "name": "node-1"}
    return can(world, ENGINEERS, "patch", "nodes", "", **nodes)


def test_the_owner_gets_what_its_items_require_of_the_cluster(
    world: World, operator: Operator
) -> None:
    until(world, "True", "Granted")
    crds = {"group": "apiextensions.k8s.io"}

    def has_come_by_it() -> None:
        assert may_drain(world)
        assert can(world, ENGINEERS, "create", "namespaces", "")
        assert can(world, ENGINEERS, "patch", "customresourcedefinitions", "", **crds)

    # The authorizer hears of a binding a moment after it was made.
    eventually(has_come_by_it)
    assert not can(world, ENGINEERS, "delete", "customresourcedefinitions", "", **crds)
    assert not can(world, ENGINEERS, "get", "secrets", "kube-system")
    assert not can(world, ENGINEERS, "escalate", "clusterroles", "", group=RBAC.partition("/")[0])
    roles = {b["roleRef"]["name"] for b in bindings(world).values()}
    assert roles == {
        "responsibility-item-kubernetes-upgrades:cluster",
        "responsibility-item-operate-cluster:cluster",
    }
    for binding in bindings(world).values():
        (owner,) = binding["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"]) == ("ResponsibilityModel", "2i2c")
    assert operator.metrics().value("grants", hub="", item="kubernetes-upgrades") == 1


def test_who_may_write_records_is_given_by_hand(world: World) -> None:
    group = {"group": "responsibility.2i2c.org"}
    assert not can(world, ENGINEERS, "patch", "responsibilities", "", **group)
    assert "responsibility-item-record:cluster" not in str(bindings(world))


def test_it_is_put_right_at_once(world: World) -> None:
    name, binding = min(bindings(world).items())
    world.admin.merge(
        {
            "apiVersion": RBAC,
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name, "labels": None, "ownerReferences": None},
            "subjects": [{"kind": "User", "name": "eve"}],
        }
    )

    def right() -> bool:
        found = bindings(world).get(name, {"metadata": {}})
        return (found.get("subjects"), found["metadata"].get("labels")) == (
            binding["subjects"],
            binding["metadata"]["labels"],
        )

    world.until(right, "it to be put right")
    world.admin.delete(where(RBAC, "ClusterRoleBinding", name))
    world.until(lambda: name in bindings(world), "it to come back")


def test_records_that_disagree_give_it_to_nobody_new(world: World) -> None:
    before = {b["metadata"]["uid"] for b in bindings(world).values()}
    items = [
        {"name": "kubernetes-upgrades", "owner": "community"},
        {"name": "incident-response", "owner": "community"},
    ]
    world.admin.apply(granting("dune", items=items))
    message = until(world, "False", "OwnersDisagree")
    assert "kubernetes-upgrades" in message
    assert not can(world, "dune-admins", "patch", "nodes", "")
    assert {b["metadata"]["uid"] for b in bindings(world).values()} == before
    until_granted(world, "dune")


def test_all_records_have_to_ask(world: World) -> None:
    world.admin.apply(granting("dune", enforcement={"rbac": "audit"}))
    message = until(world, "False", "RecordsDisagree")
    assert "record dune does not" in message
    assert may_drain(world), "nothing is taken away for it"


def test_once_nobody_asks_it_ends(world: World) -> None:
    world.admin.delete(record_path("dune"))
    until(world, "True", "Granted")
    world.admin.apply(granting("reef", enforcement={"rbac": "audit"}))
    world.until(lambda: bindings(world) == {}, "the end", SETTLED)
    world.until(lambda: not may_drain(world), "nobody to be able to any more")
