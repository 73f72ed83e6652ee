"""Waiting before the next attempt: for how long (exponential, jittered, capped), unless woken."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

# A server under load asks for a second or so. More than this, in seconds, is not its own wish.
OBEYED = 30.0


class Backoff:
    """A growing delay, in seconds: ``base``, twice that, and so on up to ``cap``.

    Each delay is cut by up to a half at random, so that several watches which broke at the same
    moment (an API server that restarts) do not come back at the same moment too.
    """

    def __init__(
        self,
        *,
        base: float = 0.1,
        cap: float = 1.5,
        random: Callable[[], float] = random.random,
    ) -> None:
        self._base = base
        self._cap = cap
        self._random = random
        self.failures = 0

    def reset(self) -> None:
        """Forget the failures: something worked."""
        self.failures = 0

    def next(self, *, at_least: float | None = None, cap: float | None = None) -> float:
        """Count a failure and return the seconds to wait.

        ``at_least`` is what the server asked for (``Retry-After``); ``cap`` overrides the cap
        for failures that only a person can end, such as a missing right.
        """
        self.failures += 1
        # The exponent is bounded, since an outage may last for days.
        delay: float = min(self._base * 2.0 ** min(self.failures - 1, 30), cap or self._cap)
        return max(delay * (1 - self._random() / 2), min(at_least or 0.0, OBEYED))


async def is_set_within(event: asyncio.Event, seconds: float | None) -> bool:
    """Wait for an event, so many seconds at most or, for None, as long as it takes.

    Return whether it is set.
    """
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
    return event.is_set()
