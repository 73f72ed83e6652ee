"""Findings that remain after a set of changes, assessed on no more of the cluster than it takes.

For one hub, that is its own record, and those that speak of the subjects in question. All that
is found with all records is found there; and ways to the hub, too, that the whole leaves untold
where it has a finding of the same subject and item, on hubs where the right is direct.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from responsibility.ownership.assess import Assessor
from responsibility.ownership.results.findings import Finding
from responsibility.plans.aim import Aim
from responsibility.plans.change import PlannedChange
from responsibility.plans.context import PlanContext
from responsibility.plans.search.subcluster import Subcluster
from responsibility.plans.simulate import Simulation
from responsibility.rbac.objects import Subject

# With more subjects than that, a part of the cluster is no quicker than all of it.
_MOST_SUBJECTS = 100


@dataclass(slots=True)
class RemainingFindings:
    """Tells what is left of an aim."""

    context: PlanContext
    aim: Aim
    assessor: Assessor
    _simulation: Simulation = field(init=False)
    _subcluster: Subcluster = field(init=False)

    def __post_init__(self) -> None:
        """Begin with the cluster as it is."""
        self._simulation = Simulation(self.context.graph)
        # Whoever has lent it, has it know the cluster as it is.
        self.assessor = self.assessor.fork()
        self._subcluster = Subcluster(self.context, self.assessor.fork(), self.aim.record)

    def in_cluster(
        self, changes: Sequence[PlannedChange], known: Collection[Finding]
    ) -> list[Finding]:
        """Return what is left after changes, once the ``known`` findings have been worked on."""
        whole = (
            self._subcluster.snapshot(_subjects(known))
            if self.aim.record
            else self.context.snapshot
        )
        graph = self._simulation.after(changes)
        return self.aim.further(self.assessor.assess(replace(whole, graph=graph)), known)

    def in_subcluster(
        self,
        changes: Sequence[PlannedChange],
        known: Collection[Finding],
        subjects: Iterable[Subject] = (),
    ) -> list[Finding]:
        """Return some of what is left: of those subjects, or else of all that are known of.

        Quick; if it finds nothing, there may be something all the same.
        """
        about = set(subjects) or _subjects(known)
        if not about or len(about) > _MOST_SUBJECTS:
            return []
        after = self._simulation.after(changes)
        assessment = self._subcluster.assess(after, changes, sorted(about))
        left = [f for f in self.aim.further(assessment, known) if f.subject in about]
        if not self.aim.record:
            return left
        # What a part tells of the hub, the whole may tell of the cluster, by a way through other
        # hubs; of one hub, that counts only where it was known of.
        pairs = {(finding.subject, finding.item) for finding in known}
        return [f for f in left if (f.subject, f.item) in pairs]


def _subjects(findings: Iterable[Finding]) -> set[Subject]:
    return {finding.subject for finding in findings if finding.subject is not None}
