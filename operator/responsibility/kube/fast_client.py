"""The client for one short run: the requests of ``client`` on the standard library alone.

Importing aiohttp and ``kubernetes.aio`` takes longer than everything else that a question to a
cluster needs. So a command reads with this wherever the login is plain (see ``fast_login``).
Requests run in a few threads, each on a connection that the next one uses again.
"""

from __future__ import annotations

import asyncio
import gzip
import http.client
import json
import socket
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from responsibility.kube import errors, object_reader
from responsibility.kube.login.fast_login import Login
from responsibility.kube.protocol import JSON, Json, Params
from responsibility.kube.request_options import USUAL, RequestOptions

_CONNECT: Final = 5.0
_PARALLEL: Final = 8
_Connection = http.client.HTTPConnection


class UnusualError(Exception):
    """The server answers in a way that only the whole client understands, such as a redirect."""


class _ConnectError(Exception):
    """There is no connection; ``os_error`` says why."""

    def __init__(self, os_error: OSError) -> None:
        super().__init__(os_error)
        self.os_error = os_error


class FastApi:
    """One API server, read as one user: ``protocol.Client``, for as long as one command runs."""

    def __init__(self, login: Login, user_agent: str, requests: RequestOptions = USUAL) -> None:
        self._login = login
        self._requests = requests
        self._user_agent = user_agent
        self._pool = ThreadPoolExecutor(_PARALLEL)
        self._idle: list[_Connection] = []
        self._open: list[_Connection] = []

    @classmethod
    @asynccontextmanager
    async def connect(
        cls, login: Login, *, user_agent: str, requests: RequestOptions = USUAL
    ) -> AsyncIterator[FastApi]:
        """Yield a client that is closed at the end; nothing is sent yet."""
        api = cls(login, user_agent, requests)
        try:
            yield api
        finally:
            api.close()

    def close(self) -> None:
        """Close all connections, also those that somebody still waits on."""
        for connection in self._open:
            if connection.sock is not None:
                # What reads from it in a thread comes back at once.
                with suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)
                connection.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def get(self, path: str, params: Params | None = None, *, accept: str = JSON) -> Json:
        """Return one object, or whatever JSON ``path`` answers with. Raises ApiError."""
        target = path + (f"?{urlencode(params)}" if params else "")
        return await self._call("GET", target, None, accept)

    async def create(self, path: str, body: Mapping[str, Any]) -> Json:
        """POST a review and return the answer. Raises ApiError."""
        return await self._call("POST", path, body, JSON)

    async def pages(
        self, path: str, *, limit: int = 500, accept: str = JSON
    ) -> AsyncGenerator[Json]:
        """List a collection, page by page. Raises ApiError."""
        query: dict[str, str | int | bool] = {"limit": limit}
        while True:
            page = await self.get(path, query, accept=accept)
            yield page
            token = (page.get("metadata") or {}).get("continue")
            if not token:
                return
            query["continue"] = token

    async def _call(
        self, verb: str, target: str, body: Mapping[str, Any] | None, accept: str
    ) -> Json:
        loop = asyncio.get_running_loop()
        path = target.partition("?")[0]
        try:
            status, after, text = await loop.run_in_executor(
                self._pool, self._exchange, verb, target, body, accept
            )
        except (OSError, http.client.HTTPException, _ConnectError) as trouble:
            raise errors.from_network(trouble, verb, path) from trouble
        if status >= HTTPStatus.BAD_REQUEST:
            retry_after = float(after) if after and after.isdecimal() else None
            raise errors.from_status(status, text, verb, path, retry_after=retry_after)
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            raise UnusualError(status)
        try:
            answer = object_reader.loads(text)
        except ValueError as error:
            raise UnusualError(status) from error
        return answer if isinstance(answer, dict) else {"value": answer}

    def _exchange(
        self, verb: str, target: str, body: Mapping[str, Any] | None, accept: str
    ) -> tuple[int, str | None, bytes]:
        """Send one request, in a thread; return status, Retry-After and body of the response."""
        while True:
            used = self._idle.pop() if self._idle else None
            connection = used or self._connected()
            try:
                found = self._ask(connection, verb, target, body, accept)
            except (ConnectionError, http.client.BadStatusLine):
                connection.close()
                # The server may have closed it meanwhile; all that we send can be sent again.
                if used is None:
                    raise
            else:
                self._idle.append(connection)
                return found

    def _ask(
        self,
        connection: _Connection,
        verb: str,
        target: str,
        body: Mapping[str, Any] | None,
        accept: str,
    ) -> tuple[int, str | None, bytes]:
        connection.putrequest(verb, self._login.server.path + target, skip_accept_encoding=True)
        data = b"" if body is None else json.dumps(body).encode()
        began = time.monotonic()
        for name, value in (
            ("Accept", accept),
            ("Accept-Encoding", "gzip"),
            ("User-Agent", self._user_agent),
            *((("Content-Type", JSON), ("Content-Length", str(len(data)))) if data else ()),
            *self._login.headers,
        ):
            connection.putheader(name, value.encode())
        connection.endheaders(data or None)
        response = connection.getresponse()
        text = response.read()
        if response.getheader("Content-Encoding") == "gzip":
            text = gzip.decompress(text)
        if self._requests.tell is not None:
            url = self._login.server.geturl() + target
            self._requests.tell(verb, url, response.status, time.monotonic() - began)
        return response.status, response.getheader("Retry-After"), text

    def _connected(self) -> _Connection:
        server, tls = self._login.server, self._login.tls
        host = server.hostname or ""
        made = (
            http.client.HTTPSConnection(host, server.port, timeout=_CONNECT, context=tls)
            if tls
            else _Connection(host, server.port, timeout=_CONNECT)
        )
        try:
            made.connect()
        except TimeoutError:
            raise
        except OSError as error:
            if getattr(error, "verify_message", ""):
                raise
            raise _ConnectError(error) from None
        made.sock.settimeout(self._requests.answer)
        self._open.append(made)
        return made
