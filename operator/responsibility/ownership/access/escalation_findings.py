"""Findings about permissions that subjects can obtain by privilege escalation.

They are looked for like direct ones, as if the subject held what it can obtain; then each is
told with its shortest route, and its sources are those of the first step, since taking that
right away closes this route.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import or_
from typing import Protocol

from responsibility.ownership.access.grant_masks import Holding, in_order
from responsibility.ownership.results.assessment import Exempt
from responsibility.ownership.results.findings import Finding
from responsibility.ownership.terms.exemptions import Exemption
from responsibility.ownership.terms.permission_index import Names
from responsibility.rbac.escalation.steps import Route
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.objects import Source, Subject


class Escalation(Protocol):
    """Bits that a subject can obtain, and how: `shortest_paths.Gain` and the like."""

    @property
    def mask(self) -> int:
        """The bits."""

    def route(self, wanted: int = -1, /) -> Route:
        """Return the route to some of the wanted bits."""


Gains = Mapping[Subject, Sequence[Escalation]]
NO_GAINS: Gains = {}


@dataclass(frozen=True, slots=True, eq=False)
class ClusterGains:
    """Gains of subjects everywhere, and further ones on some hubs, by record."""

    everywhere: Gains = field(default_factory=dict)
    on_hubs: Mapping[Subject, Mapping[str, Sequence[Escalation]]] = field(default_factory=dict)

    def ways(self, subject: Subject) -> Iterator[Escalation]:
        """Yield all ways of a subject, those to everywhere first."""
        yield from self.everywhere.get(subject, ())
        for _, ways in sorted(self.on_hubs.get(subject, {}).items()):
            yield from ways

    def subjects(self) -> Iterable[Subject]:
        """Return everybody who can obtain something."""
        return dict.fromkeys((*self.everywhere, *self.on_hubs))


NO_CLUSTER_GAINS = ClusterGains()


def total(parts: Iterable[Escalation]) -> int:
    """Return everything that several ways bring, as one mask."""
    return reduce(or_, (part.mask for part in parts), 0)


def as_holdings(gains: Gains) -> dict[Subject, Holding]:
    """Return gains as if they were held."""
    return {subject: Holding(total(parts)) for subject, parts in gains.items()}


@dataclass(frozen=True, slots=True)
class PartOfWay:
    """Some bits of a way."""

    mask: int
    way: Escalation

    def route(self, wanted: int = -1, /) -> Route:
        """Return the route to some of the wanted bits."""
        return self.way.route(wanted & self.mask)


@dataclass(frozen=True, slots=True)
class ExemptWays:
    """Ways that exemptions let through: those whose first step they cover in full.

    What somebody comes by with a right that it needs for its work is told of that right. Only to
    everything at once no part of a hub is let through, whatever it needs.
    """

    graph: AccessGraph
    everything: int
    names: Names

    def beyond(
        self, ways: Iterable[Escalation], exemptions: Sequence[Exemption]
    ) -> list[Escalation]:
        """Return the ways that none of the exemptions covers."""
        if not exemptions:
            return list(ways)
        found: list[Escalation] = []
        for way in ways:
            sources = way.route()[0].sources
            covering = [e for e in exemptions if self._covers(e, sources)]
            if not covering:
                found.append(way)
            elif way.mask & self.everything and all(e.part for e in covering):
                found.append(PartOfWay(way.mask & self.everything, way))
        return found

    def _covers(self, exemption: Exemption, sources: Sequence[Source]) -> bool:
        return all(exemption.covers_source(s, self.graph, self.names) for s in sources)


def further(listed: Iterable[Exempt], more: Iterable[Exempt]) -> list[Exempt]:
    """Return who of ``more`` is let through for items that are not ``listed`` for it yet."""
    known = {(entry.subject, item) for entry in listed for item in entry.items}
    new = [
        replace(
            entry, items=tuple(item for item in entry.items if (entry.subject, item) not in known)
        )
        for entry in more
    ]
    return [entry for entry in new if entry.items]


def with_route(
    finding: Finding, ways: Iterable[Escalation], reserved: Mapping[str, int]
) -> Finding | None:
    """Return an excess finding with its route, None where none of the ways leads to it.

    ``reserved`` has the permissions that each item reserves.
    """
    wanted = reserved[finding.item]
    way = next((way for way in ways if way.mask & wanted), None)
    if way is None:
        return None
    route = way.route(wanted)
    return replace(
        finding,
        route=route,
        sources=in_order({source for step in route[:1] for source in step.sources}),
    )
