"""Laws of the copy: it depends on the objects alone, never on how they became known."""

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from responsibility.kube.cache import Budget, CacheChange, ObjectCache

Json = dict[str, Any]


Thing = dict[str, Any]


def transform(thing: Thing) -> tuple[str, int] | None:
    if thing["value"] < 0:
        raise ValueError("malformed")
    return None if thing["value"] == 0 else (thing["metadata"]["name"], thing["value"])


def thing(name: str, value: int) -> Thing:
    return {"metadata": {"name": name}, "value": value}


# A value below 0 is malformed, 0 is uninteresting, None is a deletion.
STEPS = st.lists(st.tuples(st.sampled_from("abcd"), st.none() | st.integers(-1, 3)), max_size=30)


def events(steps: list[tuple[str, int | None]]) -> list[Thing]:
    return [
        {"type": "DELETED", "object": thing(name, 1)}
        if value is None
        else {"type": "MODIFIED", "object": thing(name, value)}
        for name, value in steps
    ]


def listed(
    mirror: ObjectCache[str, int], steps: list[tuple[str, int | None]]
) -> CacheChange[str, int]:
    listing = mirror.listing()
    for name, value in dict(steps).items():
        if value is not None:
            listing.add([thing(name, value)])
    return listing.commit()


@given(STEPS, st.integers(1, 5))
def test_events_and_lists_end_in_the_same_state(
    steps: list[tuple[str, int | None]], size: int
) -> None:
    watching: ObjectCache[str, int] = ObjectCache("/things", transform)
    for start in range(0, len(steps), size):
        watching.fold(events(steps[start : start + size]))
    listing: ObjectCache[str, int] = ObjectCache("/things", transform)
    listed(listing, steps)
    assert watching.items == listing.items
    assert watching.left_out == listing.left_out
    assert not listed(watching, steps), "a list after the events has no news"


@given(STEPS, STEPS, STEPS)
def test_whoever_adds_up_the_changes_has_the_same_state(
    first: list[tuple[str, int | None]],
    second: list[tuple[str, int | None]],
    third: list[tuple[str, int | None]],
) -> None:
    mirror: ObjectCache[str, int] = ObjectCache("/things", transform)
    copy: dict[str, int] = {}
    steps: list[Callable[[], CacheChange[str, int]]] = [
        lambda: listed(mirror, first),
        lambda: mirror.fold(events(second)),
        lambda: listed(mirror, third),
        lambda: mirror.fold(events(first)),
    ]
    for step in steps:
        change = step()
        assert all(copy.get(key) != value for key, value in change.put.items())
        assert change.dropped <= copy.keys()
        assert not change.dropped & change.put.keys()
        copy = {k: v for k, v in copy.items() if k not in change.dropped} | dict(change.put)
        assert copy == mirror.items


def test_a_list_keeps_equal_values_and_not_their_copies() -> None:
    mirror: ObjectCache[str, tuple[str, ...]] = ObjectCache(
        "/things", lambda t: (t["name"], tuple(t["of"]))
    )
    for _ in range(2):
        listing = mirror.listing()
        listing.add([{"metadata": {"name": "a"}, "name": "a", "of": ["x", "y"]}])
        before = mirror.items.get("a")
        change = listing.commit()
    assert not change
    assert mirror.items["a"] is before


def test_an_object_may_change_its_key() -> None:
    mirror: ObjectCache[str, int] = ObjectCache("/things", lambda t: (t["key"], 1))
    first = {"metadata": {"name": "a"}, "key": "x"}
    second = {"metadata": {"name": "a"}, "key": "y"}
    mirror.fold([{"type": "ADDED", "object": first}])
    change = mirror.fold([{"type": "MODIFIED", "object": second}])
    assert change == CacheChange({"y": 1}, frozenset({"x"}))
    assert mirror.items == {"y": 1}


def test_what_is_no_object_at_all_is_skipped() -> None:
    mirror: ObjectCache[str, int] = ObjectCache("/things", transform)
    listing = mirror.listing()
    listing.add([None, {}, {"metadata": None}, thing("a", 1)])  # type: ignore[list-item]  # no objects
    assert listing.commit().put == {"a": 1}


def test_no_namespace_costs_more_than_its_budget() -> None:
    budget: Budget[tuple[str, ...]] = Budget(len, 10, "subjects")
    cache: ObjectCache[str, tuple[str, ...]] = ObjectCache(
        "/things", lambda t: (_key(t), tuple(t["of"])), budget=budget
    )
    listing = cache.listing()
    listing.add([_of("a", "one", 6), _of("a", "two", 6), _of("b", "one", 6), _of("", "all", 60)])
    listing.commit()
    assert set(cache.items) == {"a/one", "b/one", "/all"}, "whoever writes everywhere has no bound"
    (why,) = cache.left_out.values()
    assert "6 subjects there would be 12 in its namespace, and no more than 10" in why
    # A watch takes in what fits, and leaves out what does not any more.
    cache.fold([_event("MODIFIED", _of("a", "one", 4)), _event("ADDED", _of("a", "three", 6))])
    assert set(cache.items) == {"a/one", "a/three", "b/one", "/all"}
    cache.fold([_event("MODIFIED", _of("a", "three", 7)), _event("DELETED", _of("a", "two", 6))])
    assert set(cache.items) == {"a/one", "b/one", "/all"}
    assert set(cache.left_out) == {"a/three"}
    listing = cache.listing()
    listing.add([_of("a", "three", 7)])
    listing.commit()
    assert set(cache.items) == {"a/three"}
    assert not cache.left_out


def _key(thing: Json) -> str:
    return f"{thing['metadata']['namespace']}/{thing['metadata']['name']}"


def _of(namespace: str, name: str, many: int) -> Json:
    return {"metadata": {"namespace": namespace, "name": name}, "of": ["x"] * many}


def _event(type: str, thing: Json) -> Json:
    return {"type": type, "object": thing}
