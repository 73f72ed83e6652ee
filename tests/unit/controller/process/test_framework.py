"""The framework in its thread: begun again when it ends, and ended although it doesn't want to."""

import asyncio
import threading
from collections.abc import Collection
from typing import Any

import kopf
import pytest

from responsibility.controller.process.framework import EndingTimes, Framework
from responsibility.controller.process.settings import Settings


class Stubborn:
    """A task of the framework's that forgets that it was cancelled, so many times."""

    def __init__(self, times: float) -> None:
        self.times = times
        self.runs = threading.Event()
        self.ended = threading.Event()

    async def spawn(self, **_: Any) -> Collection[asyncio.Task[None]]:
        return [asyncio.create_task(self._run())]

    async def _run(self) -> None:
        self.runs.set()
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                if self.times <= 0:
                    self.ended.set()
                    raise
                self.times -= 1


async def nothing() -> None:
    """Find nothing wrong."""


async def cancelled(
    stubborn: Stubborn, monkeypatch: pytest.MonkeyPatch, *, grace: float = 4.0
) -> float:
    """Begin it, cancel it, and return the seconds that its end took."""
    monkeypatch.setattr(kopf, "spawn_tasks", stubborn.spawn)
    loop = asyncio.get_running_loop()
    ending = EndingTimes(grace, round=0.01)
    framework = Framework(Settings(), {}, check=nothing, ending=ending)
    running = asyncio.create_task(framework.run())
    async with asyncio.timeout(30):
        await asyncio.to_thread(stubborn.runs.wait)
        began = loop.time()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return loop.time() - began


async def test_what_forgets_that_it_was_cancelled_is_cancelled_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stubborn = Stubborn(3)
    await cancelled(stubborn, monkeypatch)
    assert stubborn.ended.is_set()


async def test_what_never_ends_is_left_to_itself(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stubborn = Stubborn(float("inf"))
    try:
        await cancelled(stubborn, monkeypatch, grace=0.1)
        assert not stubborn.ended.is_set()
        assert "left to itself" in caplog.text
    finally:
        stubborn.times = 0


async def test_it_is_begun_again_until_the_reason_is_one_to_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class GoneError(Exception):
        pass

    async def spawn(**_: Any) -> Collection[asyncio.Task[None]]:
        async def fail() -> None:
            raise ExceptionGroup("wrapped", [ValueError("an odd answer")])

        return [asyncio.create_task(fail())]

    async def check() -> None:
        if begun.failures == 3:
            raise GoneError

    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(kopf, "spawn_tasks", spawn)
    begun = Framework(Settings(), {}, check=check, sleep=sleep)
    with pytest.raises(GoneError):
        await begun.run()
    assert len(waited) == 2
    assert "begun again: ValueError: an odd answer" in caplog.text
