"""Leave out of a plan what it can do without: of what a route's step needs, not all has to go.

All combinations are tried up to `_EXACT_PAIRS`; beyond that, each is left out if the plan does
without.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import combinations

from responsibility.ownership.plans.basis import Pair
from responsibility.ownership.plans.build import Builder
from responsibility.ownership.plans.change import Change
from responsibility.ownership.plans.judge import Judge
from responsibility.ownership.plans.targets import Targets
from responsibility.rbac.objects import Subject

_EXACT_PAIRS = 6
# Each is an assessment with routes; beyond so many, what could be left out is not looked for.
_MOST_TRIED = 64

# Is told how much is done by now, from 0 to 1.
Told = Callable[[float], None]


@dataclass(slots=True)
class Sparing:
    """Tries plans with less in them."""

    targets: Targets
    builder: Builder
    judge: Judge
    told: Told

    def spare(self, changes: list[Change]) -> list[Change]:
        """Return the smallest plan that was found, or the same."""
        active = self.targets.active()
        direct = {pair for wanted in active for pair in wanted.direct}
        loose = sorted({pair for wanted in active for pair in wanted.routes} - direct)
        if not loose or len(loose) > _MOST_TRIED:
            return changes
        if len(loose) <= _EXACT_PAIRS:
            # From the largest set to leave out to the smallest.
            for count in range(len(loose), 0, -1):
                self.told(1 - count / len(loose))
                fitting = [
                    trial
                    for some in combinations(loose, count)
                    if (trial := self._without(frozenset(some), frozenset(some))) is not None
                ]
                if fitting:
                    return min(fitting, key=lambda c: (len(c), [x.place for x in c]))
            return changes
        out: frozenset[Pair] = frozenset()
        for number, pair in enumerate(loose):
            self.told(number / len(loose))
            trial = self._without(out | {pair}, frozenset({pair}))
            if trial is not None:
                out, changes = out | {pair}, trial
        return changes

    def _without(self, out: frozenset[Pair], new: frozenset[Pair]) -> list[Change] | None:
        """Return the plan that leaves some out, if it does; ``new`` are those not tried before."""
        targets = self.targets
        changes = self.builder.changes(targets.active(), left_out=out)
        known = targets.known()
        concerned, given_up = self._concerned(new), targets.obstacles.keys()
        for look in (partial(self.judge.surely_left, subjects=concerned), self.judge.left):
            if not {targets.key(finding) for finding in look(changes, known)} <= given_up:
                return None
        return changes

    def _concerned(self, pairs: frozenset[Pair]) -> set[Subject]:
        """Return whose routes begin with these."""
        return {
            wanted.finding.subject
            for wanted in self.targets.active()
            if wanted.finding.subject is not None and wanted.routes & pairs
        }
