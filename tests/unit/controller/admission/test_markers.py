"""Markers: one Job and one RoleBinding for each date, made, kept and removed."""

from datetime import timedelta
from typing import Any

import pytest

from responsibility.admission.annotation_entries import marker
from responsibility.api.names import DELEGATION_ROLE
from responsibility.controller.admission.markers import Markers, read_clock
from responsibility.controller.reporting.writer import Writer
from tests.unit.controller.virtual import virtual
from tests.unit.controller.world import World
from tests.unit.ownership.building import NOW

UNTIL = (NOW + timedelta(hours=1)).replace(microsecond=0)
NAME = marker(UNTIL)
JOBS = "/apis/batch/v1/namespaces/ours/jobs"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/namespaces/ours/rolebindings"


class Fixture:
    """Markers of the namespace ``ours``."""

    def __init__(self) -> None:
        self.world = World()
        self.there = self.world.server.objects
        api = self.world.api
        writer = Writer(api, self.world.metrics)
        self.markers = Markers(api, self.world.store, writer, namespace="ours", relist=300)
        self.markers.reflector.synced.set()

    def watch(self, **status: Any) -> None:
        """Let the watches bring everything; by default Jobs have begun now."""
        started = {"startTime": NOW.isoformat(), **status}
        jobs: list[Any] = []
        bindings: list[Any] = []
        for path, thing in self.there.items():
            event = {"type": "MODIFIED", "object": {**thing, "status": started}}
            (jobs if path.startswith(JOBS) else bindings).append(event)
        self.markers.reflector._cache.listing().commit()
        if jobs:
            self.markers.reflector._take(jobs)
        if bindings:
            self.world.store.bindings._take(bindings)

    async def keep(self, *names: str) -> list[tuple[str, str]]:
        """Do one pass and return what was done."""
        before = len(self.world.server.requests)
        await self.markers.keep(names, NOW)
        done = self.world.server.requests[before:]
        deletions = [request for request in done if request.method == "DELETE"]
        assert all(request.body["preconditions"]["uid"] for request in deletions)
        return [(request.method, request.path.removesuffix(f"/{NAME}")) for request in done]


@virtual
async def test_a_date_in_use_has_a_job_and_what_goes_with_it() -> None:
    fixture = Fixture()
    assert await fixture.keep(NAME) == [("POST", JOBS), ("POST", BINDINGS)]
    job, binding = fixture.there[f"{JOBS}/{NAME}"], fixture.there[f"{BINDINGS}/{NAME}"]
    spec = job["spec"]
    assert (spec["parallelism"], spec["ttlSecondsAfterFinished"]) == (0, 0)
    assert spec["activeDeadlineSeconds"] == 3_600
    assert binding["roleRef"]["name"] == DELEGATION_ROLE
    assert [s["name"] for s in binding["subjects"]] == [NAME]
    (owner,) = binding["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("Job", job["metadata"]["uid"])
    fixture.watch()
    assert await fixture.keep(NAME) == []


@virtual
async def test_a_date_that_nobody_uses_any_more_goes_with_its_job() -> None:
    fixture = Fixture()
    await fixture.keep(NAME)
    fixture.watch()
    # The RoleBinding is the garbage collector's.
    assert await fixture.keep() == [("DELETE", JOBS)]


@virtual
async def test_a_date_that_has_passed_gets_no_marker() -> None:
    fixture = Fixture()
    assert await fixture.keep(marker(NOW), marker(NOW - timedelta(days=1))) == []


@virtual
async def test_a_binding_that_is_lost_is_made_again() -> None:
    fixture = Fixture()
    await fixture.keep(NAME)
    del fixture.there[f"{BINDINGS}/{NAME}"]
    fixture.watch()
    assert await fixture.keep(NAME) == [("POST", BINDINGS)]


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({}, False),
        ({"suspend": True}, True),
        ({"activeDeadlineSeconds": 36_000}, True),
        ({"activeDeadlineSeconds": None}, True),
    ],
)
def test_a_clock_that_somebody_has_stopped_or_set_is_wrong(
    change: dict[str, Any], wrong: bool
) -> None:
    job = {
        "metadata": {"name": NAME, "uid": "x"},
        "spec": {"activeDeadlineSeconds": 3_600, **change},
        "status": {"startTime": NOW.isoformat()},
    }
    assert read_clock(job)[1].wrong is wrong


@virtual
async def test_a_wrong_clock_is_replaced() -> None:
    fixture = Fixture()
    await fixture.keep(NAME)
    fixture.there[f"{JOBS}/{NAME}"]["spec"]["suspend"] = True
    fixture.watch()
    assert await fixture.keep(NAME) == [("DELETE", JOBS)]


@virtual
async def test_somebody_elses_binding_of_that_name_is_told_of_and_left() -> None:
    fixture = Fixture()
    await fixture.keep(NAME)
    fixture.there[f"{BINDINGS}/{NAME}"]["subjects"] = [{"kind": "User", "name": "eve"}]
    fixture.watch()
    assert await fixture.keep(NAME) == []
    assert NAME in fixture.markers.trouble
