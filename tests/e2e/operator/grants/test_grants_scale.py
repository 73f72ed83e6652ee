"""Many hubs, granted from nothing, and again after everything was deleted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime

import pytest

from tests.e2e.lab import audit
from tests.e2e.lab.lifetime import say
from tests.e2e.lab.waiting import eventually, wait_until
from tests.e2e.operator.api import RBAC, where
from tests.e2e.operator.grants.grants_world import INSTALLED, ON, granting, until_may_restart
from tests.e2e.operator.process import Operator
from tests.e2e.operator.world import World, hub

# Two hundred in a long run.
HUBS = int(os.environ.get("GRANTS_HUBS") or 50)
NAMES = tuple(f"hub-{number:03}" for number in range(HUBS))
# Of the shipped model: five items, one of which is delegated as well.
EACH = 6
BINDINGS = where(RBAC, "RoleBinding")
PATIENCE = 300.0


@pytest.fixture(scope="module")
def world(bare_world: World) -> World:
    """Deploy hubs whose records ask for grants, while no operator runs."""
    bare_world.install(*INSTALLED)
    bare_world.admin.apply(*(each for name in NAMES for each in hub(name)))
    bare_world.admin.apply(*(granting(name) for name in NAMES))
    return bare_world


@pytest.fixture(scope="module")
def operator(world: World) -> Iterator[Operator]:
    with world.operator(settings=ON, ready=False) as running:
        yield running


def there(world: World) -> int:
    found = world.admin.items(BINDINGS)
    return sum(b["metadata"]["name"].startswith("responsibility-grant-") for b in found)


def created(world: World, since: int) -> list[audit.Event]:
    return [
        event
        for event in world.requests(since)
        if event["verb"] == "create" and event["objectRef"]["resource"] == "rolebindings"
    ]


def seconds(events: list[audit.Event]) -> float:
    moments = sorted(datetime.fromisoformat(event["requestReceivedTimestamp"]) for event in events)
    return (moments[-1] - moments[0]).total_seconds()


def until_all(world: World, since: int, what: str) -> None:
    wait_until(lambda: there(world) == HUBS * EACH, PATIENCE, f"all grants, {what}")

    def each_once() -> list[audit.Event]:
        # A request is written down a moment after it was answered.
        events = created(world, since)
        assert len(events) == HUBS * EACH, "each was created once, and none in vain"
        return events

    took = seconds(eventually(each_once))
    each_hundred = took / (HUBS * EACH) * 100
    say(f"{HUBS * EACH} grants {what} in {took:.1f} s: 100 in {each_hundred:.2f} s")


def until_known(operator: Operator) -> None:
    wait_until(
        lambda: operator.metrics().total("grants") == HUBS * EACH, 60, "the operator to know"
    )


def test_from_nothing(world: World, operator: Operator) -> None:
    since = world.mark()
    operator.until_ready(PATIENCE)
    until_all(world, since, "from nothing")
    for name in (NAMES[0], NAMES[-1]):
        world.until_condition(name, "Granted", "True", seconds=60)
        until_may_restart(world, f"{name}-admins", name)
    until_known(operator)


def test_again_after_all_were_deleted(world: World, operator: Operator) -> None:
    world.until_at_rest(operator, PATIENCE)
    since = world.mark()
    paths = [f"{where(RBAC, 'RoleBinding', namespace=name)}" for name in NAMES]
    world.admin.delete(*paths)
    until_all(world, since, "after all were deleted")
    until_known(operator)


def test_then_nothing_is_written(world: World, operator: Operator) -> None:
    world.until_at_rest(operator, PATIENCE)
    since = world.mark()
    with world.operator(settings={**ON, "RELIST_SECONDS": "3"}) as second:
        wait_until(lambda: second.metrics().total("relists_total") > 10, PATIENCE, "lists")
        world.until_at_rest(second, PATIENCE)
        assert second.metrics().total("writes_total", what="grants") == 0
    assert [w for w in world.writes(since) if "rolebindings" in w] == []
