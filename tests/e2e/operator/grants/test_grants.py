"""Owners get what their items require, and nobody else; and lose it with them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from demo import organisation
from tests.e2e.lab.waiting import eventually
from tests.e2e.operator.grants.grants_world import (
    ITEM,
    ON,
    ROLE,
    SETTLED,
    can,
    community,
    granting,
    grants,
    install,
    may_restart,
    settled,
    until_granted,
    until_lost,
    until_may_restart,
)
from tests.e2e.operator.process import Operator
from tests.e2e.operator.world import (
    PREFIX,
    World,
    hub,
    record_path,
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

_WRITES = {"create", "patch", "update", "delete"}


# --- what is granted ----------------------------------------------------------------------


def test_owners_can_do_what_their_items_require_and_others_cannot(world: World) -> None:
    assert not may_restart(world, "reef-admins", "reef")
    settled(world, "reef")
    until_may_restart(world, "reef-admins", "reef")
    assert not may_restart(world, "reef-admins", "default"), "in this namespace, and no other"
    assert not may_restart(world, "strangers", "reef")
    assert not can(world, "reef-admins", "get", "secrets", "reef"), "that is another item"
    provider = organisation.provider_subjects()["spec"]["parties"][0]["subjects"][0]["name"]
    world.until(lambda: can(world, provider, "get", "secrets", "reef"), "the provider's own")
    assert not can(world, provider, "delete", "pods", "reef"), "which the community owns here"


def test_the_record_says_what_is_in_force(world: World, operator: Operator) -> None:
    status = world.status("reef")
    assert status["enforcement"].endswith("/grant")
    items = world.items("reef")
    assert items[ITEM]["rbac"] == "grant"
    assert "rbac" not in items["use-sessions"], "there is nothing to grant"
    assert operator.metrics().value("grants", hub="reef", item="data") == 2
    assert operator.metrics().value("enforced", hub="reef", item=ITEM) == 1
    assert operator.metrics().total("grant_conflicts") == 0


def test_what_is_granted_is_a_source_like_any_other_and_never_excess(world: World) -> None:
    about = world.causes("reef")
    in_hub = [c for c in about if c["kind"] in {"missing-access", "excess-access"}]
    assert [c for c in in_hub if c["items"] != ["record"]] == []


def test_without_grants_the_same_is_missing(world: World) -> None:
    audited = granting("dune", enforcement={"rbac": "audit"})
    world.admin.apply(*hub("dune"), audited)
    world.until(lambda: world.causes("dune", kind="missing-access", item=ITEM), "what is missing")
    assert grants(world, "dune") == []
    world.admin.apply(granting("dune"))
    until_granted(world, "dune")
    world.until(lambda: not world.causes("dune", kind="missing-access"), "it to vanish")


def test_a_single_item_can_ask(world: World) -> None:
    items = [
        {"name": ITEM, "owner": "community", "enforcement": {"rbac": "grant"}},
        {"name": "data", "owner": "community"},
    ]
    world.admin.apply(*hub("moor"), granting("moor", items=items, enforcement={"rbac": "audit"}))
    until_granted(world, "moor")
    assert {b["roleRef"]["name"] for b in grants(world, "moor")} == {ROLE}


# --- what ends ----------------------------------------------------------------------


def test_an_item_given_away_is_made_first_and_ended_then(world: World) -> None:
    settled(world, "fell")
    before = grants(world, "fell", ITEM)
    since = world.mark()
    world.admin.apply(granting("fell", items=[{"name": ITEM, "owner": "provider"}]))
    world.until(lambda: not may_restart(world, "fell-admins", "fell"), "the end")
    provider = organisation.provider_subjects()["spec"]["parties"][0]["subjects"][0]["name"]
    assert may_restart(world, provider, "fell")

    def made_first() -> None:
        # A request is written down when it has been answered; its effect may be seen before.
        verbs = [
            event["verb"]
            for event in world.requests(since)
            if event["objectRef"]["resource"] == "rolebindings" and event["verb"] in _WRITES
        ]
        assert verbs == ["create", "delete"]

    eventually(made_first)
    assert before[0]["metadata"]["uid"] not in {
        b["metadata"]["uid"] for b in grants(world, "fell", ITEM)
    }


def test_a_member_who_leaves_loses_it_and_the_others_keep_it(world: World) -> None:
    settled(world, "cove", "cove-one", "cove-two")
    world.admin.apply(granting("cove", "cove-two"))
    world.until(lambda: not may_restart(world, "cove-one", "cove"), "the end")
    assert may_restart(world, "cove-two", "cove")


def test_back_to_audit_takes_all_of_it_away(world: World) -> None:
    settled(world, "isle")
    world.admin.apply(granting("isle", enforcement={"rbac": "audit"}))
    world.until(lambda: grants(world, "isle") == [], "the end of the grants")
    until_lost(world, "isle-admins", "isle")
    world.until(
        lambda: world.condition("isle", "Granted")[0] in {"", "True"}, "nothing to be wrong"
    )


def test_a_deleted_record_takes_its_grants_along(world: World) -> None:
    settled(world, "tarn")
    world.admin.delete(record_path("tarn"))
    world.until(lambda: grants(world, "tarn") == [], "the end of the grants", SETTLED)
    until_lost(world, "tarn-admins", "tarn")


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


def test_a_party_that_is_renamed_keeps_its_rights(world: World) -> None:
    """The other way round: what is granted is what stands in the record, whoever is called how."""
    settled(world, "ghyll")
    other = {**community("ghyll-admins"), "name": "guild"}
    made = granting("ghyll", items=[{"name": ITEM, "owner": "guild"}])
    made["spec"]["parties"].append(other)
    world.admin.apply(made)
    world.until(
        lambda: (
            {b["metadata"]["labels"][f"{PREFIX}party"] for b in grants(world, "ghyll", ITEM)}
            == {"guild"}
        ),
        "the other party's",
    )
    assert may_restart(world, "ghyll-admins", "ghyll")
