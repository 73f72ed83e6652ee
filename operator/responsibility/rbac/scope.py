"""The bindings of one namespace, or of the cluster as a whole.

A RoleBinding grants in its own namespace, whatever role it binds; a ClusterRoleBinding grants
everywhere. So a request is decided by two scopes: the cluster's and its namespace's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from responsibility.rbac.identity import canonical, is_somebody
from responsibility.rbac.index import Hits, Matches, RuleQuestion, RuleSet
from responsibility.rbac.objects import (
    Binding,
    BindingKey,
    RoleKey,
    Source,
    Subject,
    chart_of,
)

# Stands for the rules of a role that doesn't exist: it is never among the matches.
_NO_ROLE = RuleSet(())

Holders = dict[Subject, tuple[Source, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Grant:
    """A binding in effect: its role looked up, and its subjects in canonical form.

    Only what answers depend on is kept up to date. For its labels and its uid, look the
    binding up by key in `AccessGraph.bindings`.
    """

    binding: Binding
    rules: RuleSet
    subjects: tuple[Subject, ...]

    @classmethod
    def of(cls, binding: Binding, rules: RuleSet) -> Grant:
        """Return the grant; subjects that nobody is are left out, and twins are one."""
        somebodies = filter(is_somebody, binding.subjects)
        return cls(binding, rules, tuple(dict.fromkeys(map(canonical, somebodies))))

    def sources(self, hits: Hits) -> tuple[Source, ...]:
        """Return these rules of the role as sources."""
        binding, rules = self.binding, self.rules.rules
        return tuple(
            Source(binding.key, binding.role, number, rules[number].resource_names)
            for number in hits
        )


@dataclass(frozen=True, slots=True, eq=False)
class RuleSetBindings:
    """The grants of a scope whose roles have the same rules, so that they answer as one."""

    rules: RuleSet
    grants: tuple[Grant, ...]
    # By the rules that match: many questions are answered by the same ones.
    _holders: dict[Hits, Holders] = field(default_factory=dict)

    def holders(self, hits: Hits) -> Holders:
        """Return everyone who is bound to the rules, with all sources."""
        found = self._holders.get(hits)
        if found is None:
            found = {}
            for grant in self.grants:
                sources = grant.sources(hits)
                for subject in grant.subjects:
                    found[subject] = found.get(subject, ()) + sources
            self._holders[hits] = found
        return found


@dataclass(frozen=True, slots=True, eq=False)
class BindingScope:
    """The bindings of one namespace, or those of the cluster."""

    by_rule_set: Mapping[RuleSet, RuleSetBindings] = field(default_factory=dict)
    by_subject: Mapping[Subject, tuple[Grant, ...]] = field(default_factory=dict)
    # Every role that some binding refers to, whether it exists or not.
    role_refs: frozenset[RoleKey] = frozenset()
    # Answers by question, kept for the cluster's scope only: it is asked for every namespace.
    answers: dict[RuleQuestion, Holders] = field(default_factory=dict)

    @classmethod
    def build(
        cls,
        bindings: Iterable[Binding],
        rules_of: Callable[[Binding], RuleSet | None],
        *,
        former: BindingScope | None = None,
    ) -> BindingScope:
        """Return the scope of these bindings.

        ``rules_of`` finds the rules of the role, None if there is no such role. What didn't
        change since the ``former`` scope is used again, with what it remembers.
        """
        known = former.grants() if former else {}
        by_rules: dict[RuleSet, list[Grant]] = {}
        by_subject: dict[Subject, list[Grant]] = {}
        # In an order of their own, not in that of the API's answers.
        for binding in sorted(bindings, key=_name):
            rules = rules_of(binding) or _NO_ROLE
            grant = known.get(binding.key)
            if grant is None or grant.binding is not binding or grant.rules is not rules:
                grant = Grant.of(binding, rules)
            by_rules.setdefault(rules, []).append(grant)
            for subject in grant.subjects:
                by_subject.setdefault(subject, []).append(grant)
        by_rule_set = {
            rules: RuleSetBindings(rules, tuple(grants)) for rules, grants in by_rules.items()
        }
        if former:
            for rules, bundle in former.by_rule_set.items():
                if rules in by_rule_set and by_rule_set[rules].grants == bundle.grants:
                    by_rule_set[rules] = bundle
        return cls(
            by_rule_set,
            {subject: tuple(grants) for subject, grants in by_subject.items()},
            frozenset(grant.binding.role for grants in by_rules.values() for grant in grants),
        )

    def grants(self) -> dict[BindingKey, Grant]:
        """Return every binding in effect."""
        return {
            grant.binding.key: grant
            for bundle in self.by_rule_set.values()
            for grant in bundle.grants
        }

    def dangling(self) -> tuple[BindingKey, ...]:
        """Return the bindings whose role doesn't exist."""
        bundle = self.by_rule_set.get(_NO_ROLE)
        return tuple(grant.binding.key for grant in bundle.grants) if bundle else ()

    def holders(self, matches: Matches) -> Holders:
        """Return every subject that a matching rule is bound to, with all its sources."""
        matching = [rules for rules in self.by_rule_set if rules in matches]
        return union([self.by_rule_set[rules].holders(matches[rules]) for rules in matching])

    def sources(self, subjects: Iterable[Subject], matches: Matches) -> set[Source]:
        """Return the sources of a request that comes as all of these subjects at once."""
        return {
            source
            for subject in subjects
            for grant in self.by_subject.get(subject, ())
            for source in grant.sources(matches.get(grant.rules, ()))
        }


