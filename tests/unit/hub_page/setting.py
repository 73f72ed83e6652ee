"""A real hub, the operator's own page, and between the two the page in the hub."""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from tornado.web import Application
from yarl import URL

from responsibility.hub_page.main import bound_answers
from responsibility.hub_page.pages import Pages
from responsibility.hub_page.registration import ACCESS, SERVICE
from responsibility.hub_page.server import Server, application
from responsibility.hub_page.settings import HubPageSettings
from responsibility.hub_page.visitors import Visitors
from tests.unit.controller.hub_admins.real_hub import RealHub, real_hub
from tests.unit.controller.page.setting import LEAD, Site, site
from tests.unit.hub_page.proxy import Proxy, proxying

BASE = "/jupyter/"
PAGE = f"{BASE}services/{SERVICE}/"
# Who is an admin, who is let in by a group, and who isn't.
ADMIN, PLAIN, OUTSIDER = "ann", "pat", "otto"
GROUP = "readers"
VISIT = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none"}
_NONE: Mapping[str, str] = {}
_XSRF = re.compile(r'name="_xsrf" value="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Seen:
    """What a browser shows: where it ended, and by which addresses it came there."""

    status: int
    path: str
    text: str
    headers: Mapping[str, str]
    by: tuple[str, ...]


@dataclass
class Visit:
    """Somebody's browser, as far as HTTP goes."""

    proxy: Proxy
    http: aiohttp.ClientSession

    async def get(
        self, path: str = PAGE, headers: Mapping[str, str] = _NONE, *, follow: bool = True
    ) -> Seen:
        said = {**VISIT, **headers}
        url = URL(self.proxy.origin + path, encoded=True)
        async with self.http.get(url, headers=said, allow_redirects=follow) as answer:
            text = await answer.text()
            by = tuple(each.url.path_qs for each in answer.history)
            return Seen(answer.status, answer.url.path, text, answer.headers, by)

    async def sign_in(self, name: str, path: str = PAGE) -> Seen:
        """Open a page, and sign in where the hub asks for it."""
        form = await self.get(path)
        assert form.path == f"{BASE}hub/login", form.text
        found = _XSRF.search(form.text)
        assert found is not None
        given = {"username": name, "password": "x", "_xsrf": found[1]}
        target = URL(f"{self.proxy.origin}{form.path}").with_query(next=self.next(form))
        async with self.http.post(target, data=given, headers=VISIT) as answer:
            text = await answer.text()
            by = tuple(each.url.path_qs for each in answer.history)
            return Seen(answer.status, answer.url.path, text, answer.headers, by)

    def next(self, form: Seen) -> str:
        return form.by[-1]

    def cookies(self, path: str = PAGE) -> dict[str, str]:
        url = URL(self.proxy.origin + path)
        return {name: each.value for name, each in self.http.cookie_jar.filter_cookies(url).items()}


@dataclass
class Around:
    """All that stands around the page."""

    hub: RealHub
    operator: Site
    proxy: Proxy
    visitors: Visitors
    pages: Pages
    settings: HubPageSettings

    @asynccontextmanager
    async def browser(self) -> AsyncIterator[Visit]:
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as http:
            yield Visit(self.proxy, http)

    def later(self) -> None:
        """Have what was remembered of visitors and pages be too old."""
        self.visitors.cache.clear()
        self.pages._kept.clear()
        self.operator.clock.seconds += 60.0


@asynccontextmanager
async def around(directory: Path) -> AsyncIterator[Around]:
    """Run a hub with the page in it; the record that it is about is ``prod``'s."""
    bound_answers()
    token, account = directory / "token", directory / "account"
    token.write_text(secrets.token_hex(32))
    account.write_text(f"{LEAD}\n")
    async with site() as operator, proxying() as proxy:
        # The port has to be known to the hub beforehand.
        server = Server.of(Application())
        server.listen(0, "127.0.0.1")
        (listening,) = server._sockets.values()
        port = listening.getsockname()[1]
        service = {
            "name": SERVICE,
            "api_token": token.read_text(),
            "url": f"http://127.0.0.1:{port}",
            "oauth_no_confirm": True,
        }
        async with real_hub(
            directory,
            base=BASE,
            authenticator="dummy",
            admins=(ADMIN,),
            groups={GROUP: {"users": [PLAIN]}},
            roles=({"name": "page", "scopes": [ACCESS], "groups": [GROUP]},),
            services=(service,),
        ) as hub:
            settings = HubPageSettings(
                record="prod",
                operator=operator.url(""),
                hub=hub.address.origin,
                account=account,
                token=token,
                base=BASE,
                host="127.0.0.1",
                port=port,
            )
            visitors, pages = Visitors.of(settings), Pages(settings)
            server.request_callback = application(visitors, pages, secret=secrets.token_bytes(32))
            proxy.routes[PAGE] = f"http://127.0.0.1:{port}"
            proxy.routes[BASE] = hub.address.origin
            try:
                yield Around(hub, operator, proxy, visitors, pages, settings)
            finally:
                server.stop()
                await server.close_all_connections()
