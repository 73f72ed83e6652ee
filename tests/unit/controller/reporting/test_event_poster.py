"""Events are posted in the background; those that are lost are one line in the log."""

import asyncio
import logging
from contextlib import suppress

import pytest

from responsibility.cluster.rights import EVENTS_NAMESPACE
from responsibility.controller.reporting.event_poster import EventPoster
from tests.apiserver.in_process import InProcessApi
from tests.apiserver.requests import Refused
from tests.apiserver.server import ApiServer
from tests.unit.controller.virtual import virtual

ABOUT = {"apiVersion": "v1", "kind": "Thing", "metadata": {"name": "prod", "uid": "u"}}


EVENTS = f"/api/v1/namespaces/{EVENTS_NAMESPACE}/events"


def tell(post: EventPoster, number: int) -> None:
    for _ in range(number):
        post(ABOUT, type="Normal", reason="Tested", message="x" * 2_000)


async def posted(post: EventPoster, seconds: float = 60) -> None:
    task = asyncio.create_task(post.run())
    await asyncio.sleep(seconds)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@virtual
async def test_an_event_is_about_its_object_and_not_too_long() -> None:
    server = ApiServer()
    post = EventPoster(InProcessApi(server), "pod")
    tell(post, 1)
    await posted(post)
    (event,) = server.collection(EVENTS)
    assert event["involvedObject"]["name"] == "prod"
    assert len(event["message"]) == 1_024


@virtual
async def test_a_burst_of_more_than_fits_is_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = ApiServer()
    post = EventPoster(InProcessApi(server), "pod", most=10)
    with caplog.at_level(logging.WARNING):
        tell(post, 300)
        assert len(caplog.records) == 1
        await posted(post)
        assert len(server.collection(EVENTS)) == 10
        tell(post, 10)
        assert len(caplog.records) == 1, "they fit again"
        tell(post, 10)
        assert len(caplog.records) == 2, "another burst"


@pytest.mark.parametrize("status", [403, 503])
@virtual
async def test_events_that_nobody_takes_are_one_line(
    caplog: pytest.LogCaptureFixture, status: int
) -> None:
    server = ApiServer()
    post = EventPoster(InProcessApi(server), "pod")
    server.failures = {"": Refused(status, "Trouble")}
    with caplog.at_level(logging.WARNING):
        tell(post, 100)
        await posted(post, 3_600)
        assert len(caplog.records) == 1
        server.failures = {}
        tell(post, 1)
        await posted(post)
        assert len(server.collection(EVENTS)) == 1
        server.failures = {"": Refused(status, "Trouble")}
        tell(post, 1)
        await posted(post)
        assert len(caplog.records) == 2
