"""Outcomes of searches for changes, and what two of them come to, one after the other.

The second starts from the cluster as the first leaves it, so where both are about one object, what
it is like before is said by the first, and what it is like then by the second.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from responsibility.ownership.results.findings import Finding
from responsibility.plans.change import CREATES, Action, Obstacle, PlannedChange
from responsibility.plans.protect import REASONS
from responsibility.plans.search.new_grants import beside
from responsibility.rbac.objects import BindingKey


@dataclass(frozen=True, slots=True)
class SearchOutcome:
    """Changes in order, the findings that they end, and what stands in the way of others."""

    changes: tuple[PlannedChange, ...]
    ended: tuple[Finding, ...]
    obstacles: tuple[Obstacle, ...]

    def is_final(self, left: Iterable[Finding]) -> bool:
        """Return whether all that is left stays whatever else has ended.

        A way of several steps may be gone, and the next one can be cut.
        """
        final = {
            _name(obstacle.finding)
            for obstacle in self.obstacles
            if not obstacle.finding.route and not REASONS[obstacle.reason].provisional
        }
        return all(_name(finding) in final for finding in left)

    def then(self, more: SearchOutcome) -> SearchOutcome:
        """Return what it comes to with what was found from where this one leads."""
        known = {_name(obstacle.finding): obstacle.finding for obstacle in self.obstacles}
        ended = {_name(finding): finding for finding in self.ended}
        for finding in more.ended:
            # As the cluster has it before any change.
            ended.setdefault(_name(finding), known.get(_name(finding), finding))
        still = {_name(obstacle.finding): obstacle for obstacle in more.obstacles}
        old = [o for o in self.obstacles if _name(o.finding) in still]
        new = [obstacle for name, obstacle in still.items() if name not in known]
        return SearchOutcome(
            tuple(_net(self.changes, more.changes)), tuple(ended.values()), (*old, *new)
        )


def _name(finding: Finding) -> tuple[str, bool]:
    """Return what a right is known by: it may end though a way to it stays."""
    return finding.id, bool(finding.route)


def _net(first: Iterable[PlannedChange], second: Iterable[PlannedChange]) -> list[PlannedChange]:
    """Return the changes that do in one go what both do one after the other, in order."""
    found = {change.key: change for change in first}
    for change in second:
        former = found.pop(change.key, None)
        if former is None:
            found[change.key] = change
        elif former.action is Action.DELETE_BINDING and isinstance(change.key, BindingKey):
            # What is made comes first when a plan is applied, and the name is not free by then.
            found[former.key] = former
            renamed = replace(change, key=beside(change.key, former.uid))
            found[renamed.key] = renamed
        else:
            both = _both(former, change)
            if both is not None:
                found[both.key] = both
    bound = {change.role for change in found.values() if change.action is Action.CREATE_BINDING}
    left = (
        change
        for change in found.values()
        if change.action is not Action.CREATE_ROLE or change.key in bound
    )
    return sorted(left, key=lambda change: change.sort_key)


def _both(first: PlannedChange, second: PlannedChange) -> PlannedChange | None:
    """Return what becomes of one object; None where it comes and goes."""
    if first.action is Action.CREATE_BINDING and second.action is Action.DELETE_BINDING:
        return None
    made = first.action in CREATES
    return replace(
        first,
        action=first.action if made else second.action,
        after=second.after,
        rules_after=second.rules_after,
        ends=() if made else tuple(sorted({*first.ends, *second.ends})),
    )
