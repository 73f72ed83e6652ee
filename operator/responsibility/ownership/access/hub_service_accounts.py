"""A hub's own ServiceAccounts, taken together so that one and the same fault is told once.

A hub's own ServiceAccounts run pods in its namespace, or hand out what runs there: each of them
can become any ServiceAccount of that namespace. What one of these holds elsewhere is told of it,
or was accepted for it; told again of every other part, it would bury what there is to do under
findings that end with it: on a fleet, some for every hub.

Not so for what stands out: a part that is bound anywhere but in its namespace, or that reaches
somebody who is party to an agreement, is told like anybody else.
"""

from __future__ import annotations

from collections.abc import Iterable

from responsibility.ownership.access.escalation_findings import ClusterGains, total
from responsibility.ownership.access.grant_masks import NOTHING, Holdings
from responsibility.ownership.terms.entitlement import with_implied_groups
from responsibility.ownership.terms.fleet import Fleet
from responsibility.ownership.terms.permission_index import Names
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.objects import SERVICE_ACCOUNT, Subject

TOGETHER = "part of a hub, and can only become its other parts: see what is said of those"


def bound_at_home(subjects: Iterable[Subject], graph: AccessGraph) -> frozenset[Subject]:
    """Return the ServiceAccounts that only bindings of their own namespace name."""
    found = {subject for subject in subjects if subject.kind == SERVICE_ACCOUNT}
    for namespace in graph.bindings.parts:
        bound = found.intersection(graph.scope(namespace).by_subject)
        found -= {subject for subject in bound if subject.namespace != namespace}
    return frozenset(found)


def escalates_within_hub(
    subject: Subject, fleet: Fleet, holdings: Holdings, gains: ClusterGains
) -> bool:
    """Return whether a confined part obtains what it can through other parts of its hub alone.

    Then each of these has a finding of its own, or is let through.
    """
    home = subject.namespace
    if any(map(fleet.declares, with_implied_groups(subject))):
        return False
    ways = list(gains.ways(subject))
    for way in ways:
        target = way.route()[0].target
        if target is None or target.kind != SERVICE_ACCOUNT or target.namespace != home:
            return False
    mine = total(ways)
    parties = [*fleet.declared(home), *(s for s in fleet.terms.break_glass if s.namespace == home)]
    return not any(mine & _everything_of(party, fleet, holdings, gains) for party in parties)


def _everything_of(subject: Subject, fleet: Fleet, holdings: Holdings, gains: ClusterGains) -> int:
    """Return what a subject has cluster-wide, or can obtain anywhere."""
    held = holdings.get(subject, NOTHING).mask(fleet.terms.permissions, Names())
    return held | total(gains.ways(subject))
