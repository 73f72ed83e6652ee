"""Who holds the permissions that ways consist of: in a graph, and beyond it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import chain
from types import MappingProxyType

from responsibility.rbac.escalation.techniques import Need
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.identity import MASTERS, implied_groups, is_joinable
from responsibility.rbac.index import Hits, RuleSet, remember
from responsibility.rbac.objects import GROUP, Attributes, Role, RoleKey, Rule, Source, Subject
from responsibility.rbac.rules import rule_allows
from responsibility.rbac.scope import union


class Holders(dict[Subject, tuple[Source, ...]]):
    """Who holds a need, and by what; ``natural`` if a group of Kubernetes' own is among them."""

    __slots__ = ("natural",)

    def __init__(self, found: Mapping[Subject, tuple[Source, ...]] = MappingProxyType({})) -> None:
        super().__init__(found)
        self.natural = any(map(by_nature, found))


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
    asked_local: dict[str, dict[Need, Holders]] = field(default_factory=dict)
    plans: dict[Need, _Plan] = field(default_factory=dict)
    # With the rules, whose identity is in the key.
    given: dict[tuple[Need, int], tuple[tuple[Rule, ...], tuple[Source, ...]]] = field(
        default_factory=dict
    )
    mighty: frozenset[Subject] = field(init=False)
    _wide_sources: dict[tuple[Subject, Need], tuple[Source, ...]] = field(
        init=False, default_factory=dict
    )
    _wide_candidates: dict[tuple[Need, ...], dict[Subject, None]] = field(
        init=False, default_factory=dict
    )
    _selves: dict[Subject, tuple[Subject, ...]] = field(init=False, default_factory=dict)
    _mightiest: dict[str, Role | None] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Find those who hold everything."""
        holders = self.graph.cluster_holders
        self.mighty = frozenset({_MASTERS, *(holders(_ANYTHING).keys() & holders(_ANY_PATH))})

    def over(self, graph: AccessGraph, same: Set[str]) -> Rights:
        """Return the rights in a graph that is the same cluster-wide, and in some namespaces."""
        rights = Rights(
            graph,
            self.asked_wide,
            # What is found of them later is true in both graphs.
            {
                namespace: asked
                for namespace, asked in self.asked_local.items()
                if namespace and namespace in same
            },
            self.plans if graph.rule_index is self.graph.rule_index else {},
            self.given,
        )
        rights._wide_sources = self._wide_sources
        rights._wide_candidates = self._wide_candidates
        return rights

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

    def mightiest(
        self, namespace: str, of: Callable[[Mapping[RoleKey, Role]], Role | None]
    ) -> Role | None:
        """Return the role of a namespace that grants the most, found once."""
        if namespace not in self._mightiest:
            self._mightiest[namespace] = of(self.graph.roles.parts.get(namespace, {}))
        return self._mightiest[namespace]

    def wide(self, need: Need) -> Holders:
        """Return who holds a need everywhere, for any name."""
        known = self.asked_wide.get(need)
        if known is None:
            known = self.asked_wide[need] = self._ask(need, "")
        return known

    def local(self, need: Need, namespace: str) -> Holders:
        """Return who holds it by the bindings of one namespace, or of any for ``anywhere``."""
        if need.everywhere:
            return _NOBODY
        namespace = "" if need.anywhere else need.namespace or namespace
        if not namespace and not need.anywhere:
            return _NOBODY
        asked = self._asked_in(namespace)
        known = asked.get(need)
        if known is None:
            if need.anywhere:
                found: dict[Subject, tuple[Source, ...]] = {}
                for each in sorted(self.graph.bindings.parts):
                    if each:
                        found |= self._in(need, each)
                known = Holders(found)
            else:
                known = self._ask(need, namespace)
            asked[need] = known
        return known

    def _asked_in(self, namespace: str) -> dict[Need, Holders]:
        asked = self.asked_local.get(namespace)
        if asked is None:
            asked = self.asked_local[namespace] = {}
        return asked

    def _in(self, need: Need, namespace: str) -> Holders:
        """Return who holds a need in one namespace, for one that is content with any."""
        asked = self._asked_in(namespace)
        known = asked.get(need)
        if known is None:
            known = asked[need] = self._ask(need, namespace)
        return known

    def sources(
        self, actor: Subject, need: Need, namespace: str, given: Given = NOTHING_GIVEN
    ) -> tuple[Source, ...]:
        """Return by what an actor, itself or by a group of its nature, holds a need."""
        local = self.local(need, namespace)
        if local:
            wide = self.wide(need)
            found = tuple(
                source
                for self_ in self.selves(actor)
                for source in (*wide.get(self_, ()), *local.get(self_, ()))
            )
        else:
            found = self._everywhere(actor, need)
        return found + self._given(need, given.rules) if given.rules else found

    def _given(self, need: Need, rules: tuple[Rule, ...]) -> tuple[Source, ...]:
        """Return which of some rules give a need: the same rules are given to many."""
        known = self.given.get((need, id(rules)))
        if known is None or known[0] is not rules:
            given = Given(rules)
            sources = _usable(need, {v: given.sources(_question(need, v)) for v in _verbs(need)})
            known = (rules, sources)
            remember(self.given, (need, id(rules)), known)
        return known[1]

    def _everywhere(self, actor: Subject, need: Need) -> tuple[Source, ...]:
        """Return by what it holds a need everywhere: the same wherever it is asked."""
        known = self._wide_sources.get((actor, need))
        if known is None:
            wide = self.wide(need)
            known = tuple(
                source
                for self_ in (self.selves(actor) if wide else ())
                for source in wide.get(self_, ())
            )
            remember(self._wide_sources, (actor, need), known)
        return known

    def candidates_everywhere(self, needs: tuple[Need, ...]) -> Mapping[Subject, None]:
        """Return the candidates cluster-wide, found once."""
        known = self._wide_candidates.get(needs)
        if known is None:
            known = self._wide_candidates[needs] = self.candidates(needs, "")
        return known

    def candidates(self, needs: Sequence[Need], namespace: str) -> dict[Subject, None]:
        """Return who may hold all of the needs there, in order; none if one has no holders.

        In a namespace, those who hold nothing by its own bindings are left out.
        """
        found: dict[Subject, None] = {}
        locals_ = [self.local(need, namespace) for need in needs]
        if namespace and not any(locals_):
            return {}
        both = list(zip(locals_, map(self.wide, needs), strict=True))
        natural = False
        for local, wide in both:
            if not local and not wide:
                return {}
            found |= dict.fromkeys(local)
            natural = natural or local.natural
        # What all accounts hold here may complete what one of them holds everywhere.
        if not namespace or natural:
            for _, wide in both:
                found |= dict.fromkeys(wide)
        # What a group of Kubernetes' own holds, others hold through it; else, it takes each need.
        if len(both) > 1:
            for local, wide in both:
                if not wide.natural and not local.natural:
                    found = {a: None for a in found if a in local or a in wide}
        for actor in self.mighty & found.keys():
            del found[actor]
        return found

    def _ask(self, need: Need, namespace: str) -> Holders:
        plan = self.plans.get(need)
        if plan is None:
            plan = self.plans[need] = self._plan(need)
        bundles = self.graph.scope(namespace).bundles
        if plan.all.isdisjoint(bundles):
            return _NOBODY
        parts = []
        for rules, bundle in bundles.items():
            if rules in plan.simple:
                parts.append(bundle.holders(plan.simple[rules]))
            elif rules in plan.named:
                return self._ask_by_name(need, namespace)
        found = union(parts)
        if _MASTERS in found:
            found = {subject: found[subject] for subject in found if subject != _MASTERS}
        return Holders(found)

    def _plan(self, need: Need) -> _Plan:
        """Return what each set of rules says of a need, whichever namespace it is bound in."""
        plan = _Plan()
        index = self.graph.rule_index
        for verb in _verbs(need):
            asked = _question(need, verb)
            matches = index.matches(index.question(asked, any_name=True), asked)
            for rules, hits in matches.items():
                if any(rules.rules[number].resource_names for number in hits):
                    plan.named.add(rules)
                elif verb in need.verbs:
                    others = plan.simple.get(rules, ())
                    plan.simple[rules] = tuple(dict.fromkeys((*others, *hits)))
        for rules in plan.named:
            plan.simple.pop(rules, None)
        plan.all = frozenset((*plan.simple, *plan.named))
        return plan

    def _ask_by_name(self, need: Need, namespace: str) -> Holders:
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
        return Holders(found)


@dataclass(slots=True)
class _Plan:
    """How sets of rules give a need: some without names, some with."""

    simple: dict[RuleSet, Hits] = field(default_factory=dict)
    named: set[RuleSet] = field(default_factory=set)
    all: frozenset[RuleSet] = frozenset()


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


_NOBODY = Holders()
