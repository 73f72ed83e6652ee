"""The page, served on a real port, of a cluster whose records have been assessed and published."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from responsibility.cluster.store import Store
from responsibility.controller.own_kinds import OwnKinds
from responsibility.controller.page.callers import Callers
from responsibility.controller.page.editions import Editions
from responsibility.controller.page.server import PAGE_LIMITS, application
from responsibility.controller.process.connections import Limits
from responsibility.controller.process.ports import Ports
from responsibility.controller.process.settings import TrustedProxy
from responsibility.web.headers import HEADERS
from tests.apiserver.in_process import InProcessApi
from tests.apiserver.requests import Json, Refused, Request
from tests.unit.controller.published import STRANGER, settled
from tests.unit.controller.world import MODELS, RECORDS, World
from tests.unit.ownership.building import NOW, everything

TOKEN_REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"  # noqa: S105 - a path
GROUP = "responsibility.2i2c.org"
EVE, MALLORY = "User eve", "User mallory"
OPS = "token-of-ops"
LEAD = "token-of-lead"


@dataclass
class Visitors:
    """Who has which token, and who may get what, as the API server knows it."""

    tokens: dict[str, Json] = field(
        default_factory=lambda: {
            OPS: {"username": "ops", "groups": ["system:authenticated"]},
            LEAD: {"username": "lead", "groups": ["leads", "system:authenticated"]},
        }
    )
    # By user: names of records; an empty name is all, of records and models.
    rights: dict[str, set[str]] = field(default_factory=lambda: {"ops": {""}, "lead": {"prod"}})
    reviewed: list[Json] = field(default_factory=list)
    failing: bool = False

    def token(self, request: Request) -> Json:
        self.reviewed.append(request.body["spec"])
        if self.failing:
            raise Refused(503, "ServiceUnavailable", "not now")
        user = self.tokens.get(request.body["spec"]["token"])
        status = {"authenticated": True, "user": user} if user else {"error": "no such token"}
        return {"status": status}

    def says(self, spec: Json) -> bool:
        asked = spec["resourceAttributes"]
        assert (asked["verb"], asked["group"], asked["namespace"]) == ("get", GROUP, "")
        held = self.rights.get(spec["user"], set())
        return "" in held or (asked["resource"] == "responsibilities" and asked["name"] in held)


@dataclass
class Clock:
    """Seconds that go on when a test says so."""

    seconds: float = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Site:
    """What is served, where, and what stands behind it."""

    world: World
    visitors: Visitors
    clock: Clock
    own: OwnKinds
    callers: Callers
    port: int
    outcomes: Counter[str]

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def get(
        self, path: str = "/", token: str = "", *, method: str = "GET", **headers: str
    ) -> Answer:
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            said["Authorization"] = f"Bearer {token}"
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self.url(path), headers=said) as answer,
        ):
            return Answer(answer.status, await answer.text(), dict(answer.headers))

    async def raw(self, sent: bytes) -> bytes:
        """Send bytes as they are, and return all that comes until the connection ends."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(sent)
        try:
            async with asyncio.timeout(240):
                return await reader.read()
        finally:
            writer.close()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    text: str
    headers: Mapping[str, str]


async def garden(*namespaces: str) -> World:
    """Return a cluster, as it was published: eve is too much in prod, and mallory everywhere."""
    world = await settled(*namespaces)
    world.allow(STRANGER, everything("User mallory"))
    await world.publish()
    return world


@asynccontextmanager
async def site(
    *namespaces: str,
    proxy: TrustedProxy | None = None,
    leading: bool = False,
    limits: Limits = PAGE_LIMITS,
    change: Callable[[World], Any] = lambda _: None,
) -> AsyncIterator[Site]:
    """Serve the page of hubs of these names."""
    world = await garden(*(namespaces or ("prod", "coast")))
    change(world)
    visitors, clock = Visitors(), Clock()
    world.server.answers[TOKEN_REVIEWS] = visitors.token
    world.server.says = visitors.says
    world.server.collections |= {RECORDS, MODELS}
    api = InProcessApi(world.server)
    own = OwnKinds(Store(api, relist=300))
    if leading:
        world.store.listed_at = 0.0
        own.leading = world.store
        # It has heard of all there is.
        world.store.ages = dict  # type: ignore[method-assign]  # an empty one
    callers = Callers(api, proxy, clock=clock)
    editions = Editions(own, clock=clock, now=lambda: NOW)
    ports = Ports(limits)
    outcomes: Counter[str] = Counter()
    app = application(editions, callers, lambda outcome: outcomes.update([outcome]))
    async with ports.listen(app, "127.0.0.1", 0, setting="X", headers=HEADERS) as port:
        yield Site(world, visitors, clock, own, callers, port, outcomes)
