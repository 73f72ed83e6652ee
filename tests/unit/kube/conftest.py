"""A fake API server for each test."""

from collections.abc import AsyncIterator

import pytest_asyncio

from responsibility.kube.client import Api
from tests.unit.kube.fake import FakeServer


@pytest_asyncio.fixture
async def server() -> AsyncIterator[FakeServer]:
    fake = FakeServer()
    await fake.start()
    yield fake
    await fake.stop()


@pytest_asyncio.fixture
async def api(server: FakeServer) -> AsyncIterator[Api]:
    async with server.api() as client:
        yield client
