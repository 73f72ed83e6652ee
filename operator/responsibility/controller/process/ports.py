"""The ports that the operator listens on, and the connections that others keep open to them."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


class ListenError(Exception):
    """A port cannot be had, or not as it is asked for."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of one operator."""

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
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        self._runners.add(runner)
        try:
            try:
                await web.TCPSite(runner, host, port, ssl_context=tls).start()
            except OSError as error:
                raise ListenError(
                    f"cannot listen on {host}:{port}: {error.strerror or error}; set {setting} to "
                    "host:port"
                ) from error
            yield int(runner.addresses[0][1])
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
