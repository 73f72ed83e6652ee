"""Holders of the requirements of techniques: by a graph, and by rules given to oneself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import chain
from types import MappingProxyType

from responsibility.rbac.escalation.technique import Requirement
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.identity import MASTERS, implied_groups, is_joinable
from responsibility.rbac.index import Hits, RuleSet, remember
from responsibility.rbac.objects import GROUP, Attributes, Role, RoleKey, Rule, Source, Subject
from responsibility.rbac.rules import rule_allows
from responsibility.rbac.scope import union


class Holders(dict[Subject, tuple[Source, ...]]):
    """Holders of a requirement, by source; ``has_implied_groups`` if one is Kubernetes' own."""

    __slots__ = ("has_implied_groups",)

    def __init__(self, found: Mapping[Subject, tuple[Source, ...]] = MappingProxyType({})) -> None:
        super().__init__(found)
        self.has_implied_groups = any(map(is_implied_group, found))


_MASTERS = Subject(GROUP, MASTERS)
_ANYTHING = Attributes("*", "*", "*")
_ANY_PATH = Attributes("*", path="*")


@dataclass(frozen=True, slots=True)
class SelfGrantedRules:
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


NOTHING_GRANTED = SelfGrantedRules()


@dataclass(slots=True)
class Permissions:
    """Answers who holds a requirement, each question put once.

    Who holds everything anyhow has no use for a detour, and is left out; so is
    ``system:masters``.
    """

    graph: AccessGraph
    asked_wide: dict[Requirement, Holders] = field(default_factory=dict)
    asked_local: dict[str, dict[Requirement, Holders]] = field(default_factory=dict)
    rule_set_hits: dict[Requirement, _RuleSetHits] = field(default_factory=dict)
    # With the rules, whose identity is in the key.
    granted: dict[tuple[Requirement, int], tuple[tuple[Rule, ...], tuple[Source, ...]]] = field(
        default_factory=dict
    )
    unrestricted: frozenset[Subject] = field(init=False)
    _wide_sources: dict[tuple[Subject, Requirement], tuple[Source, ...]] = field(
        init=False, default_factory=dict
    )
    _wide_candidates: dict[tuple[Requirement, ...], dict[Subject, None]] = field(
        init=False, default_factory=dict
    )
    _implied: dict[Subject, tuple[Subject, ...]] = field(init=False, default_factory=dict)
    _strongest: dict[str, Role | None] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Find those who hold everything."""
        holders = self.graph.cluster_holders
        self.unrestricted = frozenset({_MASTERS, *(holders(_ANYTHING).keys() & holders(_ANY_PATH))})

    def over(self, graph: AccessGraph, same: Set[str]) -> Permissions:
        """Return the rights in a graph that is the same cluster-wide, and in some namespaces."""
        permissions = Permissions(
            graph,
            self.asked_wide,
            # What is found of them later is true in both graphs.
            {
                namespace: asked
                for namespace, asked in self.asked_local.items()
                if namespace and namespace in same
            },
            self.rule_set_hits if graph.rule_index is self.graph.rule_index else {},
            self.granted,
        )
        permissions._wide_sources = self._wide_sources
        permissions._wide_candidates = self._wide_candidates
        return permissions

    def with_implied_groups(self, actor: Subject) -> tuple[Subject, ...]:
        """Return an actor and the groups that it is in by nature."""
        known = self._implied.get(actor)
        if known is None:
            known = self._implied[actor] = self.with_implied_groups_of(actor)
        return known

    @staticmethod
    def with_implied_groups_of(actor: Subject) -> tuple[Subject, ...]:
        """Return an actor and the groups that it is in by nature."""
        return (actor, *(Subject(GROUP, group) for group in implied_groups(actor)))

    def strongest_role(
        self, namespace: str, of: Callable[[Mapping[RoleKey, Role]], Role | None]
    ) -> Role | None:
        """Return the role of a namespace that grants the most, found once."""
        if namespace not in self._strongest:
            self._strongest[namespace] = of(self.graph.roles.parts.get(namespace, {}))
        return self._strongest[namespace]

    def wide(self, requirement: Requirement) -> Holders:
        """Return who holds a requirement everywhere, for any name."""
        known = self.asked_wide.get(requirement)
        if known is None:
            known = self.asked_wide[requirement] = self._ask(requirement, "")
        return known

    def local(self, requirement: Requirement, namespace: str) -> Holders:
        """Return who holds it by the bindings of one namespace, or of any for ``anywhere``."""
        if requirement.everywhere:
            return _NOBODY
        namespace = "" if requirement.anywhere else requirement.namespace or namespace
        if not namespace and not requirement.anywhere:
            return _NOBODY
        asked = self._asked_in(namespace)
        known = asked.get(requirement)
        if known is None:
            if requirement.anywhere:
                found: dict[Subject, tuple[Source, ...]] = {}
                for each in sorted(self.graph.bindings.parts):
                    if each:
                        found |= self._in(requirement, each)
                known = Holders(found)
            else:
                known = self._ask(requirement, namespace)
            asked[requirement] = known
        return known

    def _asked_in(self, namespace: str) -> dict[Requirement, Holders]:
        asked = self.asked_local.get(namespace)
        if asked is None:
            asked = self.asked_local[namespace] = {}
        return asked

    def _in(self, requirement: Requirement, namespace: str) -> Holders:
        """Return who holds a requirement in one namespace, for one that is content with any."""
        asked = self._asked_in(namespace)
        known = asked.get(requirement)
        if known is None:
            known = asked[requirement] = self._ask(requirement, namespace)
        return known

    def sources(
        self,
        actor: Subject,
        requirement: Requirement,
        namespace: str,
        granted: SelfGrantedRules = NOTHING_GRANTED,
    ) -> tuple[Source, ...]:
        """Return by what an actor, itself or by a group of its nature, holds a requirement."""
        local = self.local(requirement, namespace)
        if local:
            wide = self.wide(requirement)
            found = tuple(
                source
                for self_ in self.with_implied_groups(actor)
                for source in (*wide.get(self_, ()), *local.get(self_, ()))
            )
        else:
            found = self._everywhere(actor, requirement)
        return found + self._by_granted(requirement, granted.rules) if granted.rules else found

    def _by_granted(self, requirement: Requirement, rules: tuple[Rule, ...]) -> tuple[Source, ...]:
        """Return which of some rules give a requirement: the same rules are given to many."""
        known = self.granted.get((requirement, id(rules)))
        if known is None or known[0] is not rules:
            granted = SelfGrantedRules(rules)
            sources = _usable(
                requirement,
                {v: granted.sources(_question(requirement, v)) for v in _verbs(requirement)},
            )
            known = (rules, sources)
            remember(self.granted, (requirement, id(rules)), known)
        return known[1]

    def _everywhere(self, actor: Subject, requirement: Requirement) -> tuple[Source, ...]:
        """Return by what it holds a requirement everywhere: the same wherever it is asked."""
        known = self._wide_sources.get((actor, requirement))
        if known is None:
            wide = self.wide(requirement)
            known = tuple(
                source
                for self_ in (self.with_implied_groups(actor) if wide else ())
                for source in wide.get(self_, ())
            )
            remember(self._wide_sources, (actor, requirement), known)
        return known

    def candidates_everywhere(
        self, requirements: tuple[Requirement, ...]
    ) -> Mapping[Subject, None]:
        """Return the candidates cluster-wide, found once."""
        known = self._wide_candidates.get(requirements)
        if known is None:
            known = self._wide_candidates[requirements] = self.candidates(requirements, "")
        return known

    def candidates(
        self, requirements: Sequence[Requirement], namespace: str
    ) -> dict[Subject, None]:
        """Return who may hold all of the requirements there, in order; none if one has no holders.

        In a namespace, those who hold nothing by its own bindings are left out.
        """
        found: dict[Subject, None] = {}
        locals_ = [self.local(requirement, namespace) for requirement in requirements]
        if namespace and not any(locals_):
            return {}
        both = list(zip(locals_, map(self.wide, requirements), strict=True))
        has_implied_groups = False
        for local, wide in both:
            if not local and not wide:
                return {}
            found |= dict.fromkeys(local)
            has_implied_groups = has_implied_groups or local.has_implied_groups
        # What all accounts hold here may complete what one of them holds everywhere.
        if not namespace or has_implied_groups:
            for _, wide in both:
                found |= dict.fromkeys(wide)
        # What a group of Kubernetes' own holds, others hold through it; else, it takes each need.
        if len(both) > 1:
            for local, wide in both:
                if not wide.has_implied_groups and not local.has_implied_groups:
                    found = {a: None for a in found if a in local or a in wide}
        for actor in self.unrestricted & found.keys():
            del found[actor]
        return found

    def _ask(self, requirement: Requirement, namespace: str) -> Holders:
        plan = self.rule_set_hits.get(requirement)
        if plan is None:
            plan = self.rule_set_hits[requirement] = self._hits_of(requirement)
        by_rule_set = self.graph.scope(namespace).by_rule_set
        if plan.all.isdisjoint(by_rule_set):
            return _NOBODY
        parts = []
        for rules, bundle in by_rule_set.items():
            if rules in plan.simple:
                parts.append(bundle.holders(plan.simple[rules]))
            elif rules in plan.named:
                return self._ask_by_name(requirement, namespace)
        found = union(parts)
        if _MASTERS in found:
            found = {subject: found[subject] for subject in found if subject != _MASTERS}
        return Holders(found)

    def _hits_of(self, requirement: Requirement) -> _RuleSetHits:
        """Return what each set of rules says of a requirement, wherever it is bound."""
        plan = _RuleSetHits()
        index = self.graph.rule_index
        for verb in _verbs(requirement):
            asked = _question(requirement, verb)
            matches = index.matches(index.question(asked, any_name=True), asked)
            for rules, hits in matches.items():
                if any(rules.rules[number].resource_names for number in hits):
                    plan.named.add(rules)
                elif verb in requirement.verbs:
                    others = plan.simple.get(rules, ())
                    plan.simple[rules] = tuple(dict.fromkeys((*others, *hits)))
        for rules in plan.named:
            plan.simple.pop(rules, None)
        plan.all = frozenset((*plan.simple, *plan.named))
        return plan

    def _ask_by_name(self, requirement: Requirement, namespace: str) -> Holders:
        graph = self.graph
        by_verb = {}
        for verb in _verbs(requirement):
            asked = _question(requirement, verb, namespace)
            ask = graph.namespace_holders if namespace else graph.cluster_holders
            by_verb[verb] = ask(asked, any_name=True)
        found: dict[Subject, tuple[Source, ...]] = {}
        for subject in dict.fromkeys(chain.from_iterable(by_verb.values())):
            sources = _usable(requirement, {v: h.get(subject, ()) for v, h in by_verb.items()})
            if sources and subject != _MASTERS:
                found[subject] = sources
        return Holders(found)


@dataclass(slots=True)
class _RuleSetHits:
    """How sets of rules give a requirement: some without names, some with."""

    simple: dict[RuleSet, Hits] = field(default_factory=dict)
    named: set[RuleSet] = field(default_factory=set)
    all: frozenset[RuleSet] = frozenset()


def _question(requirement: Requirement, verb: str, namespace: str = "") -> Attributes:
    return Attributes(
        verb, requirement.group, requirement.resource, requirement.subresource, namespace=namespace
    )


def _verbs(requirement: Requirement) -> tuple[str, ...]:
    """Return the verbs to look up: to create by name takes a patch that creates."""
    creates = "create" in requirement.verbs and not requirement.subresource
    return tuple(dict.fromkeys((*requirement.verbs, "patch"))) if creates else requirement.verbs


def _usable(
    requirement: Requirement, by_verb: Mapping[str, tuple[Source, ...]]
) -> tuple[Source, ...]:
    """Return the sources that really give a requirement.

    A rule that allows to create objects of certain names allows no ordinary creation, which has
    no name when it is authorized; only a server-side apply, which needs ``patch`` as well.
    """
    found: list[Source] = []
    for verb in requirement.verbs:
        for source in by_verb[verb]:
            if verb == "create" and not requirement.subresource and source.names:
                patches = by_verb["patch"]
                if not any(not p.names or set(p.names) & set(source.names) for p in patches):
                    continue
            if (
                not requirement.names
                or not source.names
                or set(requirement.names) & set(source.names)
            ):
                found.append(source)
    return tuple(dict.fromkeys(found))


def named(sources: Iterable[Source], name: str) -> tuple[Source, ...]:
    """Return the sources that are unrestricted, or restricted to ``name`` among others."""
    return tuple(source for source in sources if not source.names or name in source.names)


def is_implied_group(subject: Subject) -> bool:
    """Return whether it is a group whose members the cluster itself knows."""
    return subject.kind == GROUP and not is_joinable(subject.name)


_NOBODY = Holders()
