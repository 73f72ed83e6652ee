"""Requests to an API server: raw JSON in and out, every one of them with a time limit.

This stands on the session of ``kubernetes.aio`` (TLS, proxies, credentials) and goes without
its models, which cost ten times the time and memory of the JSON they are made from, and which
refuse what they don't know.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config import ConfigException
from multidict import CIMultiDict

from responsibility import __name__ as _package
from responsibility.kube import bodies, errors, object_reader, stream
from responsibility.kube.login import credentials
from responsibility.kube.login.credentials import Credentials
from responsibility.kube.login.impersonation import NOBODY_ELSE, Impersonation
from responsibility.kube.protocol import JSON, METADATA, METADATA_LIST, TABLE, Json, Params
from responsibility.kube.request_options import USUAL, RequestOptions

__all__ = ["JSON", "METADATA", "METADATA_LIST", "TABLE", "Api", "Json", "Params"]


# With a parameter, so that the client sends the text that it is given.
_APPLY = "application/apply-patch+yaml; charset=utf-8"
_MERGE = "application/merge-patch+json"

# Seconds, as all times here.
CONNECT = 5.0
# The server means to send a bookmark every minute on an otherwise silent watch, but the first may
# take two (seen on 1.37), and after its restart a kind that never changes may get none at all.
SILENCE = 130.0

_READS = frozenset({"GET", "WATCH"})
# What is posted and changes nothing.
_REVIEWS = ("accessreviews", "rulesreviews", "selfsubjectreviews", "tokenreviews")

logger = logging.getLogger(__name__)


class Api:
    """One API server, spoken to as one user. Use it as an async context manager.

    Whoever needs an answer sooner than in half a minute puts ``asyncio.timeout`` around the call.
    """

    # Who is told of refused writes.
    _on_forbidden: Callable[[errors.ForbiddenError], None] | None = None

    def __init__(self, configuration: Configuration, requests: RequestOptions = USUAL) -> None:
        self._requests = requests
        self._client = ApiClient(configuration)
        self._client.user_agent = f"{_package}-operator"
        self._acting_as: Impersonation = getattr(configuration, "acting_as", NOBODY_ELSE)
        self._may_write: Callable[[], bool] | None = None

    @classmethod
    @asynccontextmanager
    async def connect(
        cls,
        kubeconfig: Path | None = None,
        context: str | None = None,
        *,
        acting_as: Impersonation = NOBODY_ELSE,
        cluster: str = "",
        user: str = "",
        requests: RequestOptions = USUAL,
    ) -> AsyncIterator[Self]:
        """Load credentials (see ``config.load``) and yield a client that is closed at the end.

        Nothing is sent yet. Raises ConfigurationError.
        """
        loaded = await credentials.load(
            kubeconfig, context, acting_as=acting_as, cluster=cluster, user=user
        )
        async with cls(loaded, requests) as api:
            yield api

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections; watches that still run end with UnavailableError."""
        await self._client.close()

    def fenced(self, may_write: Callable[[], bool]) -> Self:
        """Return the same client, but for writes, which it sends only while ``may_write`` says so.

        Else they raise NotLeadingError. Questions that are posted (reviews) are no writes.
        """
        other = copy.copy(self)
        other._may_write = may_write  # noqa: SLF001 - it is one of us
        return other

    def telling(self, on_forbidden: Callable[[errors.ForbiddenError], None]) -> Self:
        """Return the same client, but for telling of each write that is refused with Forbidden.

        What is only tried (a dry run) and questions that are posted (reviews) are no writes.
        """
        other = copy.copy(self)
        other._on_forbidden = on_forbidden  # noqa: SLF001 - it is one of us
        return other

    @property
    def host(self) -> str:
        """The server's URL."""
        return str(self._client.configuration.host)

    @property
    def acting_as(self) -> Impersonation:
        """Whom it acts as; nobody else, mostly."""
        return self._acting_as

    async def get(self, path: str, params: Params | None = None, *, accept: str = JSON) -> Json:
        """Return one object, or whatever JSON ``path`` answers with. Raises ApiError."""
        return await self._call("GET", path, params, accept=accept)

    async def get_object(self, path: str) -> Json:
        """Return one object. Raises ApiError, also where what came is none: that tells nothing."""
        return bodies.of_object(await self.get(path), "GET", path)

    async def create(
        self,
        path: str,
        body: Mapping[str, Any],
        *,
        params: Params | None = None,
        dry_run: bool = False,
    ) -> Json:
        """POST an object (or a review) to its collection and return the answer."""
        query = {**(params or {}), **({"dryRun": "All"} if dry_run else {})}
        answer = await self._call("POST", path, query, body=body)
        if not path.endswith(_REVIEWS):
            return bodies.of_object(answer, "POST", path)
        if not isinstance(answer.get("status"), dict):
            # Not a no.
            raise errors.bad_answer("POST", path, "a review")
        return answer

    async def try_create(self, path: str, body: Mapping[str, Any]) -> tuple[str, ...]:
        """Go through all of a POST but the storing, and return the warnings that came with it.

        They are those of the ``Warning`` header, as it is: one text for each. Raises ApiError.
        """
        limits = aiohttp.ClientTimeout(total=self._requests.answer, sock_connect=CONNECT)
        async with self._send(
            "POST", path, {"dryRun": "All"}, body=body, accept=JSON, limits=limits
        ) as response:
            await response.read()
            return tuple(response.headers.getall("Warning", ()))

    async def apply(
        self,
        path: str,
        body: Mapping[str, Any],
        *,
        field_manager: str,
        force: bool = True,
        subresource: str | None = None,
        dry_run: bool = False,
    ) -> Json:
        """Apply our fields of an object on the server and return the whole object.

        ``body`` holds what this field manager wants and nothing else; fields it applied before
        and leaves out now are removed. With ``force`` we take fields from other managers,
        without it that is a ConflictError.
        """
        query: dict[str, str] = {"fieldManager": field_manager, "force": str(force).lower()}
        if dry_run:
            query["dryRun"] = "All"
        target = f"{path}/{subresource}" if subresource else path
        answer = await self._call(
            "PATCH", target, query, body=bodies.as_yaml(body), content_type=_APPLY
        )
        return bodies.of_object(answer, "PATCH", target)

    async def merge(
        self, path: str, body: Mapping[str, Any], *, field_manager: str, dry_run: bool = False
    ) -> Json:
        """Send a JSON merge patch; for what server-side apply can't say (a UID precondition)."""
        query = {"fieldManager": field_manager, **({"dryRun": "All"} if dry_run else {})}
        answer = await self._call("PATCH", path, query, body=body, content_type=_MERGE)
        return bodies.of_object(answer, "PATCH", path)

    async def replace(self, path: str, body: Mapping[str, Any]) -> Json:
        """PUT an object of our own; with ``metadata.resourceVersion`` only if unchanged."""
        return bodies.of_object(await self._call("PUT", path, None, body=body), "PUT", path)

    async def delete(
        self,
        path: str,
        *,
        uid: str | None = None,
        resource_version: str | None = None,
        dry_run: bool = False,
    ) -> Json:
        """Delete one object, only if it still is the one meant; ConflictError if it is not."""
        body: Json = {"kind": "DeleteOptions", "apiVersion": "v1"}
        wanted = {"uid": uid, "resourceVersion": resource_version}
        if conditions := {name: value for name, value in wanted.items() if value}:
            body["preconditions"] = conditions
        if dry_run:
            body["dryRun"] = ["All"]
        return await self._call("DELETE", path, None, body=body)

    async def version(self) -> Json:
        """Return what the server says of itself: ``major``, ``minor``, ``gitVersion``."""
        return await self.get("/version")

    async def pages(
        self,
        path: str,
        *,
        limit: int = 500,
        params: Params | None = None,
        accept: str = JSON,
    ) -> AsyncGenerator[Json, None]:
        """List a collection, page by page; each is a list object with ``metadata`` and ``items``.

        Where a ``TABLE`` is accepted it has ``rows`` instead, if it is one.

        All pages show one moment, that of the first page's ``resourceVersion``. Raises GoneError
        when paging took so long (five minutes and more) that the moment is forgotten.
        """
        query: dict[str, str | int | bool] = {**(params or {}), "limit": limit}
        while True:
            # Objects of a megabyte each: fewer at a time then, since memory is bounded.
            largest = self._requests.largest_page if limit > 1 else None
            try:
                page = await self._call("GET", path, query, accept=accept, largest=largest)
            except errors.TooLargeError as error:
                limit = max(1, limit // 8)
                logger.info("%s; asking for %d objects at a time", error, limit)
                query["limit"] = limit
                continue
            metadata = page.get("metadata")
            items = page.get("rows") if accept == TABLE else page.get("items", ())
            if not isinstance(metadata, dict) or not isinstance(items, list | None):
                raise errors.bad_answer("GET", path, "a list")
            yield page
            token = metadata.get("continue")
            if not token:
                return
            query["continue"] = token

    async def watch(
        self,
        path: str,
        params: Params | None = None,
        *,
        silence: float = SILENCE,
        accept: str = JSON,
    ) -> AsyncGenerator[Json, None]:
        """Yield the events of a collection, ``{"type": …, "object": …}``, until the watch ends.

        A normal end is just the end. An ERROR event is raised (GoneError for 410); more than
        ``silence`` seconds without a byte is a SilentError, since a connection whose other side
        has vanished looks like one where nothing happens.
        """
        batches = self.watch_batches(path, params, silence=silence, accept=accept)
        async with aclosing(batches):
            async for batch in batches:
                for event in batch:
                    yield event

    async def watch_batches(
        self,
        path: str,
        params: Params | None = None,
        *,
        silence: float = SILENCE,
        accept: str = JSON,
    ) -> AsyncGenerator[list[Json], None]:
        """Like ``watch``, but yield all events that came in one go as a list.

        The first list is empty and says that the server has accepted the watch.
        """
        query = {**(params or {}), "watch": "1"}
        limits = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT, sock_read=silence)
        async with self._send("GET", path, query, accept=accept, limits=limits) as response:
            yield []
            try:
                async for lines in stream.lines(response.content):
                    yield [stream.event(line, path) for line in lines]
            except aiohttp.SocketTimeoutError as quiet:
                why = f"nothing came for {silence:g} s"
                raise errors.SilentError(0, "Silent", why, "WATCH", path) from quiet

    async def _call(
        self,
        verb: str,
        path: str,
        params: Params | None,
        *,
        body: Mapping[str, Any] | str | None = None,
        accept: str = JSON,
        content_type: str = JSON,
        largest: int | None = None,
    ) -> Json:
        limits = aiohttp.ClientTimeout(total=self._requests.answer, sock_connect=CONNECT)
        try:
            async with self._send(
                verb,
                path,
                params,
                body=body,
                accept=accept,
                content_type=content_type,
                limits=limits,
            ) as response:
                text = await bodies.read(response, largest, verb, path)
        except errors.ForbiddenError as error:
            if self._on_forbidden is not None and _stores(verb, path, params, body):
                self._on_forbidden(error)
            raise
        try:
            answer = object_reader.loads(text)
        except ValueError:
            # /readyz and its like answer `ok`.
            return {"text": text.decode(errors="replace")}
        return answer if isinstance(answer, dict) else {"value": answer}

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
        """Send one request, yield the response of a success, raise ApiError otherwise."""
        url = self.host + path + (f"?{urlencode(params)}" if params else "")
        if self._may_write is not None and _writes(verb, path) and not self._may_write():
            why = "another replica may lead by now"
            raise errors.NotLeadingError(0, "NotLeading", why, verb, path)
        try:
            async with AsyncExitStack() as stack:
                renewed = False
                while True:
                    began = time.monotonic()
                    headers = CIMultiDict(self._acting_as.headers())
                    headers.update({"Accept": accept, "Content-Type": content_type})
                    headers.update(self._client.default_headers)
                    await self._client.update_params_for_auth(
                        headers, [], ["BearerToken"], path, verb, body
                    )
                    sent = await self._client.rest_client.request(
                        verb, url, headers=headers, body=body, _request_timeout=limits
                    )
                    # Leaving this closes the connection unless the body was read to its end, so
                    # a watch that is cancelled does not leak one.
                    response = await stack.enter_async_context(sent.response)
                    if self._requests.tell is not None:
                        self._requests.tell(verb, url, response.status, time.monotonic() - began)
                    if response.status < HTTPStatus.BAD_REQUEST:
                        break
                    refusal = await response.read()
                    # A token is rotated before the old one ends, mostly.
                    if response.status != HTTPStatus.UNAUTHORIZED or renewed:
                        raise _refused(response, refusal, verb, path)
                    renewed = True
                    if not await self._renew():
                        raise _refused(response, refusal, verb, path)
                yield response
        except ConfigException as trouble:
            raise errors.from_credentials(trouble, verb, path) from trouble
        except (aiohttp.ClientError, TimeoutError, OSError) as trouble:
            raise errors.from_network(trouble, verb, path) from trouble

    async def _renew(self) -> bool:
        """Read refused credentials again; return whether they are others now."""
        configuration = self._client.configuration
        return isinstance(configuration, Credentials) and await configuration.renew()


def _writes(verb: str, path: str) -> bool:
    return verb not in _READS and not path.endswith(_REVIEWS)


def _stores(
    verb: str, path: str, params: Params | None, body: Mapping[str, Any] | str | None
) -> bool:
    tried = "dryRun" in (params or ()) or (isinstance(body, Mapping) and "dryRun" in body)
    return _writes(verb, path) and not tried


def _refused(
    response: aiohttp.ClientResponse, body: bytes, verb: str, path: str
) -> errors.ApiError:
    after = _seconds(response.headers.get("Retry-After"))
    return errors.from_status(response.status, body, verb, path, retry_after=after)


def _seconds(header: str | None) -> float | None:
    """Read a Retry-After header; API servers send seconds, never a date."""
    return float(header) if header and header.isdecimal() else None
