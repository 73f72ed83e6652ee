"""The server of the page: addresses, who is shown what, and the headers of every answer.

What is agreed is for whoever reaches the port. What was found is for those who may read it in the
cluster: of one hub whoever may get its record, of all whoever may get all records and models. There
is no form, no session and nothing that changes anything: GET and HEAD are all that is answered.
"""

from __future__ import annotations

import asyncio
import gzip
import re
import ssl
from collections.abc import Callable
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from responsibility.controller.page.callers import Callers
from responsibility.controller.page.editions import Editions, NothingYetError, Printed
from responsibility.controller.process import certificates
from responsibility.controller.process.connections import Limits
from responsibility.controller.process.ports import Ports
from responsibility.controller.process.settings import PageSettings
from responsibility.kube.token_reviews import AuthenticatedUser
from responsibility.rbac.identity import canonical
from responsibility.rbac.objects import GROUP, USER, Subject
from responsibility.web.addresses import IN_HUB
from responsibility.web.headers import HEADERS, NO_FRAMES

_LISTEN: Final = "RESPONSIBILITY_PAGE_LISTEN"
_CERTIFICATES: Final = "RESPONSIBILITY_PAGE_CERTIFICATES"
# People's browsers keep several open; whoever reads slowly has a minute.
PAGE_LIMITS: Final = Limits(connections=128, request=10.0, answer=30.0, idle=60.0)
# As web.addresses.hub_file has it, with the form of records' names.
_HUB: Final = r"/hub-{record:[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?}.html"
_NO_GZIP: Final = re.compile(r"gzip\s*;\s*q=0(\.0*)?\s*(,|$)")


# What came of a request: what was shown, or why nothing was.
FOUND, SOME, AGREED, OTHER = "found", "some", "agreed", "other"
_REFUSED: Final = {
    400: "malformed",
    401: "unauthorized",
    403: "forbidden",
    404: "no-such-hub",
    429: "too-many",
    503: "unavailable",
}
OUTCOMES: Final = (FOUND, SOME, AGREED, *_REFUSED.values(), OTHER)


async def serve(
    ports: Ports,
    settings: PageSettings,
    editions: Editions,
    callers: Callers,
    *,
    count: Callable[[str], None] = lambda _: None,
    bound: Callable[[int], None] = lambda _: None,
) -> None:
    """Serve until cancelled. Raises ListenError."""
    tls: ssl.SSLContext | None = None
    if settings.certificates is not None:
        tls = certificates.server_context(settings.certificates, setting=_CERTIFICATES)
    app = application(editions, callers, count)
    listening = ports.listen(
        app, settings.host, settings.port, setting=_LISTEN, tls=tls, headers=HEADERS
    )
    async with listening as port:
        bound(port)
        if tls is None or settings.certificates is None:
            await asyncio.Event().wait()
        else:
            await certificates.keep_fresh(tls, settings.certificates, setting=_CERTIFICATES)


def application(
    editions: Editions, callers: Callers, count: Callable[[str], None] = lambda _: None
) -> web.Application:
    """Return what is served; ``count`` is told what came of each request, one of `OUTCOMES`."""

    async def index(request: web.Request) -> web.StreamResponse:
        user = await callers.user(request)
        try:
            found, own = await _may_read(user, editions, callers)
            page = await editions.page("", found=found, own=own)
        except NothingYetError:
            raise _nothing_yet() from None
        return await shown(request, page, FOUND if found else SOME if own else AGREED)

    async def hub(request: web.Request) -> web.StreamResponse:
        record, in_hub = request.match_info["record"], request.path.startswith(f"{IN_HUB}/")
        user = await callers.user(request)
        page, found = None, False
        try:
            # Of a hub that isn't there, nobody asks the API server for anybody.
            if await editions.has(record):
                may = user is not None and await callers.may_read(user, record)
                found = _all_or_nothing(may) if in_hub and user is not None else may
                page = await editions.page(record, found=found, in_hub=in_hub)
        except NothingYetError:
            raise _nothing_yet() from None
        return await shown(request, page, FOUND if found else AGREED)

    async def shown(request: web.Request, page: Printed | None, outcome: str) -> web.StreamResponse:
        if page is None:
            raise web.HTTPNotFound(text="there is no such hub\n")
        answer = await _response(request, page)
        count(outcome)
        return answer

    @web.middleware
    async def headers(request: web.Request, handler: Handler) -> web.StreamResponse:
        response: web.StreamResponse
        try:
            response = await handler(request)
        except web.HTTPException as error:
            count(_REFUSED.get(error.status, OTHER))
            # Nothing of the request is in it.
            response = web.Response(status=error.status, text=error.text, headers=_kept(error))
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers["Vary"] = f"Accept-Encoding, {callers.vary}"
        return response

    app = web.Application(middlewares=[headers])
    app.router.add_get("/", index)
    app.router.add_get("/index.html", index)
    app.router.add_get(_HUB, hub)
    app.router.add_get(IN_HUB + _HUB, hub)
    return app


def _all_or_nothing(may: bool) -> bool:
    """Return True; a service shows its page to others, who would take a part of it for all."""
    if not may:
        raise web.HTTPForbidden(text="you may not get the record\n")
    return may


async def _may_read(
    user: AuthenticatedUser | None, editions: Editions, callers: Callers
) -> tuple[bool, frozenset[str]]:
    """Return whether somebody may read all that was found, and else of which records."""
    if user is None:
        return False, frozenset()
    if await callers.may_read_all(user):
        return True, frozenset()
    named = await editions.concerning(subjects_of(user))
    return False, await callers.may_read_of(user, named)


def subjects_of(user: AuthenticatedUser) -> list[Subject]:
    """Return a user and its groups as records name them."""
    named = [Subject(USER, user.user), *(Subject(GROUP, name) for name in user.groups)]
    return [canonical(each) for each in named]


def _nothing_yet() -> web.HTTPServiceUnavailable:
    return web.HTTPServiceUnavailable(
        text="nothing could be read yet\n", headers={"Retry-After": "5"}
    )


def _kept(error: web.HTTPException) -> dict[str, str]:
    names = ("WWW-Authenticate", "Retry-After", "Allow")
    return {name: error.headers[name] for name in names if name in error.headers}


async def _response(request: web.Request, page: Printed) -> web.Response:
    said = ", ".join(request.headers.getall("Accept-Encoding", [])).lower()
    body, headers = page.compressed, {"Content-Encoding": "gzip"}
    if "gzip" not in said or _NO_GZIP.search(said):
        body, headers = await asyncio.to_thread(gzip.decompress, page.compressed), {}
    headers["Content-Security-Policy"] = page.policy + NO_FRAMES
    return web.Response(body=body, content_type="text/html", charset="utf-8", headers=headers)
