"""Settings of a hub that people have agreed on: those that are set, and whether they are as agreed.

Only what :mod:`readable <responsibility.hub.values.readable>` names is looked at, whatever is
asked. A path with a star stands for all places that there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import Any

from responsibility.hub.values.images import lies_within
from responsibility.hub.values.paths import Place, of_key, part_matches, split, text
from responsibility.hub.values.quantities import equal, within
from responsibility.hub.values.readable import is_readable
from responsibility.hub.values.yaml import Value

# Places that a path with stars is followed to, and letters of a value that are kept.
MOST_PLACES = 256
LONGEST = 253


class Unread(StrEnum):
    """Why it is not known what a hub's values are: for programs, and for metrics."""

    NOT_YET = "not-yet"
    OFF = "off"
    FORBIDDEN = "forbidden"
    EXISTING_FORBIDDEN = "existing-forbidden"
    NO_SECRET = "no-secret"  # noqa: S105 - no secret is what it says
    NO_VALUES = "no-values"
    UNREADABLE = "unreadable"
    TOO_COSTLY = "too-costly"
    FAILED = "failed"
    TOO_MANY = "too-many"


@dataclass(frozen=True, slots=True, order=True)
class Setting:
    """A value that is set, as text, and its place as a path for people.

    ``plain`` is False where a map or a list stands in its place; then the text is empty. ``by`` is
    who wrote it last, and when, where an object tells that; the same text by another is the same.
    """

    place: str
    text: str
    plain: bool = True
    by: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class UnreadValues:
    """That it is not known what all of a hub's values are, and why.

    ``seen`` has those that are known nonetheless, which can show what is not as agreed, and never
    that all is; but for the paths in ``whole``, of which all is known.
    """

    why: Unread
    seen: Mapping[str, tuple[Setting, ...]] = field(default_factory=dict)
    whole: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class AgreedValue:
    """What one setting is agreed to be: a text, a range of quantities, or where an image lies.

    What is empty says nothing.
    """

    path: str
    value: str = ""
    minimum: str = ""
    maximum: str = ""
    within: str = ""

    def fits(self, text: str) -> bool:
        """Return whether it is so where a text is set."""
        if self.within:
            return lies_within(text, self.within)
        if self.value:
            return equal(text, self.value)
        return within(text, self.minimum, self.maximum)


# The settings found for each path that was asked for, or why there are none.
HubValues = Mapping[str, tuple[Setting, ...]] | UnreadValues


def seen(values: HubValues) -> Mapping[str, tuple[Setting, ...]]:
    """Return the settings that are known, be it all of them or not."""
    return values.seen if isinstance(values, UnreadValues) else values


def beside(first: HubValues, second: HubValues) -> HubValues:
    """Return the settings of two places together: what is known of one is, whatever the other."""
    known = {**seen(first), **seen(second)}
    unread = next((each for each in (first, second) if isinstance(each, UnreadValues)), None)
    if unread is None:
        return known
    return UnreadValues(unread.why, known, _whole(first) | _whole(second))


def _whole(values: HubValues) -> frozenset[str]:
    return values.whole if isinstance(values, UnreadValues) else frozenset(values)


def settings(values: Value, paths: Iterable[str]) -> dict[str, tuple[Setting, ...]]:
    """Return what is set at some paths; nothing at those that are not to be looked at."""
    return {
        path: tuple(_settings(values, split(path))) if is_readable(path) else () for path in paths
    }


def known_settings(values: Value, paths: Iterable[str]) -> HubValues:
    """Return the same, and say where there are more places than a path is followed to."""
    paths = tuple(paths)
    found = settings(values, paths)
    for path in paths:
        places = _places(values, split(path), ()) if is_readable(path) else iter(())
        if next(islice(places, MOST_PLACES, None), None) is not None:
            return UnreadValues(Unread.TOO_MANY, found)
    return found


def deviations(found: Sequence[Setting], agreed: AgreedValue) -> Iterator[Setting]:
    """Yield of what is set at one path all that is not as agreed."""
    return (each for each in found if not (each.plain and agreed.fits(each.text)))


def _settings(values: Value, parts: Sequence[str]) -> Iterator[Setting]:
    for number, (place, value) in enumerate(_places(values, parts, ())):
        if number == MOST_PLACES:
            return
        # Nothing is what a default of the chart's is often called.
        if value is None:
            continue
        plain = isinstance(value, (str, int, float))
        yield Setting(text(place), _text(value) if plain else "", plain)


def _places(value: Value, parts: Sequence[str], place: Place) -> Iterator[tuple[Place, Value]]:
    if not parts:
        yield place, value
        return
    for part, below in _below(value, parts[0]):
        yield from _places(below, parts[1:], (*place, part))


def _below(value: Value, part: str) -> Iterator[tuple[str, Any]]:
    for name, below in _named(value):
        if part_matches(part, name):
            yield name, below


def _named(value: Value) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        yield from ((f"[{number}]", entry) for number, entry in enumerate(value))
    elif isinstance(value, dict):
        yield from ((of_key(str(key)), below) for key, below in value.items())


def _text(value: str | float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    shown = str(value)
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1]}…"
