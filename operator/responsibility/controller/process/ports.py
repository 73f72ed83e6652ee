"""The ports that the operator listens on, and the connections that others keep open to them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from responsibility.controller.process.connections import Connections, Limits, bounded

# Seconds that requests on their way may take when all ends; connections on which nobody waits for
# an answer, those of scrapers and of the API server, end at once.
_GRACE = 2.0


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
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_GRACE)
        await runner.setup()
        connections, server = Connections(self.limits), runner.server
        assert server is not None  # noqa: S101 - it is set up
        try:
            try:
                listening = await asyncio.get_running_loop().create_server(
                    lambda: connections.protocol(server), host, port, ssl=tls
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
