"""What is written: only what differs, only what is ours, once, and again only where it helps."""

import asyncio
import copy
from datetime import datetime, timedelta

import pytest

from responsibility.ownership.results.findings import Finding
from tests.unit.controller.published import STRANGER, samples, settled
from tests.unit.controller.virtual import virtual
from tests.unit.controller.world import OURS, RECORDS, Event, World, garden_world
from tests.unit.ownership.building import grant


@virtual
async def test_the_first_pass_writes_everything_and_the_next_nothing() -> None:
    world = garden_world("prod", "staging")
    first = await world.writes()
    assert {(w.path.rpartition("/")[2], w.subresource) for w in first} == {
        ("garden", "status"),
        ("prod", "status"),
        ("staging", "status"),
        ("hub", None),
    }
    assert await world.writes() == []
    world.restart()
    assert await world.writes() == []


@virtual
async def test_writes_go_to_status_and_annotations_only() -> None:
    world = garden_world()
    world.allow(STRANGER)
    for write in await world.writes():
        assert write.manager == "responsibility-operator"
        fields = set(write.body) - {"apiVersion", "kind", "metadata"}
        named = set(write.body["metadata"]) - {"name", "namespace", "uid"}
        assert write.body["metadata"]["uid"]
        if write.subresource == "status":
            assert (fields, named) == ({"status"}, set())
        else:
            assert (fields, named) == (set(), {"annotations"})
            assert all(key.startswith(OURS) for key in write.body["metadata"]["annotations"])


@virtual
async def test_nothing_is_written_twice_while_the_watch_lags() -> None:
    world = garden_world()
    await world.publisher.publish(world.look())
    sent = world.server.sent
    # Something else calls for a look before the watch has brought anything back.
    world.allow(grant("User eve", "get", "pods", ns="elsewhere"))
    await world.publisher.publish(world.look())
    assert world.server.sent == sent


@virtual
async def test_a_change_writes_what_it_touches() -> None:
    world = await settled("prod", "staging")
    world.allow(STRANGER)
    written = await world.writes()
    # Not the Deployment: what it says of its owners has nothing to do with findings.
    assert {(w.path.rpartition("/")[2], w.subresource) for w in written} == {("prod", "status")}
    assert world.status()["drift"]["excess"] == 1
    assert await world.writes() == []


@virtual
async def test_what_somebody_else_changed_is_set_right() -> None:
    world = await settled()
    path = "/apis/apps/v1/namespaces/prod/deployments/hub"
    good = dict(world.server.objects[path]["metadata"]["annotations"])
    world.server.objects[path]["metadata"]["annotations"] = {}
    world.watch_deployments()
    await world.publish()
    assert world.server.objects[path]["metadata"]["annotations"] == good
    world.put_record()
    world.server.merge(f"{RECORDS}/prod", {"status": {"summary": "all is well"}})
    world.server.version += 1
    world.server.objects[f"{RECORDS}/prod"]["metadata"]["resourceVersion"] = str(
        world.server.version
    )
    world.watch_own()
    await world.publish()
    assert world.status()["summary"] != "all is well"


@virtual
async def test_what_is_taken_back_before_it_was_seen_is_set_right() -> None:
    """As `kubectl rollout undo` may: the watch brings both at once, and nothing has changed."""
    world = garden_world()
    path = "/apis/apps/v1/namespaces/prod/deployments/hub"
    before = copy.deepcopy(world.server.objects[path])
    await world.publisher.publish(world.look())
    good = dict(world.server.objects[path]["metadata"]["annotations"])
    assert good
    events = [
        {"type": "MODIFIED", "object": copy.deepcopy(thing)}
        for thing in (world.server.objects[path], before)
    ]
    world.server.objects[path]["metadata"]["annotations"] = {}
    world.store.deployments._take(events)
    await asyncio.sleep(10)
    await world.publish()
    assert world.server.objects[path]["metadata"]["annotations"] == good


@virtual
async def test_a_watch_that_stands_still_costs_ever_fewer_writes() -> None:
    world = await settled()
    path = "/apis/apps/v1/namespaces/prod/deployments/hub"
    world.server.objects[path]["metadata"]["annotations"] = {}
    world.watch_deployments()
    before = world.server.sent
    for _ in range(0, 3_600, 5):
        await world.publisher.publish(world.look())
        await asyncio.sleep(5)
    # After 0, 5, 15, 35 … seconds, and then every ten minutes.
    assert 2 < world.server.sent - before < 15


@virtual
async def test_what_others_put_beside_ours_is_left_and_not_fought_over() -> None:
    world = garden_world()
    theirs = {"type": "Blessed", "status": "True", "lastTransitionTime": "2030-01-01T00:00:00Z"}
    path = "/apis/apps/v1/namespaces/prod/deployments/hub"
    world.server.objects[f"{RECORDS}/prod"]["status"] = {"conditions": [theirs]}
    annotations = {f"{OURS}owners": "the chart's", f"{OURS}note": "x"}
    world.server.objects[path]["metadata"]["annotations"] = annotations
    await world.publish()
    assert theirs in world.status()["conditions"]
    await world.publish()
    sent = world.server.sent
    await world.publish()
    await world.publish(after=7_200)
    assert world.server.sent == sent


