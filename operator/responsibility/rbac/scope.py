"""The bindings of one namespace, or of the cluster as a whole.

A RoleBinding grants in its own namespace, whatever role it binds; a ClusterRoleBinding grants
everywhere. So a request is decided by two scopes: the cluster's and its namespace's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from responsibility.rbac.identity import canonical, is_somebody
from responsibility.rbac.index import Hits, Matches, Question, RuleSet
from responsibility.rbac.objects import Binding, BindingKey, RoleKey, Source, Subject

# Stands for the rules of a role that doesn't exist: it is never among the matches.
_NO_ROLE = RuleSet(())

Holders = dict[Subject, tuple[Source, ...]]


class Grant:
    """A binding in effect: its role looked up, and its subjects in canonical form."""

    __slots__ = ("_sources", "binding", "rules", "subjects")

    def __init__(self, binding: Binding, rules: RuleSet) -> None:
        self.binding = binding
        self.rules = rules
        # A subject may be listed twice, and a ServiceAccount under its user name as well.
        self.subjects = tuple(
            dict.fromkeys(
                canonical(subject) for subject in binding.subjects if is_somebody(subject)
            )
        )
        self._sources: dict[Hits, tuple[Source, ...]] | None = None

    def sources(self, hits: Hits) -> tuple[Source, ...]:
        """Return these rules of the role as sources; made once, since most are never asked for."""
        if self._sources is None:
            self._sources = {}
        sources = self._sources.get(hits)
        if sources is None:
            binding, rules = self.binding, self.rules.rules
            sources = tuple(
                Source(binding.key, binding.role, number, rules[number].resource_names)
                for number in hits
            )
            self._sources[hits] = sources
        return sources


@dataclass(frozen=True, slots=True, eq=False)
class Scope:
    """The bindings of one namespace, or those of the cluster."""

    # In the order of the bindings' names, so that sources come in an order of their own and
    # not in that of the API's answers.
    grants: tuple[Grant, ...] = ()
    by_subject: Mapping[Subject, tuple[Grant, ...]] = field(default_factory=dict)
    # Every role that some binding refers to, whether it exists or not.
    role_refs: frozenset[RoleKey] = frozenset()
    # Answers by question, kept for the cluster's scope only: it is asked for every namespace.
    answers: dict[Question, Holders] = field(default_factory=dict)

    @classmethod
    def build(
        cls,
        bindings: Iterable[Binding],
        rules_of: Callable[[Binding], RuleSet | None],
        *,
        former: Iterable[Grant] = (),
    ) -> Scope:
        """Return the scope of these bindings.

        ``rules_of`` finds the rules of the role, None if there is no such role; ``former``
        grants are used again where nothing changed.
        """
        known = {grant.binding.key: grant for grant in former}
        grants: list[Grant] = []
        by_subject: dict[Subject, list[Grant]] = {}
        for binding in sorted(bindings, key=_name):
            rules = rules_of(binding) or _NO_ROLE
            grant = known.get(binding.key)
            if grant is None or grant.binding is not binding or grant.rules is not rules:
                grant = Grant(binding, rules)
            grants.append(grant)
            for subject in grant.subjects:
                by_subject.setdefault(subject, []).append(grant)
        return cls(
            tuple(grants),
            {subject: tuple(its) for subject, its in by_subject.items()},
            frozenset(grant.binding.role for grant in grants),
        )

    def dangling(self) -> tuple[BindingKey, ...]:
        """Return the bindings whose role doesn't exist."""
        return tuple(grant.binding.key for grant in self.grants if grant.rules is _NO_ROLE)

    def holders(self, matches: Matches) -> Holders:
        """Return every subject that a matching rule is bound to, with all its sources."""
        found: Holders = {}
        for grant in self.grants:
            hits = matches.get(grant.rules)
            if hits:
                sources = grant.sources(hits)
                for subject in grant.subjects:
                    others = found.get(subject)
                    found[subject] = others + sources if others else sources
        return found

    def sources(self, subjects: Iterable[Subject], matches: Matches) -> set[Source]:
        """Return the sources of a request that comes as all of these subjects at once."""
        return {
            source
            for subject in subjects
            for grant in self.by_subject.get(subject, ())
            for source in grant.sources(matches.get(grant.rules, ()))
        }


def _name(binding: Binding) -> str:
    return binding.key.name
