"""A selection of what differs: how bad, which kind, item, party and subject, and since when.

One table says of each option what it compares and what it could have meant; it looks at what ``-o
json`` tells, so that it means the same of what the operator has published.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from responsibility.cli.terminal.errors import CliError
from responsibility.ownership.results.findings import KINDS
from responsibility.ownership.results.severity import Severity
from responsibility.ownership.terms.agreement import Agreement

Json = Mapping[str, Any]
_T = TypeVar("_T")

_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_SEVERITIES: Final = tuple(severity.name.lower() for severity in Severity)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What one option compares: the values that a finding has, and those that there can be."""

    has: Callable[[Json, Sequence[Agreement]], Iterable[str]]
    known: Callable[[Sequence[Agreement]], Iterable[str]] | None = None


def _items(agreements: Sequence[Agreement]) -> Iterable[str]:
    return {item.name for agreement in agreements for item in agreement.items}


def _parties(agreements: Sequence[Agreement]) -> Iterable[str]:
    return {name for agreement in agreements for name in agreement.parties}


def _owners(told: Json, agreements: Sequence[Agreement]) -> Iterable[str]:
    """Return the party concerned, and who owns an item of it where it holds."""
    hub = told["hub"]
    yield told["party"]
    for agreement in agreements:
        key = {"namespace": agreement.hub.namespace, "release": agreement.hub.release}
        if hub in (None, key):
            yield from (agreement.owner(item) for item in told["items"] or (told["item"],))


def _subject(told: Json, _agreements: Sequence[Agreement]) -> Iterable[str]:
    """Return a subject by its name, and by its kind and name as commands take them."""
    subject = told["subject"]
    if subject:
        space = subject.get("namespace")
        name = f"{space}/{subject['name']}" if space else subject["name"]
        yield from (name, subject["name"], f"{subject['kind']}/{name}".lower())


CHOSEN: Final[Mapping[str, Chosen]] = {
    "severity": Chosen(lambda told, _: (told["severity"],), lambda _: _SEVERITIES),
    "kind": Chosen(lambda told, _: (told["kind"],), lambda _: KINDS),
    "item": Chosen(lambda told, _: {told["item"], *told["items"]}, _items),
    "party": Chosen(_owners, _parties),
    "subject": Chosen(_subject),
    "namespace": Chosen(lambda told, _: (told["hub"]["namespace"],) if told["hub"] else ()),
}
SORTS: Final[Mapping[str, Callable[[Json], Any]]] = {
    "severity": lambda told: _SEVERITIES.index(told["severity"]),
    "kind": lambda told: told["kind"],
    "hub": lambda told: tuple((told["hub"] or {}).values()),
    "item": lambda told: told["item"],
    "who": lambda told: str(told["subject"] or told["party"]),
    # Unknown last: it is as old as what nobody has seen begin.
    "age": lambda told: told["since"] or "~",
}


@dataclass(frozen=True, slots=True)
class Selection:
    """The values asked for, by option; of each option one is enough. ``since`` is how long ago."""

    wanted: Mapping[str, tuple[str, ...]]
    since: timedelta | None = None
    sort_by: str = ""

    def __bool__(self) -> bool:
        """Whether anything is left out by it."""
        return bool(self.wanted) or self.since is not None

    def check(self, agreements: Sequence[Agreement]) -> None:
        """Raise CliError for a value that nothing can have, with the one that it may mean."""
        for option, values in self.wanted.items():
            known = CHOSEN[option].known
            there = sorted(known(agreements)) if known else ()
            for value in values:
                if there and value not in there:
                    raise CliError(f"--{option} {value}: {nearest(value, there)}")

    def picks(self, told: Json, agreements: Sequence[Agreement], now: datetime) -> bool:
        """Return whether a finding, as JSON tells it, is asked for."""
        if self.since is not None:
            first = told["since"]
            if first is None or datetime.fromisoformat(first) < now - self.since:
                return False
        return all(
            not {value.lower() for value in values}.isdisjoint(
                has.lower() for has in CHOSEN[option].has(told, agreements)
            )
            for option, values in self.wanted.items()
        )

    def chosen(
        self,
        found: Iterable[_T],
        told: Callable[[_T], Json],
        agreements: Sequence[Agreement],
        now: datetime,
    ) -> list[_T]:
        """Return what is asked for, in the order asked for; ``told`` is how JSON tells each."""
        kept = [each for each in found if not self or self.picks(told(each), agreements, now)]
        return self.ordered(kept, told)

    def ordered(self, found: Iterable[_T], told: Callable[[_T], Json]) -> list[_T]:
        """Return all in the order asked for; without one, as they are."""
        if not self.sort_by:
            return list(found)
        return sorted(found, key=lambda each: SORTS[self.sort_by](told(each)))


def nearest(name: str, there: Sequence[str]) -> str:
    """Return what to say of a name that is not there: what it may mean, or what there is."""
    close = difflib.get_close_matches(name, there, n=1)
    if close:
        return f"there is none; did you mean {close[0]}?"
    return f"there is none; there are {', '.join(there[:20])}{', …' if len(there) > 20 else ''}"


def span(text: str, option: str) -> timedelta:
    """Return a span of time such as 24h or 7d. Raises CliError, naming the option."""
    number, unit = text[:-1], text[-1:]
    if unit not in _UNITS or not number.isdecimal() or len(number) > 6:
        raise CliError(f"{option} {text}: write a number and s, m, h, d or w, such as 24h")
    return timedelta(seconds=int(number) * _UNITS[unit])
