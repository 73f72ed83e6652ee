"""Bounds for those who connect to our ports: how many, and how long for a request.

aiohttp's server (3.12) waits for the rest of a request for ever, and takes every connection: a few
thousand half requests would take all open files, the API server's connections among them.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import cast

from aiohttp import web
from aiohttp.typedefs import Handler


@dataclass(frozen=True, slots=True)
class Limits:
    """Connections at a time; seconds for a request to come, for its answer, and between two."""

    connections: int = 64
    request: float = 10.0
    answer: float = 60.0
    idle: float = 90.0


@dataclass(frozen=True, slots=True)
class Connections:
    """All connections of one port."""

    limits: Limits = field(default_factory=Limits)
    _open: set[Connection] = field(init=False, default_factory=set)

    def protocol(self, server: web.Server) -> asyncio.Protocol:
        """Return what handles the next connection; asyncio's factory of protocols."""
        return Connection(self, server)

    def enter(self, connection: Connection) -> bool:
        """Take in a connection, unless there are too many."""
        if len(self._open) >= self.limits.connections:
            return False
        self._open.add(connection)
        return True

    def leave(self, connection: Connection) -> None:
        """Forget a connection that has ended."""
        self._open.discard(connection)


class Connection(asyncio.Protocol):
    """A connection: aiohttp's own protocol, and a clock that ends it."""

    def __init__(self, connections: Connections, server: web.Server) -> None:
        self._connections = connections
        self._inner = cast("asyncio.Protocol", server())
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, or end at once where there are too many."""
        self._transport = cast("asyncio.Transport", transport)
        self._inner.connection_made(transport)
        if self._connections.enter(self):
            self.within(self._connections.limits.request)
        else:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Pass it on."""
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """Pass it on."""
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        """Pass it on."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Pass it on."""
        self._inner.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        """End."""
        if self._timer is not None:
            self._timer.cancel()
        self._connections.leave(self)
        self._inner.connection_lost(error)

    def within(self, seconds: float) -> None:
        """End the connection unless its next step comes in so many ``seconds``."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._end)

    @property
    def limits(self) -> Limits:
        """The bounds that hold for it."""
        return self._connections.limits

    def _end(self) -> None:
        if self._transport is not None:
            self._transport.abort()


@web.middleware
async def bounded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tell the connection's clock that a request has come, and that it is answered."""
    connection = request.transport.get_protocol() if request.transport is not None else None
    if not isinstance(connection, Connection):
        return await handler(request)
    connection.within(connection.limits.answer)
    try:
        return await handler(request)
    finally:
        connection.within(connection.limits.idle)
