"""Each use of the break-glass is an Event on the record and a count, and nothing waits for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from demo import organisation
from responsibility.admission.webhooks.break_glass import webhook_configuration
from tests.e2e.operator import leases, patient
from tests.e2e.operator.api import RefusedError, path_of
from tests.e2e.operator.enforcement import enforcing
from tests.e2e.operator.enforcement.enforcing import ENGINEER, ITEM, STRANGER, Person
from tests.e2e.operator.hubs.webhooks import Listening
from tests.e2e.operator.process import Operator
from tests.e2e.operator.world import World, hub

MERGE = "application/merge-patch+json"
RESCUER: Person = ("rescuer@example.org", ["kubeadm:cluster-admins"])


@pytest.fixture(scope="module")
def world(bare_world: World) -> World:
    enforcing.install(bare_world)
    group = {"kind": "Group", "name": RESCUER[1][0]}
    bare_world.admin.apply(organisation.cluster_binding("rescuers", "cluster-admin", group))
    return bare_world


@pytest.fixture(scope="module")
def listening(world: World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the settings of whom the API server tells."""
    where = Listening(world.cluster, tmp_path_factory.mktemp("certificates"))
    hooks = webhook_configuration(enforcing.model(world), where.client_config)
    for hook in hooks["webhooks"]:
        hook["timeoutSeconds"] = patient.TIMEOUT
    world.admin.apply(hooks)
    return {**enforcing.ENABLED, **where.settings}


@pytest.fixture(scope="module")
def operator(world: World, listening: dict[str, str]) -> Iterator[Operator]:
    with world.operator(settings=listening) as running:
        yield running


def replicas(world: World, person: Person, number: int) -> int:
    """Have somebody scale the hub, for good; return kubectl's exit code."""
    user, groups = person
    done = world.cluster.kubectl(
        "patch",
        "deployment/hub",
        "-n=reef",
        "--type=json",
        "-p",
        f'[{{"op": "add", "path": "/spec/replicas", "value": {number}}}]',
        as_user=user,
        as_groups=groups,
        check=False,
    )
    return done.returncode


def uses(operator: Operator) -> float:
    return operator.metrics().total("break_glass_uses_total", hub="reef", item=ITEM)


def told(world: World) -> list[str]:
    """Return what Events about the record tell of uses."""
    return [e["message"] for e in world.events("reef") if e["reason"] == "BreakGlassUsed"]


def test_each_use_is_an_event_and_a_count(world: World, operator: Operator) -> None:
    enforcing.deploy(world, "reef")
    world.admin.apply(enforcing.staged("reef", items=[enforcing.item()]))
    world.until_condition("reef", "Enforced", "True", seconds=60)
    assert replicas(world, STRANGER, 1) != 0
    assert replicas(world, ENGINEER, 1) == 0
    assert uses(operator) == 0, "neither who is refused nor who may is a use"
    assert replicas(world, RESCUER, 2) == 0
    world.until(lambda: uses(operator) == 1, "the count")
    world.until(lambda: len(told(world)) == 1, "the Event")
    assert RESCUER[0] in told(world)[0]
    assert ITEM in told(world)[0]
    # What nobody stores is no use, and neither is what is nobody's.
    assert enforcing.outcome(world, RESCUER, "reef") in ("passed", "warned")
    user, groups = RESCUER
    world.cluster.kubectl(
        "annotate", "deployment/hub", "-n=reef", "note=x", as_user=user, as_groups=groups
    )
    assert replicas(world, RESCUER, 0) == 0
    world.until(lambda: uses(operator) == 2, "the second use")
    world.until(lambda: len(told(world)) == 2, "the second Event")


def test_a_use_that_the_api_server_had_to_try_again_is_one(
    world: World, operator: Operator
) -> None:
    """It asks anew after each conflict, as when a controller writes the status meanwhile."""
    before = uses(operator)
    asked = operator.metrics().total("admission_reviews_total")
    done = threading.Event()
    path = f"{path_of(hub('reef')[1])}/status"

    def write(number: int) -> None:
        while not done.is_set():
            number += 4
            status = {"status": {"observedGeneration": number}}
            # The API server gives up where too many write at once: then another has written.
            with suppress(RefusedError):
                world.admin.together([("PATCH", path, status, MERGE)])
            done.wait(0.1)

    made = 0

    def tried_again() -> bool:
        nonlocal made
        made += 1
        assert replicas(world, RESCUER, 3 + made % 2) == 0
        world.until(lambda: uses(operator) == before + made, "the count")
        return operator.metrics().total("admission_reviews_total") > asked + made + 3

    with ThreadPoolExecutor() as pool:
        writers = [pool.submit(write, number) for number in range(4)]
        try:
            world.until(tried_again, "changes that are tried again", seconds=120)
        finally:
            done.set()
        for writer in writers:
            writer.result()
    assert uses(operator) == before + made


def test_without_the_operator_the_glass_still_breaks(world: World, operator: Operator) -> None:
    operator.stop()
    assert replicas(world, RESCUER, 1) == 0
    assert replicas(world, STRANGER, 2) != 0


def test_a_replica_that_stands_by_tells_of_what_it_hears(
    world: World, operator: Operator, listening: dict[str, str]
) -> None:
    """The API server asks any of them, and only one."""
    operator.stop()
    lead = {"LEADER_ELECTION": "true"}
    leases.give_back(world.admin)

    with world.operator(settings={**enforcing.ENABLED, **lead, "IDENTITY": "first"}) as first:
        world.until(lambda: first.metrics().value("leader") == 1, "a leader")
        world.until_condition("reef", "Enforced", "True", seconds=60)
        before = len(told(world))
        with world.operator(
            ready=False, settings={**listening, **lead, "IDENTITY": "second"}
        ) as second:
            second.until_ready(30)
            assert second.metrics().value("leader") == 0
            assert replicas(world, STRANGER, 3) != 0
            assert replicas(world, RESCUER, 2) == 0
            world.until(lambda: uses(second) == 1, "the count")
            world.until(lambda: len(told(world)) == before + 1, "the Event")
            assert uses(first) == 0
