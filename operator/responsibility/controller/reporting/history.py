"""The history of findings: since when each has been there, and which have just come or gone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Transition:
    """Changes of one object between two assessments: finding ids."""

    appeared: frozenset[str]
    ended: frozenset[str]

    def __bool__(self) -> bool:
        """Return whether any finding has come or gone."""
        return bool(self.appeared or self.ended)


@dataclass(slots=True)
class History:
    """First sightings by object (its UID) and finding id.

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
        told_all = True
        if known is None:
            known = _remembered(status)
            # A shortened list cannot tell a new finding from one that was left out.
            told_all = not status.get("truncated")
        self._seen[owner] = {i: known.get(i, now) for i in present}
        before = frozenset(known)
        return Transition(present - before if told_all else frozenset(), before - present)

    def keep(self, owners: Collection[str]) -> None:
        """Forget all other objects."""
        for owner in self._seen.keys() - set(owners):
            del self._seen[owner]


def _remembered(status: Mapping[str, Any]) -> dict[str, datetime]:
    found = {}
    told = status.get("causes")
    for cause in told if isinstance(told, list) else ():
        for key, text in _sightings(cause):
            try:
                moment = datetime.fromisoformat(str(text))
            except (TypeError, ValueError):
                continue
            # A time without a zone can have come from a person only.
            if moment.tzinfo is not None:
                found[key] = moment
    return found


def _sightings(cause: object) -> Iterable[tuple[str, object]]:
    """Yield what a cause's status says of its findings, those last of which it says more."""
    if not isinstance(cause, dict):
        return
    ids, findings = cause.get("ids"), cause.get("findings")
    if isinstance(ids, str):
        yield from ((key, cause.get("since")) for key in ids.split())
    if isinstance(findings, dict):
        yield from findings.items()
