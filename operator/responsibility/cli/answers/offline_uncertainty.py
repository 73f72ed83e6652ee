"""Downgrades of findings by what files can't tell: a role that isn't in them may exist after all.

On a cluster a role that doesn't exist grants nothing. In files it may just be somewhere else, so
``missing-access`` becomes ``unknown`` for whoever is bound to one. So it does for a party that no
binding of the files names at all: its rights are kept somewhere else, as a provider's often are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from responsibility.api.status import ItemState
from responsibility.cli.answers.decision import pending_bindings
from responsibility.cli.sources.cluster_view import ClusterView
from responsibility.ownership.results.assessment import (
    Assessment,
    ClusterAssessment,
    HubAssessment,
    ItemResult,
)
from responsibility.ownership.results.facts import Shortfall
from responsibility.ownership.results.findings import KINDS, Finding
from responsibility.ownership.results.states import kinds_by_item
from responsibility.ownership.terms.agreement import Party
from responsibility.rbac.identity import canonical, implied_groups
from responsibility.rbac.objects import GROUP, Binding, Subject


def downgrade_uncertain(assessment: Assessment, view: ClusterView) -> Assessment:
    """Return the assessment with what is missing for sure told from what may be."""
    if view.live:
        return assessment
    doubt = _Downgrade(pending_bindings(view), view.bindings)
    hubs = {name: doubt.hub(hub) for name, hub in assessment.hubs.items()}
    clusters = {name: doubt.cluster(each, hubs) for name, each in assessment.clusters.items()}
    return replace(assessment, hubs=hubs, clusters=clusters)


class _Downgrade:
    """Bindings that may grant more than the files say, by whom they bind."""

    def __init__(self, pending: Iterable[Binding], every: Iterable[Binding]) -> None:
        self._bound = {canonical(subject) for binding in every for subject in binding.subjects}
        self._by_subject: dict[Subject, list[Binding]] = {}
        for binding in pending:
            for subject in map(canonical, binding.subjects):
                self._by_subject.setdefault(subject, []).append(binding)

    def hub(self, hub: HubAssessment) -> HubAssessment:
        """Return one hub with its doubts."""
        findings = tuple(self._finding(f, hub.agreement.parties.get(f.party)) for f in hub.findings)
        if findings == hub.findings:
            return hub
        return replace(hub, findings=findings, items=_states(hub.items, hub.findings, findings))

    def cluster(
        self, cluster: ClusterAssessment, hubs: Mapping[str, HubAssessment]
    ) -> ClusterAssessment:
        """Return what holds for the cluster with its doubts."""
        parties = dict(cluster.terms.parties)
        for hub in hubs.values():
            if hub.agreement.terms is cluster.terms:
                parties |= hub.agreement.parties
        findings = tuple(self._finding(f, parties.get(f.party)) for f in cluster.findings)
        if findings == cluster.findings:
            return cluster
        items = _states(cluster.items, cluster.findings, findings)
        return replace(cluster, findings=findings, items=items)

    def _finding(self, finding: Finding, party: Party | None) -> Finding:
        if finding.kind != "missing-access" or party is None:
            return finding
        short = finding.facts if isinstance(finding.facts, Shortfall) else Shortfall()
        if party.subjects and not self._bound.intersection(party.subjects):
            return replace(finding, kind="unknown", facts=replace(short, unnamed=party.subjects))
        namespace = finding.hub.namespace if finding.hub else ""
        bindings = [
            binding
            for subject in party.subjects
            for each in (subject, *(Subject(GROUP, name) for name in implied_groups(subject)))
            for binding in self._by_subject.get(each, ())
            if binding.key.namespace in ("", namespace)
        ]
        if not bindings:
            return finding
        first = bindings[0]
        unless = (first.role, first.key)
        return replace(finding, kind="unknown", facts=replace(short, unless=unless))


def _states(
    items: tuple[ItemResult, ...], before: Iterable[Finding], after: Iterable[Finding]
) -> tuple[ItemResult, ...]:
    """Return the items' states, where a drift turned out to be a doubt."""
    old, new = kinds_by_item(before), kinds_by_item(after)
    return tuple(
        replace(result, state=ItemState.UNKNOWN)
        if result.state is ItemState.DRIFT
        and old.get(result.item.name) != new.get(result.item.name)
        and not any(KINDS[kind].drift for kind in new.get(result.item.name, ()))
        else result
        for result in items
    )
