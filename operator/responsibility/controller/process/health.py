"""The operator's one port: ``/metrics``, ``/healthz`` and ``/readyz``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from responsibility.controller.process.ports import Ports
from responsibility.controller.reporting.metrics import Metrics


async def serve(
    ports: Ports,
    host: str,
    port: int,
    metrics: Metrics,
    *,
    alive: Callable[[], str],
    ready: Callable[[], str],
    bound: Callable[[int], None] = lambda _: None,
) -> None:
    """Serve until cancelled. ``alive`` and ``ready`` return why not, or an empty text.

    ``port`` 0 takes any free one; ``bound`` is told which. Raises ListenError.
    """

    async def scrape(_: web.Request) -> web.Response:
        body = await asyncio.to_thread(generate_latest, metrics.registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    def probe(why_not: Callable[[], str]) -> Handler:
        async def answer(_: web.Request) -> web.Response:
            reason = why_not()
            return web.Response(text=f"{reason or 'ok'}\n", status=503 if reason else 200)

        return answer

    app = web.Application()
    app.router.add_get("/metrics", scrape)
    app.router.add_get("/healthz", probe(alive))
    app.router.add_get("/readyz", probe(ready))
    async with ports.listen(app, host, port, setting="RESPONSIBILITY_LISTEN") as number:
        bound(number)
        await asyncio.Event().wait()
