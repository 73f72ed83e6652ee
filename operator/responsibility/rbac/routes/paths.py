"""All edges of one access graph, and the routes to one permission over them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.identity import implied_groups
from responsibility.rbac.objects import GROUP, Attributes, Rule, Subject
from responsibility.rbac.routes.entrances import Entrances
from responsibility.rbac.routes.powers import Power, powers
from responsibility.rbac.routes.search import gains
from responsibility.rbac.routes.steps import Route, Step
from responsibility.rbac.routes.ways import WORKLOAD
from responsibility.rbac.rules import rule_allows


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
                            WORKLOAD,
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


def step_passes(step: Step, attributes: Attributes, graph: AccessGraph) -> bool:
    """Return whether a step hands on one permission of its target.

    All do but constrained impersonation, which asks for ``impersonate-on:<mode>:<verb>`` on the
    very thing that is done (``constrainedImpersonationModeState.check``).
    """
    if not step.mode:
        return True
    asked = replace(attributes, verb=f"impersonate-on:{step.mode}:{attributes.verb}")
    holders = graph.holders(asked)
    return any(self in holders for self in _selves(step.actor))


def _selves(actor: Subject) -> tuple[Subject, ...]:
    return (actor, *(Subject(GROUP, group) for group in implied_groups(actor)))


def routes_to(paths: Paths, attributes: Attributes) -> dict[Subject, Route]:
    """Return everybody who can come by a permission, with a shortest route.

    The route of who holds it directly is empty.
    """
    graph = paths.graph
    direct = dict.fromkeys(graph.holders(attributes), 1)
    scopes = {"", attributes.namespace}
    given = [
        (power.step, 1)
        for namespace in sorted(scopes)
        for power in paths.powers(namespace)
        if any(rule_allows(rule, attributes) for rule in power.rules)
    ]
    found = gains(
        direct,
        given,
        paths.into,
        constrain=lambda step, mask: mask if step_passes(step, attributes, graph) else 0,
    )
    routes: dict[Subject, Route] = dict.fromkeys(direct, ())
    for subject, parts in found.items():
        routes.setdefault(subject, parts[0].route)
    return routes
