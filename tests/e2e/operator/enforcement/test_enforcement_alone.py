"""What is in force stays in force, and ends when it should, with no operator there to see to it."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from demo import organisation
from responsibility.admission import annotation_entries
from responsibility.api.names import DELEGATES_ANNOTATION, STAGE_LABEL
from tests.e2e.lab.lifetime import say
from tests.e2e.lab.waiting import wait_until
from tests.e2e.operator import chart
from tests.e2e.operator.api import OURS, Manifest, where
from tests.e2e.operator.enforcement import enforcing
from tests.e2e.operator.enforcement.enforcing import ENGINEER, ITEM, STRANGER
from tests.e2e.operator.lasting import TRIES, has_come, held_until
from tests.e2e.operator.world import World, hub

PATIENCE = 60.0
# A hundred in a long run.
HUBS = int(os.environ.get("ENFORCED_HUBS") or 30)
LABEL = STAGE_LABEL + ITEM
WORKSHOP = {"kind": "Group", "name": "strangers"}


@pytest.fixture(scope="module")
def world(bare_world: World) -> World:
    enforcing.install(bare_world)
    return bare_world


def lent(name: str, until: datetime) -> Manifest:
    """Return a record that lends the item to the strangers for a while."""
    end = until.isoformat().replace("+00:00", "Z")
    delegates = [{"party": "community", "until": end, "reason": "workshop"}]
    return enforcing.staged(
        name,
        items=[enforcing.item(delegates=delegates)],
        parties=[enforcing.community(WORKSHOP)],
    )


def markers(world: World) -> set[str]:
    """Return the dates for which there are both a Job and a RoleBinding."""
    namespace = f"namespaces/{chart.NAMESPACE}"
    jobs = world.admin.items(f"/apis/batch/v1/{namespace}/jobs")
    bindings = world.admin.items(f"/apis/rbac.authorization.k8s.io/v1/{namespace}/rolebindings")
    return {j["metadata"]["name"] for j in jobs} & {b["metadata"]["name"] for b in bindings}


def _are(world: World, wanted: set[str]) -> bool:
    return markers(world) == wanted


def _says_nothing(world: World, name: str) -> bool:
    return enforcing.namespace_keys(world, name) == ({}, {})


def in_seconds(seconds: float) -> datetime:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).replace(microsecond=0)


def test_without_an_operator_it_is_still_enforced(world: World) -> None:
    with world.operator(settings=enforcing.ENABLED):
        enforcing.deploy(world, "reef")
        world.admin.apply(enforcing.staged("reef", items=[enforcing.item()]))
        world.until_condition("reef", "Enforced", "True", seconds=PATIENCE)
    assert enforcing.outcome(world, STRANGER, "reef") == "refused"
    assert enforcing.outcome(world, ENGINEER, "reef") == "passed"


def test_a_delegation_ends_at_its_date_with_no_operator_there(world: World) -> None:
    enforcing.deploy(world, "dune")
    with world.operator(settings=enforcing.ENABLED):
        # Once the policies are known to be in force, so that nothing is measured but the end.
        world.admin.apply(enforcing.staged("dune", items=[enforcing.item()]))
        world.until_condition("dune", "Enforced", "True", seconds=PATIENCE)

    def holds(until: datetime) -> bool:
        with world.operator(settings=enforcing.ENABLED):
            world.admin.apply(lent("dune", until))
            wait_until(
                lambda: (
                    (
                        markers(world) == {annotation_entries.marker(until)}
                        and enforcing.outcome(world, STRANGER, "dune") == "passed"
                    )
                    or has_come(until)
                ),
                TRIES[-1],
                "the marker, and the delegate to act",
            )
        # With the operator gone.
        return enforcing.outcome(world, STRANGER, "dune") == "passed"

    until = held_until(holds)
    enforcing.until_outcome(world, STRANGER, "dune", "refused", TRIES[-1])
    late = (datetime.now(UTC) - until).total_seconds()
    say(f"refused {late:.1f} s after the delegation's end, with the operator dead")
    assert late > -1.5, "not before it ends"
    wait_until(lambda: markers(world) == set(), 10, "nothing to be left")
    assert DELEGATES_ANNOTATION + ITEM in enforcing.namespace_keys(world, "dune")[1], (
        "nobody was there"
    )


def test_dates_are_moved_at_once_and_no_marker_is_left(world: World) -> None:
    enforcing.deploy(world, "moor")
    with world.operator(settings=enforcing.ENABLED):
        first, second = in_seconds(3_600), in_seconds(7_200)
        for until in (first, second):
            world.admin.apply(lent("moor", until))
            only = {annotation_entries.marker(until)}
            world.until(partial(_are, world, only), f"just {only}", 20)
        world.until_condition("moor", "Enforced", "True", seconds=PATIENCE)
        enforcing.until_outcome(world, STRANGER, "moor", "passed")
        # Somebody stops the clock; the operator sees to it that it goes on.
        job = where("batch/v1", "Job", annotation_entries.marker(second), chart.NAMESPACE)
        before = world.admin.get(job)["metadata"]["uid"]
        world.admin.merge(
            {
                "apiVersion": "batch/v1",
                "kind": "Job",
                "metadata": {
                    "name": annotation_entries.marker(second),
                    "namespace": chart.NAMESPACE,
                },
                "spec": {"suspend": True},
            }
        )
        world.until(
            lambda: (
                (found := world.admin.find(job)) is not None
                and found["metadata"]["uid"] != before
                and markers(world) == {annotation_entries.marker(second)}
            ),
            "another clock",
            30,
        )
        world.admin.apply(lent("moor", in_seconds(-5)))
        enforcing.until_outcome(world, STRANGER, "moor", "refused")
        world.until(lambda: markers(world) == set(), "no marker", 20)


def test_a_new_start_writes_nothing_and_knows_what_is_in_force(world: World) -> None:
    with world.operator(settings=enforcing.ENABLED) as operator:
        world.until_at_rest(operator)
    since = world.mark()
    with world.operator(settings=enforcing.ENABLED) as operator:
        world.until_condition("reef", "Enforced", "True", seconds=PATIENCE)
        world.until_at_rest(operator)
        world.until(
            lambda: operator.metrics().value("enforced", hub="reef", item=ITEM) == 1, "the metric"
        )
    spoken = [w for w in world.writes(since) if "dryRun=All" not in w and "/status" not in w]
    assert spoken == []


def test_what_the_cluster_has_one_of_goes_by_the_lowest_stage(world: World) -> None:
    upgrades = "kubernetes-upgrades"
    stages = {"reef": "deny", "dune": "warn", "moor": "deny"}

    def ask(**asked: str) -> None:
        for name, stage in asked.items():
            world.admin.apply(
                enforcing.staged(name, items=[enforcing.item(upgrades, stage), enforcing.item()])
            )

    def storage_class(as_user: str, groups: list[str]) -> str:
        done = world.cluster.kubectl(
            "create",
            "-f",
            "-",
            "--dry-run=server",
            input='{"apiVersion":"storage.k8s.io/v1","kind":"StorageClass","metadata":'
            '{"name":"x"},"provisioner":"example.org/none"}',
            as_user=as_user,
            as_groups=groups,
            check=False,
        )
        if done.returncode:
            assert "denied request" in done.stderr, done.stderr
            return "refused"
        return "warned" if "Warning:" in done.stderr else "passed"

    strangers = {"kind": "Group", "name": "strangers"}
    world.admin.apply(organisation.cluster_binding("too-much", "cluster-admin", strangers))
    with world.operator(settings=enforcing.ENABLED) as operator:
        ask(**stages)

        def told() -> tuple[str, str]:
            status = world.model_status()
            items = {i["name"]: i for i in status.get("items", ())}
            conditions = {c["type"]: c["status"] for c in status.get("conditions", ())}
            return str(items.get(upgrades, {}).get("admission")), conditions.get("Enforced", "")

        world.until(lambda: told() == ("warn", "True"), f"warn; it is {told()}", PATIENCE)
        assert storage_class(*STRANGER) == "warned"
        ask(dune="deny")
        world.until(lambda: told() == ("deny", "True"), f"deny; it is {told()}", PATIENCE)
        assert storage_class(*STRANGER) == "refused"
        assert storage_class(*ENGINEER) == "passed"
        ask(reef="observe")
        world.until(lambda: told() == ("None", ""), f"observe; it is {told()}")
        world.until(lambda: storage_class(*STRANGER) == "passed", "it to pass")
        assert operator.metrics().total("write_errors_total") == 0


def test_switched_off_it_takes_away_what_it_has_said(world: World) -> None:
    assert enforcing.namespace_keys(world, "reef")[0]
    with world.operator():
        for name in ("reef", "dune"):
            world.until(partial(_says_nothing, world, name), f"{name} to say nothing")
        told = world.until_condition("dune", "Enforced", "False", "NotEnabled", seconds=PATIENCE)
        assert "enforcement.enabled" in told
    enforcing.until_outcome(world, STRANGER, "reef", "passed")


def test_many_hubs_are_enforced_at_once(world: World) -> None:
    names = [f"hub-{number:03}" for number in range(HUBS)]
    hubs = [manifest for name in names for manifest in hub(name)]
    world.admin.apply(*hubs)
    world.admin.apply(*(enforcing.staged(name, "observe") for name in names))
    with world.operator(settings=enforcing.ENABLED) as operator:
        world.until_at_rest(operator)
        began = time.monotonic()
        world.admin.apply(*(enforcing.staged(name, items=[enforcing.item()]) for name in names))
        applied = time.monotonic() - began

        def proved() -> int:
            found = operator.metrics().of("enforced", item=ITEM)
            return sum(value == 1 for labels, value in found if labels["hub"] in names)

        wait_until(lambda: proved() == len(names), 120, lambda: f"all of them; it is {proved()}")
        took = time.monotonic() - began
        say(
            f"{HUBS} hubs: asked for within {applied:.1f} s, in force and proved after {took:.1f} s"
        )
        status = world.admin.items(where(OURS, "Responsibility"))
        assert len(status) >= len(names)
