"""What subjects can come by indirectly, as far as it is somebody else's.

The search is in ``rbac.routes``; here it is given a model's questions as bits, once for the
cluster (rights by ClusterRoleBindings) and once for each hub (rights by its RoleBindings).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from responsibility.ownership.agreement import Terms
from responsibility.ownership.by_route import Gains
from responsibility.ownership.holdings import Holdings
from responsibility.ownership.questions import Names, QuestionSet, bits, mask_of
from responsibility.ownership.snapshot import Snapshot
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.objects import SERVICE_ACCOUNT, Rule, Subject
from responsibility.rbac.routes.paths import Paths, step_passes
from responsibility.rbac.routes.powers import EVERYTHING
from responsibility.rbac.routes.search import Gain, gains
from responsibility.rbac.routes.steps import Step


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
    # In an order of their own, so that of equally short routes the same is always found.
    direct = {
        subject: mask
        for subject in sorted(holdings)
        if (mask := holdings[subject].mask(questions, names) & scope)
    }
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
    """Return the bits that a step passes on; constrained impersonation passes not all of them."""
    if not step.mode:
        return mask
    return mask_of(
        bit
        for bit in bits(mask)
        if step_passes(step, questions.atoms[bit].attributes(names), graph)
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """A result, and all that it was found on the way to: it holds while that stays the same."""

    terms: Terms
    holdings: Holdings
    looked_at: Mapping[str, tuple[object, ...]]
    existing: Mapping[Subject, bool]
    gains: Gains

    def still_holds(self, terms: Terms, holdings: Holdings, world: _World) -> bool:
        """Return whether it would be found again."""
        return (
            self.terms is terms
            and self.holdings is holdings
            and all(
                len(parts) == len(now) and all(a is b for a, b in zip(parts, now, strict=True))
                for namespace, parts in self.looked_at.items()
                for now in (world.parts(namespace),)
            )
            and all(world.exists(account) is there for account, there in self.existing.items())
        )


@dataclass(frozen=True, slots=True)
class _World:
    """What routes run through: one graph, and the ServiceAccounts there are."""

    graph: AccessGraph
    accounts: frozenset[tuple[str, str]] | None

    def parts(self, namespace: str) -> tuple[object, ...]:
        """Return what routes through a namespace depend on, to be compared by identity."""
        graph = self.graph
        return (
            graph.scope(namespace),
            graph.roles.parts.get(namespace),
            graph.bindings.parts.get(namespace),
        )

    def exists(self, account: Subject) -> bool:
        """Return whether a ServiceAccount exists, as far as is known."""
        return self.accounts is None or (account.namespace, account.name) in self.accounts


class RouteMemory:
    """What subjects can come by indirectly, looked for again only where a way has changed."""

    def __init__(self) -> None:
        self._old: dict[tuple[str, str], _Known] = {}
        self._new: dict[tuple[str, str], _Known] = {}
        self._world = _World(AccessGraph.build(), None)
        self._paths = Paths(self._world.graph)

    def begin(self, snapshot: Snapshot) -> None:
        """Begin a pass over a snapshot; what it does not ask for is forgotten."""
        self._old, self._new = self._new, {}
        self._world = _World(snapshot.graph, snapshot.accounts)
        self._paths = Paths(snapshot.graph, snapshot.accounts, former=self._paths)

    def of(self, terms: Terms, holdings: Holdings, names: Names) -> Gains:
        """Return what subjects can come by on a hub; cluster-wide for names of no hub.

        ``holdings`` are the direct ones there.
        """
        namespace = names.namespace
        key = (terms.name, str(names))
        known = self._new.get(key) or self._old.get(key)
        if known is None or not known.still_holds(terms, holdings, self._world):
            questions = terms.questions
            scope = questions.hub_mask & terms.reserved if namespace else questions.all
            found = indirect(
                holdings,
                self._paths,
                questions,
                namespace=namespace,
                names=names,
                scope=scope,
            )
            met = {*holdings, *found}
            places = {"", namespace, *(subject.namespace for subject in met)}
            known = _Known(
                terms,
                holdings,
                {place: self._world.parts(place) for place in places},
                {s: self._world.exists(s) for s in met if s.kind == SERVICE_ACCOUNT},
                found,
            )
        self._new[key] = known
        return known.gains
