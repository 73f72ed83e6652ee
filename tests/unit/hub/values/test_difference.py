"""Every value that comes, goes or changes is told of, by the place where it stands."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given

from responsibility.hub.values.difference import MISSING, UNKNOWN, SettingChange, changes, same
from responsibility.hub.values.paths import Place, of_key, text
from tests.unit.hub.values.values import VALUES


def leaves(value: Any, place: Place = ()) -> list[tuple[Place, str]]:
    """Return all values at their places, entries of lists at any: a second, plain way to see."""
    if isinstance(value, dict) and value:
        return [e for k, v in value.items() for e in leaves(v, (*place, of_key(str(k))))]
    if isinstance(value, list) and value:
        return [e for v in value for e in leaves(v, (*place, "[*]"))]
    return [(place, f"{type(value).__name__} {value!r}")]


def anywhere(place: Place) -> Place:
    return tuple("[*]" if part.startswith("[") else part for part in place)


def is_hollow(leaf: tuple[Place, str]) -> bool:
    return leaf[1] in ("dict {}", "list []")


@given(VALUES, VALUES)
def test_nothing_is_told_exactly_if_both_are_equal(old: Any, new: Any) -> None:
    assert (list(changes(old, new)) == []) is same(old, new)


@given(VALUES)
def test_what_stays_has_not_changed(value: Any) -> None:
    assert list(changes(value, value)) == []


def test_what_is_no_number_is_still_that() -> None:
    assert same(float("nan"), float("nan"))
    assert not same(0.0, -0.0)


@given(VALUES, VALUES)
def test_no_value_comes_or_goes_in_silence(old: Any, new: Any) -> None:
    before, after = Counter(leaves(old)), Counter(leaves(new))
    moved = {leaf for leaf in before | after if before[leaf] != after[leaf]}
    told = {anywhere(change.place) for change in changes(old, new)}
    # That a map is not empty any more is told by what is in it.
    assert {place for place, _ in (leaf for leaf in moved if not is_hollow(leaf))} <= told


@given(VALUES, VALUES)
def test_both_directions_tell_of_the_same_places(old: Any, new: Any) -> None:
    there = {anywhere(change.place) for change in changes(old, new)}
    back = {anywhere(change.place) for change in changes(new, old)}
    assert there == back


@given(VALUES, VALUES)
def test_a_change_never_shows_its_values(old: Any, new: Any) -> None:
    for change in changes({"k": old}, {"k": new}):
        assert repr(change) == f"SettingChange(place={change.place!r})"


PROFILES = [{"display_name": "small", "mem": 1}, {"display_name": "large", "mem": 8}]
NEW = {"display_name": "huge", "mem": 64}

CASES: dict[str, tuple[Any, Any, dict[str, tuple[Any, Any]]]] = {
    "a value": ({"a": {"b": 1}}, {"a": {"b": 2}}, {"a.b": (1, 2)}),
    "a value that comes": ({}, {"a": {"b": 1}}, {"a.b": (MISSING, 1)}),
    "a map that goes": ({"a": {"b": 1, "c": 2}}, {}, {"a.b": (1, MISSING), "a.c": (2, MISSING)}),
    "a map that a scalar takes the place of": (
        {"a": {"b": 1}},
        {"a": "x"},
        {"a.b": (1, MISSING), "a": (MISSING, "x")},
    ),
    "a list that a map takes the place of": (
        {"a": [1]},
        {"a": {"b": 1}},
        {"a[0]": (1, MISSING), "a.b": (MISSING, 1)},
    ),
    "a type": ({"a": 1}, {"a": True}, {"a": (1, True)}),
    "a text that was a number": ({"a": 1}, {"a": "1"}, {"a": (1, "1")}),
    "an empty map that comes": ({}, {"a": {}}, {"a": (MISSING, {})}),
    "an empty map that is filled": ({"a": {}}, {"a": {"b": 1}}, {"a.b": (MISSING, 1)}),
    "nothing instead of a map": (
        {"a": {"b": 1}},
        {"a": None},
        {"a.b": (1, MISSING), "a": (MISSING, None)},
    ),
    "an entry in front": (
        {"p": PROFILES},
        {"p": [NEW, *PROFILES]},
        {"p[0].display_name": (MISSING, "huge"), "p[0].mem": (MISSING, 64)},
    ),
    "entries by their names": (
        {"p": PROFILES},
        {"p": [{**PROFILES[1], "mem": 9}, {**PROFILES[0], "mem": 2}]},
        {"p[0].mem": (8, 9), "p[1].mem": (1, 2), "p": (MISSING, MISSING)},
    ),
    "entries in order": ({"p": [1, 2]}, {"p": [3, 4]}, {"p[0]": (1, 3), "p[1]": (2, 4)}),
    "the order": ({"p": PROFILES}, {"p": PROFILES[::-1]}, {"p": (MISSING, MISSING)}),
    "a name in a list": ({"u": ["ann", "bob"]}, {"u": ["bob"]}, {"u[0]": ("ann", MISSING)}),
    "a value where all were unknown": (
        UNKNOWN,
        {"a": 1},
        {"": (UNKNOWN, MISSING), "a": (MISSING, 1)},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_change_is_told_of_the_smallest_place(case: str) -> None:
    old, new, told = CASES[case]
    assert {text(c.place): (c.old, c.new) for c in changes(old, new)} == told


@pytest.mark.parametrize(
    ("old", "new", "fills"),
    [
        (MISSING, {}, False),
        (None, MISSING, False),
        ([], {}, False),
        (MISSING, MISSING, False),
        (MISSING, "x", True),
        (0, MISSING, True),
        (False, {}, True),
        (MISSING, UNKNOWN, True),
    ],
)
def test_an_empty_place_says_nothing_about_what_is_below(
    old: Any, new: Any, *, fills: bool
) -> None:
    assert SettingChange(("a",), old, new).fills is fills


def test_a_key_is_never_taken_for_more_than_one_part() -> None:
    odd = {"singleuser": {"memory.limit": 1, "profileList": {"[0]": {"image": "x"}}}}
    places = [change.place for change in changes({}, odd)]
    assert places == [
        ("singleuser", "memory.limit"),
        ("singleuser", "profileList", " [0]", "image"),
    ]
    assert text(places[0]) == 'singleuser."memory.limit"'
    assert text(("a", "line\nbreak", 'quo"te')) == 'a."line?break"."quo?te"'
