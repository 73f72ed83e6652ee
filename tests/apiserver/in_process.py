"""A client of the fake API server in the same process, for where there can be no socket.

Tests in virtual time wait for nothing but the clock (``tests.unit.controller.virtual``). All of
the client is real but for the exchange itself: paths, queries, bodies, errors.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import aiohttp
from aiohttp import web
from multidict import CIMultiDictProxy

from responsibility.api.names import OPERATOR
from responsibility.kube import errors
from responsibility.kube.client import Api
from responsibility.kube.login.impersonation import NOBODY_ELSE
from responsibility.kube.protocol import JSON, Params
from responsibility.kube.request_options import USUAL
from tests.apiserver.requests import Json, Request
from tests.apiserver.server import ApiServer


class InProcessApi(Api):
    """The operator's client, connected to a server that is an object."""

    def __init__(self, server: ApiServer) -> None:
        self._server = server
        self._acting_as = NOBODY_ELSE
        self._requests = USUAL
        self._may_write = None

    @property
    def host(self) -> str:
        return "https://c"

    @asynccontextmanager
    async def _send(
        self,
        verb: str,
        path: str,
        params: Params | None,
        *,
        body: Mapping[str, Any] | str | None = None,
        accept: str,
        content_type: str = JSON,
        limits: aiohttp.ClientTimeout,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        del limits
        headers = {"Accept": accept, "Content-Type": content_type, "User-Agent": OPERATOR}
        query = {name: str(value) for name, value in (params or {}).items()}
        request = Request(verb, path, query, headers, _as_sent(body))
        assert not request.is_watch, "for a watch, take the server over HTTP"
        try:
            response = await self._server.answer(request)
        except ConnectionError as trouble:
            raise errors.from_network(trouble, verb, path) from trouble
        if response.status >= 400:
            raise errors.from_status(response.status, _text(response), verb, path)
        yield cast("aiohttp.ClientResponse", _Response(response))


def _as_sent(body: Mapping[str, Any] | str | None) -> Json | None:
    """Return the body as it arrives, sharing nothing with the one that was sent."""
    if body is None:
        return None
    text = body if isinstance(body, str) else json.dumps(body)
    return cast("Json", json.loads(text))


def _text(response: web.Response) -> bytes:
    assert isinstance(response.body, bytes)
    return response.body


class _Response:
    """As much of an answer as the client looks at."""

    def __init__(self, response: web.Response) -> None:
        self.headers = CIMultiDictProxy(response.headers)
        self.content = self
        self._text = _text(response)

    async def read(self) -> bytes:
        return self._text

    async def iter_any(self) -> AsyncIterator[bytes]:
        yield self._text
