"""Delays grow, are spread, and have bounds on both sides; an event ends one."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responsibility.kube.backoff import OBEYED, Backoff, is_set_within


def test_delays_double_up_to_the_cap_and_start_anew_after_a_success() -> None:
    backoff = Backoff(base=1.0, cap=5.0, random=lambda: 0.0)
    assert [backoff.next() for _ in range(5)] == [1.0, 2.0, 4.0, 5.0, 5.0]
    backoff.reset()
    assert backoff.next() == 1.0


@given(st.floats(0, 1, exclude_max=True), st.integers(0, 5000))
def test_a_delay_is_never_zero_and_never_beyond_the_cap(chance: float, failures: int) -> None:
    backoff = Backoff(base=0.1, cap=1.5, random=lambda: chance)
    backoff.failures = failures
    assert 0.05 <= backoff.next() <= 1.5


def test_the_server_may_ask_for_more_but_not_for_an_hour() -> None:
    backoff = Backoff(random=lambda: 0.0)
    assert backoff.next(at_least=7.0) == 7.0
    assert backoff.next(at_least=3600.0) == OBEYED


@pytest.mark.parametrize("seconds", [0.0, None, 3_600.0])
async def test_an_event_that_is_set_ends_any_wait(seconds: float | None) -> None:
    event = asyncio.Event()
    if seconds != 0.0:
        asyncio.get_running_loop().call_soon(event.set)
    else:
        event.set()
    assert await is_set_within(event, seconds)


async def test_a_wait_without_an_event_ends_by_itself() -> None:
    assert not await is_set_within(asyncio.Event(), 0.0)


async def test_a_wait_is_cancelled_like_any_other() -> None:
    waiting = asyncio.create_task(is_set_within(asyncio.Event(), None))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
