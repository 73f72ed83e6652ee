"""Words that the parts of the page share: states, names and days."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from responsibility.ownership.results.assessment import HubAssessment, ItemResult
from responsibility.ownership.terms.agreement import Agreement, Party

# Not by the locale of whoever writes the page.
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


# A day that is a word of its own: names of objects may hold one, and stay as they are.
_ISO_DAY = re.compile(r"(?<!\S)(\d{4})-(\d{2})-(\d{2})(?=[.,;:]?(?:\s|$))")
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class State:
    """A state in words: a sign for tables, a word, and what it means."""

    sign: str
    word: str
    meaning: str


STATES: Mapping[str, State] = {
    "ok": State("✓", "as agreed", "what can be checked was checked, and is as agreed"),
    "drift": State("✗", "differs", "who can do it is not who should"),
    "unknown": State("?", "can't be told", "something could not be looked at"),
    "recorded": State("·", "on record", "it is agreed, and no program has checked it"),
    "overdue": State("!", "look at it again", "the day on which to look at it again has passed"),
}


def lines(hub: HubAssessment, *, standing: bool = True) -> list[ItemResult]:
    """Return the items; the record itself only where something is to be said of it."""
    return [r for r in hub.items if r.item.terms.number or (standing and r.findings)]


def label(agreement: Agreement, name: str) -> str:
    """Return what people call a party of an agreement."""
    return agreement.parties.get(name, Party(name)).label


def initials(names: Iterable[str]) -> dict[str, str]:
    """Return for each party as few of its first letters as tell it from the others.

    By the names that all hubs know them by: each hub has a community of its own.
    """
    found: dict[str, str] = {}
    for name in sorted(set(names)):
        shorts = [name[:count].capitalize() for count in range(1, len(name) + 1)]
        found[name] = next((short for short in shorts if short not in found.values()), name)
    return found


def anchor(hub: HubAssessment) -> str:
    """Return where on the page a hub is; records' names are unique, and fit for it."""
    return f"hub-{hub.agreement.record}"


def moment(when: datetime) -> str:
    """Return a moment (in UTC) in words."""
    return f"{day(when)}, {when:%H:%M} UTC"


def day(when: date) -> str:
    """Return a day in words."""
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}"


def dated(text: str) -> str:
    """Return a sentence with its days (2027-03-01) as people write them, names left alone."""

    def written(match: re.Match[str]) -> str:
        try:
            return day(date(*map(int, match.groups())))
        except ValueError:
            return match[0]

    return _ISO_DAY.sub(written, text)


def natural(name: str) -> tuple[int | str, ...]:
    """Return a key by which names are in the order of people: Hub 9 before Hub 10."""
    parts = _DIGITS.split(name.casefold())
    return tuple(int(part) if at % 2 else part for at, part in enumerate(parts))
