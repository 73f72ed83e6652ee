"""What can't be granted is said, stops nothing else and takes nothing from anybody."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.operator import chart
from tests.e2e.operator.api import RBAC, path_of, where
from tests.e2e.operator.grants.grants_world import (
    ITEM,
    ON,
    ROLE,
    SETTLED,
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
    World,
    hub,
    namespace_path,
)


@pytest.fixture(scope="module")
def world(bare_world: World) -> World:
    """Install the chart with grants, and the policy that confines the operator."""
    install(bare_world)
    return bare_world


@pytest.fixture(scope="module")
def operator(world: World) -> Iterator[Operator]:
    with world.operator(settings=ON) as running:
        yield running


pytestmark = pytest.mark.usefixtures("operator")


def _bind_only(world: World, names: list[str]) -> None:
    path = where(RBAC, "ClusterRole", f"{chart.RELEASE}-grants")
    role = world.admin.get(path)
    for rule in role["rules"]:
        if rule["verbs"] == ["bind"]:
            rule["resourceNames"] = names
    world.admin.replace(path, role)
    group = RBAC.partition("/")[0]
    world.until(
        lambda: (
            world.own_account_may("bind", "clusterroles", group=group, name=ROLE) is (ROLE in names)
        ),
        "the authorizer to hear of it",
    )


def test_one_item_that_fails_stops_no_other(world: World, operator: Operator) -> None:
    path = where(RBAC, "ClusterRole", f"{chart.RELEASE}-grants")
    (names,) = [
        r["resourceNames"] for r in world.admin.get(path)["rules"] if r["verbs"] == ["bind"]
    ]
    _bind_only(world, [name for name in names if name != ROLE])
    try:
        world.admin.apply(*hub("weir"), granting("weir"))
        message = world.until_condition("weir", "Granted", "False", "Forbidden", SETTLED)
        assert f'verbs: ["bind"], resourceNames: ["{ROLE}"]' in message
        world.until(lambda: granted_to(world, "weir", "data") >= {"weir-admins"}, "the other item")
        assert operator.metrics().total("write_errors_total", what="grants") > 0
        assert operator.metrics().value("enforced", hub="weir", item=ITEM) == 0
    finally:
        _bind_only(world, names)
    until_granted(world, "weir", 60)
    until_may_restart(world, "weir-admins", "weir")


def test_a_role_that_is_not_as_rendered_is_not_bound(world: World, operator: Operator) -> None:
    settled(world, "holm")
    path = where(RBAC, "ClusterRole", ROLE)
    good = world.admin.get(path)
    wider = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
    world.admin.replace(path, {**good, "rules": [*good["rules"], wider]})
    try:
        # So that it knows the role before the record.
        world.another_pass(operator, "ClusterRole")
        world.admin.apply(*hub("skerry"), granting("skerry"))
        message = world.until_condition("skerry", "Granted", "False", "RoleDiffers", SETTLED)
        assert "it also allows get secrets" in message
        assert grants(world, "skerry", ITEM) == []
        world.until(lambda: grants(world, "skerry", "data"), "the other item")
        assert may_restart(world, "holm-admins", "holm"), "nothing is taken from anybody for it"
    finally:
        world.admin.replace(path, {**world.admin.get(path), "rules": good["rules"]})
    until_granted(world, "skerry")


def test_a_role_that_is_missing_is_named(world: World, operator: Operator) -> None:
    path = where(RBAC, "ClusterRole", ROLE)
    role = world.admin.get(path)
    world.admin.delete(path)
    try:
        world.another_pass(operator, "ClusterRole")
        world.admin.apply(*hub("voe"), granting("voe"))
        message = world.until_condition("voe", "Granted", "False", "RoleMissing", SETTLED)
        assert "render roles" in message
    finally:
        for key in ("resourceVersion", "uid", "creationTimestamp", "managedFields"):
            role["metadata"].pop(key)
        world.admin.apply({"apiVersion": RBAC, "kind": "ClusterRole", **role}, manager="helm")
    until_granted(world, "voe")


def test_names_with_a_prefix_get_nothing_wider(world: World) -> None:
    world.admin.apply(*hub("ness", name="leap-jupyterhub-hub"), granting("ness"))
    message = world.until_condition("ness", "Granted", "False", "PrefixNotCovered", SETTLED)
    assert "--prefix leap-jupyterhub-" in message
    assert grants(world, "ness", ITEM) == []
    world.until(lambda: grants(world, "ness", "data"), "what names nothing by it")


def test_names_that_stand_for_many_never_get_anything(world: World) -> None:
    world.admin.apply(*hub("tor"), granting("tor", "system:authenticated", "tor-admins"))
    message = world.until_condition("tor", "Granted", "False", "SubjectRefused", SETTLED)
    assert "Group system:authenticated" in message
    world.until(lambda: granted_to(world, "tor", ITEM) == {"tor-admins"}, "the others")


def test_nothing_is_granted_where_kubernetes_itself_lives(world: World) -> None:
    made = granting("sys")
    made["spec"]["hub"] = {"namespace": "kube-public"}
    world.admin.apply(*hub("kube-public"), made)
    world.until_condition("sys", "Granted", "False", "NamespaceProtected", SETTLED)
    assert grants(world, "kube-public") == []


def test_a_namespace_that_comes_back_is_bound_again(world: World) -> None:
    settled(world, "holt")
    world.admin.delete(namespace_path("holt"))
    world.admin.gone(namespace_path("holt"))
    world.until_condition("holt", "Granted", "False", seconds=SETTLED)
    world.admin.apply(*hub("holt"))
    until_granted(world, "holt")
    until_may_restart(world, "holt-admins", "holt")


def test_a_hub_that_is_gone_for_a_while_locks_nobody_out(world: World) -> None:
    settled(world, "lochan")
    before = [b["metadata"]["uid"] for b in grants(world, "lochan")]
    deployment = hub("lochan")[1]
    world.admin.delete(path_of(deployment))
    world.until_condition("lochan", "Granted", "False", "HubMissing", SETTLED)
    assert [b["metadata"]["uid"] for b in grants(world, "lochan")] == before
    world.admin.apply(granting("lochan", "lochan-others", "lochan-admins"))
    world.admin.apply(granting("lochan", "lochan-others"))
    world.until(
        lambda: not may_restart(world, "lochan-admins", "lochan"), "the end of what is not agreed"
    )
    world.admin.apply(deployment)
    until_granted(world, "lochan")
    until_may_restart(world, "lochan-others", "lochan")


def test_a_record_that_is_not_understood_changes_nothing(world: World) -> None:
    settled(world, "garth")
    before = [b["metadata"]["uid"] for b in grants(world, "garth")]
    since = world.mark()
    items = [{"name": ITEM, "owner": "nobody-we-know"}]
    world.admin.apply(granting("garth", items=items))
    world.until_condition("garth", "Resolved", "False")
    world.until_condition("garth", "Granted", "False", "Unresolved")
    assert [b["metadata"]["uid"] for b in grants(world, "garth")] == before
    assert [w for w in world.writes(since) if "rolebindings" in w] == []
