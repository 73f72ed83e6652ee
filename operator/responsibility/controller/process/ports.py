"""The ports that the operator listens on, and the connections that others keep open to them."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from responsibility.controller.process.connections import Connections, Limits, bounded

# Seconds that requests on their way may take when all ends; connections on which nobody waits for
# an answer, those of scrapers and of the API server, end at once.
_GRACE = 2.0


class _OddRequests(logging.Filter):
    """Leaves out of the log what is no HTTP.

    aiohttp tells it with the line that can't be read (``data_received`` in ``web_protocol.py``),
    which may be one with somebody's token; and anybody who reaches a port could fill the log.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, HttpProcessingError)


logger = logging.getLogger(__name__)
logger.addFilter(_OddRequests())


class ListenError(Exception):
    """A port cannot be had, or not as it is asked for."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of one operator."""

    limits: Limits = field(default_factory=Limits)

    @asynccontextmanager
    async def listen(
        self,
        app: web.Application,
        host: str,
        port: int,
        *,
        setting: str,
        tls: ssl.SSLContext | None = None,
    ) -> AsyncIterator[int]:
        """Serve ``app``; yields the port, any free one where ``port`` is 0.

        ``setting`` is the variable that says where to listen. Raises ListenError.
        """
        app.middlewares.append(bounded)
        runner = web.AppRunner(app, access_log=None, logger=logger, shutdown_timeout=_GRACE)
        await runner.setup()
        connections, server = Connections(self.limits), runner.server
        assert server is not None  # noqa: S101 - it is set up
        try:
            try:
                listening = await asyncio.get_running_loop().create_server(
                    lambda: connections.protocol(server),
                    host,
                    port,
                    ssl=tls,
                    # Until it is done, nobody else counts or ends the connection.
                    ssl_handshake_timeout=None if tls is None else self.limits.request,
                )
            except OSError as error:
                raise ListenError(
                    f"cannot listen on {host}:{port}: {error.strerror or error}; set {setting} to "
                    "host:port"
                ) from error
            try:
                yield int(listening.sockets[0].getsockname()[1])
            finally:
                listening.close()
        finally:
            await runner.cleanup()
