"""A small API server: one collection, with pages, watches, history, and faults on demand.

It is the only one that speaks HTTP; what a test needs beside the collection, it puts into `answers`
or `elsewhere`. Where time is virtual there can be no socket: `tests.unit.controller.world.FakeApi`
takes the client's place there.
"""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import test_utils, web
from kubernetes.aio.client.configuration import Configuration

from responsibility.kube.client import Api

THINGS = "/apis/example.org/v1/things"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked, as the tests want to see it."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: Any

    @property
    def is_watch(self) -> bool:
        return self.query.get("watch") in ("1", "true")

    @property
    def is_list(self) -> bool:
        return self.method == "GET" and self.path == THINGS and not self.is_watch


@dataclass(slots=True)
class Watcher:
    """One open watch; what is put into the queue is sent, None ends it, `drop` cuts it."""

    queue: asyncio.Queue[bytes | None]
    transport: asyncio.Transport | None

    def drop(self) -> None:
        assert self.transport is not None
        self.transport.abort()


Answer = Callable[[web.Request], web.StreamResponse]


@dataclass(slots=True)
class FakeServer:
    """Objects by name with resource versions, as etcd has them, behind a real HTTP server."""

    objects: dict[str, Json] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    watchers: list[Watcher] = field(default_factory=list)
    faults: deque[Answer] = field(default_factory=deque)
    watch_faults: deque[bytes] = field(default_factory=deque)
    answers: dict[str, Callable[[Request], Json | web.Response]] = field(default_factory=dict)
    # What is at all other paths. Where there is something, a watch is open and tells nothing.
    elsewhere: Callable[[Request], Json | web.Response] | None = None
    # The one token that is accepted, any if none; and what was refused for another.
    only_token: str = ""
    refused: list[Request] = field(default_factory=list)
    version: int = 100
    oldest: int = 0
    url: str = ""
    on_page: Callable[[int], None] | None = None
    _history: list[tuple[int, bytes]] = field(default_factory=list)
    _pages: dict[str, tuple[int, list[Json]]] = field(default_factory=dict)
    _server: test_utils.TestServer | None = None

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

    def api(self) -> Api:
        return Api(Configuration(host=self.url))

    def put(self, name: str, **fields: Any) -> None:
        kind = "MODIFIED" if name in self.objects else "ADDED"
        self.version += 1
        thing = {
            "metadata": {"namespace": "ns", "name": name, "resourceVersion": str(self.version)},
            **fields,
        }
        self.objects[name] = thing
        self._event(kind, thing)

    def delete(self, name: str) -> None:
        self.version += 1
        thing = self.objects.pop(name)
        thing["metadata"] = {**thing["metadata"], "resourceVersion": str(self.version)}
        self._event("DELETED", thing)

    def bookmark(self) -> None:
        self.version += 1
        self._event("BOOKMARK", {"metadata": {"resourceVersion": str(self.version)}})

    def send(self, line: bytes) -> None:
        for watcher in self.watchers:
            watcher.queue.put_nowait(line)

    def forget(self) -> None:
        """Compact: no resource version from before now can be watched from."""
        self.oldest = self.version
        self._history.clear()

    def forget_pages(self) -> None:
        self._pages.clear()

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

    def _event(self, kind: str, thing: Json) -> None:
        line = json.dumps({"type": kind, "object": thing}).encode() + b"\n"
        self._history.append((self.version, line))
        self.send(line)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        text = await request.text()
        seen = Request(
            request.method,
            request.path,
            dict(request.query),
            request.headers,
            json.loads(text) if text else None,
        )
        given = request.headers.get("Authorization", "").rpartition(" ")[2]
        if self.only_token not in ("", given):
            self.refused.append(seen)
            return refusal(401, "Unauthorized")
        self.requests.append(seen)
        if self.faults:
            return self.faults.popleft()(request)
        answered = self.answers.get(request.path)
        if answered is None and request.path == THINGS:
            return await self._watch(request) if seen.is_watch else self._list(seen)
        if answered is None and self.elsewhere is not None:
            if seen.is_watch:
                return await self._tell(request, [])
            answered = self.elsewhere
        if answered is None:
            return refusal(404, "NotFound")
        answer = answered(seen)
        return answer if isinstance(answer, web.Response) else web.json_response(answer)

    def _list(self, request: Request) -> web.Response:
        limit = int(request.query.get("limit", "0")) or len(self.objects) or 1
        token = request.query.get("continue")
        if token is None:
            version, rest = self.version, list(self.objects.values())
        elif token in self._pages:
            version, rest = self._pages[token]
        else:
            return web.json_response(status_of(410, "Expired", "token too old"), status=410)
        page, rest = rest[:limit], rest[limit:]
        metadata = {"resourceVersion": str(version)}
        if rest:
            metadata["continue"] = f"token-{len(self.requests)}"
            self._pages[metadata["continue"]] = (version, rest)
        answer = web.json_response({"kind": "ThingList", "metadata": metadata, "items": page})
        if self.on_page is not None:
            self.on_page(sum(seen.is_list for seen in self.requests))
        return answer

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        if self.watch_faults:
            await response.write(self.watch_faults.popleft())
            return response
        since = int(request.query["resourceVersion"])
        if since < self.oldest:
            gone = {"type": "ERROR", "object": status_of(410, "Expired", "too old")}
            await response.write(json.dumps(gone).encode() + b"\n")
            return response
        missed = [line for version, line in self._history if version > since]
        return await self._tell(request, missed, response)

    async def _tell(
        self,
        request: web.Request,
        missed: Iterable[bytes],
        response: web.StreamResponse | None = None,
    ) -> web.StreamResponse:
        """Keep a watch open, and send what comes, until it is ended."""
        if response is None:
            response = web.StreamResponse()
            await response.prepare(request)
        watcher = Watcher(asyncio.Queue(), request.transport)
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


def refusal(code: int, reason: str, message: str = "") -> web.Response:
    return web.json_response(status_of(code, reason, message), status=code)


def status_of(code: int, reason: str, message: str = "") -> Json:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
    }
