"""A list that is cut hides no item."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from responsibility.hub.release.changes import Act, Change, ObjectName
from responsibility.hub.release.listing import FirstOfEach

ITEMS = st.lists(st.sampled_from("abcdef"), max_size=2, unique=True).map(tuple)
PATHS = st.integers(0, 999).map("p{:03}".format)


def change(path: str, items: tuple[str, ...]) -> Change:
    return Change(ObjectName("Deployment", "hub"), path, Act.ADDED, items=items)


@given(st.dictionaries(PATHS, ITEMS, max_size=60), st.integers(1, 8))
def test_of_each_item_one_stays_and_all_others_are_counted(
    found: dict[str, tuple[str, ...]], most: int
) -> None:
    listing = FirstOfEach[Change](most)
    changes = [change(path, items) for path, items in found.items()]
    listing.extend(changes)
    listed = listing.listed
    assert list(listed) == sorted(set(listed))
    assert set(listed) <= set(changes)
    assert len(listed) + listing.more == len(changes)
    assert len(listed) <= max(most, 7)
    assert {i for c in listed for i in c.items} == {i for c in changes for i in c.items}
    if len(changes) > most:
        assert len(listed) >= most
    else:
        assert listing.more == 0


@given(st.dictionaries(PATHS, ITEMS, max_size=60), st.randoms())
def test_what_stays_does_not_depend_on_the_order(
    found: dict[str, tuple[str, ...]], random: Random
) -> None:
    changes = [change(path, items) for path, items in found.items()]
    one, other = FirstOfEach[Change](3), FirstOfEach[Change](3)
    one.extend(changes)
    random.shuffle(changes)
    other.extend(changes)
    assert one.listed == other.listed
