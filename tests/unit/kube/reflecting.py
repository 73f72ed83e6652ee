"""A reflector of things, and waiting for what it does."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from responsibility.kube.client import Api
from responsibility.kube.reflector import CacheChange, Reflector
from tests.apiserver.over_http import THINGS, HttpApiServer

Key = tuple[str, str]


def transform(thing: dict[str, Any]) -> tuple[Key, str] | None:
    metadata = thing["metadata"]
    if thing.get("boring"):
        return None
    return (metadata["namespace"], metadata["name"]), thing["value"]


class Listener:
    """Collects the changes, and the delays that would have been."""

    def __init__(self) -> None:
        self.changes: list[CacheChange[Key, str]] = []
        self.slept: list[float] = []

    def __call__(self, change: CacheChange[Key, str]) -> None:
        self.changes.append(change)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


async def until(reached: Callable[[], object]) -> None:
    """Let the reflector and the server run until it is so."""
    async with asyncio.timeout(60):
        while not reached():  # noqa: ASYNC110 - the server's side has no event to wait for
            await asyncio.sleep(0.001)


@asynccontextmanager
async def running(
    api: Api, listener: Listener, **options: Any
) -> AsyncIterator[Reflector[Key, str]]:
    reflector = Reflector(
        api,
        THINGS,
        options.pop("transform", transform),
        options.pop("on_change", listener),
        **{"sleep": listener.sleep, "jitter": lambda: 0.5, **options},
    )
    task = asyncio.create_task(reflector.run())
    try:
        yield reflector
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled(), "it may end by cancellation only"


def names(reflector: Reflector[Key, str]) -> dict[str, str]:
    return {name: value for (_, name), value in reflector.items.items()}


async def watched(server: HttpApiServer, number: int = 1) -> None:
    """Wait until that many watches have been asked for and one of them is open."""
    await until(lambda: sum(r.is_watch for r in server.requests) >= number and len(server.watchers))
