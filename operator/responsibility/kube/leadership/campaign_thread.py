"""The thread in which a Lease is campaigned for and renewed, apart from all other work.

What the rest of the process does, a pass over a large cluster or a burst of changes, costs no
renewal.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

# Acquires a Lease, says so, and holds it until told to stop; returns why it was lost, if it was.
Campaign = Callable[[Callable[[], None], asyncio.Event], Coroutine[Any, Any, str]]


class CampaignThread:
    """A leader's thread, as seen from the loop of those who wait for it.

    ``acquired`` is done once the Lease is held. ``ended`` results in why the Lease was lost, empty
    if it was given back; or in what the thread raised.
    """

    def __init__(self, campaign: Campaign) -> None:
        self._campaign = campaign
        self._outer = asyncio.get_running_loop()
        self.acquired: asyncio.Future[None] = self._outer.create_future()
        self.ended: asyncio.Future[str] = self._outer.create_future()
        self._inner: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._main, name="leader election", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    async def stop(self, seconds: float) -> None:
        """Have the Lease given back, and wait for that so many seconds."""
        self._stopping.set()
        if self._inner is not None and self._stop is not None:
            with suppress(RuntimeError):
                # It may have ended by itself this moment.
                self._inner.call_soon_threadsafe(self._stop.set)
        await asyncio.wait((self.ended,), timeout=seconds)
        if self.ended.done() and not self.ended.cancelled():
            # Nobody else may want to know by now.
            self.ended.exception()

    def _main(self) -> None:
        try:
            why = asyncio.run(self._run())
        except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
            failure = error
            self._tell(lambda: self._fail(failure))
        else:
            self._tell(lambda: self._end(why))

    async def _run(self) -> str:
        self._stop = asyncio.Event()
        self._inner = asyncio.get_running_loop()
        if self._stopping.is_set():
            self._stop.set()
        return await self._campaign(lambda: self._tell(self._acquire), self._stop)

    def _tell(self, callback: Callable[[], None]) -> None:
        with suppress(RuntimeError):
            # Whoever waited may be gone.
            self._outer.call_soon_threadsafe(callback)

    def _acquire(self) -> None:
        if not self.acquired.done():
            self.acquired.set_result(None)

    def _end(self, why: str) -> None:
        if not self.ended.done():
            self.ended.set_result(why)

    def _fail(self, error: Exception) -> None:
        if not self.acquired.done():
            self.acquired.set_exception(error)
        if not self.ended.done():
            self.ended.set_exception(error)
