"""What subjects can come by indirectly, as far as it is somebody else's.

The search is in ``rbac.routes``; here it is given a model's questions as bits, once for the
cluster (rights by ClusterRoleBindings) and once for each hub (rights by its RoleBindings).
"""

from __future__ import annotations

from collections.abc import Mapping

from responsibility.ownership.holdings import Holdings
from responsibility.ownership.questions import Names, QuestionSet, bits, mask_of
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
    """Return the bits that a step passes on; constrained impersonation passes not all of them."""
    if not step.mode:
        return mask
    return mask_of(
        bit
        for bit in bits(mask)
        if step_passes(step, questions.atoms[bit].attributes(names), graph)
    )
