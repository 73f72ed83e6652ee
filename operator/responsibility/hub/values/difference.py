"""Differences between two versions of a hub's values, value by value.

A change is told of the smallest place that differs: a scalar, or a map or list that is empty. What
comes or goes as a whole is told value by value, so that nobody moves what belongs to others inside
of something larger.

Entries of lists are held against those they were: first those that are equal, then those of one
name, then the rest in order. So a profile that is put before others changes none of them. That the
order has changed is told of the list.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from responsibility.hub.values.paths import Place, of_key
from responsibility.hub.values.yaml import Value

# By what the entries of lists are told apart: profiles, services, containers, volumes.
_NAMES = ("slug", "name", "display_name")


class _Sign:
    """Stands where there is no value."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text

    def __reduce__(self) -> str:
        # By its name here, so that in another process it is the same sign.
        return self._text


MISSING: Final = _Sign("MISSING")
# In the place of values that were not read: it may be any.
UNKNOWN: Final = _Sign("UNKNOWN")
# Where values of a deployer end what a chart sets by default, whatever that is.
DELETED: Final = _Sign("DELETED")


@dataclass(frozen=True, slots=True)
class SettingChange:
    """A place and its values before and after; both are missing where entries changed places.

    Values are never shown: this may stand in an error.
    """

    place: Place
    old: Value = field(repr=False)
    new: Value = field(repr=False)

    @property
    def fills(self) -> bool:
        """Whether a value stood, or stands now, where a map or list might be."""
        return not (is_hollow(self.old) and is_hollow(self.new))


def changes(old: Value, new: Value, place: Place = ()) -> Iterator[SettingChange]:
    """Yield all that differs; nothing exactly if both are equal."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys((*old, *new)):
            below = (*place, of_key(str(key)))
            yield from changes(old.get(key, MISSING), new.get(key, MISSING), below)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _of_lists(old, new, place)
    elif _frozen(old) != _frozen(new):
        full = [_is_full(value) for value in (old, new)]
        if full[0]:
            yield from _all(old, place, lambda where, value: SettingChange(where, value, MISSING))
        if full[1]:
            yield from _all(new, place, lambda where, value: SettingChange(where, MISSING, value))
        before, after = (MISSING if f else v for f, v in zip(full, (old, new), strict=True))
        if before is not MISSING or after is not MISSING:
            yield SettingChange(place, before, after)


def same(one: Value, other: Value) -> bool:
    """Return whether two values are equal, and of one type: true is not 1, nor is 1.0."""
    return bool(_frozen(one) == _frozen(other))


def _all(
    value: Value, place: Place, tell: Callable[[Place, Value], SettingChange]
) -> Iterator[SettingChange]:
    if not _is_full(value):
        yield tell(place, value)
    elif isinstance(value, dict):
        for key, below in value.items():
            yield from _all(below, (*place, of_key(str(key))), tell)
    else:
        for number, below in enumerate(value):
            yield from _all(below, (*place, f"[{number}]"), tell)


def _of_lists(old: list[Value], new: list[Value], place: Place) -> Iterator[SettingChange]:
    partner = _partners(old, new)
    for number, value in enumerate(new):
        before = old[partner[number]] if number in partner else MISSING
        yield from changes(before, value, (*place, f"[{number}]"))
    for number in sorted(set(range(len(old))) - set(partner.values())):
        yield from changes(old[number], MISSING, (*place, f"[{number}]"))
    order = [partner[number] for number in sorted(partner)]
    if order != sorted(order):
        yield SettingChange(place, MISSING, MISSING)


def _partners(old: list[Value], new: list[Value]) -> dict[int, int]:
    """Return which entry each entry was before, by number."""
    found: dict[int, int] = {}
    gone, come = list(range(len(old))), list(range(len(new)))

    def pair(sign: Callable[[Value], Hashable]) -> None:
        nonlocal gone, come
        waiting: dict[Hashable, deque[int]] = defaultdict(deque)
        for number in gone:
            if (of_old := sign(old[number])) is not None:
                waiting[of_old].append(number)
        for number in come:
            of_new = sign(new[number])
            if of_new is not None and waiting.get(of_new):
                found[number] = waiting[of_new].popleft()
        taken = set(found.values())
        gone = [number for number in gone if number not in taken]
        come = [number for number in come if number not in found]

    pair(_frozen)
    pair(_name)
    found.update(zip(come, gone, strict=False))
    return found


def _name(value: Value) -> Hashable:
    if not isinstance(value, dict):
        return None
    return next(((key, value[key]) for key in _NAMES if isinstance(value.get(key), str)), None)


def _frozen(value: Value) -> Any:  # noqa: ANN401 - whatever can be hashed
    """Return what is equal for values of one type that are equal, and can be hashed."""
    if isinstance(value, dict):
        return (dict, frozenset((key, _frozen(below)) for key, below in value.items()))
    if isinstance(value, list):
        return (list, tuple(map(_frozen, value)))
    if isinstance(value, float):
        # Not a number is not even equal to itself, but nothing has changed.
        return (float, repr(value))
    return (type(value), value)


def _is_full(value: Value) -> bool:
    return isinstance(value, (dict, list)) and bool(value)


def is_hollow(value: Value) -> bool:
    """Return whether there is nothing in it that could be about what is below."""
    return value is MISSING or value is None or value in ({}, [])
