"""Waiting for conditions instead of sleeping for guesses."""

import time
from collections.abc import Callable
from typing import TypeVar

from tests.e2e.lab.errors import LabError

T = TypeVar("T")


def wait_until(
    predicate: Callable[[], T],
    deadline: float,
    message: str | Callable[[], str],
    *,
    interval: float = 0.05,
) -> T:
    """Poll `predicate` until its result is true, and return that result.

    `deadline` and `interval` are seconds. A predicate is asked at least once, and once more when
    time is up, so a slow one is not failed for being slow. `message` completes the sentence
    "waited N s for …"; give a function where the reason is only known at the end.

    Raises:
        LabError: time ran out.
    """
    end = time.monotonic() + deadline
    while True:
        last = time.monotonic() >= end
        if result := predicate():
            return result
        if last:
            reason = message() if callable(message) else message
            raise LabError(f"waited {deadline:g} s for {reason}")
        time.sleep(interval)


def eventually(check: Callable[[], T], deadline: float = 30.0, *, interval: float = 0.1) -> T:
    """Repeat assertions until they hold, and return what `check` returns.

    For all that is true a moment later than what was waited for: who waits for one thing and
    asserts another has a test that fails on a busy day. `deadline` and `interval` are seconds.

    Raises:
        AssertionError: the last one, when time ran out.
    """
    end = time.monotonic() + deadline
    while True:
        last = time.monotonic() >= end
        try:
            return check()
        except AssertionError:
            if last:
                raise
        time.sleep(interval)
