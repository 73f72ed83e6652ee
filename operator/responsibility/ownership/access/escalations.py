"""Permissions that subjects can obtain by privilege escalation and are not entitled to.

The search is in ``rbac.escalation``; here it is given a model's permissions as bits: once for the
cluster, beginning with rights by ClusterRoleBindings, and once for each hub, beginning with the
rights by its RoleBindings. A hub's search leaves edges that lead everywhere alone: who has one
has it on every hub, so that is looked up once, and told once, for the cluster.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from responsibility.ownership.access.escalation_findings import (
    NO_CLUSTER_GAINS,
    ClusterGains,
    Escalation,
    Gains,
    PartOfWay,
    total,
)
from responsibility.ownership.access.grant_masks import NOTHING, Holdings
from responsibility.ownership.access.policy_bypass import NO_RECORD_WRITERS, RecordWriters
from responsibility.ownership.terms.agreement import Terms
from responsibility.ownership.terms.permission_index import Names, PermissionIndex, bits, mask_of
from responsibility.rbac.escalation.edges import EdgeGroup
from responsibility.rbac.escalation.graph import ANY_NAMESPACE, EscalationGraph, step_passes
from responsibility.rbac.escalation.self_grants import EVERYTHING
from responsibility.rbac.escalation.shortest_paths import (
    FrontierGroup,
    Gain,
    Predecessor,
    RouteSearch,
    beyond_frontier,
    start_search,
)
from responsibility.rbac.escalation.steps import Route, Step
from responsibility.rbac.escalation.technique import POLICY
from responsibility.rbac.escalation.techniques_into import account_namespace
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.identity import SERVICE_ACCOUNTS
from responsibility.rbac.objects import GROUP, Rule, Subject


@dataclass(frozen=True, slots=True)
class HubAccess:
    """A hub, as far as routes go: its names, and who holds what in its namespace.

    ``record_writers`` are who can have the operator grant what there.
    """

    names: Names
    holdings: Holdings
    record_writers: RecordWriters = NO_RECORD_WRITERS


@dataclass(frozen=True, slots=True)
class Escalations:
    """All that can be obtained: cluster-wide, and by record on its hub only."""

    cluster: ClusterGains = NO_CLUSTER_GAINS
    hubs: Mapping[str, Gains] = field(default_factory=dict)


NO_ESCALATIONS = Escalations()


def searched(
    holdings: Holdings,
    escalation: EscalationGraph,
    permissions: PermissionIndex,
    *,
    names: Names,
    scope: int,
    record_writers: Iterable[tuple[Step, int]] = (),
    local: bool = False,
) -> RouteSearch:
    """Return the search for what subjects can obtain in a namespace, or cluster-wide, to be run.

    ``holdings`` are the direct ones there, ``scope`` the permissions that count.
    """
    # Equal masks as one object: there are few of them, and thousands who hold one.
    masks: dict[int, int] = {}
    # In an order of their own, so that of equally short routes the same is always found.
    direct = {
        subject: masks.setdefault(mask, mask)
        for subject in sorted(holdings)
        if (mask := holdings[subject].mask(permissions, names) & scope)
    }
    self_grants = [
        (self_grant.step, mask)
        for self_grant in escalation.self_grants(names.namespace)
        if (mask := _mask(self_grant.rules, permissions, names) & scope)
    ]
    self_grants += [(step, mask & scope) for step, mask in record_writers if mask & scope]
    return start_search(
        direct,
        self_grants,
        escalation.into,
        constrain=lambda step, mask: _constrained(step, mask, escalation.graph, permissions, names),
        local=local,
    )


def _mask(rules: tuple[Rule, ...], permissions: PermissionIndex, names: Names) -> int:
    if rules == EVERYTHING:
        return permissions.all
    granted = permissions.granted_by(rules)
    mask = granted.full
    for partial in granted.symbolic:
        if partial.fits(names.fill(permissions.by_bit[partial.bit].name)):
            mask |= 1 << partial.bit
    return mask


def _constrained(
    step: Step, mask: int, graph: AccessGraph, permissions: PermissionIndex, names: Names
) -> int:
    """Return the bits that a step passes on; constrained impersonation passes not all of them."""
    if not step.mode:
        return mask
    return mask_of(
        bit
        for bit in bits(mask & permissions.all)
        if step_passes(step, permissions.by_bit[bit].attributes(names), graph)
    )


@dataclass(frozen=True, slots=True)
class HubSearch:
    """Results of a hub's own search, and the namespaces whose edges it has looked at."""

    place: HubAccess
    found: Mapping[Subject, tuple[Gain, ...]]
    frontier: Mapping[FrontierGroup, tuple[Predecessor, ...]]
    namespaces: frozenset[str]


def search_hub(place: HubAccess, escalation: EscalationGraph, terms: Terms) -> HubSearch:
    """Search one hub."""
    permissions = terms.permissions
    search = searched(
        place.holdings,
        escalation,
        permissions,
        names=place.names,
        scope=permissions.hub_mask & terms.reserved,
        record_writers=place.record_writers.steps,
        local=True,
    )
    search.run()
    return HubSearch(
        place,
        {subject: tuple(gains) for subject, gains in search.found.items()},
        {
            frontier_group: tuple(predecessors)
            for frontier_group, predecessors in search.frontier.items()
        },
        frozenset((place.names.namespace, *filter(None, map(_home, search.reached)))),
    )


def _home(subject: Subject) -> str:
    """Return the namespace whose bindings open ways into a subject; empty if none does."""
    if subject.kind != GROUP:
        return subject.namespace
    if subject.name == SERVICE_ACCOUNTS:
        return ANY_NAMESPACE
    return account_namespace(subject.name) or ""


