"""The process of the page in a hub: ``responsibility-hub-page``.

One process for one hub: what is known of a sign-in that is under way stays in it, and cookies are
signed with what it has drawn at its start. After a new start, browsers sign in again by themselves.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import sys
from typing import Final

from tornado.httpclient import AsyncHTTPClient

from responsibility.hub_page.pages import Pages
from responsibility.hub_page.server import Server, application
from responsibility.hub_page.settings import PREFIX, HubPageSettings, HubPageSettingsError, read
from responsibility.hub_page.visitors import Visitors

logger = logging.getLogger(__name__)

# Answers of the hub and of the operator: how large, how long, and how many are waited for.
_LARGEST: Final = 8 * 2**20
_CONNECT: Final = 5.0
_ANSWER: Final = 10.0
_WAITING: Final = 16


def main() -> None:
    """Serve until a signal ends it."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s"
    )
    # They tell of requests and answers in full, codes and cookies included.
    logging.getLogger("tornado").setLevel(logging.CRITICAL)
    try:
        asyncio.run(serve(read(os.environ)))
    except HubPageSettingsError as error:
        sys.exit(f"error: {error}")


def bound_answers() -> None:
    """Bound what the hub and the operator may answer, for the whole process."""
    AsyncHTTPClient.configure(
        "tornado.simple_httpclient.SimpleAsyncHTTPClient",
        max_clients=_WAITING,
        max_body_size=_LARGEST,
        max_buffer_size=_LARGEST,
        defaults={
            "connect_timeout": _CONNECT,
            "request_timeout": _ANSWER,
            "follow_redirects": False,
            "decompress_response": False,
        },
    )


async def serve(settings: HubPageSettings) -> None:
    """Serve until SIGTERM or SIGINT. Raises HubPageSettingsError where it can't begin."""
    # Before anything else: as the first process of a pod it would not hear one that came earlier.
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, ended.set)
    bound_answers()
    try:
        visitors = Visitors.of(settings)
    except (OSError, ValueError) as error:
        raise HubPageSettingsError(
            f"{PREFIX}TOKEN: {settings.token} holds no token: {type(error).__name__}"
        ) from None
    server = Server.of(application(visitors, Pages(settings), secret=secrets.token_bytes(32)))
    try:
        server.listen(settings.port, settings.host)
    except OSError as error:
        raise HubPageSettingsError(
            f"{PREFIX}LISTEN: cannot listen on {settings.host}:{settings.port}: "
            f"{error.strerror or error}"
        ) from None
    logger.info("the page of record %s is at %s", settings.record, settings.prefix)
    await ended.wait()
    server.stop()
    await server.close_all_connections()


if __name__ == "__main__":
    main()
