"""The webhook that the API server tells of uses of the break-glass. It decides nothing.

Nothing of an object is kept or logged, and whatever goes wrong, the answer is yes.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from responsibility.controller.web import ListenError
from responsibility.enforcement.break_glass import PATH

logger = logging.getLogger(__name__)

# Seconds after which a certificate that was renewed is used.
_RELOAD = 60.0
# Two objects of the largest size that etcd takes, and what is around them.
_LARGEST = 8 * 1024 * 1024


async def serve(
    host: str,
    port: int,
    certificate: Path,
    key: Path,
    take: Callable[[str, Mapping[str, Any]], None],
    *,
    bound: Callable[[int], None] = lambda _: None,
) -> None:
    """Serve the webhook until cancelled. Raises ListenError."""

    async def answer(request: web.Request) -> web.Response:
        uid = ""
        try:
            review = await request.json()
            uid = str(review["request"]["uid"])
            take(request.match_info["item"], review)
        except Exception as error:  # noqa: BLE001 - whatever it is, the request is to pass
            # Its words might quote the object.
            logger.warning("a use of the break-glass was not understood: %s", type(error).__name__)
        return web.json_response(
            {
                "apiVersion": "admission.k8s.io/v1",
                "kind": "AdmissionReview",
                "response": {"uid": uid, "allowed": True},
            }
        )

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load(context, certificate, key)
    app = web.Application(client_max_size=_LARGEST)
    app.router.add_post(PATH + "{item}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port, ssl_context=context).start()
        except OSError as error:
            raise ListenError(
                f"cannot listen on {host}:{port}: {error.strerror or error}; set "
                "RESPONSIBILITY_WEBHOOK_LISTEN to host:port"
            ) from error
        bound(int(runner.addresses[0][1]))
        while True:
            await asyncio.sleep(_RELOAD)
            try:
                _load(context, certificate, key)
            except ListenError as error:
                logger.warning("the old certificate is used on: %s", error)
    finally:
        await runner.cleanup()


def _load(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise ListenError(
            f"the webhook's certificate cannot be used: {certificate}, {key}: "
            f"{error.strerror or type(error).__name__}; set RESPONSIBILITY_WEBHOOK_CERTIFICATES "
            "to a directory with tls.crt and tls.key"
        ) from error
