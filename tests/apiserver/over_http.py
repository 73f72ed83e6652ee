"""The fake API server on a socket: pages, watches that go on and end, answers that are cut off.

One collection, ``THINGS``, is there from the start, with objects by name.
"""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import test_utils, web
from kubernetes.aio.client.configuration import Configuration

from responsibility.kube.client import Api
from responsibility.kube.request_options import USUAL, RequestOptions
from tests.apiserver.requests import Json, Request, refusal, status_of
from tests.apiserver.server import ApiServer

THINGS = "/apis/example.org/v1/things"


@dataclass(slots=True)
class Watcher:
    """One open watch; what is put into the queue is sent, None ends it, `drop` cuts it."""

    path: str
    queue: asyncio.Queue[bytes | None]
    transport: asyncio.Transport | None

    def drop(self) -> None:
        assert self.transport is not None
        self.transport.abort()


Fault = Callable[[web.Request], web.StreamResponse]


@dataclass
class HttpApiServer(ApiServer):
    """Objects with a history that can be watched, behind a real HTTP server."""

    watchers: list[Watcher] = field(default_factory=list)
    # Instead of the next answers, and of what the next watches say.
    faults: deque[Fault] = field(default_factory=deque)
    watch_faults: deque[bytes] = field(default_factory=deque)
    # The one token that is accepted, any if none; and what was refused for another.
    only_token: str = ""
    refused: list[Request] = field(default_factory=list)
    # No resource version before this can be watched from.
    oldest: int = 0
    url: str = ""
    on_page: Callable[[int], None] | None = None
    _history: list[tuple[int, str, bytes]] = field(default_factory=list)
    _server: test_utils.TestServer | None = None

    def __post_init__(self) -> None:
        self.collections.add(THINGS)
        self.listeners.append(self._event)

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._server = test_utils.TestServer(app)
        await self._server.start_server()
        self.url = str(self._server.make_url("")).rstrip("/")

    async def stop(self) -> None:
        assert self._server is not None
        self.end_watches()
        await self._server.close()

    def api(self, requests: RequestOptions = USUAL) -> Api:
        return Api(Configuration(host=self.url), requests)

    def put(self, name: str, **fields: Any) -> None:
        """Have a thing, as somebody else makes or changes it."""
        path = f"{THINGS}/{name}"
        event = "MODIFIED" if path in self.objects else "ADDED"
        self._store(path, {"metadata": {"namespace": "ns", "name": name}, **fields}, event)

    def remove(self, name: str) -> None:
        """Have a thing no more."""
        self.delete(f"{THINGS}/{name}", {})

    def bookmark(self) -> None:
        self.version += 1
        self._event("BOOKMARK", THINGS, {"metadata": {"resourceVersion": str(self.version)}})

    def send(self, line: bytes) -> None:
        """Have every watch say this."""
        for watcher in self.watchers:
            watcher.queue.put_nowait(line)

    def forget(self) -> None:
        """Compact: no resource version from before now can be watched from."""
        self.oldest = self.version
        self._history.clear()

    def end_watches(self) -> None:
        for watcher in self.watchers:
            watcher.queue.put_nowait(None)

    def drop_watches(self) -> None:
        for watcher in self.watchers:
            watcher.drop()

    def fail(self, status: int, reason: str, message: str = "", **headers: str) -> None:
        """Answer the next request with a Status."""
        body = status_of(status, reason, message)
        self.faults.append(lambda _: web.json_response(body, status=status, headers=headers))

    def _event(self, kind: str, path: str, thing: Json) -> None:
        folder = path if kind == "BOOKMARK" else path.rpartition("/")[0]
        line = json.dumps({"type": kind, "object": thing}).encode() + b"\n"
        self._history.append((self.version, folder, line))
        for watcher in self.watchers:
            if watcher.path == folder:
                watcher.queue.put_nowait(line)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        text = await request.text()
        body = json.loads(text) if text else None
        query = dict(request.query)
        seen = Request(request.method, request.path, query, request.headers, body)
        given = request.headers.get("Authorization", "").rpartition(" ")[2]
        if self.only_token not in ("", given):
            self.refused.append(seen)
            return refusal(401, "Unauthorized")
        if self.faults:
            self.requests.append(seen)
            return self.faults.popleft()(request)
        if seen.is_watch and seen.path not in self.answers:
            self.requests.append(seen)
            if self.elsewhere is None and not self._is_known(seen.path):
                return refusal(404, "NotFound")
            return await self._watch(request)
        answer = await self.answer(seen)
        if self.on_page is not None and seen.is_list:
            self.on_page(sum(one.is_list for one in self.requests))
        return answer

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        if self.watch_faults:
            await response.write(self.watch_faults.popleft())
            return response
        if not self._is_known(request.path):
            # Nothing ever happens there.
            return await self._keep_open(request, response, ())
        since = int(request.query["resourceVersion"])
        if since < self.oldest:
            gone = {"type": "ERROR", "object": status_of(410, "Expired", "too old")}
            await response.write(json.dumps(gone).encode() + b"\n")
            return response
        missed = (
            line
            for version, folder, line in self._history
            if version > since and folder == request.path
        )
        return await self._keep_open(request, response, missed)

    async def _keep_open(
        self, request: web.Request, response: web.StreamResponse, missed: Iterable[bytes]
    ) -> web.StreamResponse:
        """Keep a watch open, and send what comes, until it is ended."""
        watcher = Watcher(request.path, asyncio.Queue(), request.transport)
        for line in missed:
            watcher.queue.put_nowait(line)
        self.watchers.append(watcher)
        try:
            while (line_or_end := await watcher.queue.get()) is not None:
                await response.write(line_or_end)
        except ConnectionError:
            pass
        finally:
            self.watchers.remove(watcher)
        return response
