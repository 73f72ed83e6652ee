"""The cache between passes: what it keeps, and when it forgets."""

from datetime import UTC, datetime, timedelta

import pytest

from responsibility.ownership.cache import PassCache

NOW = datetime(2030, 6, 15, tzinfo=UTC)
DAY = timedelta(days=1)


class Made:
    """Counts how often something was made."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> int:
        self.times += 1
        return self.times


@pytest.fixture
def cache() -> PassCache:
    cache = PassCache()
    cache.begin(NOW)
    cache.until(NOW + DAY)
    return cache


def test_the_same_inputs_give_what_was_made_before(cache: PassCache) -> None:
    make, one = Made(), object()
    assert cache.get("hub", (one,), make) == cache.get("hub", (one,), make) == 1
    cache.begin(NOW)
    assert cache.get("hub", (one,), make) == 1


def test_inputs_are_compared_by_identity_and_number(cache: PassCache) -> None:
    make, first, equal = Made(), [1], [1]
    assert cache.get("hub", (first,), make) == 1
    assert cache.get("hub", (equal,), make) == 2
    assert cache.get("hub", (equal, first), make) == 3


def test_what_a_pass_does_not_ask_for_is_forgotten(cache: PassCache) -> None:
    make, one = Made(), object()
    cache.get("hub", (one,), make)
    cache.begin(NOW)
    cache.begin(NOW)
    assert cache.get("hub", (one,), make) == 2


@pytest.mark.parametrize(
    ("later", "same"),
    [
        (timedelta(0), True),
        (DAY - timedelta(seconds=1), True),
        (DAY, False),
        (-timedelta(seconds=1), False),
    ],
    ids=["at once", "before the date", "at the date", "a clock set back"],
)
def test_what_depends_on_the_time_is_kept_until_the_date(
    cache: PassCache, later: timedelta, *, same: bool
) -> None:
    epoch = cache.epoch
    cache.begin(NOW + later)
    assert (cache.epoch is epoch) is same


def test_nothing_that_changes_by_itself_is_kept_for_good(cache: PassCache) -> None:
    cache.until(None)
    epoch = cache.epoch
    cache.begin(NOW + 10_000 * DAY)
    assert cache.epoch is epoch


def test_a_fork_forgets_by_itself(cache: PassCache) -> None:
    make, one = Made(), object()
    cache.get("hub", (one,), make)
    fork = cache.fork()
    fork.begin(NOW + 2 * DAY)
    fork.begin(NOW + 2 * DAY)
    assert fork.epoch is not cache.epoch
    assert cache.get("hub", (one,), make) == 1
    assert fork.get("hub", (one,), make) == 2
