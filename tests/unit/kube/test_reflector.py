"""The copy equals what the server holds, whatever happens to the connection."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from responsibility.kube import errors
from responsibility.kube.backoff import Backoff
from responsibility.kube.client import Api
from responsibility.kube.reflector import CacheChange, Reflector
from tests.apiserver.over_http import THINGS, HttpApiServer
from tests.apiserver.requests import status_of

Key = tuple[str, str]


def transform(thing: dict[str, Any]) -> tuple[Key, str] | None:
    metadata = thing["metadata"]
    if thing.get("boring"):
        return None
    return (metadata["namespace"], metadata["name"]), thing["value"]


class Listener:
    """Collects the changes, and the delays that would have been."""

    def __init__(self) -> None:
        self.changes: list[CacheChange[Key, str]] = []
        self.slept: list[float] = []

    def __call__(self, change: CacheChange[Key, str]) -> None:
        self.changes.append(change)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


async def until(reached: Callable[[], object]) -> None:
    """Let the reflector and the server run until it is so."""
    async with asyncio.timeout(60):
        while not reached():  # noqa: ASYNC110 - the server's side has no event to wait for
            await asyncio.sleep(0.001)


@asynccontextmanager
async def running(
    api: Api, listener: Listener, **options: Any
) -> AsyncIterator[Reflector[Key, str]]:
    reflector = Reflector(
        api,
        THINGS,
        options.pop("transform", transform),
        options.pop("on_change", listener),
        **{"sleep": listener.sleep, "jitter": lambda: 0.5, **options},
    )
    task = asyncio.create_task(reflector.run())
    try:
        yield reflector
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled(), "it may end by cancellation only"


def names(reflector: Reflector[Key, str]) -> dict[str, str]:
    return {name: value for (_, name), value in reflector.items.items()}


async def watched(server: HttpApiServer, number: int = 1) -> None:
    """Wait until that many watches have been asked for and one of them is open."""
    await until(lambda: sum(r.is_watch for r in server.requests) >= number and len(server.watchers))


async def test_lists_all_pages_before_it_is_synced(api: Api, server: HttpApiServer) -> None:
    for number in range(7):
        server.put(f"t{number}", value="v")
    listener = Listener()
    async with running(api, listener, page=3) as reflector:
        await reflector.wait_synced(5)
        assert len(reflector.items) == 7
        assert [len(change.put) for change in listener.changes] == [7]
        assert listener.changes[0].relisted
    lists = [request for request in server.requests if request.is_list]
    assert [request.query["limit"] for request in lists] == ["3", "3", "3"]
    assert "resourceVersion" not in lists[0].query, "a list must show the latest state"


async def test_an_empty_collection_is_news_too(api: Api, server: HttpApiServer) -> None:
    listener = Listener()
    async with running(api, listener) as reflector:
        await until(lambda: listener.changes)
        assert listener.changes == [CacheChange({}, frozenset(), relisted=True)]
        assert reflector.synced.is_set()
    assert server.requests


async def test_follows_the_watch(api: Api, server: HttpApiServer) -> None:
    server.put("kept", value="1")
    server.put("dropped", value="1")
    listener = Listener()
    async with running(api, listener) as reflector:
        await watched(server)
        server.put("new", value="1")
        server.put("kept", value="2")
        server.remove("dropped")
        await until(lambda: names(reflector) == {"kept": "2", "new": "1"})
        assert not any(change.relisted for change in listener.changes[1:])
    watch = next(request for request in server.requests if request.is_watch)
    assert watch.query["resourceVersion"] == "102"
    assert watch.query["allowWatchBookmarks"] == "true"


async def test_an_event_that_changes_nothing_of_interest_is_no_change(
    api: Api, server: HttpApiServer
) -> None:
    server.put("a", value="1")
    listener = Listener()
    async with running(api, listener):
        await watched(server)
        server.put("a", value="1", noise="yes")
        server.put("b", value="1")
        await until(lambda: len(listener.changes) > 1)
        assert listener.changes[1:] == [CacheChange({("ns", "b"): "1"}, frozenset())]


async def test_what_turns_uninteresting_is_dropped(api: Api, server: HttpApiServer) -> None:
    server.put("a", value="1")
    server.put("never", value="1", boring=True)
    listener = Listener()
    async with running(api, listener) as reflector:
        await watched(server)
        assert names(reflector) == {"a": "1"}
        server.put("a", value="1", boring=True)
        await until(lambda: not reflector.items)
        assert listener.changes[-1].dropped == {("ns", "a")}
        server.put("a", value="2")
        await until(lambda: names(reflector) == {"a": "2"})


async def test_resumes_where_it_was_after_a_normal_end(api: Api, server: HttpApiServer) -> None:
    server.put("a", value="1")
    listener = Listener()
    async with running(api, listener) as reflector:
        await watched(server)
        server.put("b", value="1")
        await until(lambda: len(reflector.items) == 2)
        server.end_watches()
        await watched(server, 2)
        server.put("c", value="1")
        await until(lambda: len(reflector.items) == 3)
        assert reflector.relists == 0
    lists = [request for request in server.requests if request.is_list]
    second = [request for request in server.requests if request.is_watch][1]
    assert len(lists) == 1
    assert second.query["resourceVersion"] == "102"


async def test_bookmarks_move_the_point_to_resume_from(api: Api, server: HttpApiServer) -> None:
    server.put("a", value="1")
    listener = Listener()
    async with running(api, listener) as reflector:
        await watched(server)
        server.bookmark()
        server.forget()
        server.end_watches()
        await watched(server, 2)
        server.put("b", value="1")
        await until(lambda: len(reflector.items) == 2)
        assert reflector.relists == 0
        assert len(listener.changes) == 2, "a bookmark is no change"


async def test_deletions_in_a_gap_leave_no_ghost(api: Api, server: HttpApiServer) -> None:
    for name in ("a", "b", "c"):
        server.put(name, value="1")
    listener = Listener()
    async with running(api, listener) as reflector:
        await watched(server)
        # All in one go, while the reflector can't see any of it.
        watchers = list(server.watchers)
        server.watchers.clear()
        server.remove("a")
        server.put("b", value="2")
        server.put("d", value="1")
        server.forget()
        server.watchers.extend(watchers)
        server.drop_watches()
        await until(lambda: reflector.relists == 1)
        assert names(reflector) == {"b": "2", "c": "1", "d": "1"}
        assert listener.changes[1:] == [
            CacheChange(
                {("ns", "b"): "2", ("ns", "d"): "1"}, frozenset({("ns", "a")}), relisted=True
            )
        ]


async def test_410_as_an_http_status_lists_again(api: Api, server: HttpApiServer) -> None:
    server.put("a", value="1")
    listener = Listener()
    async with running(api, listener) as reflector:
        await watched(server)
        server.fail(410, "Expired", "too old resource version")
        server.end_watches()
        await until(lambda: reflector.relists == 1)
        await watched(server, 3)
        assert reflector.errors == 0, "an expected 410 is no error"


async def test_an_expired_continue_token_starts_the_list_over(
    api: Api, server: HttpApiServer
) -> None:
    for number in range(6):
        server.put(f"t{number}", value="v")

    def expire_once(page: int) -> None:
        if page == 2:
            server.forget_pages()
            server.remove("t0")

    server.on_page = expire_once
    listener = Listener()
    async with running(api, listener, page=2) as reflector:
        await reflector.wait_synced(5)
        assert sorted(names(reflector)) == ["t1", "t2", "t3", "t4", "t5"]
        assert len(listener.changes) == 1, "half a list is nothing"


async def test_a_dropped_connection_is_resumed(api: Api, server: HttpApiServer) -> None:
    server.put("a", value="1")
    listener = Listener()
    async with running(api, listener) as reflector:
        await watched(server)
        server.drop_watches()
        await watched(server, 2)
        server.put("b", value="1")
        await until(lambda: len(reflector.items) == 2)
        assert reflector.relists == 0
        assert reflector.errors == 1
        assert reflector.last_error is None, "it works again"


async def test_a_silent_watch_is_asked_anew(api: Api, server: HttpApiServer) -> None:
    server.put("a", value="1")
    listener = Listener()
    async with running(api, listener, silence=0.05) as reflector:
        await watched(server)
        first = server.watchers[0]
        await watched(server, 3)
        assert first not in server.watchers, "the old connection is closed"
        server.put("b", value="1")
        await until(lambda: len(reflector.items) == 2)
        assert reflector.relists == 0
        assert reflector.errors == 0, "most likely there was no news"


async def test_lists_again_when_the_time_has_come(api: Api, server: HttpApiServer) -> None:
    now = 1000.0
    server.put("a", value="1")
    listener = Listener()
    async with running(api, listener, relist=60.0, clock=lambda: now) as reflector:
        await watched(server)
        # As if the event of its deletion had been lost.
        del server.objects[f"{THINGS}/a"]
        now += 61
        server.end_watches()
        await until(lambda: not reflector.items)
        assert listener.changes[-1] == CacheChange({}, frozenset({("ns", "a")}), relisted=True)
    watch = next(request for request in server.requests if request.is_watch)
    assert watch.query["timeoutSeconds"] == "60", "the server ends the watch when a list is due"


async def test_one_odd_object_hides_no_other(
    api: Api, server: HttpApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.put("good", value="1")
    server.put("bad", nothing="secret-content")
    listener = Listener()
    async with running(api, listener) as reflector:
        await watched(server)
        assert names(reflector) == {"good": "1"}
        assert set(reflector.left_out) == {"ns/bad"}
        server.put("bad", nothing="still")
        server.put("good", value="2")
        await until(lambda: names(reflector) == {"good": "2"})
        server.put("bad", value="repaired")
        await until(lambda: names(reflector) == {"good": "2", "bad": "repaired"})
        assert not reflector.left_out
        assert reflector.errors == 0
    told = [record.getMessage() for record in caplog.records if "ns/bad" in record.getMessage()]
    assert len(told) == 1, "logged once by name"
    assert "secret-content" not in caplog.text


async def test_a_missing_right_is_kept_to_be_named(api: Api, server: HttpApiServer) -> None:
    for _ in range(12):
        server.fail(403, "Forbidden", 'User "op" cannot list resource "things"')
    listener = Listener()
    async with running(api, listener, backoff=Backoff(random=lambda: 0.0)) as reflector:
        await until(lambda: len(listener.slept) >= 8)
        assert isinstance(reflector.last_error, errors.ForbiddenError)
        assert "cannot list" in str(reflector.last_error)
        with pytest.raises(TimeoutError, match="cannot list"):
            await reflector.wait_synced(0)
        assert max(listener.slept) == 10.0, "what only a person can end is asked seldom"
        await reflector.wait_synced(5)
        await watched(server)
        await until(lambda: reflector.last_error is None)


async def test_waits_at_least_as_long_as_the_server_says(api: Api, server: HttpApiServer) -> None:
    server.fail(429, "TooManyRequests", **{"Retry-After": "7"})
    listener = Listener()
    async with running(api, listener) as reflector:
        await reflector.wait_synced(5)
        assert listener.slept[0] == 7.0


async def test_an_unreachable_server_is_tried_again_soon(api: Api, server: HttpApiServer) -> None:
    for _ in range(10):
        server.faults.append(_cut)
    listener = Listener()
    async with running(api, listener) as reflector:
        await reflector.wait_synced(5)
        # aiohttp tries a GET a second time by itself when a kept connection turns out dead.
        assert reflector.errors == len(listener.slept) >= 5
        assert max(listener.slept) <= 2.0, "so that it is repaired within 2 s"


async def test_a_line_of_megabytes_is_an_event_like_any_other(
    api: Api, server: HttpApiServer
) -> None:
    listener = Listener()
    async with running(api, listener) as reflector:
        await watched(server)
        server.put("huge", value="x" * 5_000_000)
        await until(lambda: reflector.items)
        assert len(names(reflector)["huge"]) == 5_000_000
        assert reflector.errors == 0


async def test_garbage_in_the_stream_leads_to_a_new_list(api: Api, server: HttpApiServer) -> None:
    server.put("a", value="1")
    server.watch_faults.append(b"<html>a proxy's page</html>\n")
    listener = Listener()
    async with running(api, listener) as reflector:
        await until(lambda: reflector.relists == 1)
        assert reflector.errors == 1
        assert names(reflector) == {"a": "1"}


async def test_a_cut_event_is_not_taken_for_one(api: Api, server: HttpApiServer) -> None:
    server.put("a", value="1")
    listener = Listener()
    async with running(api, listener) as reflector:
        await watched(server)
        server.send(
            json.dumps({"type": "DELETED", "object": server.objects[f"{THINGS}/a"]}).encode()
        )
        server.end_watches()
        await watched(server, 2)
        assert names(reflector) == {"a": "1"}
        assert reflector.errors == 0


async def test_a_watch_that_ends_at_once_does_not_spin(api: Api, server: HttpApiServer) -> None:
    server.put("a", value="1")
    server.watch_faults.extend([b"\n"] * 20)
    listener = Listener()
    async with running(api, listener, backoff=Backoff(random=lambda: 0.0)):
        await until(lambda: len(listener.slept) >= 20)
        assert listener.slept[:5] == [0.1, 0.2, 0.4, 0.8, 1.5]


async def test_a_server_that_is_always_gone_does_not_spin(api: Api, server: HttpApiServer) -> None:
    gone = json.dumps({"type": "ERROR", "object": status_of(410, "Expired")}).encode() + b"\n"
    server.watch_faults.extend([gone] * 20)
    listener = Listener()
    async with running(api, listener, backoff=Backoff(random=lambda: 0.0)):
        await until(lambda: len(listener.slept) >= 20)
        assert listener.slept[:5] == [0.1, 0.2, 0.4, 0.8, 1.5]


async def test_a_listener_that_fails_is_told_again(api: Api, server: HttpApiServer) -> None:
    listener = Listener()

    def failing_once(change: CacheChange[Key, str]) -> None:
        listener(change)
        if len(listener.changes) == 2:
            raise RuntimeError("a fault of ours")

    server.put("a", value="1")
    async with running(api, listener, on_change=failing_once) as reflector:
        await watched(server)
        server.remove("a")
        await until(lambda: len(listener.changes) == 3)
        assert listener.changes[2] == CacheChange({}, frozenset({("ns", "a")}), relisted=True)
        assert reflector.errors == 1
        await watched(server, 2)
        server.put("b", value="1")
        await until(lambda: len(listener.changes) == 4)
        assert listener.changes[3] == CacheChange({("ns", "b"): "1"}, frozenset())


async def test_asks_for_metadata_only(api: Api, server: HttpApiServer) -> None:
    listener = Listener()
    async with running(api, listener, metadata_only=True, label_selector="a=b"):
        await watched(server)
    for request in server.requests:
        kind = "PartialObjectMetadata" if request.is_watch else "PartialObjectMetadataList"
        assert f"as={kind};" in request.headers["Accept"]
        assert request.query["labelSelector"] == "a=b"


async def test_cancelling_closes_the_watch(api: Api, server: HttpApiServer) -> None:
    listener = Listener()
    async with running(api, listener):
        await watched(server)
    async with asyncio.timeout(60):
        while server.watchers:
            server.send(b"\n")
            await asyncio.sleep(0)


def _cut(request: Any) -> Any:
    request.transport.abort()
    raise asyncio.CancelledError
