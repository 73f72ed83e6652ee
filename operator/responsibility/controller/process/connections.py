"""Bounds for those who connect to our ports: how many, and how long for a request.

aiohttp's server (3.12) waits for the rest of a request for ever, and takes every connection: a few
thousand half requests would take all open files, the API server's connections among them. asyncio
tells nobody of a connection before its TLS handshake is done, so handshakes are ours to begin: what
says nothing at all counts as well, from the moment it is accepted.

A port that is full makes room for a newcomer at the cost of whoever has most connections: nobody
alone can keep all others out.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, cast

from aiohttp import web
from aiohttp.typedefs import Handler

_UNKNOWN: Final = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """Connections at a time; seconds for a request to come, for its answer, and between two."""

    connections: int = 64
    request: float = 10.0
    answer: float = 60.0
    idle: float = 90.0


@dataclass(frozen=True, slots=True)
class Connections:
    """All connections of one port; ``serve`` makes what handles the next one, after TLS if any."""

    limits: Limits
    serve: Callable[[], asyncio.Protocol]
    tls: ssl.SSLContext | None = None
    # Those that were waiting longest come first.
    _open: dict[Connection, None] = field(init=False, default_factory=dict)

    def protocol(self) -> asyncio.Protocol:
        """Return what handles the next connection; asyncio's factory of protocols."""
        return Connection(self)

    def enter(self, connection: Connection) -> bool:
        """Take in a connection, unless there are too many at work."""
        if len(self._open) >= self.limits.connections and not self._make_room():
            return False
        self._open[connection] = None
        return True

    def waits(self, connection: Connection) -> None:
        """Note that a connection waits from now on."""
        if connection in self._open:
            del self._open[connection]
            self._open[connection] = None

    def leave(self, connection: Connection) -> None:
        """Forget a connection that has ended."""
        self._open.pop(connection, None)

    def end(self) -> None:
        """End what is still there."""
        for connection in list(self._open):
            connection.end()

    def _make_room(self) -> bool:
        """End what waits longest of whoever has most, if anything waits for its peer."""
        number = Counter(each.peer for each in self._open)
        waiting = [each for each in self._open if not each.at_work]
        if not waiting:
            return False
        oldest = max(waiting, key=lambda each: number[each.peer])
        self.leave(oldest)
        oldest.end()
        return True


class Connection(asyncio.Protocol):
    """A connection: a handshake where there is one, aiohttp's own protocol, and a clock."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._inner: asyncio.Protocol | None = None
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._handshake: asyncio.Task[None] | None = None
        # What came with the end of the handshake.
        self._early = bytearray()
        self._lost = False
        # Who it is, and whether it waits for us: for an answer.
        self.peer = _UNKNOWN
        self.at_work = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, or end at once where there are too many."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self.peer = str(peer[0]) if peer else _UNKNOWN
        if not self._connections.enter(self):
            self._transport.abort()
            return
        self.within(self.limits.request)
        if self._connections.tls is None:
            self._begin(self._transport)
        else:
            secured = self._secure(self._transport, self._connections.tls)
            self._handshake = asyncio.get_running_loop().create_task(secured)

    def data_received(self, data: bytes) -> None:
        """Pass it on."""
        if self._inner is None:
            self._early += data
        else:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """Pass it on."""
        return None if self._inner is None else self._inner.eof_received()

    def pause_writing(self) -> None:
        """Pass it on."""
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Pass it on."""
        if self._inner is not None:
            self._inner.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        """End."""
        if self._lost:
            return
        self._lost = True
        if self._timer is not None:
            self._timer.cancel()
        self._connections.leave(self)
        if self._inner is not None:
            self._inner.connection_lost(error)

    def within(self, seconds: float) -> None:
        """End the connection unless its next step comes in so many ``seconds``."""
        if self._timer is not None:
            self._timer.cancel()
        if not self._lost:
            self._timer = asyncio.get_running_loop().call_later(seconds, self.end)

    def works(self) -> None:
        """Note that a request has come."""
        self.at_work = True
        self.within(self.limits.answer)

    def waits(self) -> None:
        """Note that it is answered."""
        self.at_work = False
        self._connections.waits(self)
        self.within(self.limits.idle)

    @property
    def limits(self) -> Limits:
        """The bounds that hold for it."""
        return self._connections.limits

    def end(self) -> None:
        """End it at once."""
        if self._transport is not None:
            self._transport.abort()

    def _begin(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._inner = self._connections.serve()
        self._inner.connection_made(transport)

    async def _secure(self, transport: asyncio.Transport, tls: ssl.SSLContext) -> None:
        try:
            secured = await asyncio.get_running_loop().start_tls(
                transport,
                self,
                tls,
                server_side=True,
                ssl_handshake_timeout=self.limits.request,
            )
        except OSError:
            # No TLS, no answer in time, or no certificate that the peer takes.
            secured = None
        if secured is None or self._lost or secured.is_closing():
            transport.abort()
            self.connection_lost(None)
            return
        self._begin(secured)
        if self._early:
            data, self._early = bytes(self._early), bytearray()
            self.data_received(data)


@web.middleware
async def bounded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tell the connection's clock that a request has come, and that it is answered."""
    connection = request.transport.get_protocol() if request.transport is not None else None
    if not isinstance(connection, Connection):
        return await handler(request)
    connection.works()
    try:
        return await handler(request)
    finally:
        connection.waits()
