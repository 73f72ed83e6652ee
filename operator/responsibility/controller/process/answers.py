"""Answers of our ports: those of our handlers, and those that aiohttp gives by itself.

What aiohttp (3.12) says of a request that it can't read, or whose ``Expect`` it doesn't know, has
the line in it (``handle_error`` in ``web_protocol.py``, ``_default_expect_handler`` in
``web_urldispatcher.py``), and that may be one with somebody's token, on its way back through
proxies that log answers. Nothing of a request is in an answer of ours.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from responsibility.api.names import OPERATOR

# In place of the versions of what it is made of.
_SERVER: Final = {"Server": OPERATOR}
# What a client needs to know of an answer that isn't ours.
_KEPT: Final = ("Allow",)


class _OddRequests(logging.Filter):
    """Leaves out of the log what is no HTTP.

    aiohttp tells it with the line that can't be read (``data_received`` in ``web_protocol.py``),
    which may be one with somebody's token; and anybody who reaches a port could fill the log.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, HttpProcessingError)


logger = logging.getLogger(__name__)
logger.addFilter(_OddRequests())


class Answers(web.RequestHandler):
    """aiohttp's protocol of one connection, with ``headers`` on whatever has none of its own."""

    def __init__(self, server: web.Server, headers: Mapping[str, str]) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]  # as web.AppRunner passes it: none is kept
            logger=logger,
        )
        self._headers = {**headers, **_SERVER}

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer without the words of the error, which quote the request."""
        del message
        return super().handle_error(request, status, exc, _words(status))

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer; where it is aiohttp's own, by its status alone."""
        if isinstance(resp, web.HTTPException):
            kept = {name: resp.headers[name] for name in _KEPT if name in resp.headers}
            resp = web.Response(status=resp.status, text=_words(resp.status), headers=kept)
        if isinstance(resp, web.StreamResponse):
            for name, value in self._headers.items():
                resp.headers.setdefault(name, value)
        return await super().finish_response(request, resp, start_time)


def _words(status: int) -> str:
    return f"{status}: {HTTPStatus(status).phrase}\n"
