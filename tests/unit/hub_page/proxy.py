"""What stands before a hub and its services: one origin, as people's browsers see it.

``/user/mallory/`` is the server of somebody who means ill: a page of hers, on the hub's own origin,
and a program for visitors' browsers to run for any page of it (a service worker).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

_HOP = frozenset({"connection", "content-length", "keep-alive", "te", "transfer-encoding"})
MALLORY = "/user/mallory/"
WORKER = f"{MALLORY}worker.js"


@dataclass
class Proxy:
    """Where to send what; by the longest path that fits. ``said`` is all that passed, in words."""

    port: int = 0
    routes: dict[str, str] = field(default_factory=dict)
    mallory: str = ""
    worker: str = ""
    forwarded: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def target(self, path: str) -> str | None:
        fits = [each for each in self.routes if path.startswith(each)]
        return self.routes[max(fits, key=len)] if fits else None


@asynccontextmanager
async def proxying() -> AsyncIterator[Proxy]:
    """Run one, on a port of its own."""
    proxy = Proxy()
    async with aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
    ) as http:

        async def pass_on(request: web.Request) -> web.StreamResponse:
            if request.path == MALLORY:
                # Windows that she opens stay hers where both say the same of that.
                own = {"Cross-Origin-Opener-Policy": request.query.get("opener", "unsafe-none")}
                return web.Response(text=proxy.mallory, content_type="text/html", headers=own)
            if request.path == WORKER:
                # For more than what lies below it; hers to say.
                own = {"Service-Worker-Allowed": "/"}
                return web.Response(text=proxy.worker, content_type="text/javascript", headers=own)
            target = proxy.target(request.path)
            if target is None:
                raise web.HTTPNotFound
            sent = {n: v for n, v in request.headers.items() if n.lower() not in _HOP}
            sent |= {"X-Forwarded-Proto": "http"} | proxy.forwarded
            try:
                answer = await http.request(
                    request.method,
                    target + request.raw_path,
                    headers=sent,
                    data=await request.read(),
                    allow_redirects=False,
                )
            except aiohttp.ClientError:
                raise web.HTTPBadGateway from None
            async with answer:
                body = await answer.read()
                response = web.Response(status=answer.status, body=body)
                for name, value in answer.headers.items():
                    if name.lower() not in _HOP:
                        response.headers.add(name, value)
                return response

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", pass_on)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        proxy.port = runner.addresses[0][1]
        try:
            yield proxy
        finally:
            await runner.cleanup()
