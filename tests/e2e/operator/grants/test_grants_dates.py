"""What is granted until a date ends at that date, and shows where nobody was there to end it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.e2e.lab.lifetime import say
from tests.e2e.lab.waiting import wait_until
from tests.e2e.operator import chart
from tests.e2e.operator.api import RBAC, Manifest, where
from tests.e2e.operator.enforcement import only_told
from tests.e2e.operator.grants.grants_world import (
    ON,
    granting,
    grants,
    install,
    may_restart,
    until_granted,
)
from tests.e2e.operator.lasting import TRIES, has_come, held_until
from tests.e2e.operator.world import World, hub

ITEM = "incident-response"
# It looks at nothing by itself: what comes without a change, a date has brought.
ALONE: dict[str, Any] = {
    "settings": {**ON, **only_told.SETTINGS},
    "program": only_told.__name__,
}


@pytest.fixture(scope="module")
def world(bare_world: World) -> World:
    install(bare_world)
    return bare_world


def lent(name: str, until: datetime) -> Manifest:
    """Return a record that lends the community an item of the provider's."""
    delegate = {"party": "community", "until": until.isoformat().replace("+00:00", "Z")}
    return granting(name, items=[{"name": ITEM, "owner": "provider", "delegates": [delegate]}])


def granted(world: World, name: str) -> Callable[[datetime], bool]:
    """Return an attempt to lend the item, and to see it lent."""

    def holds(until: datetime) -> bool:
        world.admin.apply(*hub(name), lent(name, until))
        group = f"{name}-admins"
        world.until(
            lambda: may_restart(world, group, name) or has_come(until), "the delegation", TRIES[-1]
        )
        return may_restart(world, group, name)

    return holds


def until_past(date: datetime) -> None:
    """Wait until it is later than that."""
    wait_until(lambda: has_come(date + timedelta(seconds=1)), TRIES[-1], "the date")


@contextmanager
def without(world: World, verb: str) -> Iterator[None]:
    """Take a right on RoleBindings away from the operator for a while."""
    path = where(RBAC, "ClusterRole", f"{chart.RELEASE}-grants")
    role = world.admin.get(path)
    rules = [
        {**r, "verbs": [v for v in r["verbs"] if v != verb]}
        if r["resources"] == ["rolebindings"]
        else r
        for r in role["rules"]
    ]
    world.admin.replace(path, {**role, "rules": rules})
    group = RBAC.partition("/")[0]
    world.until(
        lambda: not world.own_account_may(verb, "rolebindings", group=group), "the right to be gone"
    )
    try:
        yield
    finally:
        world.admin.replace(path, {**world.admin.get(path), "rules": role["rules"]})


def test_it_ends_at_its_date_while_the_operator_runs(world: World) -> None:
    with world.operator(**ALONE) as operator:
        until = held_until(granted(world, "reef"))
        wait_until(lambda: not may_restart(world, "reef-admins", "reef"), TRIES[-1], "the end")
        late = time.time() - until.timestamp()
        say(f"a grant ended {late:.2f} s after its date")
        assert late >= 0
        world.until(lambda: world.causes("reef", kind="delegation-expired"), "what is due")
        until_granted(world, "reef")
        assert world.causes("reef", kind="grant-past-end") == []
        told = [e["message"] for e in world.events("reef")]
        assert not [m for m in told if "still grants" in m], "it was never reported as too long"
        assert operator.metrics().total("drift", kind="grant-past-end") == 0


def test_where_the_operator_was_down_it_shows_until_it_is_gone(world: World) -> None:

    def left(until: datetime) -> bool:
        with world.operator(settings=ON):
            granted(world, "dune")(until)
        # With the operator gone.
        return may_restart(world, "dune-admins", "dune")

    until_past(held_until(left))
    assert may_restart(world, "dune-admins", "dune"), "nobody was there"
    with without(world, "delete"), world.operator(settings=ON) as operator:
        world.until(lambda: world.causes("dune", kind="grant-past-end"), "the finding", 30)
        (cause,) = world.causes("dune", kind="grant-past-end")
        assert cause["party"] == "community"
        assert f"responsibility-grant-{ITEM}" in cause["bindings"][0]
        message = world.until_condition("dune", "Granted", "False", "Forbidden", 30)
        assert 'resources: ["rolebindings"], verbs: ["delete"]' in message
        assert operator.metrics().total("drift", hub="dune", kind="grant-past-end") == 1
        world.until(lambda: operator.metrics().value("missing_rights") == 1, "it to be missed", 60)
        assert may_restart(world, "dune-admins", "dune")
        path = where(RBAC, "ClusterRole", f"{chart.RELEASE}-grants")
        role = world.admin.get(path)
        for rule in role["rules"]:
            if rule["resources"] == ["rolebindings"]:
                rule["verbs"] = ["create", "patch", "delete"]
        world.admin.replace(path, role)
        world.until(lambda: not may_restart(world, "dune-admins", "dune"), "the end", 30)
        world.until(lambda: not world.causes("dune", kind="grant-past-end"), "its end", 30)
        until_granted(world, "dune")


def test_an_operator_that_comes_back_ends_it_at_once(world: World) -> None:

    def left(until: datetime) -> bool:
        with world.operator(settings=ON):
            granted(world, "moor")(until)
        return may_restart(world, "moor-admins", "moor")

    until_past(held_until(left))
    with world.operator(settings=ON):
        world.until(lambda: not may_restart(world, "moor-admins", "moor"), "the end")


def test_switched_off_again_it_says_so_and_touches_nothing(world: World) -> None:
    before = [b["metadata"]["uid"] for b in grants(world, "moor")]
    assert before
    since = world.mark()
    with world.operator():
        message = world.until_condition("moor", "Granted", "False", "SwitchedOff")
        assert "grants.enabled" in message
    assert [b["metadata"]["uid"] for b in grants(world, "moor")] == before
    assert [w for w in world.writes(since) if "rolebindings" in w] == []


def test_without_the_operator_grants_go_with_their_record(world: World) -> None:
    """Kubernetes' own garbage collector takes them along."""
    world.admin.delete(where("responsibility.2i2c.org/v1alpha1", "Responsibility", "moor"))
    world.until(lambda: grants(world, "moor") == [], "the collection", 60)
