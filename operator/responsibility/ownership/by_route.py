"""Findings about what somebody can come by indirectly.

They are looked for like direct ones, as if the subject held what it can come by; then each is
told with its shortest route, and its sources are those of the first step, since taking that
right away closes this route.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from operator import or_

from responsibility.ownership.assessment import Exempt
from responsibility.ownership.findings import Finding
from responsibility.ownership.holdings import Holding, in_order
from responsibility.rbac.objects import Subject
from responsibility.rbac.routes.search import Gain
from responsibility.rbac.routes.steps import describe

Gains = Mapping[Subject, Sequence[Gain]]
NO_GAINS: Gains = {}


def total(parts: Iterable[Gain]) -> int:
    """Return everything that several gains bring, as one mask."""
    return reduce(or_, (part.mask for part in parts), 0)


def as_holdings(gains: Gains, known: Mapping[Subject, int]) -> dict[Subject, Holding]:
    """Return gains as if they were held, without what is ``known`` of the subjects already."""
    return {
        subject: Holding(full)
        for subject, parts in gains.items()
        if (full := total(parts) & ~known.get(subject, 0))
    }


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


def told_by_route(
    findings: Iterable[Finding],
    gains: Gains,
    reserved: Mapping[str, int],
    direct: Collection[tuple[Subject | None, str]],
) -> Iterator[Finding]:
    """Yield excess findings with their routes; not those of a subject and item in ``direct``.

    ``reserved`` has the questions that each item reserves.
    """
    for finding in findings:
        if finding.subject is None or (finding.subject, finding.item) in direct:
            continue
        wanted = reserved[finding.item]
        route = next((gain.route for gain in gains[finding.subject] if gain.mask & wanted), None)
        if route is None:
            continue
        sources = {source for step in route[:1] for source in step.sources}
        yield replace(
            finding,
            route=route[0].route,
            sources=in_order(sources),
            steps=tuple(str(step) for step in route),
            message=f"{describe(route)}; so {_decapitalise(finding.message)}",
        )


def _decapitalise(message: str) -> str:
    """Return a sentence as the second half of another: the subject is named in the first."""
    head, can, tail = message.partition(" can ")
    return f"it can {tail}" if can else head
