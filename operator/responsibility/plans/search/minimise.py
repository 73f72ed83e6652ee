"""Minimising: a plan without what it can do without. Of what a step requires, not all has to go.

Most of it is needed, which is seen at once, of many together: what lets a subject go on by itself
can't be left out, be it with others or alone, since RBAC only adds. Of the rest all combinations
are tried, or beyond `_EXACT_PAIRS`, each is left out if the plan does without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

from responsibility.ownership.results.findings import Finding
from responsibility.plans.change import Action, PlannedChange
from responsibility.plans.context import Pair
from responsibility.plans.search.build import ChangeBuilder
from responsibility.plans.search.remaining import RemainingFindings
from responsibility.plans.search.targets import Targets
from responsibility.rbac.identity import is_joinable
from responsibility.rbac.objects import GROUP, USER, RoleKey, Subject

_EXACT_PAIRS = 6
# Each is an assessment with routes; beyond so many, what could be left out is not looked for.
_MOST_TRIED = 64

# Is told how much is done by now, from 0 to 1.
Progress = Callable[[float], None]
# Says of pairs, by changes, without which of them a right stays.
FindNeeded = Callable[["Minimiser", Sequence[Pair], Sequence[PlannedChange]], set[Pair]]
# Pairs that are tried together, and whose routes begin with each.
_Batch = Mapping[Pair, set[Subject]]


@dataclass(slots=True)
class Minimiser:
    """Tries plans with less in them, but for what is needed: that ``find_needed`` says."""

    targets: Targets
    builder: ChangeBuilder
    remaining: RemainingFindings
    progress: Progress
    find_needed: FindNeeded

    def minimised(self, changes: list[PlannedChange]) -> list[PlannedChange]:
        """Return the smallest plan that was found, or the same."""
        active = self.targets.active()
        direct = {pair for wanted in active for pair in wanted.direct}
        loose = sorted({pair for wanted in active for pair in wanted.routes} - direct)
        if not loose or len(loose) > _MOST_TRIED:
            return changes
        needed = self.find_needed(self, loose, changes)
        doubtful = [pair for pair in loose if pair not in needed]
        if len(loose) <= _EXACT_PAIRS:
            # From the largest set to leave out to the smallest.
            for count in range(len(doubtful), 0, -1):
                self.progress(1 - count / len(loose))
                fitting = [
                    trial
                    for some in combinations(doubtful, count)
                    if (trial := self.without(frozenset(some), frozenset(some))) is not None
                ]
                if fitting:
                    return min(fitting, key=lambda c: (len(c), [x.sort_key for x in c]))
            return changes
        out: frozenset[Pair] = frozenset()
        for number, pair in enumerate(doubtful):
            self.progress(number / len(doubtful))
            trial = self.without(out | {pair}, frozenset({pair}))
            if trial is not None:
                out, changes = out | {pair}, trial
        return changes

    def without(self, out: frozenset[Pair], new: frozenset[Pair]) -> list[PlannedChange] | None:
        """Return the plan without some pairs, None if findings stay; ``new`` are not tried yet."""
        targets = self.targets
        changes = self.builder.changes(targets.active(), left_out=out)
        known = targets.known()
        concerned = {who for pair in new for who in self._concerned(pair)}
        given_up = targets.obstacles.keys()
        for look in (
            partial(self.remaining.in_subcluster, subjects=concerned),
            self.remaining.in_cluster,
        ):
            if not {targets.key(finding) for finding in look(changes, known)} <= given_up:
                return None
        return changes

    def _concerned(self, pair: Pair) -> set[Subject]:
        """Return whose routes begin with it."""
        return {
            wanted.finding.subject
            for wanted in self.targets.active()
            if wanted.finding.subject is not None and pair in wanted.routes
        }

    # --- what is needed in any case -------------------------------------------------------------

    def needed(self, loose: Sequence[Pair], changes: Sequence[PlannedChange]) -> set[Pair]:
        """Return those without which a right stays, whatever else goes; maybe not all of them."""
        narrowed = _narrowed(changes)
        needed: set[Pair] = set()
        batches = list(self.batches(loose))
        for number, batch in enumerate(batches):
            self.progress(number / len(batches) / 2)
            trial = self.builder.changes(self.targets.active(), left_out=frozenset(batch))
            # With other roles narrowed, it would be another question.
            if _narrowed(trial) == narrowed:
                needed |= self._stays(trial, batch)
        return needed

    def _stays(self, trial: Sequence[PlannedChange], batch: _Batch) -> set[Pair]:
        """Return the pairs that let a subject go on by itself."""
        targets = self.targets
        known, everybody = targets.known(), {who for some in batch.values() for who in some}
        found: dict[Subject, list[Finding]] = {}
        for finding in self.remaining.in_subcluster(trial, known, everybody):
            if finding.subject is not None and targets.key(finding) not in targets.obstacles:
                found.setdefault(finding.subject, []).append(finding)
        return {
            pair
            for pair, concerned in batch.items()
            if any(
                not _leads_through(finding, everybody - concerned)
                for who in concerned
                for finding in found.get(who, ())
            )
        }

    def batches(self, loose: Iterable[Pair]) -> Iterator[_Batch]:
        """Yield pairs that can be tried together: each is about somebody else.

        Nobody gets to be a user or a group by a workload or a token, which leaves impersonation;
        that is seen from the route. Pairs that are about others are not tried here.
        """
        rest = {pair: self._concerned(pair) for pair in loose}
        rest = {pair: who for pair, who in rest.items() if who and all(map(_is_a_person, who))}
        while rest:
            batch: dict[Pair, set[Subject]] = {}
            taken: set[Subject] = set()
            for pair, concerned in rest.items():
                if taken.isdisjoint({pair[1], *concerned}):
                    batch[pair] = concerned
                    taken |= {pair[1], *concerned}
            rest = {pair: who for pair, who in rest.items() if pair not in batch}
            yield batch


def _is_a_person(subject: Subject) -> bool:
    return subject.kind == USER or (subject.kind == GROUP and is_joinable(subject.name))


def _leads_through(finding: Finding, others: Iterable[Subject]) -> bool:
    """Return whether a route says that somebody of the others has a part in it."""
    parts = {who for step in finding.route for who in (step.actor, step.target)}
    return not parts.isdisjoint(others)


def _narrowed(changes: Iterable[PlannedChange]) -> set[RoleKey]:
    return {
        change.key
        for change in changes
        if change.action is Action.NARROW_ROLE and isinstance(change.key, RoleKey)
    }
