"""Rules that allow a request, found without looking at each.

Thousands of roles are asked the same few hundred questions, again and again: for every
namespace, and after every change. So rules are found by (verb, group, resource), and what was
found is remembered. The index knows nothing of bindings. That a rule is in it doesn't mean that
anyone holds it, so rules of roles that are gone may stay until the index is built anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Final, NamedTuple, TypeVar

from responsibility.rbac.objects import Attributes, Rule
from responsibility.rbac.rules import (
    ALL,
    combined_resource,
    name_admits,
    rule_allows,
)

_K = TypeVar("_K")
_V = TypeVar("_V")

# Questions remembered at a time. The operator has some hundreds; people may ask anything.
_MOST_ANSWERS: Final = 8_192


@dataclass(frozen=True, slots=True)
class IndexLimits:
    """The bounds of what an index may cost.

    A rule is entered under each combination of its verbs, groups and resources. Someone could
    write a role of less than a megabyte with billions of them. A role gets ``entries``; those of
    its rules that find no room are looked at for each question instead.

    Rule sets that came after the index was built are looked at one by one; with more than so many
    ``latecomers`` it is built anew, which also lets go of those that are gone. ``answers`` are the
    questions remembered at a time.
    """

    entries: int = 10_000
    latecomers: int = 64
    answers: int = _MOST_ANSWERS


_LIMITS: Final = IndexLimits()


class RuleSet:
    """The rules of one or more roles; equal ones are one object, compared by identity.

    Every hub of a chart version has the same Roles, so a cluster has far fewer rule sets than
    roles, and hashing one is hashing an address.
    """

    __slots__ = ("rules",)

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self.rules = rules


# The numbers of the rules of a set that allow a request, ascending.
Hits = tuple[int, ...]
Matches = Mapping[RuleSet, Hits]


class RuleQuestion(NamedTuple):
    """What of a request the rules can tell apart; the namespace is not among it.

    ``name`` is None for every name that no rule mentions: those all get the same answer.
    """

    verb: str
    group: str
    resource: str
    subresource: str
    name: str | None
    path: str
    any_name: bool


class _Reference(NamedTuple):
    """One rule in the index."""

    rules: RuleSet
    hit: Hits
    rule: Rule


class _Table:
    """The rules by what they allow: built once, then only read (and its answers remembered)."""

    def __init__(self, rule_sets: Iterable[RuleSet], limits: IndexLimits) -> None:
        self._most_answers = limits.answers
        self._by_key: defaultdict[tuple[str, str, str], list[_Reference]] = defaultdict(list)
        self._with_urls: list[_Reference] = []
        self._wide: list[_Reference] = []
        self._answers: dict[RuleQuestion, Matches] = {}
        for rules in rule_sets:
            room = limits.entries
            for number, rule in enumerate(rules.rules):
                width = len(rule.verbs) * len(rule.api_groups) * len(rule.resources)
                self._enter(_Reference(rules, (number,), rule), wide=width > room)
                room -= min(width, room)

    def _enter(self, reference: _Reference, *, wide: bool) -> None:
        rule = reference.rule
        if rule.non_resource_urls:
            self._with_urls.append(reference)
        if wide:
            self._wide.append(reference)
            return
        # Lists with repetitions are valid; each combination is entered once.
        for key in dict.fromkeys(product(rule.verbs, rule.api_groups, rule.resources)):
            self._by_key[key].append(reference)

    def answer(self, question: RuleQuestion, attributes: Attributes) -> Matches:
        answer = self._answers.get(question)
        if answer is None:
            found: dict[RuleSet, Hits] = {}
            for rules, hit, _ in self._allowing(attributes, any_name=question.any_name):
                hits = found.setdefault(rules, hit)
                # A rule is met again where it is entered under several of the keys.
                if hits is not hit and hit[0] not in hits:
                    found[rules] = tuple(sorted(hits + hit))
            answer = found
            remember(self._answers, question, answer, most=self._most_answers)
        return answer

    def _allowing(self, attributes: Attributes, *, any_name: bool) -> Iterator[_Reference]:
        for key in () if attributes.path else _keys(attributes):
            for reference in self._by_key.get(key, ()):
                rule = reference.rule
                if not rule.resource_names or name_admits(rule, attributes, any_name=any_name):
                    yield reference
        for reference in self._with_urls if attributes.path else self._wide:
            if rule_allows(reference.rule, attributes, any_name=any_name):
                yield reference


def _keys(attributes: Attributes) -> Iterable[tuple[str, str, str]]:
    """Return every key under which a rule that allows the request may have been entered."""
    resources = [ALL, combined_resource(attributes.resource, attributes.subresource)]
    if attributes.subresource:
        resources.append(f"{ALL}/{attributes.subresource}")
    return product({ALL, attributes.verb}, {ALL, attributes.group}, set(resources))


@dataclass(frozen=True, slots=True, eq=False)
class RuleIndex:
    """The rule sets of all roles, and which of their rules allow which requests.

    It never changes: `including` returns another one, which shares the table. What is
    remembered is a function of what the index was built from, so sharing that is safe, too.
    """

    _sets: Mapping[tuple[Rule, ...], RuleSet]
    _names: frozenset[str]
    _table: _Table
    limits: IndexLimits
    _latecomers: tuple[RuleSet, ...] = ()
    _answers: dict[RuleQuestion, Matches] = field(default_factory=dict)

    @classmethod
    def build(
        cls, contents: Iterable[tuple[Rule, ...]], *, limits: IndexLimits = _LIMITS
    ) -> RuleIndex:
        """Return an index of these rules."""
        return cls._of({rules: RuleSet(rules) for rules in dict.fromkeys(contents)}, limits)

    def including(self, contents: Iterable[tuple[Rule, ...]]) -> RuleIndex | None:
        """Return an index that has these rules too; None when it is time to `rebuild`."""
        new = {rules: RuleSet(rules) for rules in contents if rules not in self._sets}
        if not new:
            return self
        if len(self._latecomers) + len(new) > self.limits.latecomers:
            return None
        return RuleIndex(
            {**self._sets, **new},
            self._names | _names(new),
            self._table,
            self.limits,
            (*self._latecomers, *new.values()),
        )

    def rebuild(self, contents: Iterable[tuple[Rule, ...]]) -> RuleIndex:
        """Return a new index of these rules only, with the same objects for the same rules."""
        sets = {rules: self._sets.get(rules) or RuleSet(rules) for rules in contents}
        return self._of(sets, self.limits)

    @classmethod
    def _of(cls, sets: dict[tuple[Rule, ...], RuleSet], limits: IndexLimits) -> RuleIndex:
        return cls(sets, _names(sets), _Table(sets.values(), limits), limits)

    def rule_set(self, rules: tuple[Rule, ...]) -> RuleSet:
        """Return the one object for these rules, which the index must have."""
        return self._sets[rules]

    def question(self, attributes: Attributes, *, any_name: bool) -> RuleQuestion:
        """Return the key under which answers to the request are remembered."""
        name = attributes.name
        return RuleQuestion(
            attributes.verb,
            attributes.group,
            attributes.resource,
            attributes.subresource,
            name if name in self._names else None,
            attributes.path,
            any_name and not name,
        )

    def matches(self, question: RuleQuestion, attributes: Attributes) -> Matches:
        """Return, for each rule set that allows the request, the rules that do.

        ``question`` must be this index's own for ``attributes``.
        """
        answer = self._answers.get(question)
        if answer is None:
            answer = self._table.answer(question, attributes)
            if self._latecomers:
                answer = {**answer, **self._ask_latecomers(question, attributes)}
            remember(self._answers, question, answer, most=self.limits.answers)
        return answer

    def _ask_latecomers(self, question: RuleQuestion, attributes: Attributes) -> Matches:
        found = {
            rules: tuple(
                number
                for number, rule in enumerate(rules.rules)
                if rule_allows(rule, attributes, any_name=question.any_name)
            )
            for rules in self._latecomers
        }
        return {rules: hits for rules, hits in found.items() if hits}


def remember(answers: dict[_K, _V], key: _K, value: _V, *, most: int = _MOST_ANSWERS) -> None:
    """Keep the answer; forget all others when there are as many as there may be."""
    if len(answers) >= most:
        answers.clear()
    answers[key] = value


def _names(contents: Iterable[tuple[Rule, ...]]) -> frozenset[str]:
    return frozenset(name for rules in contents for rule in rules for name in rule.resource_names)