def rules_by_binding(rule_sets: Mapping[RoleKey, RuleSet]) -> Callable[[Binding], RuleSet | None]:
    """Return how bindings find their role: a Role only in their own namespace."""

    def rules_of(binding: Binding) -> RuleSet | None:
        in_reach = binding.role.namespace in ("", binding.key.namespace)
        return rule_sets.get(binding.role) if in_reach else None

    return rules_of


def effect(binding: Binding | None) -> tuple[RoleKey, tuple[Subject, ...], str] | None:
    """Return what of a binding the answers depend on: whom, what, and which chart it is said from.

    The last decides whether rights are exempt.
    """
    return None if binding is None else (binding.role, binding.subjects, chart_of(binding.labels))


class ChainedHolders(Mapping[Subject, tuple[Source, ...]]):
    """The holders by two scopes, without a copy of the many that hold it in every namespace."""

    __slots__ = ("_everywhere", "_here")

    def __init__(
        self,
        everywhere: Mapping[Subject, tuple[Source, ...]],
        here: Mapping[Subject, tuple[Source, ...]],
    ) -> None:
        self._everywhere = everywhere
        self._here = here

    def __getitem__(self, subject: Subject) -> tuple[Source, ...]:
        sources = self._everywhere.get(subject, ()) + self._here.get(subject, ())
        if not sources:
            raise KeyError(subject)
        return sources

    def __iter__(self) -> Iterator[Subject]:
        yield from self._everywhere
        yield from (subject for subject in self._here if subject not in self._everywhere)

    def __len__(self) -> int:
        return len(self._everywhere) + sum(1 for s in self._here if s not in self._everywhere)

    def __repr__(self) -> str:
        return repr(dict(self))


def union(parts: Sequence[Holders]) -> Holders:
    """Return the holders of all parts, with the sources of all, in order; no part is changed."""
    if len(parts) == 1:
        return parts[0]
    # To update a dictionary with another takes over its hashes, which makes it many times faster
    # than a loop; and in a namespace, as a rule, nobody is in two parts.
    merged: Holders = {}
    for part in parts:
        merged |= part
    if len(merged) == sum(map(len, parts)):
        return merged
    merged = {}
    for part in parts:
        for subject, sources in part.items():
            others = merged.get(subject)
            merged[subject] = tuple(sorted(others + sources)) if others else sources
    return merged


def _name(binding: Binding) -> str:
    return binding.key.name
