"""The operator's one port: ``/metrics``, ``/healthz`` and ``/readyz``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CONTENT_TYPE_LATEST

from responsibility.controller.process.ports import Ports
from responsibility.controller.reporting.metrics import Metrics
from responsibility.controller.reporting.metrics_page import MetricsPage

# A weight that refuses (RFC 9110, 12.4.2).
_NO = frozenset({"q=0", "q=0.0", "q=0.00", "q=0.000"})


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
    pages = MetricsPage(metrics)

    async def scrape(request: web.Request) -> web.Response:
        compressed = _takes_gzip(request)
        page = await pages.render(compressed=compressed)
        headers = {"Content-Type": CONTENT_TYPE_LATEST, "Vary": "Accept-Encoding"}
        if compressed:
            headers["Content-Encoding"] = "gzip"
        headers["Content-Length"] = str(len(page))

        async def body() -> AsyncIterator[memoryview]:
            # Piece by piece, as the peer takes them: so all who ask at once share one page.
            for chunk in page.chunks():
                yield chunk

        return web.Response(body=body(), headers=headers)

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


def _takes_gzip(request: web.Request) -> bool:
    for each in request.headers.get("Accept-Encoding", "").lower().split(","):
        coding, _, weight = each.partition(";")
        if coding.strip() == "gzip":
            return weight.strip() not in _NO
    return False
