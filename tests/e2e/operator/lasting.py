"""Dates that come soon, and not too soon for the machine: what holds until one is seen to hold.

How long it takes until something is seen is up to the machine, and a date does not wait. So if one
has come too early to tell, there is another try with a later one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

# Seconds to each date that is tried.
TRIES = (10, 30, 90, 300)


def held_until(attempt: Callable[[datetime], bool]) -> datetime:
    """Return the date of the first attempt that was over before it came.

    An attempt sets something up until a date, and returns whether that was seen to hold. Where it
    waits, it has to give up once the date has come: see `has_come`.
    """
    for seconds in TRIES:
        until = (datetime.now(UTC) + timedelta(seconds=seconds)).replace(microsecond=0)
        held = attempt(until)
        if not has_come(until):
            assert held, f"it did not hold, {until - datetime.now(UTC)} before its end"
            return until
    raise AssertionError(f"nothing was seen to hold within {TRIES[-1]} s")


def has_come(moment: datetime) -> bool:
    """Return whether it is as late as that."""
    return datetime.now(UTC) >= moment
