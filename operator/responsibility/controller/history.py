"""Since when each finding has been there, and which have just come or gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Transition:
    """What changed about one object between two assessments: finding ids."""

    appeared: frozenset[str]
    ended: frozenset[str]

    def __bool__(self) -> bool:
        """Return whether anything did."""
        return bool(self.appeared or self.ended)


@dataclass(slots=True)
class History:
    """First sightings by object and finding id.

    An operator that starts learns them from the statuses that its predecessor wrote.
    """

    _seen: dict[str, dict[str, datetime]] = field(default_factory=dict)

    def since(self, owner: str) -> Mapping[str, datetime]:
        """Return when each present finding of an object was first seen."""
        return self._seen.get(owner, {})

    def advance(
        self, owner: str, ids: Iterable[str], status: Mapping[str, Any], now: datetime
    ) -> Transition:
        """Take note of the findings of one object and return what is new and what has gone.

        ``status`` is what the object's status said before, for the first time it is asked.
        """
        present = frozenset(ids)
        known = self._seen.get(owner)
        complete = True
        if known is None:
            known = _remembered(status)
            # A shortened list cannot tell a new finding from one that was left out.
            complete = bool(status) and not status.get("truncated")
        self._seen[owner] = {i: known.get(i, now) for i in present}
        before = frozenset(known)
        appeared = present - before if complete or not status else frozenset[str]()
        return Transition(appeared, before - present)

    def forget(self, owners: Iterable[str]) -> None:
        """Forget objects that are gone."""
        for owner in tuple(owners):
            self._seen.pop(owner, None)

    def owners(self) -> frozenset[str]:
        """Return the objects that are known."""
        return frozenset(self._seen)


def _remembered(status: Mapping[str, Any]) -> dict[str, datetime]:
    found = {}
    for entry in status.get("findings") or ():
        try:
            found[entry["id"]] = datetime.fromisoformat(entry["since"])
        except (KeyError, TypeError, ValueError):
            continue
    return found
