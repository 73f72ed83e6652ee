"""What subjects can come by indirectly, as far as it is somebody else's.

The search is in ``rbac.routes``; here it is given a model's questions as bits, once for the
cluster (rights by ClusterRoleBindings) and once for each hub (rights by its RoleBindings).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from responsibility.ownership.holdings import Holdings
from responsibility.ownership.questions import Names, QuestionSet, bits
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.identity import implied_groups
from responsibility.rbac.objects import GROUP, Attributes, Rule, Subject
from responsibility.rbac.routes.entrances import Entrances
from responsibility.rbac.routes.powers import EVERYTHING, Power, powers
from responsibility.rbac.routes.search import Gain, gains
from responsibility.rbac.routes.steps import Route, Step


@dataclass(slots=True)
class Paths:
    """The edges of one access graph, each looked up once.

    ``accounts`` are the ServiceAccounts that exist, None where that is not known.
    """

    graph: AccessGraph
    accounts: frozenset[tuple[str, str]] | None = None
    _entrances: Entrances = field(init=False)
    _into: dict[Subject, tuple[Route, ...]] = field(init=False, default_factory=dict)
    _powers: dict[str, tuple[Power, ...]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Make the finder of entrances."""
        self._entrances = Entrances(self.graph, self.accounts)

    def powers(self, namespace: str) -> tuple[Power, ...]:
        """Return who can give itself what in a namespace, or cluster-wide for ``""``."""
        if namespace not in self._powers:
            self._powers[namespace] = tuple(powers(self.graph, namespace))
        return self._powers[namespace]

    def into(self, target: Subject) -> tuple[Route, ...]:
        """Return the shortest way of each subject into ``target``.

        Who can give itself everything in the namespace of a ServiceAccount can act as it too.
        """
        if target not in self._into:
            best: dict[tuple[Subject, str], Route] = {}
            for step in self._entrances.into(target):
                best.setdefault((step.actor, step.mode), (step,))
            if target.namespace:
                for power in (*self.powers(target.namespace), *self.powers("")):
                    actor = power.step.actor
                    if (actor, "") not in best and actor != target and _opens(power.rules):
                        onward = Step(
                            "workload",
                            actor,
                            f"create pods that run as {target}",
                            power.step.sources,
                            target,
                            target.namespace,
                        )
                        best[actor, ""] = (power.step, onward)
            self._into[target] = tuple(best.values())
        return self._into[target]


def _opens(rules: Iterable[Rule]) -> bool:
    """Return whether rules include creating pods, and with it acting as any account there."""
    return any(
        not rule.resource_names
        and not {"create", "*"}.isdisjoint(rule.verbs)
        and not {"", "*"}.isdisjoint(rule.api_groups)
        and not {"pods", "*"}.isdisjoint(rule.resources)
        for rule in rules
    )


def indirect(
    holdings: Holdings,
    paths: Paths,
    questions: QuestionSet,
    *,
    namespace: str,
    names: Names,
    scope: int,
) -> Mapping[Subject, list[Gain]]:
    """Return what subjects can come by in a namespace (cluster-wide for ``""``).

    ``holdings`` are the direct ones there, ``scope`` the questions that count.
    """
    direct = {s: mask for s, h in holdings.items() if (mask := h.mask(questions, names) & scope)}
    given = [
        (power.step, mask)
        for power in paths.powers(namespace)
        if (mask := _mask(power.rules, questions, names) & scope)
    ]
    return gains(
        direct,
        given,
        paths.into,
        constrain=lambda step, mask: _constrained(step, mask, paths.graph, questions, names),
    )


def _mask(rules: tuple[Rule, ...], questions: QuestionSet, names: Names) -> int:
    if rules == EVERYTHING:
        return questions.all
    reach = questions.reach_of(rules)
    mask = reach.full
    for partial in reach.symbolic:
        if names.fill(questions.atoms[partial.bit].name) in partial.names:
            mask |= 1 << partial.bit
    return mask


def _constrained(
    step: Step, mask: int, graph: AccessGraph, questions: QuestionSet, names: Names
) -> int:
    """Return the bits that constrained impersonation passes on: those allowed one by one."""
    if not step.mode:
        return mask
    selves = (step.actor, *(Subject(GROUP, g) for g in implied_groups(step.actor)))
    passed = 0
    for bit in bits(mask):
        asked = questions.atoms[bit].attributes(names)
        question = Attributes(
            f"impersonate-on:{step.mode}:{asked.verb}",
            asked.group,
            asked.resource,
            asked.subresource,
            asked.name,
            asked.namespace,
        )
        holders = graph.holders(question)
        if any(self in holders for self in selves):
            passed |= 1 << bit
    return passed


def first_by_item(found: Iterable[Gain], wanted: int) -> Iterator[tuple[int, Route]]:
    """Yield the parts of ``wanted`` that gains bring, shortest route first."""
    for gain in found:
        part = gain.mask & wanted
        if part:
            yield part, gain.route
