"""One hub's answers over HTTP, within bounds of time and size, and whole or not at all.

A hub is run by somebody else. It may be slow, endless, compressed a thousandfold, redirect the
question elsewhere or answer something made up; whatever it does costs it its own answer, and the
operator a little memory for a few seconds. Nothing that it sends is logged or shown: errors are
kinds (`Unseen`) and words of our own.

What was answered before is asked for with its ETag, which JupyterHub's server (tornado) makes of
every answer: a hub at rest sends nothing but headers.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import aiohttp

from responsibility.api.names import OPERATOR
from responsibility.controller.hub_admins.address import Address, ForbiddenAddressError
from responsibility.controller.hub_admins.tokens import Token
from responsibility.hub.admins import answers, registration
from responsibility.hub.admins.administrators import Administrators, Unseen
from responsibility.hub.admins.search import administrators

_T = TypeVar("_T")
_Entry = TypeVar("_Entry", answers.UserAnswer, answers.GroupAnswer)

# Seconds for all answers of a hub.
WHOLE: Final = 90.0
# Bytes of one answer: a page of 200 users with 50 roles each is a tenth of it. Pages of one list:
# 200 names each.
LARGEST: Final = 4 * 1024 * 1024
PAGES: Final = 500
_PAGE: Final = 200
# Times that lists are begun anew which change while they are read.
_TRIES: Final = 3
# Answers of one hub that are remembered with their ETags.
_REMEMBERED: Final = 64

# Without it a list ends after 200, without a word (``APIHandler.get_api_pagination``).
_PAGINATED: Final = "application/jupyterhub-pagination+json"
_API: Final = "/hub/api"
# A hub whose base URL isn't "/" sends what lies outside into it: `PrefixRedirectHandler`.
_MOVED: Final = re.compile(r"(?P<base>(/[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,62}){1,8})/hub/hub/api/?")
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class UnseenError(Exception):
    """The lack of a usable answer: its kind, and ``detail`` in words of ours."""

    def __init__(self, why: Unseen, detail: str = "") -> None:
        super().__init__(why, detail)
        self.why = why
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds for one answer of a hub, and for all of them."""

    answer: float = 15.0
    whole: float = WHOLE


PATIENCE: Final = Patience()


@dataclass(slots=True)
class Memory:
    """What is remembered of one hub between questions, for one token."""

    base: str = ""
    answers: dict[str, tuple[str, Any]] = field(default_factory=dict)