@dataclass(frozen=True, slots=True)
class ViaCluster:
    """Bits that somebody obtains by an edge that leads everywhere."""

    mask: int
    way: Gain
    predecessors: tuple[Predecessor, ...]

    def route(self, wanted: int = -1) -> Route:
        """Return the route to some of the wanted bits."""
        predecessor, gain = max(
            self.predecessors, key=lambda g: (g[1].mask & wanted & self.mask).bit_count()
        )
        return self.way.route(end=(predecessor, gain.route(wanted & self.mask)))


@dataclass(slots=True, eq=False)
class ClusterSearch:
    """Results of the cluster's search: what subjects can obtain, and who has edges to everywhere.

    ``bit_of`` has the bits that stand for whatever is behind such a group of edges.
    """

    escalation: EscalationGraph
    permissions: PermissionIndex
    holdings: Holdings
    bit_of: Mapping[EdgeGroup, int]
    search: RouteSearch
    # Those whose edges it has looked at.
    namespaces: frozenset[str] = field(init=False)
    everywhere: Gains = field(init=False)
    _classes: dict[int, list[Subject]] = field(init=False, default_factory=dict)
    _beyond: dict[FrontierGroup, Mapping[Subject, Gain]] = field(init=False, default_factory=dict)

    @classmethod
    def of(
        cls,
        terms: Terms,
        holdings: Holdings,
        escalation: EscalationGraph,
        groups: Iterable[EdgeGroup],
    ) -> ClusterSearch:
        """Search the cluster."""
        permissions = terms.permissions
        first = permissions.all.bit_length()
        bit_of = {group: 1 << first + number for number, group in enumerate(groups)}
        search = searched(holdings, escalation, permissions, names=Names(), scope=permissions.all)
        for group, bit in bit_of.items():
            search.offer_from(FrontierGroup(group, impersonated=False, length=0), bit)
        search.run()
        return cls(escalation, permissions, holdings, bit_of, search)

    def __post_init__(self) -> None:
        """Put subjects together that have all the same on hubs."""
        self.namespaces = frozenset(filter(None, map(_home, self.search.reached)))
        everything = self.permissions.all
        mine = self.permissions.hub_mask | ~everything
        for subject, mask in self.search.reached.items():
            if mask & ~everything:
                self._classes.setdefault(mask & mine, []).append(subject)
        self.everywhere = {
            subject: cluster_wide
            for subject, gains in self.search.found.items()
            # Without the bits that stand for what is behind edges: a route to such has an open end.
            if (
                cluster_wide := tuple(
                    PartOfWay(gain.mask & everything, gain)
                    for gain in gains
                    if gain.mask & everything
                )
            )
        }

    def known(self, subject: Subject, names: Names) -> int:
        """Return what a subject has on a hub because of what it has cluster-wide."""
        mask = self.search.reached.get(subject, 0)
        holding = self.holdings.get(subject, NOTHING)
        return mask | holding.mask(self.permissions, names) if holding.symbolic else mask

    def through(
        self, frontier_group: FrontierGroup, predecessors: tuple[Predecessor, ...], place: HubAccess
    ) -> Iterator[tuple[Subject, ViaCluster]]:
        """Yield who obtains something of the predecessors, and did not have it."""
        whole = total(gain for _, gain in predecessors)
        bit = self.bit_of[frontier_group.group]
        for mask, subjects in self._classes.items():
            if not mask & bit or not whole & ~mask:
                continue
            if frontier_group not in self._beyond:
                self._beyond[frontier_group] = beyond_frontier(frontier_group, self.escalation.into)
            for subject in subjects:
                way = self._beyond[frontier_group].get(subject)
                if way is None:
                    continue
                entry = way.entry()
                others = tuple(
                    predecessor for predecessor in predecessors if predecessor[0] != entry
                )
                if place.record_writers.is_keeper(subject):
                    others = tuple(
                        predecessor for predecessor in others if not predecessor[1].ends_by(POLICY)
                    )
                news = total(gain for _, gain in others) & ~self.known(subject, place.names)
                if news:
                    yield subject, ViaCluster(news, way, others)


@dataclass(frozen=True, slots=True, eq=False)
class HubShare:
    """The share of one hub: for its own findings, and for those of the cluster."""

    local: Gains
    cluster: Gains


def hub_share(one: HubSearch, wide: ClusterSearch) -> HubShare:
    """Return what subjects can obtain on a hub beyond what they can obtain cluster-wide.

    What takes a step that ClusterRoleBindings give is told for the cluster.
    """
    names = one.place.names
    local: dict[Subject, list[Escalation]] = {}
    cluster: dict[Subject, list[Escalation]] = {}
    for frontier_group, predecessors in one.frontier.items():
        for subject, through in wide.through(frontier_group, predecessors, one.place):
            cluster.setdefault(subject, []).append(through)
    for subject, gains in one.found.items():
        known = wide.known(subject, names) | total(cluster.get(subject, ()))
        for part in (part for gain in gains for part in gain.parts(~known)):
            if part.steps[-1].route == POLICY and one.place.record_writers.is_keeper(subject):
                continue
            share = cluster if any(map(_is_wide, part.steps)) else local
            share.setdefault(subject, []).append(part)
    return HubShare(local, cluster)


def _is_wide(step: Step) -> bool:
    """Return whether ClusterRoleBindings alone give a step."""
    return bool(step.sources) and not any(s.binding and s.binding.namespace for s in step.sources)
