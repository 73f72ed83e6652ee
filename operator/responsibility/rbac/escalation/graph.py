"""The escalation graph: all edges of an access graph, and the routes to a permission over them."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import InitVar, dataclass, field, replace
from itertools import chain
from typing import Final

from responsibility import api_groups
from responsibility.rbac.escalation.edges import (
    Edge,
    EdgeCollector,
    EdgeGroup,
    EdgeTable,
    collect,
    edge_groups,
    edges_by,
    preceded_by,
)
from responsibility.rbac.escalation.permissions import Permissions, SelfGrantedRules
from responsibility.rbac.escalation.self_grants import SelfGrant, self_grants
from responsibility.rbac.escalation.shortest_paths import start_search
from responsibility.rbac.escalation.steps import Route, Step
from responsibility.rbac.escalation.technique import Technique
from responsibility.rbac.escalation.techniques import INTO_ACCOUNT
from responsibility.rbac.escalation.techniques_into import (
    account_namespace,
    constrained_into,
    into_account,
    techniques_into,
    with_aws_auth,
)
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.objects import GROUP, SERVICE_ACCOUNT, Attributes, Subject

# Stands for all namespaces where some are named.
ANY_NAMESPACE: Final = "*"

_MODES = {
    "serviceaccount": "serviceaccounts",
    "user-info": "users",
    "arbitrary-node": "nodes",
}


_TableKey = tuple[int, str]
_Entry = tuple[tuple[Technique, ...], EdgeTable]


@dataclass(slots=True)
class EdgeCache:
    """Rights and edges that were found in a graph, by scope."""

    permissions: Permissions
    constrained: bool = False
    self_grants: dict[str, tuple[SelfGrant, ...]] = field(default_factory=dict)
    # By namespace, and by the identity of the list of techniques, of which there are a few.
    tables: dict[str, dict[int, _Entry]] = field(default_factory=dict)
    # Those of techniques that look at other namespaces, too.
    far: dict[_TableKey, _Entry] = field(default_factory=dict)
    # What may have changed.
    stale: dict[_TableKey, _Entry] = field(default_factory=dict)
    # Where somebody may impersonate for single actions.
    single: dict[str, bool] = field(default_factory=dict)

    def over(self, graph: AccessGraph, same: Set[str]) -> EdgeCache:
        """Return what is true of another graph too, which is the same in some scopes.

        What is found in these scopes later is true in both.
        """
        known = EdgeCache(self.permissions.over(graph, same), stale=dict(self.far))
        known.single = {scope: some for scope, some in self.single.items() if scope in same}
        if self.constrained:
            # Found with what nobody may any more, or will have to be found anew.
            return known
        known.self_grants = {
            scope: found for scope, found in self.self_grants.items() if scope in same
        }
        for scope, tables in self.tables.items():
            if scope in same:
                known.tables[scope] = tables
            else:
                known.stale.update(
                    ((techniques, scope), entry) for techniques, entry in tables.items()
                )
        return known

    def table(self, techniques: tuple[Technique, ...], namespace: str) -> EdgeTable | None:
        """Return what is known of the edges in a namespace."""
        entry = self.tables.get(namespace, {}).get(id(techniques)) or self.far.get(
            (id(techniques), namespace)
        )
        return entry[1] if entry else None

    def keep(self, techniques: tuple[Technique, ...], namespace: str, table: EdgeTable) -> None:
        """Remember the edges in a namespace."""
        if any(map(_looks_elsewhere, techniques)):
            self.far[id(techniques), namespace] = (techniques, table)
        else:
            self.tables.setdefault(namespace, {})[id(techniques)] = (techniques, table)


def _looks_elsewhere(technique: Technique) -> bool:
    return any(
        requirement.anywhere or requirement.namespace for requirement in technique.requirements
    )


@dataclass(slots=True, weakref_slot=True, eq=False)
class EscalationGraph:
    """The edges of one access graph, each looked up once.

    ``accounts`` are the ServiceAccounts that exist, as (namespace, name), and ``pods`` those
    that some pod runs as; None where that is not known: each may then exist, and have a pod.
    ``aws_auth`` says that the cluster maps identities of AWS by a ConfigMap, as EKS does.

    What was found in a ``former`` graph is used again where nothing of it has changed.
    """

    graph: AccessGraph
    accounts: frozenset[tuple[str, str]] | None = None
    pods: frozenset[tuple[str, str]] | None = None
    aws_auth: bool = False
    former: InitVar[EscalationGraph | None] = None
    known: EdgeCache = field(init=False)
    _into: dict[Subject, tuple[EdgeGroup, ...]] = field(init=False, default_factory=dict)
    _former: Callable[[], EscalationGraph | None] = field(init=False, default=lambda: None)
    _changed: frozenset[str] | None = field(init=False, default=None)

    def __post_init__(self, former: EscalationGraph | None) -> None:
        """Take over what is still true."""
        if former is None or not self._same(former, ""):
            self.known = EdgeCache(Permissions(self.graph))
        else:
            parts = former.graph.bindings.parts.keys() | self.graph.bindings.parts.keys()
            same = {"", *(each for each in parts if self._same(former, each))}
            self.known = former.known.over(self.graph, same)
            self._former, self._changed = weakref.ref(former), self._changes(former, parts - same)
        self.known.constrained = self._has_constrained()
        if self.known.constrained:
            # Such self-grants are about who may act as whom, anywhere.
            self.known.self_grants, self.known.tables, self.known.far = {}, {}, {}
            self._changed = None

    def _changes(self, former: EscalationGraph, changed: Set[str]) -> frozenset[str] | None:
        """Return the namespaces in which edges may have changed; None if they may be anywhere."""
        if (self.pods, self.aws_auth) != (former.pods, former.aws_auth):
            return None
        changed = {namespace for namespace in changed if self._keep_self_grants(former, namespace)}
        for key, entry in self.known.stale.items():
            if self._table(entry[0], key[1]).equals(entry[1]):
                self.known.keep(entry[0], key[1], entry[1])
            else:
                changed.add(key[1])
        self.known.stale.clear()
        if former.known.constrained or "" in changed:
            return None
        if self.accounts == former.accounts:
            return frozenset(changed)
        if self.accounts is None or former.accounts is None:
            return None
        return frozenset((*changed, *(ns for ns, _ in self.accounts ^ former.accounts)))

    def _keep_self_grants(self, former: EscalationGraph, namespace: str) -> bool:
        """Keep the former self-grants where they are the same, and return whether they are not."""
        known = former.known.self_grants.get(namespace, ())
        if known != self.self_grants(namespace):
            return True
        self.known.self_grants[namespace] = known
        return False

    def follows(self, former: EscalationGraph) -> bool:
        """Return whether it is known what has changed since a former graph."""
        return former is self or (self._changed is not None and self._former() is former)

    def unchanged(self, namespaces: Set[str]) -> bool:
        """Return whether all techniques by these namespaces' bindings are what they were."""
        if self._changed is None:
            return False
        return not self._changed or (
            ANY_NAMESPACE not in namespaces and self._changed.isdisjoint(namespaces)
        )

    def self_grants(self, namespace: str) -> tuple[SelfGrant, ...]:
        """Return who can give itself what in a namespace, or cluster-wide for ``""``."""
        found = self.known.self_grants.get(namespace)
        if found is None:
            wide = self.self_grants("") if namespace else ()
            found = self_grants(self.known.permissions, namespace, wide)
            if self.known.constrained:
                found += tuple(self._as_another(found))
            self.known.self_grants[namespace] = found
        return found

    def into(self, target: Subject) -> tuple[EdgeGroup, ...]:
        """Return the techniques of each subject into ``target``, in groups that others share."""
        found = self._into.get(target)
        if found is None:
            found = tuple(self._edges_into(target))
            if self.known.constrained:
                found += edge_groups(self._through_another(target, found))
            self._into[target] = found
        return found

    def _edges_into(self, target: Subject) -> Iterator[EdgeGroup]:
        if target.kind == SERVICE_ACCOUNT:
            techniques = self._techniques_into_account(target)
            yield from self._table(techniques, "").into(target.name)
            yield from self._table(techniques, target.namespace).into(target.name)
            return
        techniques = with_aws_auth(target) if self.aws_auth else techniques_into(target)
        yield from self._table(techniques, "").into(target.name)
        namespace = account_namespace(target.name) if target.kind == GROUP else None
        if namespace is not None:
            for each in ("", namespace) if namespace else self._namespaces():
                yield from self._table(INTO_ACCOUNT, each).into_any()

    def _techniques_into_account(self, target: Subject) -> tuple[Technique, ...]:
        key = (target.namespace, target.name)
        exists = self.accounts is None or key in self.accounts
        pods = self.pods is None or key in self.pods
        return into_account(exists=exists, pods=pods)

    def _namespaces(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(("", *sorted(self.graph.bindings.parts))))

    def _table(self, techniques: tuple[Technique, ...], namespace: str) -> EdgeTable:
        """Return the edges by the bindings of one namespace, or of the cluster for ``""``."""
        found = self.known.table(techniques, namespace)
        if found is None:
            # Who has an edge everywhere needs none of this namespace's.
            collector = EdgeCollector(self._table(techniques, "").at_once if namespace else {})
            collect(self.known.permissions, techniques, namespace, collector)
            # What is given in a namespace may be a right to anything there, constrained
            # impersonation too; but who can have that has a better technique.
            granted = (
                ()
                if all(technique.mode for technique in techniques)
                else self.self_grants(namespace)
            )
            for self_grant in granted:
                for edge in self._opened_by(self_grant, techniques, namespace, collector):
                    collector.add(edge)
            found = collector.table(wide=not namespace)
            self.known.keep(techniques, namespace, found)
        return found

    def _opened_by(
        self,
        self_grant: SelfGrant,
        techniques: tuple[Technique, ...],
        namespace: str,
        collector: EdgeCollector,
    ) -> Iterator[Edge]:
        """Yield the techniques that are open to somebody after a self-grant."""
        granted = SelfGrantedRules(self_grant.rules, self_grant.step.namespace)
        for technique in techniques:
            if collector.has(self_grant.step.actor, technique):
                continue
            for edge in edges_by(
                self.known.permissions, self_grant.step.actor, technique, namespace, granted
            ):
                yield preceded_by(edge, self_grant.route)

    def _as_another(self, found: Iterable[SelfGrant]) -> Iterator[SelfGrant]:
        """Yield the self-grants that somebody has by constrained impersonation of who has them."""
        for self_grant in found:
            for edge in self._constrained_into(self_grant.step.actor):
                if not self_grant.step.earlier and self._may_ask(edge, self_grant.request):
                    first = edge.step_into(self_grant.step.actor)
                    step = replace(
                        self_grant.step, actor=edge.actor, earlier=(*self_grant.step.earlier, first)
                    )
                    yield replace(self_grant, step=step)

    def _through_another(self, target: Subject, found: Iterable[EdgeGroup]) -> Iterator[Edge]:
        """Yield the edges that somebody has by constrained impersonation of who has them."""
        edges = chain.from_iterable(group.edges for group in found)
        first = [edge for edge in edges if not edge.earlier and not edge.impersonates]
        # One edge of each actor is enough, and who has one needs nobody else's; what may be asked
        # depends on who asks and by which technique, not on who is impersonated. Whole groups are
        # looked at once, and not each of thousands of actors as a way to each other.
        has_one = {edge.actor for edge in first} | {target}
        seen: set[tuple[int, EdgeGroup]] = set()
        for edge in first:
            asked = edge.requests(target)
            for group in self._constrained_groups(edge.actor):
                if (id(edge.technique), group) in seen:
                    continue
                seen.add((id(edge.technique), group))
                for other in group.edges:
                    if other.actor not in has_one and all(
                        self._may_ask(other, each) for each in asked
                    ):
                        has_one.add(other.actor)
                        yield preceded_by(edge, other.route_into(edge.actor))

    def _constrained_into(self, actor: Subject) -> Iterator[Edge]:
        return chain.from_iterable(group.edges for group in self._constrained_groups(actor))

    def _constrained_groups(self, actor: Subject) -> Iterator[EdgeGroup]:
        techniques = constrained_into(actor)
        for namespace in ("", actor.namespace) if actor.namespace else ("",):
            yield from self._table(techniques, namespace).into(actor.name)

    def _may_ask(self, edge: Edge, request: Iterable[Attributes]) -> bool:
        """Return whether constrained impersonation extends to one of the alternatives."""
        return any(
            _may_act(edge.actor, edge.mode, attributes, self.graph, any_name=True)
            for attributes in request
        )

    def _has_constrained(self) -> bool:
        """Return whether anybody who does not hold everything may impersonate so."""
        single = self.known.single
        for namespace in self._namespaces():
            if namespace not in single:
                single[namespace] = any(
                    self._may_impersonate(mode, resource, namespace)
                    for mode, resource in _MODES.items()
                )
            if single[namespace]:
                return True
        return False

    def _may_impersonate(self, mode: str, resource: str, namespace: str) -> bool:
        asked = Attributes(
            f"impersonate:{mode}", api_groups.AUTHENTICATION, resource, namespace=namespace
        )
        ask = self.graph.namespace_holders if namespace else self.graph.cluster_holders
        return bool(ask(asked, any_name=True).keys() - self.known.permissions.unrestricted)

    def _same(self, former: EscalationGraph, namespace: str) -> bool:
        """Return whether nothing that counts in a namespace has changed."""
        one, other = self.graph, former.graph
        return one.scope(namespace) is other.scope(namespace) and one.roles.parts.get(
            namespace
        ) is other.roles.parts.get(namespace)


