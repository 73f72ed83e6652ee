"""The two pages, fetched from the operator: what is agreed, and with it what was found.

The operator is asked as anybody for the one and as our own account for the other, so what was found
is not even here before an admin asks for it. Each is asked for every few seconds at the most,
whatever comes of it and however many ask.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse
from tornado.iostream import StreamBufferFullError

from responsibility.api.names import OPERATOR
from responsibility.hub_page.no_page import NoPage, NoPageError
from responsibility.hub_page.settings import HubPageSettings
from responsibility.web.addresses import IN_HUB, hub_file

logger = logging.getLogger(__name__)

# Seconds for which an answer is shown again.
LASTS: Final = 5.0
_HTML: Final = re.compile(r"text/html\s*(;.*)?")
# Who is refused is told apart from who is not believed; for a visitor it is the same.
_REFUSED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})

# No connection, no token; none in time, cut off, no HTTP; too large, where its length isn't said.
_NO_ANSWER: Final = (OSError, ValueError, HTTPClientError, StreamBufferFullError)


@dataclass(frozen=True, slots=True)
class _Kept:
    until: float
    answer: bytes | NoPage


class Pages:
    """Knows the pages of one record, as they were some seconds ago."""

    def __init__(
        self, settings: HubPageSettings, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._url = f"{settings.operator}{IN_HUB}/{hub_file(settings.record)}"
        self._kept: dict[bool, _Kept] = {}
        self._asking = {found: asyncio.Lock() for found in (False, True)}

    async def page(self, *, found: bool) -> bytes:
        """Return the page, with what was ``found`` or without. Raises NoPageError."""
        async with self._asking[found]:
            kept = self._kept.get(found)
            if kept is None or kept.until <= self._clock():
                answer = await self._fetch(found=found)
                # From when it came: whoever has waited for it is answered by it, too.
                kept = self._kept[found] = _Kept(self._clock() + LASTS, answer)
        if isinstance(kept.answer, NoPage):
            raise NoPageError(kept.answer)
        return kept.answer

    async def _fetch(self, *, found: bool) -> bytes | NoPage:
        headers = {"Accept": "text/html"}
        authority = self._settings.authority
        try:
            if found:
                token = self._settings.account.read_text(encoding="ascii").strip()
                headers["Authorization"] = f"Bearer {token}"
            asked = HTTPRequest(
                self._url,
                headers=headers,
                follow_redirects=False,
                decompress_response=False,
                ca_certs=str(authority) if authority is not None else None,
            )
            answer = await AsyncHTTPClient().fetch(asked, raise_error=False)
        except _NO_ANSWER as error:
            logger.warning("the operator could not be asked for its page: %s", type(error).__name__)
            return NoPage.NO_OPERATOR
        return _taken(answer, found=found)


def _taken(answer: HTTPResponse, *, found: bool) -> bytes | NoPage:
    """Return what there is to show for an answer of the operator."""
    kind, server = (answer.headers.get(name, "") for name in ("Content-Type", "Server"))
    if server != OPERATOR:
        logger.warning("what answers in the operator's place is something else")
        return NoPage.NO_OPERATOR
    if answer.code == HTTPStatus.OK and _HTML.fullmatch(kind):
        return answer.body
    if answer.code == HTTPStatus.NOT_FOUND:
        return NoPage.NO_RECORD
    logger.warning("the operator answered %d instead of its page", answer.code)
    return NoPage.NOT_SHOWN if found and answer.code in _REFUSED else NoPage.NO_OPERATOR
