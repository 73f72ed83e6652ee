"""Who has a way into an identity.

All ServiceAccounts of a namespace share most of their entrances (who may create a pod there may
choose any of them), so these are looked up once for a namespace, and once for the cluster.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace

from responsibility.rbac.escalation.permissions import NOTHING_GIVEN, Given, Rights, named
from responsibility.rbac.escalation.steps import Route, Step
from responsibility.rbac.escalation.techniques import (
    IMPERSONATE,
    INTO_GROUP,
    NODE_USER,
    Way,
    account_namespace,
)
from responsibility.rbac.objects import GROUP, Attributes, Source, Subject


@dataclass(frozen=True, slots=True)
class Entrance:
    """That ``actor`` can act as any of a set of identities, or as those of some names.

    ``earlier`` are steps that come first.
    """

    actor: Subject
    way: Way
    sources: tuple[Source, ...]
    names: frozenset[str] = frozenset()
    earlier: Route = ()
    mode: str = field(init=False)
    impersonates: bool = field(init=False)
    starts_as_other: bool = field(init=False)

    def __post_init__(self) -> None:
        """Say what the search asks again and again."""
        impersonates = self.way.route == IMPERSONATE
        first = self.earlier[0].route == IMPERSONATE if self.earlier else impersonates
        object.__setattr__(self, "mode", self.way.mode)
        object.__setattr__(self, "impersonates", impersonates)
        object.__setattr__(self, "starts_as_other", first)

    def step_into(self, target: Subject) -> Step:
        """Return the step of this way into one of the identities."""
        way = self.way
        name = target.name
        if any(need.named and need.resource == "nodes" for need in way.needs):
            name = name.removeprefix(NODE_USER)
        namespace = account_namespace(target.name) if target.kind == GROUP else None
        anyone = namespace is not None and way not in INTO_GROUP
        whom = _any_account(namespace or "") if anyone else str(target)
        return Step(
            route=way.route,
            actor=self.earlier[-1].target or self.actor if self.earlier else self.actor,
            words=way.words.format(target=whom),
            sources=tuple(
                dict.fromkeys(
                    source
                    for source in (named(self.sources, name) if self.names else self.sources)
                    if source.binding is not None
                )
            ),
            target=target,
            namespace="" if way.needs[0].everywhere else target.namespace or namespace or "",
            mode=way.mode,
        )

    def route_into(self, target: Subject) -> Route:
        """Return the route by this way into one of the identities."""
        return (*self.earlier, self.step_into(target))

    def requests(self, target: Subject) -> tuple[tuple[Attributes, ...], ...]:
        """Return what the actor asks of the API server, each with alternatives."""
        return tuple(
            tuple(
                Attributes(
                    verb,
                    need.group,
                    need.resource,
                    need.subresource,
                    target.name if need.named else "",
                    "" if need.everywhere else need.namespace or target.namespace,
                )
                for verb in need.verbs
            )
            for need in self.way.needs
        )


def _any_account(namespace: str) -> str:
    return f"a ServiceAccount of namespace {namespace}" if namespace else "some ServiceAccount"


# Compared by identity: what is passed on by one is kept by it.
@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Entrances that lead to the same identities, so that what is behind them is looked up once.

    ``wide`` ones are opened by ClusterRoleBindings, and lead to identities in every namespace;
    ``constrained`` ones let through single actions only.
    """

    entrances: tuple[Entrance, ...]
    wide: bool = False
    constrained: bool = False
    actors: frozenset[Subject] = field(init=False)

    def __post_init__(self) -> None:
        """Collect who has an entrance."""
        object.__setattr__(self, "actors", frozenset(e.actor for e in self.entrances))


def groups(entrances: Iterable[Entrance], *, wide: bool = False) -> tuple[Group, ...]:
    """Return entrances in groups, those by constrained impersonation apart."""
    plain: list[Entrance] = []
    constrained: list[Entrance] = []
    for entrance in entrances:
        (constrained if entrance.mode else plain).append(entrance)
    found = (Group(tuple(plain), wide), Group(tuple(constrained), constrained=True))
    return tuple(group for group in found if group.entrances)


# A subject may have a way that gives it a credential of the target, and one that does not:
# whether it impersonates, and by which mode of constrained impersonation.
Sort = tuple[bool, str]


