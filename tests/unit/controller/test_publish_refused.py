"""Writes that the API server refuses or does not answer: what is tried again, and what is said."""

import asyncio
import logging

import pytest

from tests.apiserver.requests import Refused
from tests.unit.controller.published import STRANGER, samples
from tests.unit.controller.virtual import virtual
from tests.unit.controller.world import RECORDS, World, garden_world


@pytest.mark.parametrize(
    "gone", [Refused(404, "NotFound"), Refused(409, "Conflict", "uid mismatch")]
)
@virtual
async def test_what_is_gone_or_another_one_by_now_is_left_to_the_watch(
    gone: Refused,
) -> None:
    world = garden_world()
    world.server.failures = {"": gone}
    assert await world.publish()
    assert sum(s.value for s in samples(world, "write_errors_total")) == 0


@virtual
async def test_a_right_that_is_missing_is_said_once_and_not_hammered_on() -> None:
    world = garden_world()
    refusal = Refused(403, "Forbidden", 'User "o" cannot patch resource "deployments" in API group')
    world.server.failures = {"deployments/hub": refusal}
    assert await world.publish(), "no reason to try again at once"
    note = world.condition("Annotated")
    assert (note["status"], note["reason"]) == ("False", "NotWritten")
    assert "annotations.deploymentNames" in note["message"]
    sent = world.server.sent
    for _ in range(5):
        await world.publish()
        world.allow(STRANGER)
    assert world.server.sent == sent + 1, "the status of the stranger's finding, and nothing else"
    world.server.failures = {}
    await asyncio.sleep(600)
    await world.publish()
    assert world.condition("Annotated")["status"] == "True"


@virtual
async def test_an_annotation_that_stays_refused_is_tried_now_and_then_and_alarms_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The record's condition says it; an alert that nobody can end would be switched off."""
    world = garden_world()
    world.server.failures = {"deployments/hub": Refused(403, "Forbidden", "cannot patch resource")}
    await world.publish()
    tried, failed = world.server.sent, write_errors(world, "annotations")
    assert failed == 1
    caplog.clear()
    for _ in range(720):
        await asyncio.sleep(5)
        await world.publish()
    assert 5 <= world.server.sent - tried <= 6, "in an hour"
    assert write_errors(world, "annotations") == failed
    assert caplog.text == ""
    # Another answer is news.
    world.server.failures = {"deployments/hub": Refused(403, "Forbidden", "denied: no owner label")}
    await asyncio.sleep(600)
    await world.publish()
    assert write_errors(world, "annotations") == failed + 1
    assert "no owner label" in caplog.text


def write_errors(world: World, what: str) -> float:
    found = world.metrics.registry.get_sample_value(
        "responsibility_write_errors_total", {"what": what}
    )
    assert found is not None
    return found


@virtual
async def test_a_policy_that_refuses_an_annotation_speaks_for_itself() -> None:
    world = garden_world()
    world.server.failures = {"deployments/hub": Refused(403, "Forbidden", "denied: no owner label")}
    await world.publish()
    assert "denied: no owner label" in world.condition("Annotated")["message"]


@virtual
async def test_a_deployment_made_anew_is_tried_at_once() -> None:
    world = garden_world()
    world.server.failures = {"deployments/hub": Refused(403, "Forbidden")}
    await world.publish()
    world.delete_hub()
    world.server.failures = {}
    world.put_hub()
    path = "/apis/apps/v1/namespaces/prod/deployments/hub"
    world.server.objects[path]["metadata"]["uid"] = "another"
    world.watch_deployments()
    await world.publish()
    assert world.server.objects[path]["metadata"]["annotations"]


@pytest.mark.parametrize("status", [401, 429, 500, 503])
@virtual
async def test_what_may_be_over_soon_is_tried_again(status: int) -> None:
    world = garden_world()
    world.server.failures = {RECORDS: Refused(status, "Trouble")}
    assert not await world.publish()
    world.server.failures = {}
    assert await world.publish()
    assert world.condition("Ready")["status"] == "True"


@virtual
async def test_a_server_that_is_away_is_not_asked_for_each_object(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = garden_world(*(f"hub-{n}" for n in range(100)))
    world.server.failures = {"": Refused(0, "NoConnection")}
    with caplog.at_level(logging.WARNING):
        assert not await world.publish()
    assert world.server.sent <= 8
    assert len(caplog.records) == 1
    assert "of our writes failed" in caplog.text


@virtual
async def test_a_status_that_is_refused_for_what_it_is_is_not_sent_at_each_pass() -> None:
    world = garden_world()
    world.server.failures = {RECORDS: Refused(422, "Invalid", "too long")}
    assert await world.publish()
    await world.publish()
    sent = world.server.sent
    await world.publish()
    assert world.server.sent == sent
    world.server.failures = {}
    await asyncio.sleep(60)
    await world.publish()
    assert world.status()
