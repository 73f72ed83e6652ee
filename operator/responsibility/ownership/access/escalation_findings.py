"""Findings about permissions that subjects can obtain by privilege escalation.

They are looked for like direct ones, as if the subject held what it can obtain; then each is
told with its shortest route, and its sources are those of the first step, since taking that
right away closes this route.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import or_
from typing import Protocol

from responsibility.ownership.access.grant_masks import Holding, in_order
from responsibility.ownership.results.assessment import Exempt
from responsibility.ownership.results.findings import Finding
from responsibility.rbac.escalation.steps import Route
from responsibility.rbac.objects import Subject


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


def with_routes(
    findings: Iterable[Finding],
    ways: Callable[[Subject], Iterable[Escalation]],
    reserved: Mapping[str, int],
    direct: Collection[tuple[Subject | None, str]],
) -> Iterator[Finding]:
    """Yield excess findings with their routes; not those of a subject and item in ``direct``.

    ``reserved`` has the permissions that each item reserves.
    """
    for finding in findings:
        if finding.subject is None or (finding.subject, finding.item) in direct:
            continue
        wanted = reserved[finding.item]
        way = next((way for way in ways(finding.subject) if way.mask & wanted), None)
        if way is None:
            continue
        route = way.route(wanted)
        yield replace(
            finding,
            route=route,
            sources=in_order({source for step in route[:1] for source in step.sources}),
        )
