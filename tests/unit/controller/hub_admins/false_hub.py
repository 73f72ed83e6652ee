"""A server that answers as a hub does, until a test has it answer otherwise."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from responsibility.controller.hub_admins.address import Address
from responsibility.hub.admins.registration import SCOPES, SERVICE

TOKEN = "7ok3n" * 12
_NOWHERE = Address("", 0)
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class FalseHub:
    """What it answers, and what it was asked: paths, and the tokens that it was sent."""

    address: Address = _NOWHERE
    users: list[dict[str, Any]] = field(default_factory=list)
    groups: list[dict[str, Any]] = field(default_factory=list)
    services: dict[str, Any] = field(default_factory=dict)
    myself: dict[str, Any] = field(default_factory=dict)
    otherwise: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    unchanged: int = 0

    def answers(self, path: str, what: object, **options: Any) -> None:
        """Have a path answered by this, as JSON."""

        async def answer(_: web.Request) -> web.StreamResponse:
            return web.json_response(what, **options)

        self.otherwise[path] = answer

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a request."""
        path = request.path.removeprefix("/hub/api")
        self.asked.append(request.path_qs)
        if "Authorization" in request.headers:
            self.tokens.append(request.headers["Authorization"].removeprefix("token "))
        if path in self.otherwise:
            return await self.otherwise[path](request)
        match path:
            case "/":
                return web.json_response({"version": "5.5.0"})
            case "/user":
                found: object = self.myself
            case "/users":
                found = _page(self.users, request)
            case "/groups":
                found = _page(self.groups, request)
            case "/services":
                found = self.services
            case _:
                return web.Response(status=404)
        body = json.dumps(found).encode()
        etag = f'"{hashlib.sha1(body, usedforsecurity=False).hexdigest()}"'
        if request.headers.get("If-None-Match") == etag:
            self.unchanged += 1
            return web.Response(status=304, headers={"ETag": etag})
        return web.Response(body=body, content_type="application/json", headers={"ETag": etag})


def _page(items: list[dict[str, Any]], request: web.Request) -> dict[str, Any]:
    offset, limit = int(request.query["offset"]), int(request.query["limit"])
    more = offset + limit < len(items)
    following = {"offset": offset + limit, "limit": limit, "url": "http://elsewhere/"}
    return {
        "items": items[offset : offset + limit],
        "_pagination": {
            "offset": offset,
            "limit": limit,
            "total": len(items),
            "next": following if more else None,
        },
    }


def user(name: str, *roles: str, admin: bool = False) -> dict[str, Any]:
    """Return a user as ``/users`` has it."""
    return {"kind": "user", "name": name, "admin": admin, "roles": ["user", *roles]}


@asynccontextmanager
async def false_hub() -> AsyncIterator[FalseHub]:
    """Serve one, with an admin and a few others."""
    hub = FalseHub(
        users=[user("ann", admin=True), *(user(f"user{n}") for n in range(4))],
        services={SERVICE: {"kind": "service", "name": SERVICE, "admin": False, "roles": []}},
        myself={
            "kind": "service",
            "name": SERVICE,
            "scopes": [*SCOPES],
            "info": {"roles": {}, "authenticator": "github", "admins": ["ann"]},
        },
    )
    async with serving(hub.answer) as address:
        hub.address = address
        yield hub


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[Address]:
    """Serve whatever is asked by one function, on a port of this machine."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        yield Address("127.0.0.1", port)
    finally:
        await runner.cleanup()
