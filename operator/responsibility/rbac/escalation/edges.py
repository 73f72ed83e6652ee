"""Edges of the escalation graph: who can act as which identity, by which technique.

All ServiceAccounts of a namespace share most of the edges into them (who may create a pod there
may choose any of them), so these are looked up once for a namespace, and once for the cluster.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace

from responsibility.rbac.escalation.permissions import (
    NOTHING_GRANTED,
    Permissions,
    SelfGrantedRules,
    named,
)
from responsibility.rbac.escalation.steps import Route, Step
from responsibility.rbac.escalation.technique import IMPERSONATE, NODE_USER, Technique
from responsibility.rbac.escalation.techniques import INTO_GROUP
from responsibility.rbac.escalation.techniques_into import account_namespace
from responsibility.rbac.objects import GROUP, Attributes, Source, Subject


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge: ``actor`` can act as any of a set of identities, or as those of some names.

    ``earlier`` are steps that come first.
    """

    actor: Subject
    technique: Technique
    sources: tuple[Source, ...]
    names: frozenset[str] = frozenset()
    earlier: Route = ()
    mode: str = field(init=False)
    impersonates: bool = field(init=False)
    starts_as_other: bool = field(init=False)
    # By target, once one is asked for: the edges stay, and each search tells of the same.
    _steps: dict[Subject, Step] | None = field(init=False, default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Say what the search asks again and again."""
        impersonates = self.technique.route == IMPERSONATE
        first = self.earlier[0].route == IMPERSONATE if self.earlier else impersonates
        object.__setattr__(self, "mode", self.technique.mode)
        object.__setattr__(self, "impersonates", impersonates)
        object.__setattr__(self, "starts_as_other", first)

    def step_into(self, target: Subject) -> Step:
        """Return the step of this technique into one of the identities."""
        if self._steps is None:
            object.__setattr__(self, "_steps", {})
        assert self._steps is not None  # noqa: S101 - for mypy
        known = self._steps.get(target)
        if known is None:
            known = self._steps[target] = self._step_into(target)
        return known

    def _step_into(self, target: Subject) -> Step:
        technique = self.technique
        name = target.name
        if any(
            requirement.named and requirement.resource == "nodes"
            for requirement in technique.requirements
        ):
            name = name.removeprefix(NODE_USER)
        namespace = account_namespace(target.name) if target.kind == GROUP else None
        anyone = namespace is not None and technique not in INTO_GROUP
        whom = _any_account(namespace or "") if anyone else str(target)
        return Step(
            route=technique.route,
            actor=self.earlier[-1].target or self.actor if self.earlier else self.actor,
            words=technique.words.format(target=whom),
            sources=tuple(
                dict.fromkeys(
                    source
                    for source in (named(self.sources, name) if self.names else self.sources)
                    if source.binding is not None
                )
            ),
            target=target,
            namespace=""
            if technique.requirements[0].everywhere
            else target.namespace or namespace or "",
            mode=technique.mode,
        )

    def route_into(self, target: Subject) -> Route:
        """Return the route by this technique into one of the identities."""
        return (*self.earlier, self.step_into(target))

    def requests(self, target: Subject) -> tuple[tuple[Attributes, ...], ...]:
        """Return what the actor asks of the API server, each with alternatives."""
        return tuple(
            tuple(
                Attributes(
                    verb,
                    requirement.group,
                    requirement.resource,
                    requirement.subresource,
                    target.name if requirement.named else "",
                    "" if requirement.everywhere else requirement.namespace or target.namespace,
                )
                for verb in requirement.verbs
            )
            for requirement in self.technique.requirements
        )


def _any_account(namespace: str) -> str:
    return f"a ServiceAccount of namespace {namespace}" if namespace else "some ServiceAccount"


# Compared by identity: what is passed on by one is kept by it.
@dataclass(frozen=True, slots=True, eq=False)
class EdgeGroup:
    """Edges that lead to the same identities, so that what is behind them is looked up once.

    ``wide`` ones are opened by ClusterRoleBindings, and lead to identities in every namespace;
    ``constrained`` ones let through single actions only.
    """

    edges: tuple[Edge, ...]
    wide: bool = False
    constrained: bool = False
    actors: frozenset[Subject] = field(init=False)

    def __post_init__(self) -> None:
        """Collect who has an edge."""
        object.__setattr__(self, "actors", frozenset(e.actor for e in self.edges))


def edge_groups(edges: Iterable[Edge], *, wide: bool = False) -> tuple[EdgeGroup, ...]:
    """Return edges in groups, those by constrained impersonation apart."""
    plain: list[Edge] = []
    constrained: list[Edge] = []
    for edge in edges:
        (constrained if edge.mode else plain).append(edge)
    found = (EdgeGroup(tuple(plain), wide), EdgeGroup(tuple(constrained), constrained=True))
    return tuple(group for group in found if group.edges)


# A subject may have a technique that gives it a credential of the target, and one that does not:
# whether it impersonates, and by which mode of constrained impersonation.
EdgeSort = tuple[bool, str]


@dataclass(frozen=True, slots=True)
class EdgeTable:
    """The edges into the identities of one kind: into any of them, and into some by name.

    ``at_once`` has, by sort, who has a general one that takes nothing before.
    """

    general: tuple[EdgeGroup, ...] = ()
    named: Mapping[str, tuple[EdgeGroup, ...]] = field(default_factory=dict)
    at_once: Mapping[EdgeSort, Set[Subject]] = field(default_factory=dict)

    def into(self, name: str) -> tuple[EdgeGroup, ...]:
        """Return the edges into one of the identities."""
        groups = self.named.get(name)
        return self.general + groups if groups else self.general

    def equals(self, other: EdgeTable) -> bool:
        """Return whether another table has the same edges."""
        return _contents(self) == _contents(other)

    def into_any(self) -> Iterator[EdgeGroup]:
        """Yield the edges into one or another of them."""
        yield from self.general
        for groups in self.named.values():
            yield from groups


def _contents(table: EdgeTable) -> object:
    by_name = {name: tuple(g.edges for g in some) for name, some in table.named.items()}
    return by_name, tuple(group.edges for group in table.general)


@dataclass(slots=True)
class EdgeCollector:
    """A collector of the first edge of each subject and sort; earlier ones must be no longer.

    ``elsewhere`` has, by sort, who needs none here, as it has one everywhere.
    """

    elsewhere: Mapping[EdgeSort, Set[Subject]] = field(default_factory=dict)
    general: dict[EdgeSort, dict[Subject, Edge]] = field(default_factory=dict)
    named: dict[str, dict[tuple[EdgeSort, Subject], Edge]] = field(default_factory=dict)

    def has(self, actor: Subject, technique: Technique) -> bool:
        """Return whether an actor has an edge that is as good, here or in a wider table."""
        impersonates = technique.route == IMPERSONATE
        for mode in ("", technique.mode) if technique.mode else ("",):
            sort = (impersonates, mode)
            if actor in self.general.get(sort, ()) or actor in self.elsewhere.get(sort, ()):
                return True
        return False

    def without(self, actors: Iterable[Subject], technique: Technique) -> list[Subject]:
        """Return which of the actors have no edge that is as good."""
        found = list(actors)
        impersonates = technique.route == IMPERSONATE
        for sort in {(impersonates, technique.mode), (impersonates, "")} if found else ():
            for some in (self.general, self.elsewhere):
                known = some.get(sort)
                if known:
                    found = [actor for actor in found if actor not in known]
        return found

    def add(self, edge: Edge) -> None:
        """Take in an edge, unless there is one of its sort."""
        actor = edge.actor
        if self.has(actor, edge.technique):
            return
        sort = (edge.impersonates, edge.mode)
        if not edge.names:
            self.general.setdefault(sort, {})[actor] = edge
        for name in edge.names:
            self.named.setdefault(name, {}).setdefault((sort, actor), edge)

    def table(self, *, wide: bool = False) -> EdgeTable:
        """Return all; ``wide`` if the bindings are the cluster's."""
        general = self.general
        named = {
            name: edge_groups(
                (e for (sort, actor), e in edges.items() if actor not in general.get(sort, ())),
                wide=wide,
            )
            for name, edges in self.named.items()
        }
        return EdgeTable(
            edge_groups((e for some in general.values() for e in some.values()), wide=wide),
            {name: edges for name, edges in named.items() if edges},
            {
                sort: frozenset(actor for actor, e in some.items() if not e.earlier)
                for sort, some in general.items()
            },
        )


def collect(
    permissions: Permissions,
    techniques: Iterable[Technique],
    namespace: str,
    collector: EdgeCollector,
) -> None:
    """Collect the edges that the bindings of a namespace open, or the cluster's for ``""``."""
    for technique in techniques:
        for actor in collector.without(
            permissions.candidates(technique.requirements, namespace), technique
        ):
            for edge in edges_by(permissions, actor, technique, namespace):
                collector.add(edge)


def edges_by(
    permissions: Permissions,
    actor: Subject,
    technique: Technique,
    namespace: str,
    granted: SelfGrantedRules = NOTHING_GRANTED,
) -> Iterator[Edge]:
    """Yield the edge that an actor has by a technique, with the rules that it has given itself."""
    found: list[Source] = []
    restricted: frozenset[str] | None = None
    for requirement in technique.requirements:
        sources = permissions.sources(actor, requirement, namespace, granted)
        if not sources:
            return
        if requirement.named:
            general = tuple(source for source in sources if not source.names)
            if not general:
                prefix = NODE_USER if requirement.resource == "nodes" else ""
                names = frozenset(prefix + name for source in sources for name in source.names)
                restricted = names if restricted is None else restricted & names
            else:
                sources = general
        found += sources
    if granted.rules and all(source.binding is not None for source in found):
        return
    if restricted is None:
        yield Edge(actor, technique, tuple(found))
    elif restricted:
        yield Edge(actor, technique, tuple(found), restricted)


def preceded_by(edge: Edge, earlier: Route) -> Edge:
    """Return an edge for which something has to be done first."""
    return replace(edge, actor=earlier[0].actor, earlier=(*earlier, *edge.earlier))