@virtual
async def test_annotations_go_with_the_record() -> None:
    world = await settled()
    world.delete_record()
    (write,) = [w for w in await world.writes() if w.subresource is None]
    assert "annotations" not in write.body["metadata"]
    assert await world.writes() == []


@virtual
async def test_annotations_can_be_switched_off() -> None:
    world = garden_world(annotate=False)
    assert {w.subresource for w in await world.writes()} == {"status"}
    assert world.condition("Annotated")["status"] == "False"
    assert "switched off" in world.condition("Annotated")["message"]


@virtual
async def test_a_status_says_of_which_generation_it_speaks() -> None:
    world = garden_world()
    publishing = asyncio.create_task(world.publisher.publish(world.look()))
    await asyncio.sleep(0)
    # While the first answers are waited for, somebody edits the record.
    world.put_record(generation=2, items=[{"name": "fence", "owner": "guests"}])
    await publishing
    assert world.status()["observedGeneration"] == 1
    world.watch_own()
    await world.publish()
    assert world.status()["observedGeneration"] == 2


@virtual
async def test_a_record_that_cannot_be_read_says_why() -> None:
    world = await settled()
    world.put_record(generation=2, items="none")
    await world.publish()
    ready = world.condition("Ready")
    assert (ready["status"], ready["reason"]) == ("False", "Malformed")
    assert "spec.items" in ready["message"]
    assert await world.writes() == []


@virtual
async def test_findings_are_told_when_they_come_and_when_they_end() -> None:
    world = await settled()
    world.told.clear()
    world.allow(STRANGER)
    await world.publish()
    assert [(e.name, e.type, e.reason) for e in world.told] == [("prod", "Warning", "ExcessAccess")]
    await world.publish()
    assert len(world.told) == 1
    world.forbid(STRANGER)
    await world.publish()
    assert world.told[1:] == [Event("prod", "Normal", "FindingsEnded", "1 finding ended")]


@virtual
async def test_many_findings_are_told_as_a_number() -> None:
    world = await settled()
    world.told.clear()
    world.allow(*(grant(f"User u{n}", "update", "configmaps") for n in range(40)))
    await world.publish()
    assert [e.reason for e in world.told] == [*["ExcessAccess"] * 3, "MoreFindings"]
    assert world.told[-1].message.startswith("37 more")
    # An operator that starts can see 32 of the 40 in the status, and tells of none as new.
    world.told.clear()
    world.restart()
    await world.publish()
    assert world.told == []


def _since(world: World) -> list[str]:
    return [
        c.get("findings", {}).get(key, c["since"])
        for c in world.status()["causes"]
        for key in c["ids"].split()
    ]


@virtual
async def test_since_when_is_known_across_restarts_and_refusals() -> None:
    world = await settled()
    world.allow(STRANGER)
    await world.publish()
    (before,) = _since(world)
    world.restart()
    await world.publish(after=3_600)
    assert _since(world) == [before]
    good = world.put_record
    good(generation=2, model="another")
    await world.publish(after=60)
    assert "causes" not in world.status()
    world.told.clear()
    good(generation=3)
    await world.publish(after=60)
    assert _since(world) == [before]
    assert world.told == []
    (oldest,) = samples(world, "drift_oldest_timestamp_seconds")
    assert int(oldest.value) == int(datetime.fromisoformat(before).timestamp())


@virtual
async def test_a_record_written_anew_begins_anew() -> None:
    world = await settled()
    world.allow(STRANGER)
    await world.publish()
    world.told.clear()
    world.delete_record()
    world.put_record(uid="another")
    await world.publish()
    assert [e.reason for e in world.told] == ["ExcessAccess"]


@virtual
async def test_nothing_is_kept_about_what_is_gone() -> None:
    world = await settled("prod", "staging")
    world.delete_record("staging")
    await world.publish()
    assert set(world.publisher._statuses._settled) == {"uid-garden", "uid-prod"}
    assert set(world.publisher._history._seen) == {"uid-garden", "uid-prod"}


@virtual
async def test_of_what_is_as_it_was_no_finding_is_looked_at_and_its_age_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = garden_world("prod", "staging")
    world.allow(STRANGER)
    await world.writes()
    assert await world.writes() == []
    oldest = dict(world.metrics.state.since)
    assert oldest
    looked_at: list[Finding] = []
    identify = vars(Finding)["id"].fget

    def noting(finding: Finding) -> str:
        looked_at.append(finding)
        return str(identify(finding))

    monkeypatch.setattr(Finding, "id", property(noting))
    world.now += timedelta(minutes=1)
    await world.publish()
    assert looked_at == []
    assert world.metrics.state.since == oldest
    world.allow(grant("User mallory", "update", "configmaps", ns="staging"))
    await world.publish()
    assert looked_at
    assert {finding.hub.namespace for finding in looked_at if finding.hub} == {"staging"}
    assert world.metrics.state.since.items() >= oldest.items()
