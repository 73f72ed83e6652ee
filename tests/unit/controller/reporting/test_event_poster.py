"""Events are posted in the background; those that are lost are one line in the log."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest

from responsibility.controller.reporting import event_poster as module
from responsibility.controller.reporting.event_poster import EventPoster
from responsibility.kube import errors
from responsibility.kube.client import Api, Params
from tests.unit.controller.virtual import virtual
from tests.unit.controller.world import failure

ABOUT = {"apiVersion": "v1", "kind": "Thing", "metadata": {"name": "prod", "uid": "u"}}


class Server(Api):
    """An API server that takes Events, or does not."""

    def __init__(self) -> None:
        self.events: list[Mapping[str, Any]] = []
        self.failure: errors.ApiError | None = None

    async def create(
        self,
        path: str,
        body: Mapping[str, Any],
        *,
        params: Params | None = None,
        dry_run: bool = False,
    ) -> dict[str, Any]:
        del path, params, dry_run
        if self.failure is not None:
            raise self.failure
        self.events.append(body)
        return dict(body)


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
    server = Server()
    post = EventPoster(server, "pod")
    tell(post, 1)
    await posted(post)
    (event,) = server.events
    assert event["involvedObject"]["name"] == "prod"
    assert len(event["message"]) == 1_024


@virtual
async def test_a_burst_of_more_than_fits_is_one_line(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST", 10)
    server = Server()
    post = EventPoster(server, "pod")
    with caplog.at_level(logging.WARNING):
        tell(post, 300)
        assert len(caplog.records) == 1
        await posted(post)
        assert len(server.events) == 10
        tell(post, 10)
        assert len(caplog.records) == 1, "they fit again"
        tell(post, 10)
        assert len(caplog.records) == 2, "another burst"


@pytest.mark.parametrize("status", [403, 503])
@virtual
async def test_events_that_nobody_takes_are_one_line(
    caplog: pytest.LogCaptureFixture, status: int
) -> None:
    server = Server()
    post = EventPoster(server, "pod")
    server.failure = failure(status, "Trouble")
    with caplog.at_level(logging.WARNING):
        tell(post, 100)
        await posted(post, 3_600)
        assert len(caplog.records) == 1
        server.failure = None
        tell(post, 1)
        await posted(post)
        assert len(server.events) == 1
        server.failure = failure(status, "Trouble")
        tell(post, 1)
        await posted(post)
        assert len(caplog.records) == 2
