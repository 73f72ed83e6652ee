"""The server of the page in a hub: addresses, who is shown what, and the headers of every answer.

What is agreed is for whoever the hub's roles let in; what was found is for the hub's admins, by the
flag that the hub's own API shows of a user (``admin`` of ``GET /hub/api/user``).

On a hub without a domain for each user, all users' servers are of the hub's own origin, and what
somebody has put there may open this page in the browser of whoever visits it. So the page is shown
in windows only, never to a script's request (``Sec-Fetch-Mode``), and as a document of an origin
of its own (``sandbox``), which no other can read. Nor is it shown to a service worker, which such a
server may have left in the browser: what a worker sends itself is no visit by these headers, and
what it has the browser send ahead for it says so in another (navigation preload,
https://w3c.github.io/ServiceWorker/#navigation-preload-manager). JupyterHub's own check asks
scripts for a token; that is in a cookie, which scripts of the same origin can find.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final

from jupyterhub.services.auth import HubOAuthCallbackHandler, HubOAuthenticated, UserNotAllowed
from jupyterhub.utils import get_browser_protocol
from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream
from tornado.web import Application, HTTPError, RedirectHandler, RequestHandler

from responsibility.api.names import OPERATOR
from responsibility.hub_page.no_page import NoPage, NoPageError
from responsibility.hub_page.pages import Pages
from responsibility.hub_page.visitors import Visitors
from responsibility.web.headers import HEADERS, NO_FRAMES

logger = logging.getLogger(__name__)

# What the operator sends may have been another's on its way: of it nothing runs, loads or is sent.
# Links to write to somebody are programs of the system's, and take a click.
_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    f"{NO_FRAMES}; sandbox allow-top-navigation-by-user-activation"
)
_HEADERS: Final = {**HEADERS, "Content-Security-Policy": _POLICY, "Server": OPERATOR}
# What a browser says of a visit whose answer goes to a service worker, which chooses the value.
_TO_A_WORKER: Final = "Service-Worker-Navigation-Preload"
_RETRY: Final = "5"
# Connections at a time; bytes of a request; seconds for it to come, and between two.
_CONNECTIONS: Final = 256
_HEADER: Final = 16_384
_BODY: Final = 1_024
_SECONDS: Final = 30.0
_BY_STATUS: Final = {
    HTTPStatus.NOT_FOUND: NoPage.NO_PAGE,
    HTTPStatus.METHOD_NOT_ALLOWED: NoPage.NO_METHOD,
    HTTPStatus.BAD_REQUEST: NoPage.NOT_SIGNED_IN,
    HTTPStatus.FORBIDDEN: NoPage.NOT_SIGNED_IN,
}


class _Handler(RequestHandler):
    """What all answers have in common."""

    def set_default_headers(self) -> None:
        for name, value in _HEADERS.items():
            self.set_header(name, value)

    def compute_etag(self) -> None:
        """Leave it out: nothing is kept anywhere."""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with a page that says why there is no other."""
        error = kwargs.get("exc_info", (None, None))[1]
        why = _BY_STATUS.get(HTTPStatus(status_code), NoPage.FAULT)
        if isinstance(error, NoPageError):
            why = error.why
        self.set_status(why.status)
        if why.status == HTTPStatus.SERVICE_UNAVAILABLE:
            self.set_header("Retry-After", _RETRY)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(why.html)

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Log what is a fault of ours, never a request: its address may hold a code."""
        if typ is not None and value is not None and not isinstance(value, HTTPError | NoPageError):
            logger.error("a request could not be answered", exc_info=(typ, value, tb))


class _Visited(HubOAuthenticated, _Handler):  # type: ignore[misc]  # JupyterHub has no types
    """What is for visitors alone, in windows of their own."""

    def initialize(self, visitors: Visitors, pages: Pages) -> None:
        self.hub_auth = visitors
        self.pages = pages

    async def prepare(self) -> None:
        """Refuse what is no visit of a person, before anybody is asked anything."""
        said = [self.request.headers.get(f"Sec-Fetch-{each}") for each in ("Mode", "Dest")]
        # Browsers say nothing of it without TLS; with it, each of the last years does.
        silent = said == [None, None] and get_browser_protocol(self.request) != "https"
        visit = silent or said == ["navigate", "document"]
        if not visit or _TO_A_WORKER in self.request.headers:
            raise NoPageError(NoPage.NO_VISIT)
        # Whoever is known is from here on; asked for later, the library would have all wait.
        self.visitor = await self.hub_auth.get_user(self, sync=False)


class _Page(_Visited):
    """The page, for whoever is signed in and let in."""

    async def get(self) -> None:
        if self.visitor is None:
            self.redirect(self.get_login_url())
            return
        try:
            user = self.check_hub_user(self.visitor)
        except (UserNotAllowed, KeyError, TypeError):
            raise NoPageError(NoPage.NOT_ALLOWED) from None
        body = await self.pages.page(found=user.get("admin") is True)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(body)

    head = get


class _Callback(_Visited, HubOAuthCallbackHandler):  # type: ignore[misc]  # it has no types
    """The end of a sign-in, as JupyterHub has it."""


class _Nothing(_Handler):
    def prepare(self) -> None:
        raise HTTPError(HTTPStatus.NOT_FOUND)


class _Health(_Handler):
    def get(self) -> None:
        self.finish("ok\n")


class Server(HTTPServer):
    """A server with bounds: how many connect, how much they send and how long that takes."""

    @classmethod
    def of(cls, app: Application) -> Server:
        """Return the server of an application."""
        return cls(
            app,
            max_header_size=_HEADER,
            max_body_size=_BODY,
            idle_connection_timeout=_SECONDS,
            body_timeout=_SECONDS,
            decompress_request=False,
        )

    def handle_stream(self, stream: IOStream, address: tuple[str, int]) -> None:
        """Take a connection, or end it where there are too many."""
        if len(self._connections) >= _CONNECTIONS:
            stream.close()
            return
        super().handle_stream(stream, address)


def application(visitors: Visitors, pages: Pages, *, secret: bytes) -> Application:
    """Return what is served; ``secret`` signs the cookies."""
    given = {"visitors": visitors, "pages": pages}
    prefix = visitors.base_url
    return Application(
        [
            (prefix, _Page, given),
            (prefix.rstrip("/"), RedirectHandler, {"url": prefix, "permanent": False}),
            (f"{prefix}oauth_callback", _Callback, given),
            ("/healthz", _Health),
        ],
        default_handler_class=_Nothing,
        cookie_secret=secret,
        xsrf_cookie_kwargs={"httponly": True, "samesite": "Lax"},
        # Addresses are not logged.
        log_function=lambda _: None,
    )
