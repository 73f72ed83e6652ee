"""What subjects can come by indirectly, as far as it is somebody else's.

The search is in ``rbac.routes``; here it is given a model's questions as bits, once for the
cluster (rights by ClusterRoleBindings) and once for each hub (rights by its RoleBindings).
"""

from __future__ import annotations

from collections.abc import Mapping

from responsibility.ownership.agreement import Terms
from responsibility.ownership.by_route import NO_GAINS, Gains
from responsibility.ownership.holdings import Holdings
from responsibility.ownership.questions import Names, QuestionSet, bits, mask_of
from responsibility.ownership.snapshot import Snapshot
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.objects import Rule, Subject
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


class RouteMemory:
    """What subjects can come by indirectly in one cluster, found once while nothing changes.

    A route may lead through any namespace, so a change of any role or binding begins anew.
    """

    def __init__(self) -> None:
        self._graph = AccessGraph.build()
        self._accounts: frozenset[tuple[str, str]] | None = None
        self._paths: Paths | None = None
        self._wanted = False
        self._known: dict[tuple[str, Names], tuple[Terms, Gains]] = {}

    def begin(self, snapshot: Snapshot) -> None:
        """Begin a pass over a snapshot."""
        self._wanted = snapshot.routes
        if snapshot.graph is self._graph and snapshot.accounts == self._accounts:
            return
        self._graph, self._accounts = snapshot.graph, snapshot.accounts
        # Made when it is asked for: that alone costs as much as a pass after a small change.
        self._paths = None
        self._known = {}

    def of(self, terms: Terms, holdings: Holdings, names: Names) -> Gains:
        """Return what subjects can come by on a hub; cluster-wide for names of no hub.

        ``holdings`` are the direct ones there. Nothing where a snapshot is not to be searched.
        """
        if not self._wanted:
            return NO_GAINS
        key = (terms.name, names)
        known = self._known.get(key)
        if known is None or known[0] is not terms:
            questions = terms.questions
            if self._paths is None:
                self._paths = Paths(self._graph, self._accounts)
            found = indirect(
                holdings,
                self._paths,
                questions,
                namespace=names.namespace,
                names=names,
                scope=questions.hub_mask & terms.reserved if names.namespace else questions.all,
            )
            known = self._known[key] = (terms, found)
        return known[1]
