"""A simulated change: the same view with the change made, assessed again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from responsibility.cli.sources.cluster_view import ClusterView
from responsibility.ownership.assess import Assessor
from responsibility.ownership.results.findings import Finding
from responsibility.rbac.identity import canonical
from responsibility.rbac.objects import Binding, BindingKey, Subject


@dataclass(frozen=True, slots=True)
class FindingChanges:
    """Findings that a change makes appear, and that it ends."""

    appear: tuple[Finding, ...]
    go: tuple[Finding, ...]


def without(
    view: ClusterView, subject: Subject, keys: Iterable[BindingKey], now: datetime
) -> FindingChanges:
    """Return what follows when the subject is taken out of these bindings."""
    before = view.snapshot(now)
    changed = [_less(view.graph.bindings[key], subject) for key in keys]
    graph, _ = view.graph.replace(
        put_bindings=[binding for binding in changed if binding.subjects],
        drop_bindings=[binding.key for binding in changed if not binding.subjects],
    )
    assessor = Assessor()
    old = assessor.assess(before).findings()
    return difference(old, assessor.assess(replace(before, graph=graph)).findings())


def _less(binding: Binding, subject: Subject) -> Binding:
    stay = tuple(each for each in binding.subjects if canonical(each) != subject)
    return replace(binding, subjects=stay)


def difference(old: Iterable[Finding], new: Iterable[Finding]) -> FindingChanges:
    """Return what is in one of the two only, in their order."""
    before, after = list(old), list(new)
    known_before = {finding.id: finding for finding in before}
    known_after = {finding.id: finding for finding in after}
    return FindingChanges(
        tuple(f for f in after if _changed(f, known_before.get(f.id))),
        tuple(f for f in before if f.id not in known_after),
    )


def _changed(finding: Finding, before: Finding | None) -> bool:
    """Whether it is new, or about more permissions than it was."""
    return before is None or not set(finding.permissions) <= set(before.permissions)
