"""Cache of escalations between passes, so that only what changed is searched.

It is not part of :class:`~responsibility.ownership.cache.PassCache`, which compares inputs by
identity. A search reads a graph that is another object after each change, and stays true while the
namespaces that its routes lead through are what they were. A graph knows that against the one
before it alone, so what was found is told anew in each pass for which graph it holds; and what was
found before is needed also where it is no longer true, to keep the objects of what came out the
same. A callback that says whether a result still holds would have to change the results it is
asked about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from responsibility.ownership.access.escalation_findings import ClusterGains, Escalation
from responsibility.ownership.access.escalations import (
    NO_ESCALATIONS,
    ClusterSearch,
    Escalations,
    HubAccess,
    HubSearch,
    HubShare,
    hub_share,
    search_hub,
)
from responsibility.ownership.access.grant_masks import Holdings
from responsibility.ownership.terms.agreement import Terms
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.rbac.escalation.edges import EdgeGroup
from responsibility.rbac.escalation.graph import EscalationGraph
from responsibility.rbac.escalation.permissions import Permissions
from responsibility.rbac.objects import Subject


@dataclass(slots=True)
class _Known:
    """What was found of a model in a pass: from what, and the parts."""

    terms: Terms
    escalation: EscalationGraph
    wide: ClusterSearch
    locals: Mapping[str, HubSearch]
    shares: Mapping[str, HubShare]
    found: Escalations

    def local(self, record: str, place: HubAccess, escalation: EscalationGraph) -> HubSearch | None:
        """Return what was found of a hub, if it is true of it as it is now."""
        known = self.locals.get(record)
        return (
            known
            if known is not None
            and known.place.holdings is place.holdings
            and known.place.names == place.names
            and known.place.record_writers == place.record_writers
            and (escalation is self.escalation or escalation.unchanged(known.namespaces))
            else None
        )

    def cluster(
        self, holdings: Holdings, escalation: EscalationGraph, groups: Set[EdgeGroup]
    ) -> ClusterSearch | None:
        """Return what was found of the cluster, if it is true of it as it is now."""
        wide = self.wide
        if wide.holdings is not holdings or wide.bit_of.keys() != groups:
            return None
        if escalation is not self.escalation and not escalation.unchanged(wide.namespaces):
            return None
        # What else it looks up leads nowhere else; the graph before is not kept for it.
        wide.escalation = escalation
        return wide


class EscalationCache:
    """Permissions obtainable by escalation in one cluster, found once while nothing changes.

    A hub is searched again where its namespace has changed, or one through which its routes lead.
    """

    def __init__(self) -> None:
        self._paths: EscalationGraph | None = None
        self._known: dict[str, _Known] = {}

    def fork(self) -> EscalationCache:
        """Return another that remembers the same, and forgets by itself."""
        other = EscalationCache()
        other._paths, other._known = self._paths, dict(self._known)
        return other

    def begin(self, snapshot: Snapshot) -> None:
        """Begin a pass over a snapshot."""
        former = self._paths
        if not snapshot.routes:
            self._paths, self._known = None, {}
        elif (
            former is None
            or former.graph is not snapshot.graph
            or former.accounts != snapshot.accounts
        ):
            self._paths = EscalationGraph(snapshot.graph, snapshot.accounts, former=former)

    @property
    def rights(self) -> Permissions | None:
        """Who holds what it takes for a step; None where routes are not wanted."""
        return self._paths.known.permissions if self._paths else None

    def find(
        self, terms: Terms, holdings: Holdings, places: Mapping[str, HubAccess]
    ) -> Escalations:
        """Return what subjects can obtain, cluster-wide and on the hubs, which are by record.

        ``holdings`` are the direct ones cluster-wide. Nothing where routes are not wanted.
        """
        escalation = self._paths
        if escalation is None:
            return NO_ESCALATIONS
        known = self._known.get(terms.name)
        if known is not None and (
            known.terms is not terms or not escalation.follows(known.escalation)
        ):
            known = None
        locals_ = {
            record: (known.local(record, place, escalation) if known else None)
            or search_hub(place, escalation, terms)
            for record, place in places.items()
        }
        groups = dict.fromkeys(b.group for one in locals_.values() for b in one.frontier)
        wide = known.cluster(holdings, escalation, groups.keys()) if known else None
        if wide is None:
            wide = ClusterSearch.of(terms, holdings, escalation, groups)
        again = known is not None and wide is known.wide
        shares = {
            record: known.shares[record]
            if again and known is not None and known.locals.get(record) is one
            else hub_share(one, wide)
            for record, one in locals_.items()
        }
        found = Escalations(
            ClusterGains(wide.everywhere, _together(shares)),
            {record: one.local for record, one in shares.items()},
        )
        if known is not None:
            found = _kept(found, known.found)
        self._known[terms.name] = _Known(terms, escalation, wide, locals_, shares, found)
        return found


def _kept(found: Escalations, former: Escalations) -> Escalations:
    """Return what was found, with the former objects for what is the same."""
    hubs = {
        record: former.hubs[record] if former.hubs.get(record) == gains else gains
        for record, gains in found.hubs.items()
    }
    cluster = found.cluster
    if (
        cluster.everywhere is former.cluster.everywhere
        and cluster.on_hubs == former.cluster.on_hubs
    ):
        cluster = former.cluster
    return Escalations(cluster, hubs)


def _together(
    shares: Mapping[str, HubShare],
) -> Mapping[Subject, Mapping[str, Sequence[Escalation]]]:
    """Return by subject what the cluster tells of each hub."""
    on_hubs: dict[Subject, dict[str, Sequence[Escalation]]] = {}
    for record, one in shares.items():
        for subject, ways in one.cluster.items():
            on_hubs.setdefault(subject, {})[record] = ways
    return on_hubs
