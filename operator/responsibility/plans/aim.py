"""The aim of a plan: which excess rights it is to end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from responsibility.ownership.results.assessment import Assessment
from responsibility.ownership.results.findings import Finding, worst_first
from responsibility.ownership.terms.entitlement import with_implied_groups
from responsibility.rbac.objects import Subject

EXCESS = "excess-access"


@dataclass(frozen=True, slots=True)
class Aim:
    """All excess rights, those of one hub's record, or those of the cluster as a whole.

    ``subjects`` and ``ids`` choose among them: by subject (and the groups that it is in by
    nature, or its right would not end) and by finding.
    """

    record: str = ""
    cluster: bool = False
    subjects: tuple[Subject, ...] = ()
    ids: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the aim in words; it is part of what the digest stands for."""
        where = f"hub {self.record}" if self.record else "cluster" if self.cluster else "all"
        chosen = [*(str(s) for s in sorted(self.subjects)), *sorted(self.ids)]
        return where + (f" of {', '.join(chosen)}" if chosen else "")

    def findings(self, assessment: Assessment) -> list[Finding]:
        """Return the findings that are meant, each once, in a stable order."""
        found: dict[str, Finding] = {}
        # The worst of several that are known by the same.
        for finding in sorted(self._all_meant(assessment), key=worst_first):
            found[finding.id] = finding
        return [found[key] for key in sorted(found)]

    def _all_meant(self, assessment: Assessment) -> Iterable[Finding]:
        hub = assessment.hubs.get(self.record)
        if self.record:
            parts = [hub.findings] if hub is not None else []
        else:
            parts = [cluster.findings for cluster in assessment.clusters.values()]
            parts += [hub.findings for hub in assessment.hubs.values() if not self.cluster]
        return (finding for part in parts for finding in part if self._meant(finding))

    def _meant(self, finding: Finding) -> bool:
        if finding.kind != EXCESS or finding.subject is None:
            return False
        if not self.subjects and not self.ids:
            return True
        chosen = {who for subject in self.subjects for who in with_implied_groups(subject)}
        return finding.subject in chosen or finding.id in self.ids

    def further(self, assessment: Assessment, known: Iterable[Finding]) -> list[Finding]:
        """Return the findings that are meant beside the ``known`` ones, worked on before.

        For a hub, that is also what somebody who exceeded an item there has of the same item by
        a ClusterRoleBinding, or of everything: the right would not have ended.
        """
        found = self.findings(assessment)
        if not self.record:
            return found
        items: dict[Subject | None, set[str]] = {}
        for finding in known:
            items.setdefault(finding.subject, set()).add(finding.item)
        hub = assessment.hubs.get(self.record)
        if hub is None:
            return found
        cluster = assessment.clusters[hub.agreement.terms.name]
        ids = {finding.id for finding in found}
        found.extend(
            f
            for f in cluster.findings_about(self.record)
            if f.kind == EXCESS
            and f.id not in ids
            and any(map(f.speaks_for, items.get(f.subject, ())))
        )
        return found
