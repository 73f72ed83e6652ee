"""The ports that the operator listens on."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

from aiohttp import web

from responsibility.controller.process.answers import Answers, logger
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
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[int]:
        """Serve ``app``; yields the port, any free one where ``port`` is 0.

        ``setting`` is the variable that says where to listen; ``headers`` are on every answer that
        doesn't say otherwise. Raises ListenError.
        """
        app.middlewares.append(bounded)
        runner = web.AppRunner(app, access_log=None, logger=logger, shutdown_timeout=_GRACE)
        await runner.setup()
        server = runner.server
        assert server is not None  # noqa: S101 - it is set up

        def serve() -> asyncio.Protocol:
            return cast("asyncio.Protocol", Answers(server, headers or {}))

        connections = Connections(self.limits, serve, tls)
        try:
            try:
                listening = await asyncio.get_running_loop().create_server(
                    connections.protocol, host, port
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
            connections.end()
