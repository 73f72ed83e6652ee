"""A reflector among faults: it always comes back to the truth, and never spins."""

import asyncio
import json
from typing import Any

import pytest

from responsibility.kube import errors
from responsibility.kube.backoff import Backoff
from responsibility.kube.client import Api
from responsibility.kube.reflector import CacheChange
from tests.apiserver.over_http import THINGS, HttpApiServer
from tests.apiserver.requests import status_of
from tests.unit.kube.reflecting import Key, Listener, names, running, until, watched


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
