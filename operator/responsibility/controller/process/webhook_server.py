"""The server of the operator's webhooks: what the API server asks, or only tells.

Nothing of an object is kept or logged, and whatever goes wrong, the answer is yes.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from responsibility.controller.process.ports import ListenError, Ports

logger = logging.getLogger(__name__)

# Seconds after which a certificate that was renewed is used.
_RELOAD = 60.0
# Two objects of the largest size that etcd takes, and what is around them.
_LARGEST = 8 * 1024 * 1024

Review = Mapping[str, Any]
# Of an AdmissionReview's response, all but the uid.
Response = Mapping[str, Any]
YES: Response = {"allowed": True}


@dataclass(frozen=True, slots=True)
class Route:
    """Where a webhook is, and what answers. The path may hold ``{item}``, which is given first."""

    path: str
    answer: Callable[[str, Review], Awaitable[Response]]


async def serve(
    ports: Ports,
    host: str,
    port: int,
    routes: Iterable[Route],
    *,
    certificate: Path,
    key: Path,
    bound: Callable[[int], None] = lambda _: None,
) -> None:
    """Serve webhooks until cancelled. Raises ListenError."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load(context, certificate, key)
    listening = ports.listen(
        application(routes), host, port, setting="RESPONSIBILITY_WEBHOOK_LISTEN", tls=context
    )
    async with listening as number:
        bound(number)
        while True:
            await asyncio.sleep(_RELOAD)
            try:
                _load(context, certificate, key)
            except ListenError as error:
                logger.warning("the old certificate is used on: %s", error)


def application(routes: Iterable[Route]) -> web.Application:
    """Return what is served."""
    app = web.Application(client_max_size=_LARGEST)
    for route in routes:
        app.router.add_post(route.path, _handler(route))
    return app


def _handler(route: Route) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        uid, response = "", YES
        try:
            review = await request.json()
            uid = str(review["request"]["uid"])
            response = await route.answer(request.match_info.get("item", ""), review)
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


def _load(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise ListenError(
            f"the webhook's certificate cannot be used: {certificate}, {key}: "
            f"{error.strerror or type(error).__name__}; set RESPONSIBILITY_WEBHOOK_CERTIFICATES "
            "to a directory with tls.crt and tls.key"
        ) from error