class HubAnswers:
    """Asks one hub, with its own token."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        address: Address,
        token: Token,
        memory: Memory,
        patience: Patience = PATIENCE,
    ) -> None:
        self._session = session
        self._address = address
        self._token = token
        self._memory = memory
        self._patience = patience
        self._used: set[str] = set()

    async def administrators(self) -> Administrators:
        """Return who administers the hub. Raises UnseenError."""
        try:
            async with asyncio.timeout(self._patience.whole):
                for _ in range(_TRIES - 1):
                    try:
                        return await self._administrators()
                    except UnseenError as error:
                        if error.why is not Unseen.CHANGING:
                            raise
                return await self._administrators()
        except TimeoutError:
            raise UnseenError(Unseen.SLOW) from None
        except answers.ImplausibleError as error:
            raise UnseenError(Unseen.IMPLAUSIBLE, str(error)) from None
        finally:
            remembered = self._memory.answers
            for path in [path for path in remembered if path not in self._used]:
                del remembered[path]

    async def _administrators(self) -> Administrators:
        await self._find()
        told = await self._myself()
        users = await self._list("/users", answers.parse_users)
        groups = await self._list("/groups", answers.parse_groups)
        services = await self._get("/services", answers.parse_services)
        # Of many, it takes a while.
        told = told or services.told
        return await asyncio.to_thread(administrators, users, groups, services.every, told)

    async def _find(self) -> None:
        """See that a JupyterHub answers, and at which path, before it is sent the token."""
        for _ in range(2):
            status, location, raw = await self._send(f"{self._memory.base}{_API}/")
            if status == HTTPStatus.OK:
                if not _is_version(raw):
                    raise UnseenError(Unseen.NO_HUB)
                return
            if status not in _REDIRECTS:
                break
            # Of where it leads only a path is taken, and only if it looks like a hub's own.
            moved = _MOVED.fullmatch(_path_of(location))
            if moved is None or self._memory.base == moved["base"]:
                raise UnseenError(Unseen.REDIRECTED)
            self._memory.base = moved["base"]
        self._memory.base = ""
        raise UnseenError(Unseen.NO_HUB, f"status {status}")

    async def _myself(self) -> answers.Told | None:
        own = await self._get("/user", answers.parse_self)
        if own.kind != "service" or own.name != registration.SERVICE:
            raise UnseenError(Unseen.NO_SERVICE, f"it is to be of service {registration.SERVICE}")
        if lacking := registration.lacking(own.scopes):
            raise UnseenError(Unseen.SCOPES_MISSING, ", ".join(lacking))
        if registration.changing(own.scopes):
            raise UnseenError(Unseen.SCOPES_WIDE)
        return own.told

    async def _list(
        self, path: str, parse: Callable[[bytes], answers.Page[_Entry]]
    ) -> list[_Entry]:
        """Return a whole list.

        Who is deleted meanwhile moves all that follow by one, so that somebody could be on no page:
        each begins with the last of the one before.
        """
        found: list[_Entry] = []
        offset = 0
        for _ in range(PAGES):
            page = await self._get(f"{path}?offset={offset}&limit={_PAGE}", parse)
            items = list(page.items)
            if page.offset != offset:
                raise UnseenError(Unseen.IMPLAUSIBLE, path[1:])
            if found and (not items or items.pop(0).name != found[-1].name):
                raise UnseenError(Unseen.CHANGING, path[1:])
            found += items
            if page.following is None:
                break
            if page.following <= offset + 1:
                raise UnseenError(Unseen.IMPLAUSIBLE, path[1:])
            offset = page.following - 1
        else:
            raise UnseenError(Unseen.TOO_LARGE, path[1:])
        if len({each.name for each in found}) != len(found):
            raise UnseenError(Unseen.IMPLAUSIBLE, path[1:])
        return found

    async def _get(self, path: str, parse: Callable[[bytes], _T]) -> _T:
        """Return an answer to our token, parsed; one that is as it was isn't sent again."""
        self._used.add(path)
        etag, known = self._memory.answers.get(path, ("", None))
        seen: list[str] = []
        status, _, raw = await self._send(
            f"{self._memory.base}{_API}{path}", token=self._token, etag=etag, etags=seen
        )
        if status == HTTPStatus.NOT_MODIFIED and etag:
            return known  # type: ignore[no-any-return]  # parsed by the same function
        if status in _REDIRECTS:
            raise UnseenError(Unseen.REDIRECTED)
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            why = Unseen.TOKEN_REFUSED if path == "/user" else Unseen.REFUSED
            raise UnseenError(why, f"status {status}")
        if status != HTTPStatus.OK:
            raise UnseenError(Unseen.REFUSED, f"status {status}")
        parsed = parse(raw)
        if seen and len(self._memory.answers) < _REMEMBERED:
            self._memory.answers[path] = (seen[0], parsed)
        else:
            self._memory.answers.pop(path, None)
        return parsed

    async def _send(
        self,
        path: str,
        *,
        token: Token | None = None,
        etag: str = "",
        etags: list[str] | None = None,
    ) -> tuple[int, str, bytes]:
        """Return status, Location and body of an answer. Raises UnseenError, TimeoutError."""
        headers = {
            "Accept": _PAGINATED,
            "Accept-Encoding": "identity",
            "User-Agent": OPERATOR,
            **({"Authorization": f"token {token.value}"} if token is not None else {}),
            **({"If-None-Match": etag} if etag else {}),
        }
        try:
            async with (
                asyncio.timeout(self._patience.answer),
                self._session.get(
                    f"{self._address.origin}{path}", headers=headers, allow_redirects=False
                ) as answer,
            ):
                raw = await _body(answer)
                if etags is not None and (new := answer.headers.get("ETag", "")):
                    etags.append(new)
                return answer.status, answer.headers.get("Location", ""), raw
        except ForbiddenAddressError:
            raise UnseenError(Unseen.ADDRESS) from None
        except aiohttp.ClientConnectorError as error:
            refused = isinstance(error.os_error, ForbiddenAddressError)
            raise UnseenError(Unseen.ADDRESS if refused else Unseen.UNREACHABLE) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise UnseenError(Unseen.UNREACHABLE, "what it sends is no HTTP") from None


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    """Return what an answer holds, up to a bound. What is compressed was not asked for."""
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnseenError(Unseen.IMPLAUSIBLE, "it is compressed")
    parts: list[bytes] = []
    size = 0
    async for part in answer.content.iter_any():
        size += len(part)
        if size > LARGEST:
            answer.close()
            raise UnseenError(Unseen.TOO_LARGE)
        parts.append(part)
    return b"".join(parts)


def _is_version(raw: bytes) -> bool:
    try:
        answer = json.loads(raw)
    except (ValueError, RecursionError):
        return False
    return isinstance(answer, dict) and isinstance(answer.get("version"), str)


def _path_of(location: str) -> str:
    try:
        return urlsplit(location).path
    except ValueError:
        return ""
