"""The server of the operator's webhooks: what the API server asks, or only tells.

Nothing of an object is kept or logged. Whatever goes wrong with us, the answer is yes; a request
that can't be read for its own size or depth has the answer that its route has for that, or anybody
could come past by writing a large one.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from responsibility.controller.process.certificates import keep_fresh, server_context
from responsibility.controller.process.ports import Ports
from responsibility.kube.object_reader import members, read_object

logger = logging.getLogger(__name__)

_CERTIFICATES = "RESPONSIBILITY_WEBHOOK_CERTIFICATES"
# Two objects of the largest size that etcd takes, and what is around them.
_LARGEST = 8 * 1024 * 1024
# So far into a review its uid stands: the API server writes it first.
_HEAD = 4096
_UID = re.compile(rb'"uid"\s*:\s*"([0-9A-Za-z-]{1,64})"')

Review = Mapping[str, Any]
# Of an AdmissionReview's response, all but the uid.
Response = Mapping[str, Any]
YES: Response = {"allowed": True}


@dataclass(frozen=True, slots=True)
class Route:
    """The place of a webhook, and what answers. The path may hold ``{item}``, which is given first.

    ``unread`` is the answer to a review that is too large or too deep to be read: yes, if none.
    """

    path: str
    answer: Callable[[str, Review], Awaitable[Response]]
    unread: Response | None = None


class _TooMuchError(Exception):
    """A review can't be read, for what the request itself is."""


async def serve(
    ports: Ports,
    host: str,
    port: int,
    routes: Iterable[Route],
    *,
    certificates: Path,
    bound: Callable[[int], None] = lambda _: None,
) -> None:
    """Serve webhooks until cancelled, by the certificate in a directory. Raises ListenError."""
    context = server_context(certificates, setting=_CERTIFICATES)
    listening = ports.listen(
        application(routes), host, port, setting="RESPONSIBILITY_WEBHOOK_LISTEN", tls=context
    )
    async with listening as number:
        bound(number)
        await keep_fresh(context, certificates, setting=_CERTIFICATES)


def application(routes: Iterable[Route]) -> web.Application:
    """Return what is served."""
    app = web.Application()
    for route in routes:
        app.router.add_post(route.path, _handler(route))
    return app


def _handler(route: Route) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        uid, response = "", YES
        try:
            body, whole = await _body(request)
            uid = found[1].decode() if (found := _UID.search(body[:_HEAD])) else ""
            review = _read(body, whole=whole)
            uid = str(review["request"]["uid"])
            response = await route.answer(request.match_info.get("item", ""), review)
        except _TooMuchError:
            logger.warning("a request to %s is too large or nests too deep to be read", route.path)
            response = route.unread or YES
        except Exception as error:  # noqa: BLE001 - whatever it is, the request is to pass
            # Its words might quote the object.
            logger.warning("a request to %s failed: %s", route.path, type(error).__name__)
        return web.json_response(
            {
                "apiVersion": "admission.k8s.io/v1",
                "kind": "AdmissionReview",
                "response": {**response, "uid": uid},
            }
        )

    return handle


async def _body(request: web.Request) -> tuple[bytes, bool]:
    """Return what was sent, and whether it is all: of what is too large, only the beginning.

    The rest is read all the same, since the API server takes a connection that ends before for a
    failure of ours, and lets the request pass.
    """
    found = bytearray()
    whole = True
    async for chunk in request.content.iter_any():
        if len(found) + len(chunk) > _LARGEST:
            whole = False
        if whole:
            found += chunk
    return bytes(found), whole


def _read(body: bytes, *, whole: bool) -> Any:  # noqa: ANN401 - whatever JSON there is
    """Return a review; raises _TooMuchError.

    Objects in it that nest too deep are read without managedFields, or are stubs; see
    ``object_reader``.
    """
    if not whole:
        raise _TooMuchError
    try:
        return json.loads(body)
    except RecursionError:
        pass
    try:
        parts = dict(members(body.strip()))
        found = {
            key: read_object(value) if key in ("object", "oldObject") else json.loads(value)
            for key, value in members(parts["request"])
        }
    except (RecursionError, ValueError, KeyError) as error:
        raise _TooMuchError from error
    return {"request": found}