def step_passes(step: Step, attributes: Attributes, graph: AccessGraph) -> bool:
    """Return whether a step hands on one permission of its target.

    All do but constrained impersonation, which asks for ``impersonate-on:<mode>:<verb>`` on the
    very thing that is done (``constrainedImpersonationModeState.check``).
    """
    return not step.mode or _may_act(step.actor, step.mode, attributes, graph)


def _may_act(
    actor: Subject, mode: str, attributes: Attributes, graph: AccessGraph, *, any_name: bool = False
) -> bool:
    asked = replace(attributes, verb=f"impersonate-on:{mode}:{attributes.verb}")
    holders = graph.holders(asked, any_name=any_name)
    return any(self in holders for self in Permissions.with_implied_groups_of(actor))


def routes_to(escalation: EscalationGraph, attributes: Attributes) -> dict[Subject, Route]:
    """Return everybody who can obtain a permission, with a shortest route.

    The route of who holds it directly is empty.
    """
    graph = escalation.graph
    direct = dict.fromkeys(graph.holders(attributes), 1)
    granted = [
        (self_grant.step, 1)
        for namespace in sorted({"", attributes.namespace})
        for self_grant in escalation.self_grants(namespace)
        if self_grant.allows(attributes)
    ]
    search = start_search(
        direct,
        granted,
        escalation.into,
        constrain=lambda step, mask: mask if step_passes(step, attributes, graph) else 0,
    )
    search.run()
    routes: dict[Subject, Route] = dict.fromkeys(direct, ())
    for subject, parts in search.found.items():
        routes.setdefault(subject, parts[0].route())
    return routes
