"""Counts of what would have become of requests: by whom, doing what, on which item, how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from responsibility.replay.audit_event import Passed, Request
from responsibility.replay.evaluate import Effect, PolicyVerdict

# Rows are kept, not requests. Beyond so many, names of objects are no longer told apart.
MOST_ROWS = 20_000
OTHERS = "(others)"
_MOST_AGENTS = 8
_MOST_TEXTS = 20

_RANK = {effect: rank for rank, effect in enumerate(Effect)}


@dataclass(frozen=True, slots=True)
class Deed:
    """Somebody doing something that one item is about."""

    effect: Effect
    glass: bool
    user: str
    item: str
    verb: str
    group: str
    resource: str
    namespace: str
    name: str


@dataclass(slots=True)
class Row:
    """A deed: how often it was done, when, with what, and which fields it changed."""

    deed: Deed
    times: int = 0
    first: datetime | None = None
    last: datetime | None = None
    agents: Counter[str] = field(default_factory=Counter)
    fields: set[str] = field(default_factory=set)
    reasons: set[str] = field(default_factory=set)

    def add(self, request: Request, verdict: PolicyVerdict) -> None:
        """Count one request."""
        self.times += 1
        self.first = min(self.first or request.when, request.when)
        self.last = max(self.last or request.when, request.when)
        agent = _program(request.agent)
        if agent in self.agents or len(self.agents) < _MOST_AGENTS:
            self.agents[agent] += 1
        if len(self.fields) < _MOST_TEXTS:
            self.fields.update(verdict.fields)
        if verdict.reason and len(self.reasons) < _MOST_TEXTS:
            self.reasons.add(verdict.reason)


@dataclass(slots=True)
class Tally:
    """All rows, and how many requests there were of each sort."""

    requests: int = 0
    judged: int = 0
    effects: Counter[Effect] = field(default_factory=Counter)
    passed: Counter[Passed] = field(default_factory=Counter)
    _rows: dict[Deed, Row] = field(default_factory=dict)

    def count(self, request: Request, verdicts: Iterable[PolicyVerdict]) -> None:
        """Count a request with what the policies said of it."""
        self.judged += 1
        listed = list(verdicts)
        if listed:
            self.effects[min((verdict.effect for verdict in listed), key=_RANK.__getitem__)] += 1
        for verdict in listed:
            for item in verdict.items or ("",):
                self._row(request, verdict, item).add(request, verdict)

    def rows(self) -> list[Row]:
        """Return the rows, worst first, and what happened most often before the rest."""
        return sorted(self._rows.values(), key=_order)

    def _row(self, request: Request, verdict: PolicyVerdict, item: str) -> Row:
        full = len(self._rows) >= MOST_ROWS
        deed = _deed(request, verdict, item, request.name)
        if full and deed not in self._rows:
            deed = _deed(request, verdict, item, OTHERS)
        if deed not in self._rows:
            self._rows[deed] = Row(deed)
        return self._rows[deed]


def _deed(request: Request, verdict: PolicyVerdict, item: str, name: str) -> Deed:
    return Deed(
        effect=verdict.effect,
        glass=verdict.glass,
        user=request.who.user,
        item=item,
        verb=request.verb,
        group=request.group,
        resource=request.full_resource,
        namespace=request.namespace,
        name=name,
    )


def _order(row: Row) -> tuple[object, ...]:
    deed = row.deed
    what = (deed.namespace, deed.resource, deed.name, deed.verb, deed.item)
    return (_RANK[deed.effect], deed.glass, -row.times, deed.user, *what)


def _program(agent: str) -> str:
    """Return the program of a User-Agent, such as ``kubectl/v1.37.2``."""
    return (agent.split() or ["unknown"])[0]
