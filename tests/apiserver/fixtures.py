"""Fixtures: a fake API server on a socket, and a client of it."""

from collections.abc import AsyncIterator

import pytest_asyncio

from responsibility.kube.client import Api
from tests.apiserver.over_http import HttpApiServer


@pytest_asyncio.fixture
async def server() -> AsyncIterator[HttpApiServer]:
    fake = HttpApiServer()
    await fake.start()
    yield fake
    await fake.stop()


@pytest_asyncio.fixture
async def api(server: HttpApiServer) -> AsyncIterator[Api]:
    async with server.api() as client:
        yield client
