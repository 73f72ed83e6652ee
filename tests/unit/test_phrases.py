"""Counts and lists in sentences read the same everywhere, and none is longer than agreed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responsibility.phrases import counted, shortened, some

PARTS = st.lists(st.text("abc", min_size=1), max_size=6)


def test_there_is_one_way_to_say_that_there_are_more() -> None:
    assert some(("a", "b"), 2) == "a, b"
    assert some(("a", "b", "c", "d"), 2) == "a, b and 2 more"
    assert some((), 2) == ""
    assert some(("a", "b", "c"), 2, between="; ", last="; and ") == "a; b; and 1 more"
    assert some(("a", "b"), 1, last=" or ", rest="more (-o wide)") == "a or 1 more (-o wide)"


@pytest.mark.parametrize(
    ("most", "expected"),
    [(4, ("a", "b", "c")), (3, ("a", "b", "c")), (2, ("a", "and 2 more")), (1, ("and 3 more",))],
)
def test_a_list_ends_in_what_is_left_out(most: int, expected: tuple[str, ...]) -> None:
    assert shortened(["a", "b", "c"], most) == expected


@given(parts=PARTS, most=st.integers(1, 8))
def test_a_list_is_never_longer_than_agreed_and_none_goes_uncounted(
    parts: list[str], most: int
) -> None:
    listed = shortened(parts, most)
    assert len(listed) <= most
    left = int(listed[-1].split()[1]) if len(parts) > most else 0
    assert len(parts) == left + len(listed) - (left > 0)


def test_one_is_no_plural() -> None:
    assert [counted(n, "hub") for n in (0, 1, 2)] == ["0 hubs", "1 hub", "2 hubs"]
    assert counted(2, "policy", "policies") == "2 policies"
