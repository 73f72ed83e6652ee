"""The ports that the operator listens on, and the connections that others keep open to them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from responsibility.controller.process.connections import Connections, Limits, bounded


class ListenError(Exception):
    """A port cannot be had, or not as it is asked for."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of one operator."""

    limits: Limits = field(default_factory=Limits)
    _runners: set[web.AppRunner] = field(init=False, default_factory=set)

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
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        connections, server = Connections(self.limits), runner.server
        assert server is not None  # noqa: S101 - it is set up
        self._runners.add(runner)
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
            self._runners.discard(runner)
            await runner.cleanup()

    def end_idle_connections(self) -> None:
        """End the connections on which nobody waits for an answer.

        Scrapers and the API server keep theirs open for the next request; each is a task, and
        the framework, when it ends, would wait for all tasks.
        """
        for runner in self._runners:
            if runner.server is not None:
                runner.server.pre_shutdown()
