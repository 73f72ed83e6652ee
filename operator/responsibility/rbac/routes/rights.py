"""Who holds the permissions that ways consist of: in a graph, and beyond it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from itertools import chain

from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.identity import MASTERS, implied_groups, is_joinable
from responsibility.rbac.objects import GROUP, Attributes, RoleKey, Rule, Source, Subject
from responsibility.rbac.routes.ways import Need
from responsibility.rbac.rules import rule_allows

Holders = Mapping[Subject, tuple[Source, ...]]

_MASTERS = Subject(GROUP, MASTERS)
_ANYTHING = Attributes("*", "*", "*")
_ANY_PATH = Attributes("*", path="*")


@dataclass(frozen=True, slots=True)
class Given:
    """Rules that somebody has given to itself, in a namespace or everywhere for ``""``.

    Sources of them have no binding.
    """

    rules: tuple[Rule, ...] = ()
    namespace: str = ""

    def sources(self, attributes: Attributes) -> tuple[Source, ...]:
        """Return the rules that allow a request, for at least some name."""
        return tuple(
            Source(None, RoleKey("", ""), number, rule.resource_names)
            for number, rule in enumerate(self.rules)
            if rule_allows(rule, attributes, any_name=True)
        )


NOTHING_GIVEN = Given()


@dataclass(slots=True)
class Rights:
    """Answers who holds a need, each question put once.

    Who holds everything anyhow has no use for a detour, and is left out; so is
    ``system:masters``.
    """

    graph: AccessGraph
    asked_wide: dict[Need, Holders] = field(default_factory=dict)
    asked_local: dict[tuple[Need, str], Holders] = field(default_factory=dict)
    mighty: frozenset[Subject] = field(init=False)
    _by_nature: dict[Need, bool] = field(init=False, default_factory=dict)
    _selves: dict[Subject, tuple[Subject, ...]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Find those who hold everything."""
        holders = self.graph.cluster_holders
        self.mighty = frozenset({_MASTERS, *(holders(_ANYTHING).keys() & holders(_ANY_PATH))})

    def over(self, graph: AccessGraph, same: Set[str]) -> Rights:
        """Return the rights in a graph that is the same cluster-wide, and in some namespaces."""
        return Rights(
            graph,
            self.asked_wide,
            {
                (need, namespace): found
                for (need, namespace), found in self.asked_local.items()
                if namespace and namespace in same
            },
        )

    def selves(self, actor: Subject) -> tuple[Subject, ...]:
        """Return an actor and the groups that it is in by nature."""
        known = self._selves.get(actor)
        if known is None:
            known = self._selves[actor] = self.selves_of(actor)
        return known

    @staticmethod
    def selves_of(actor: Subject) -> tuple[Subject, ...]:
        """Return an actor and the groups that it is in by nature."""
        return (actor, *(Subject(GROUP, group) for group in implied_groups(actor)))

    def wide(self, need: Need) -> Holders:
        """Return who holds a need everywhere, for any name."""
        known = self.asked_wide.get(need)
        if known is None:
            known = self.asked_wide[need] = self._ask(need, "")
        return known

    def local(self, need: Need, namespace: str) -> Holders:
        """Return who holds it by the bindings of one namespace, or of any for ``anywhere``."""
        if need.everywhere:
            return {}
        namespace = "" if need.anywhere else need.namespace or namespace
        if not namespace and not need.anywhere:
            return {}
        known = self.asked_local.get((need, namespace))
        if known is None:
            if need.anywhere:
                parts = [
                    self._ask(need, each) for each in sorted(self.graph.bindings.parts) if each
                ]
                known = dict(chain.from_iterable(part.items() for part in parts))
            else:
                known = self._ask(need, namespace)
            self.asked_local[need, namespace] = known
        return known

    def sources(
        self, actor: Subject, need: Need, namespace: str, given: Given = NOTHING_GIVEN
    ) -> tuple[Source, ...]:
        """Return by what an actor, itself or by a group of its nature, holds a need."""
        wide, local = self.wide(need), self.local(need, namespace)
        found = [
            source
            for self_ in (self.selves(actor) if wide or local else ())
            for source in (*wide.get(self_, ()), *local.get(self_, ()))
        ]
        if given.rules:
            found += _usable(need, {v: given.sources(_question(need, v)) for v in _verbs(need)})
        return tuple(found)

    def candidates(self, needs: Iterable[Need], namespace: str) -> dict[Subject, None]:
        """Return who may hold all of the needs there, in order; none if one has no holders.

        In a namespace, those who hold nothing by its own bindings are left out.
        """
        found: dict[Subject, None] = {}
        needs = tuple(needs)
        for need in needs:
            local = self.local(need, namespace)
            if not local and not self.wide(need):
                return {}
            found |= dict.fromkeys(local)
        # What all accounts hold here may complete what one of them holds everywhere.
        if not namespace or any(map(by_nature, found)):
            for need in needs:
                found |= dict.fromkeys(self.wide(need))
        # What a group of Kubernetes' own holds, others hold through it; else, it takes each need.
        for need in needs:
            local, wide = self.local(need, namespace), self.wide(need)
            if not self._natural(need) and not any(map(by_nature, local)):
                found = {a: None for a in found if a in local or a in wide}
        return {actor: None for actor in found if actor not in self.mighty}

    def _natural(self, need: Need) -> bool:
        known = self._by_nature.get(need)
        if known is None:
            known = self._by_nature[need] = any(map(by_nature, self.wide(need)))
        return known

    def _ask(self, need: Need, namespace: str) -> Holders:
        graph = self.graph
        by_verb = {}
        for verb in _verbs(need):
            asked = _question(need, verb, namespace)
            ask = graph.namespace_holders if namespace else graph.cluster_holders
            by_verb[verb] = ask(asked, any_name=True)
        found: dict[Subject, tuple[Source, ...]] = {}
        for subject in dict.fromkeys(chain.from_iterable(by_verb.values())):
            sources = _usable(need, {v: h.get(subject, ()) for v, h in by_verb.items()})
            if sources and subject != _MASTERS:
                found[subject] = sources
        return found


def _question(need: Need, verb: str, namespace: str = "") -> Attributes:
    return Attributes(verb, need.group, need.resource, need.subresource, namespace=namespace)


def _verbs(need: Need) -> tuple[str, ...]:
    """Return the verbs to look up: to create by name takes a patch that creates."""
    creates = "create" in need.verbs and not need.subresource
    return tuple(dict.fromkeys((*need.verbs, "patch"))) if creates else need.verbs


def _usable(need: Need, by_verb: Mapping[str, tuple[Source, ...]]) -> tuple[Source, ...]:
    """Return the sources that really give a need.

    A rule that allows to create objects of certain names allows no ordinary creation, which has
    no name when it is authorized; only a server-side apply, which needs ``patch`` as well.
    """
    found: list[Source] = []
    for verb in need.verbs:
        for source in by_verb[verb]:
            if verb == "create" and not need.subresource and source.names:
                patches = by_verb["patch"]
                if not any(not p.names or set(p.names) & set(source.names) for p in patches):
                    continue
            if not need.names or not source.names or set(need.names) & set(source.names):
                found.append(source)
    return tuple(dict.fromkeys(found))


def named(sources: Iterable[Source], name: str) -> tuple[Source, ...]:
    """Return the sources that are unrestricted, or restricted to ``name`` among others."""
    return tuple(source for source in sources if not source.names or name in source.names)


def by_nature(subject: Subject) -> bool:
    """Return whether it is a group whose members the cluster itself knows."""
    return subject.kind == GROUP and not is_joinable(subject.name)
