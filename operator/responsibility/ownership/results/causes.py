"""Causes of findings: what one person has to look at once, whatever number of findings it makes.

A RoleBinding that somebody was left in makes a finding for each item that its role touches, and
more for what can be obtained by it. All of them begin with the same binding of the same subject in
the same place, and end with it: that is one cause. Without a subject, it is a party and the kind.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

from responsibility.ownership.results.findings import HOLLOW, Finding, worst_first
from responsibility.ownership.results.severity import Severity
from responsibility.phrases import counted
from responsibility.rbac.objects import BindingKey, Source, Subject


@dataclass(frozen=True, slots=True)
class Cause:
    """Findings that one thing causes, the worst first; there is at least one."""

    findings: tuple[Finding, ...]

    @property
    def worst(self) -> Finding:
        """Return the finding that says most of it."""
        return self.findings[0]

    @property
    def severity(self) -> Severity:
        """Return how soon somebody should look."""
        return self.worst.severity

    @property
    def subject(self) -> Subject | None:
        """Return by whom; None where it is about a party."""
        return self.worst.subject

    @property
    def items(self) -> tuple[str, ...]:
        """Return the items that it touches, those of the worst finding first."""
        return tuple(dict.fromkeys(i for f in self.findings for i in (f.item, *f.items)))

    @property
    def sources(self) -> tuple[Source, ...]:
        """Return the bindings by which it is so, with their roles, each once whatever its rules."""
        found = {(s.binding, s.role): s for f in self.findings for s in f.sources if s.binding}
        return tuple(found.values())

    @property
    def is_drift(self) -> bool:
        """Return whether record and cluster differ, rather than something being due."""
        return any(finding.is_drift for finding in self.findings)


@dataclass(slots=True)
class _Group:
    """Findings that belong together, and the bindings that say so."""

    bindings: set[BindingKey] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)


def causes(findings: Iterable[Finding]) -> tuple[Cause, ...]:
    """Return what causes some findings, worst first; each finding is in exactly one."""
    places: dict[Hashable, list[_Group]] = {}
    for finding in findings:
        groups = places.setdefault(_place(finding), [])
        bindings = {source.binding for source in finding.sources if source.binding is not None}
        together = [g for g in groups if not bindings or not g.bindings.isdisjoint(bindings)]
        merged = _Group(bindings, [finding])
        for group in together:
            merged.bindings |= group.bindings
            merged.findings += group.findings
        groups[:] = [*(g for g in groups if g not in together), merged]
    found = [
        Cause(tuple(sorted(group.findings, key=worst_first)))
        for groups in places.values()
        for group in groups
    ]
    return tuple(sorted(found, key=lambda cause: worst_first(cause.worst)))


def causes_text(grouped: Sequence[Cause]) -> str:
    """Return how much it is: ``2 causes, 7 findings``."""
    findings = sum(len(cause.findings) for cause in grouped)
    return f"{counted(len(grouped), 'cause')}, {counted(findings, 'finding')}"


def _place(finding: Finding) -> Hashable:
    """Return who and where: findings of another place have another cause.

    What is got round is ended by the record, and not with the rights of whoever does.
    """
    if finding.kind == HOLLOW:
        return finding.kind, finding.item, finding.hub, finding.model
    if finding.subject is not None:
        bound = any(source.binding is not None for source in finding.sources)
        return finding.subject, finding.hub, finding.model, bound
    place = (finding.kind, finding.party, finding.record, finding.hub, finding.model)
    return (*place, finding.account) if finding.account else place
