"""A proxy between one operator and the API server that delays, falsifies, cuts and swallows.

The operator speaks plain HTTP to it, with its token, and it speaks TLS to the API server. What it
does to requests and open watches is set from the thread of the test, at any time.
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import aiohttp
from aiohttp import web

# What is between two peers only, and what the proxy's own client says anew.
_HOP = frozenset(
    {"connection", "content-length", "host", "keep-alive", "transfer-encoding", "upgrade"}
)
_BETWEEN = 0.05
_PATIENCE = 60
# It would tell of every connection that is gone, and most of those are to be.
_QUIET = logging.getLogger("soak.proxy")
_QUIET.setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered in the API server's place."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """What happens to requests: to each, or to a share of them.

    ``delay`` is in seconds, half of them before the request arrives. ``swallows`` is a partition:
    nothing arrives, nothing is answered, open watches fall silent. ``cuts`` ends answers in the
    middle.
    """

    delay: float = 0.0
    answer: Answer | None = None
    cuts: bool = False
    swallows: bool = False
    share: float = 1.0


FAIR = Weather()


@dataclass(frozen=True, slots=True, eq=False)
class _Watch:
    """A watch that is open: what is answered, and who passes it on."""

    response: web.StreamResponse
    passing: asyncio.Task[None]


class Proxy:
    """One proxy; ``address`` is where it listens."""

    def __init__(self, host: str, tls: ssl.SSLContext, seed: int) -> None:
        self.weather = FAIR
        self.address = ""
        self._host, self._tls = host, tls
        self._random = random.Random(seed)
        self._watches: set[_Watch] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listening = threading.Event()
        self._end: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._main, name="proxy", daemon=True)

    @contextmanager
    def running(self) -> Iterator[Proxy]:
        """Listen, until left."""
        self._thread.start()
        assert self._listening.wait(_PATIENCE), "the proxy listens"
        try:
            yield self
        finally:
            assert self._end is not None
            assert self._loop is not None
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join(_PATIENCE)

    def interrupt(self, line: bytes = b"") -> None:
        """Have all open watches say a line; an empty one is the end of them."""

        async def tell() -> None:
            for watch in list(self._watches):
                if not line:
                    watch.passing.cancel()
                    continue
                with suppress(ConnectionError):
                    await watch.response.write(line + b"\n")

        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(tell(), self._loop).result(_PATIENCE)

    # --- in the thread --------------------------------------------------------------------------

    def _main(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        connector = aiohttp.TCPConnector(ssl=self._tls, limit=0)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, auto_decompress=False
        ) as session:

            async def handle(request: web.Request) -> web.StreamResponse:
                return await self._handle(session, request)

            runner = web.ServerRunner(
                web.Server(handle, access_log=None, logger=_QUIET),  # type: ignore[arg-type]  # it has the one method
                shutdown_timeout=0.1,
            )
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            host, port = runner.addresses[0][:2]
            self.address = f"http://{host}:{port}"
            self._listening.set()
            await self._end.wait()
            await runner.cleanup()

    async def _handle(
        self, session: aiohttp.ClientSession, request: web.Request
    ) -> web.StreamResponse:
        body = await request.read()
        weather = self._drawn()
        if weather.swallows:
            return await self._swallow(request)
        if weather.answer is not None:
            return _false(weather.answer)
        await asyncio.sleep(weather.delay / 2)
        headers = [(k, v) for k, v in request.headers.items() if k.lower() not in _HOP]
        try:
            async with session.request(
                request.method, self._host + request.raw_path, headers=headers, data=body or None
            ) as answered:
                await asyncio.sleep(weather.delay / 2)
                if request.query.get("watch") in ("1", "true"):
                    return await self._watched(request, answered)
                whole = await answered.read()
                if weather.cuts:
                    return await _cut(request, answered, whole)
                return web.Response(status=answered.status, body=whole, headers=_kept(answered))
        except aiohttp.ClientError:
            # As if there were nobody in between: the API server is away.
            _abort(request)
            return web.Response(status=502)

    def _drawn(self) -> Weather:
        weather = self.weather
        return weather if self._random.random() < weather.share else FAIR

    async def _swallow(self, request: web.Request) -> web.StreamResponse:
        while self.weather.swallows:  # noqa: ASYNC110 - it is set in another thread
            await asyncio.sleep(_BETWEEN)
        _abort(request)
        return web.Response(status=502)

    async def _watched(
        self, request: web.Request, answered: aiohttp.ClientResponse
    ) -> web.StreamResponse:
        response = web.StreamResponse(status=answered.status, headers=_kept(answered))
        await response.prepare(request)
        watch = _Watch(response, asyncio.create_task(self._pass(answered, response)))
        self._watches.add(watch)
        try:
            await asyncio.wait((watch.passing,))
        finally:
            self._watches.discard(watch)
            watch.passing.cancel()
            (ended,) = await asyncio.gather(watch.passing, return_exceptions=True)
        if ended is not None:
            # Not an orderly end, which the API server comes to by itself.
            _abort(request)
        return response

    async def _pass(self, answered: aiohttp.ClientResponse, response: web.StreamResponse) -> None:
        async for chunk in answered.content.iter_any():
            while self.weather.swallows:  # noqa: ASYNC110 - it is set in another thread
                await asyncio.sleep(_BETWEEN)
            await response.write(chunk)


def _kept(answered: aiohttp.ClientResponse) -> list[tuple[str, str]]:
    return [(k, v) for k, v in answered.headers.items() if k.lower() not in _HOP]


def _false(answer: Answer) -> web.Response:
    headers = {"Content-Type": answer.content_type, **dict(answer.headers)}
    return web.Response(status=answer.status, body=answer.body, headers=headers)


async def _cut(
    request: web.Request, answered: aiohttp.ClientResponse, whole: bytes
) -> web.StreamResponse:
    response = web.StreamResponse(status=answered.status, headers=_kept(answered))
    response.content_length = len(whole)
    await response.prepare(request)
    await response.write(whole[: len(whole) // 2])
    _abort(request)
    return response


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
