"""Owners get what their items require, and nobody else; whatever is done to that is undone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from demo import organisation
from tests.e2e.lab.lifetime import say
from tests.e2e.lab.waiting import wait_until
from tests.e2e.operator import chart
from tests.e2e.operator.api import RBAC, Manifest, path_of, where
from tests.e2e.operator.grants_world import (
    MANAGED_BY,
    ON,
    REPAIRED,
    SETTLED,
    binding_name,
    can,
    community,
    granted_to,
    granting,
    grants,
    install,
    may_restart,
    until_granted,
)
from tests.e2e.operator.process import Operator
from tests.e2e.operator.world import (
    World,
    binding_path,
    hub,
    namespace_path,
    record_path,
)

ITEM = "incident-response"
ROLE = f"responsibility-item-{ITEM}"
OURS = "responsibility.2i2c.org/"


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


def settled(world: World, name: str, *groups: str, **more: Any) -> None:
    """Deploy a hub whose record asks for grants, and wait for them."""
    world.admin.apply(*hub(name), granting(name, *groups, **more))
    until_granted(world, name)


# --- what is granted --------------------------------------------------------------------------


def test_owners_can_do_what_their_items_require_and_others_cannot(world: World) -> None:
    assert not may_restart(world, "reef-admins", "reef")
    settled(world, "reef")
    assert may_restart(world, "reef-admins", "reef")
    assert not may_restart(world, "reef-admins", "default"), "in this namespace, and no other"
    assert not may_restart(world, "strangers", "reef")
    assert not can(world, "reef-admins", "get", "secrets", "reef"), "that is another item"
    provider = organisation.provider_subjects()["spec"]["parties"][0]["subjects"][0]["name"]
    assert can(world, provider, "get", "secrets", "reef")
    assert not can(world, provider, "delete", "pods", "reef"), "which the community owns here"


def test_the_record_says_what_is_in_force(world: World, operator: Operator) -> None:
    status = world.status("reef")
    assert status["enforcement"].endswith("/grant")
    items = {item["name"]: item.get("rbac", "") for item in status["items"]}
    assert items[ITEM] == "grant"
    assert items["use-sessions"] == "", "there is nothing to grant"
    assert operator.metrics().value("grants", hub="reef", item="data") == 2
    assert operator.metrics().value("enforced", hub="reef", item=ITEM) == 1
    assert operator.metrics().total("grant_conflicts") == 0


def test_what_is_granted_is_a_source_like_any_other_and_never_excess(world: World) -> None:
    about = world.findings("reef")
    in_hub = [f for f in about if f["kind"] in {"missing-access", "excess-access"}]
    assert [f for f in in_hub if f["item"] != "record"] == []


def test_without_grants_the_same_is_missing(world: World) -> None:
    audited = granting("dune", enforcement={"rbac": "audit"})
    world.admin.apply(*hub("dune"), audited)
    world.until(lambda: world.findings("dune", kind="missing-access", item=ITEM), "what is missing")
    assert grants(world, "dune") == []
    world.admin.apply(granting("dune"))
    until_granted(world, "dune")
    world.until(lambda: not world.findings("dune", kind="missing-access"), "it to vanish")


def test_a_single_item_can_ask(world: World) -> None:
    items = [
        {"name": ITEM, "owner": "community", "enforcement": {"rbac": "grant"}},
        {"name": "data", "owner": "community"},
    ]
    world.admin.apply(*hub("moor"), granting("moor", items=items, enforcement={"rbac": "audit"}))
    until_granted(world, "moor")
    assert {b["roleRef"]["name"] for b in grants(world, "moor")} == {ROLE}


# --- what ends --------------------------------------------------------------------------------


def test_an_item_given_away_is_made_first_and_ended_then(world: World) -> None:
    settled(world, "fell")
    before = grants(world, "fell", ITEM)
    since = world.mark()
    world.admin.apply(granting("fell", items=[{"name": ITEM, "owner": "provider"}]))
    world.until(lambda: not may_restart(world, "fell-admins", "fell"), "the end")
    provider = organisation.provider_subjects()["spec"]["parties"][0]["subjects"][0]["name"]
    assert may_restart(world, provider, "fell")
    verbs = [
        event["verb"]
        for event in world.requests(since)
        if event["objectRef"]["resource"] == "rolebindings" and event["verb"] in _WRITES
    ]
    assert verbs == ["create", "delete"]
    assert before[0]["metadata"]["uid"] not in {
        b["metadata"]["uid"] for b in grants(world, "fell", ITEM)
    }


_WRITES = {"create", "patch", "update", "delete"}


def test_a_member_who_leaves_loses_it_and_the_others_keep_it(world: World) -> None:
    settled(world, "cove", "cove-one", "cove-two")
    world.admin.apply(granting("cove", "cove-two"))
    world.until(lambda: not may_restart(world, "cove-one", "cove"), "the end")
    assert may_restart(world, "cove-two", "cove")


def test_back_to_audit_takes_all_of_it_away(world: World) -> None:
    settled(world, "isle")
    world.admin.apply(granting("isle", enforcement={"rbac": "audit"}))
    world.until(lambda: grants(world, "isle") == [], "the end of the grants")
    assert not may_restart(world, "isle-admins", "isle")
    assert world.condition("isle", "Granted")[0] in {"", "True"}


def test_a_deleted_record_takes_its_grants_along(world: World) -> None:
    settled(world, "tarn")
    world.admin.delete(record_path("tarn"))
    world.until(lambda: grants(world, "tarn") == [], "the end of the grants", SETTLED)
    assert not may_restart(world, "tarn-admins", "tarn")


def test_two_hubs_in_one_namespace_have_their_own(world: World) -> None:
    world.admin.apply(*hub("bay", "one"), *hub("bay", "two", name="hub-two"))
    for release in ("one", "two"):
        made = granting(f"bay-{release}")
        made["spec"]["hub"] = {"namespace": "bay", "release": release}
        world.admin.apply(made)
    until_granted(world, "bay-one")
    until_granted(world, "bay-two")
    world.admin.delete(record_path("bay-one"))
    world.until(lambda: not may_restart(world, "bay-one-admins", "bay"), "the end of one")
    assert may_restart(world, "bay-two-admins", "bay")


# --- what is done by hand ---------------------------------------------------------------------


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
    "another record's": lambda w, b: w.admin.merge(_edited(b, labels={f"{OURS}record": "x"})),
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
    took = time.monotonic() - began
    say(f"{what}: put right after {took:.2f} s")
    assert took < REPAIRED
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
    assert grants(world, edited, ITEM) == [real]


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
    assert granted_to(world, "ford", "data"), "the other items are granted all the same"
    items = {i["name"]: i for i in world.status("ford")["items"]}
    assert (items[ITEM]["rbac"], items["data"]["rbac"]) == ("audit", "grant")
    assert name in items[ITEM]["rbacNote"]
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
    assert may_restart(world, "beck-admins", "beck")


# --- what goes wrong --------------------------------------------------------------------------


def _bind_only(world: World, names: list[str]) -> None:
    path = where(RBAC, "ClusterRole", f"{chart.RELEASE}-grants")
    role = world.admin.get(path)
    for rule in role["rules"]:
        if rule["verbs"] == ["bind"]:
            rule["resourceNames"] = names
    world.admin.replace(path, role)


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
        assert granted_to(world, "weir", "data") >= {"weir-admins"}
        assert operator.metrics().total("write_errors_total", what="grants") > 0
        assert operator.metrics().value("enforced", hub="weir", item=ITEM) == 0
    finally:
        _bind_only(world, names)
    until_granted(world, "weir", 60)
    assert may_restart(world, "weir-admins", "weir")


def test_a_role_that_is_not_as_rendered_is_not_bound(world: World) -> None:
    settled(world, "holm")
    path = where(RBAC, "ClusterRole", ROLE)
    good = world.admin.get(path)
    wider = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
    world.admin.replace(path, {**good, "rules": [*good["rules"], wider]})
    try:
        world.admin.apply(*hub("skerry"), granting("skerry"))
        message = world.until_condition("skerry", "Granted", "False", "RoleDiffers", SETTLED)
        assert "it also allows get secrets" in message
        assert grants(world, "skerry", ITEM) == []
        assert grants(world, "skerry", "data")
        assert may_restart(world, "holm-admins", "holm"), "nothing is taken from anybody for it"
    finally:
        world.admin.replace(path, {**world.admin.get(path), "rules": good["rules"]})
    until_granted(world, "skerry")


def test_a_role_that_is_missing_is_named(world: World) -> None:
    path = where(RBAC, "ClusterRole", ROLE)
    role = world.admin.get(path)
    world.admin.delete(path)
    try:
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
    assert grants(world, "ness", "data"), "which names nothing by it"


def test_names_that_stand_for_many_never_get_anything(world: World) -> None:
    world.admin.apply(*hub("tor"), granting("tor", "system:authenticated", "tor-admins"))
    message = world.until_condition("tor", "Granted", "False", "SubjectRefused", SETTLED)
    assert "Group system:authenticated" in message
    assert granted_to(world, "tor", ITEM) == {"tor-admins"}


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
    assert may_restart(world, "holt-admins", "holt")


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
    assert may_restart(world, "lochan-others", "lochan")


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


# --- at the same time -------------------------------------------------------------------------


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
            lambda name=name: granted_to(world, name, ITEM) == {f"{name}-5"},  # type: ignore[misc]
            "what was agreed last",
            SETTLED,
        )
        until_granted(world, name)


def test_at_rest_nothing_is_written(world: World, operator: Operator) -> None:
    for name in ("ness", "tor", "sys", "garth"):
        world.admin.delete(record_path(name))
    world.until_at_rest(operator)
    since = world.mark()
    lists = operator.metrics().total("relists_total")
    with world.operator(settings={**ON, "RELIST_SECONDS": "2"}) as second:
        world.until_at_rest(second)
        wait_until(lambda: second.metrics().total("relists_total") > 14, 60, "lists")
        assert second.metrics().total("writes_total", what="grants") == 0
    assert operator.metrics().total("relists_total") >= lists
    assert [w for w in world.writes(since) if "rolebindings" in w] == []


def test_a_party_that_is_renamed_keeps_its_rights(world: World) -> None:
    """The other way round: what is granted is what stands in the record, whoever is called how."""
    settled(world, "ghyll")
    other = {**community("ghyll-admins"), "name": "guild"}
    made = granting("ghyll", items=[{"name": ITEM, "owner": "guild"}])
    made["spec"]["parties"].append(other)
    world.admin.apply(made)
    world.until(
        lambda: (
            {b["metadata"]["labels"][f"{OURS}party"] for b in grants(world, "ghyll", ITEM)}
            == {"guild"}
        ),
        "the other party's",
    )
    assert may_restart(world, "ghyll-admins", "ghyll")