@dataclass(frozen=True, slots=True)
class Table:
    """The entrances into the identities of one kind: into any of them, and into some by name.

    ``at_once`` has, by sort, who has a general one that takes nothing before.
    """

    general: tuple[Group, ...] = ()
    named: Mapping[str, tuple[Group, ...]] = field(default_factory=dict)
    at_once: Mapping[Sort, Set[Subject]] = field(default_factory=dict)

    def into(self, name: str) -> tuple[Group, ...]:
        """Return the entrances into one of the identities."""
        own = self.named.get(name)
        return self.general + own if own else self.general

    def equals(self, other: Table) -> bool:
        """Return whether another table has the same entrances."""
        return _contents(self) == _contents(other)

    def into_any(self) -> Iterator[Group]:
        """Yield the entrances into one or another of them."""
        yield from self.general
        for own in self.named.values():
            yield from own


def _contents(table: Table) -> object:
    own = {name: tuple(g.entrances for g in some) for name, some in table.named.items()}
    return own, tuple(group.entrances for group in table.general)


@dataclass(slots=True)
class Collector:
    """Keeps the first entrance of each subject and sort; earlier ones must be no longer.

    ``elsewhere`` has, by sort, who needs none here, as it has one everywhere.
    """

    elsewhere: Mapping[Sort, Set[Subject]] = field(default_factory=dict)
    general: dict[Sort, dict[Subject, Entrance]] = field(default_factory=dict)
    named: dict[str, dict[tuple[Sort, Subject], Entrance]] = field(default_factory=dict)

    def has(self, actor: Subject, way: Way) -> bool:
        """Return whether an actor has an entrance that is as good, here or in a wider table."""
        impersonates = way.route == IMPERSONATE
        for mode in ("", way.mode) if way.mode else ("",):
            sort = (impersonates, mode)
            if actor in self.general.get(sort, ()) or actor in self.elsewhere.get(sort, ()):
                return True
        return False

    def without(self, actors: Iterable[Subject], way: Way) -> list[Subject]:
        """Return which of the actors have no entrance that is as good."""
        found = list(actors)
        impersonates = way.route == IMPERSONATE
        for sort in {(impersonates, way.mode), (impersonates, "")} if found else ():
            for some in (self.general, self.elsewhere):
                known = some.get(sort)
                if known:
                    found = [actor for actor in found if actor not in known]
        return found

    def add(self, entrance: Entrance) -> None:
        """Take in an entrance, unless there is one of its sort."""
        actor = entrance.actor
        if self.has(actor, entrance.way):
            return
        sort = (entrance.impersonates, entrance.mode)
        if not entrance.names:
            self.general.setdefault(sort, {})[actor] = entrance
        for name in entrance.names:
            self.named.setdefault(name, {}).setdefault((sort, actor), entrance)

    def table(self, *, wide: bool = False) -> Table:
        """Return all; ``wide`` if the bindings are the cluster's."""
        general = self.general
        named = {
            name: groups(
                (e for (sort, actor), e in own.items() if actor not in general.get(sort, ())),
                wide=wide,
            )
            for name, own in self.named.items()
        }
        return Table(
            groups((e for some in general.values() for e in some.values()), wide=wide),
            {name: own for name, own in named.items() if own},
            {
                sort: frozenset(actor for actor, e in some.items() if not e.earlier)
                for sort, some in general.items()
            },
        )


def collect(rights: Rights, ways: Iterable[Way], namespace: str, collector: Collector) -> None:
    """Collect the entrances that the bindings of a namespace open, or the cluster's for ``""``."""
    for way in ways:
        for actor in collector.without(rights.candidates(way.needs, namespace), way):
            for entrance in opened(rights, actor, way, namespace):
                collector.add(entrance)


def opened(
    rights: Rights, actor: Subject, way: Way, namespace: str, given: Given = NOTHING_GIVEN
) -> Iterator[Entrance]:
    """Yield the entrance that an actor has by a way, with the rules that it has given itself."""
    found: list[Source] = []
    restricted: frozenset[str] | None = None
    for need in way.needs:
        sources = rights.sources(actor, need, namespace, given)
        if not sources:
            return
        if need.named:
            general = tuple(source for source in sources if not source.names)
            if not general:
                prefix = NODE_USER if need.resource == "nodes" else ""
                names = frozenset(prefix + name for source in sources for name in source.names)
                restricted = names if restricted is None else restricted & names
            else:
                sources = general
        found += sources
    if given.rules and all(source.binding is not None for source in found):
        return
    if restricted is None:
        yield Entrance(actor, way, tuple(found))
    elif restricted:
        yield Entrance(actor, way, tuple(found), restricted)


def after(entrance: Entrance, earlier: Route) -> Entrance:
    """Return an entrance for which something has to be done first."""
    return replace(entrance, actor=earlier[0].actor, earlier=(*earlier, *entrance.earlier))
