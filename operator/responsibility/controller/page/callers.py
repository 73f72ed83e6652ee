"""Callers of the page: who they are, and whether they may read what was found.

Whose a bearer token is, a TokenReview says; what its user may do, a SubjectAccessReview: whoever
may ``get`` a record reads in its status what the page tells. A header that names the user is
believed of the peers alone that were named, and never of names that Kubernetes keeps for itself.
Of which address a proxy says that it speaks (``X-Forwarded-For``) plays no part: anybody can write
that.

Answers are remembered for seconds, by a keyed digest of the token, and the questions to the API
server are bounded, so that whoever makes up tokens asks for few.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import logging
import re
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Generic, TypeVar

from aiohttp import web

from responsibility.api.names import API_GROUP, MODELS, RECORDS
from responsibility.controller.process.settings import TrustedProxy
from responsibility.kube import access_reviews, errors, token_reviews
from responsibility.kube.protocol import Client
from responsibility.kube.token_reviews import AuthenticatedUser
from responsibility.rbac.objects import Attributes

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

# Seconds for which an answer is remembered; a right or token that ends is heeded as late as that.
REMEMBERED: Final = 10.0
# Answers that are remembered of each kind.
_MOST: Final = 1_000
# Questions a second to the API server, and how many at once after a pause.
_A_SECOND: Final = 20.0
_AT_ONCE: Final = 40.0
# Records of all hubs about which is asked for one caller.
_MOST_OF_ALL: Final = 10
# Seconds for one answer of the API server.
_PATIENCE: Final = 5.0
# RFC 6750, section 2.1.
_BEARER = re.compile(r"(?i:bearer) +([A-Za-z0-9._~+/-]+=*)")
_SCHEME = re.compile(r"(?i:bearer)( |$)")
_LONGEST_NAME: Final = 256
_MOST_GROUPS: Final = 200
# Names of Kubernetes' own, which no proxy speaks for: system:masters passes before any authorizer.
_RESERVED: Final = "system:"
_AUTHENTICATED: Final = "system:authenticated"


@dataclass(frozen=True, slots=True)
class _Told(Generic[_T]):
    until: float
    answer: _T


class Callers:
    """Knows who asks; ``clock`` is in seconds, and only goes on."""

    def __init__(
        self,
        api: Client,
        proxy: TrustedProxy | None = None,
        *,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._api = api
        self._proxy = proxy
        self._clock = clock or (lambda: asyncio.get_running_loop().time())
        self._key = secrets.token_bytes(32)
        self._users: OrderedDict[Hashable, _Told[AuthenticatedUser | None]] = OrderedDict()
        self._rights: OrderedDict[Hashable, _Told[bool]] = OrderedDict()
        self._left = _AT_ONCE
        self._counted_at: float | None = None
        self._asking: dict[Hashable, asyncio.Future[Any]] = {}

    @property
    def vary(self) -> str:
        """The names of the headers that answers depend on."""
        headers = [self._proxy.user_header, self._proxy.groups_header] if self._proxy else []
        return ", ".join(filter(None, ["Authorization", *headers]))

    async def user(self, request: web.Request) -> AuthenticatedUser | None:
        """Return who asks; None if that isn't said. Raises an HTTPException."""
        said = request.headers.getall("Authorization", [])
        if len(said) > 1:
            raise web.HTTPBadRequest(text="there is more than one Authorization\n")
        # A proxy may say Basic of its own accord, with no secret in it.
        if said and _SCHEME.match(said[0]):
            return await self._of_token(said[0])
        return self._of_header(request)

    async def may_read(self, user: AuthenticatedUser, record: str) -> bool:
        """Return whether a user may read a record and its status. Raises an HTTPException."""
        return await self._may(user, RECORDS, record)

    async def may_read_all(self, user: AuthenticatedUser) -> bool:
        """Return whether a user may read all records and models. Raises an HTTPException."""
        return await self._may(user, RECORDS, "") and await self._may(user, MODELS, "")

    async def may_read_of(self, user: AuthenticatedUser, records: Iterable[str]) -> frozenset[str]:
        """Return which of these records a user may read, of the first few of them.

        Where many ask, less is looked up: what is left of the questions is for those who ask about
        one hub. Raises an HTTPException.
        """
        found = set()
        for record in islice(records, _MOST_OF_ALL):
            if self._left < _AT_ONCE / 2 and not self._knows(user, record):
                break
            if await self.may_read(user, record):
                found.add(record)
        return frozenset(found)

    def _knows(self, user: AuthenticatedUser, record: str) -> bool:
        told = self._rights.get((user, RECORDS, record))
        return told is not None and told.until > self._clock()

    async def _of_token(self, said: str) -> AuthenticatedUser:
        match = _BEARER.fullmatch(said.strip())
        if match is None:
            raise _unauthorized()
        token = match[1]
        digest = hashlib.blake2b(token.encode(), key=self._key).digest()
        found = await self._remembered(
            self._users, digest, lambda: token_reviews.token_user(self._api, token)
        )
        if found is None:
            raise _unauthorized()
        return found

    def _of_header(self, request: web.Request) -> AuthenticatedUser | None:
        proxy = self._proxy
        if proxy is None or not _is_from(request, proxy):
            return None
        user = _single(request, proxy.user_header)
        if not user:
            return None
        groups: list[str] = []
        if proxy.groups_header:
            said = _single(request, proxy.groups_header)
            groups = [name for part in said.split(",") if (name := part.strip())]
        # Of a group that it may not speak for, it is no member; as such a user, it is nobody.
        groups = [name for name in groups if not name.startswith(_RESERVED)]
        named = (user, *groups)
        if user.startswith(_RESERVED) or len(groups) > _MOST_GROUPS or not all(map(_fit, named)):
            raise web.HTTPForbidden(text="the proxy names nobody that it may speak for\n")
        return AuthenticatedUser(user, groups=(*groups, _AUTHENTICATED))

    async def _may(self, user: AuthenticatedUser, resource: str, name: str) -> bool:
        asked = Attributes(verb="get", group=API_GROUP, resource=resource, name=name)
        return await self._remembered(
            self._rights,
            (user, resource, name),
            lambda: access_reviews.subject_access(
                self._api, user.user, user.groups, asked, uid=user.uid, extra=user.extra
            ),
        )

    async def _remembered(
        self,
        known: OrderedDict[Hashable, _Told[_T]],
        key: Hashable,
        ask: Callable[[], Awaitable[_T]],
    ) -> _T:
        """Return an answer of seconds ago, or ask; those who ask the same wait for one answer."""
        told = known.get(key)
        if told is not None and told.until > self._clock():
            return told.answer
        waiting = self._asking.get(key)
        if waiting is None:
            self._spend()
            waiting = asyncio.ensure_future(self._asked(known, key, ask))
            self._asking[key] = waiting
            waiting.add_done_callback(lambda done: self._answered(key, done))
        try:
            # Whoever goes away leaves the question to the others.
            answer: _T = await asyncio.shield(waiting)
        except (errors.ApiError, TimeoutError) as error:
            logger.warning("a caller of the page could not be looked up: %s", _words(error))
            raise web.HTTPServiceUnavailable(
                text="the API server can't be asked who you are\n", headers={"Retry-After": "5"}
            ) from None
        return answer

    async def _asked(
        self,
        known: OrderedDict[Hashable, _Told[_T]],
        key: Hashable,
        ask: Callable[[], Awaitable[_T]],
    ) -> _T:
        async with asyncio.timeout(_PATIENCE):
            answer = await ask()
        known[key] = _Told(self._clock() + REMEMBERED, answer)
        known.move_to_end(key)
        while len(known) > _MOST:
            known.popitem(last=False)
        return answer

    def _answered(self, key: Hashable, done: asyncio.Future[Any]) -> None:
        self._asking.pop(key, None)
        if not done.cancelled():
            done.exception()

    def _spend(self) -> None:
        """Count a question to the API server; raises where there were too many."""
        now = self._clock()
        since = now if self._counted_at is None else self._counted_at
        self._counted_at = now
        self._left = min(_AT_ONCE, self._left + (now - since) * _A_SECOND)
        if self._left < 1:
            raise web.HTTPTooManyRequests(
                text="too many callers at a time\n", headers={"Retry-After": "1"}
            )
        self._left -= 1


def _is_from(request: web.Request, proxy: TrustedProxy) -> bool:
    """Return whether the peer of the connection itself is one of those that were named."""
    peer = request.transport.get_extra_info("peername") if request.transport else None
    try:
        address = ipaddress.ip_address(str(peer[0]).partition("%")[0]) if peer else None
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    return address is not None and any(address in network for network in proxy.networks)


def _single(request: web.Request, name: str) -> str:
    said = request.headers.getall(name, [])
    if len(said) > 1:
        # One of them may be the caller's own.
        raise web.HTTPBadRequest(text=f"there is more than one {name}\n")
    return said[0].strip() if said else ""


def _fit(name: str) -> bool:
    return len(name) <= _LONGEST_NAME and name.isprintable()


def _unauthorized() -> web.HTTPUnauthorized:
    return web.HTTPUnauthorized(
        text="the token is not valid here\n",
        headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
    )


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, errors.ApiError) else "no answer in time"
