"""Who has a way into an identity.

All ServiceAccounts of a namespace share most of their entrances (who may create a pod there may
choose any of them), so these are looked up once for a namespace, and once for the cluster.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace

from responsibility.rbac.objects import GROUP, Attributes, Source, Subject
from responsibility.rbac.routes.rights import NOTHING_GIVEN, Given, Rights, named
from responsibility.rbac.routes.steps import Route, Step
from responsibility.rbac.routes.ways import (
    IMPERSONATE,
    INTO_GROUP,
    NODE_USER,
    Way,
    account_namespace,
)


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


@dataclass(frozen=True, slots=True)
class Table:
    """The entrances into the identities of one kind: into any of them, and into some by name.

    ``sorts`` are those of the general ones that take nothing before.
    """

    general: tuple[Entrance, ...] = ()
    named: Mapping[str, tuple[Entrance, ...]] = field(default_factory=dict)
    sorts: Set[tuple[Subject, bool, str]] = frozenset()

    def into(self, name: str) -> Iterator[tuple[Entrance, ...]]:
        """Yield the entrances into one of the identities, in the groups that it shares."""
        if self.general:
            yield self.general
        if name in self.named:
            yield self.named[name]

    def into_any(self) -> Iterator[tuple[Entrance, ...]]:
        """Yield the entrances into one or another of them."""
        if self.general:
            yield self.general
        yield from self.named.values()


# A subject may have a way that gives it a credential of the target, and one that does not.
_Sort = tuple[Subject, bool, str]


@dataclass(slots=True)
class Collector:
    """Keeps the first entrance of each subject and sort; earlier ones must be no longer."""

    general: dict[_Sort, Entrance] = field(default_factory=dict)
    named: dict[str, dict[_Sort, Entrance]] = field(default_factory=dict)
    elsewhere: Set[_Sort] = frozenset()

    def has(self, actor: Subject, way: Way) -> bool:
        """Return whether an actor has an entrance that is as good, here or in a wider table."""
        impersonates = way.route == IMPERSONATE
        sorts = {(actor, impersonates, way.mode), (actor, impersonates, "")}
        return any(sort in self.general or sort in self.elsewhere for sort in sorts)

    def add(self, entrance: Entrance) -> None:
        """Take in an entrance, unless there is one of its sort."""
        if self.has(entrance.actor, entrance.way):
            return
        sort = (entrance.actor, entrance.impersonates, entrance.mode)
        if not entrance.names:
            self.general[sort] = entrance
        for name in entrance.names:
            self.named.setdefault(name, {}).setdefault(sort, entrance)

    def table(self) -> Table:
        """Return all."""
        return Table(
            tuple(self.general.values()),
            {
                name: tuple(e for sort, e in own.items() if sort not in self.general)
                for name, own in self.named.items()
            },
            frozenset(sort for sort, e in self.general.items() if not e.earlier),
        )


def collect(rights: Rights, ways: Iterable[Way], namespace: str, collector: Collector) -> None:
    """Collect the entrances that the bindings of a namespace open, or the cluster's for ``""``."""
    for way in ways:
        for actor in rights.candidates(way.needs, namespace):
            if not collector.has(actor, way):
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
