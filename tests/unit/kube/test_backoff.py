"""Delays grow, are spread, and have bounds on both sides."""

from hypothesis import given
from hypothesis import strategies as st

from responsibility.kube.backoff import OBEYED, Backoff


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
