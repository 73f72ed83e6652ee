"""Waiting for conditions instead of sleeping for guesses.

A deadline says how long something takes at worst on a quiet machine of two cores. Machines that
test are shared and slow, and a deadline costs nothing until it is missed: each is stretched.
"""

import asyncio
import inspect
import os
import time
from collections.abc import Callable
from typing import TypeVar

from tests.e2e.lab.errors import LabError

T = TypeVar("T")

# Runs of the same commit took from one to two times as long, single steps up to four times.
STRETCH = float(os.environ.get("E2E_STRETCH", "4"))
# Who has waited for long may wait a little longer: what is asked, and the API server that answers,
# need the processor for what is waited for.
_SHARE = 1 / 16
_LONGEST = 0.25


def wait_until(
    predicate: Callable[[], T],
    deadline: float,
    message: str | Callable[[], str],
    *,
    interval: float = 0.05,
    stretched: bool = True,
) -> T:
    """Poll `predicate` until its result is true, and return that result.

    `deadline` and `interval` are seconds; the second grows while it is waited. A deadline that
    tells a right way from a wrong one, which comes there too but later, is not to be stretched. A
    predicate is asked at least once, and once more when time is up, so a slow one is not failed for
    being slow. `message` completes the sentence "waited N s for …"; give a function where the
    reason is only known at the end.

    Raises:
        LabError: time ran out.
    """
    deadline *= STRETCH if stretched else 1.0
    began = time.monotonic()
    while True:
        last = time.monotonic() >= began + deadline
        if result := predicate():
            return result
        if last:
            reason = message() if callable(message) else message
            raise LabError(f"waited {deadline:g} s for {reason}")
        time.sleep(_pause(interval, time.monotonic() - began))


async def until(
    condition: Callable[[], object], deadline: float, message: str, *, interval: float = 0.02
) -> float:
    """Wait as `wait_until` does, where an event loop has to go on; return how long it took.

    A condition may be a coroutine. `deadline` and `interval` are seconds, the first is stretched.

    Raises:
        LabError: time ran out.
    """
    deadline *= STRETCH
    began = time.monotonic()
    while True:
        last = time.monotonic() >= began + deadline
        reached = condition()
        if inspect.isawaitable(reached):
            reached = await reached
        if reached:
            return time.monotonic() - began
        if last:
            raise LabError(f"waited {deadline:g} s for {message}")
        await asyncio.sleep(interval)


def eventually(check: Callable[[], T], deadline: float = 30.0, *, interval: float = 0.1) -> T:
    """Repeat assertions until they hold, and return what `check` returns.

    For all that is true a moment later than what was waited for: who waits for one thing and
    asserts another has a test that fails on a busy day. `deadline` and `interval` are seconds, the
    first is stretched.

    Raises:
        AssertionError: the last one, when time ran out.
    """
    began = time.monotonic()
    while True:
        last = time.monotonic() >= began + STRETCH * deadline
        try:
            return check()
        except AssertionError:
            if last:
                raise
        time.sleep(_pause(interval, time.monotonic() - began))


def _pause(interval: float, waited: float) -> float:
    """Return how long not to ask again: a share of the seconds waited, within bounds."""
    return max(interval, min(waited * _SHARE, _LONGEST))
