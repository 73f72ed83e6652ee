"""Random worlds as snapshots, and what is said of them in forms that can be compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st

from responsibility.api.model import ResponsibilityModelSpec
from responsibility.api.record import ResponsibilitySpec
from responsibility.ownership.assess import Assessor
from responsibility.ownership.results.assessment import Assessment
from responsibility.ownership.results.findings import Finding
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.rbac.graph import AccessGraph
from tests.unit.ownership.building import NOW
from tests.unit.ownership.worlds import HUBS, World

SEEDS = st.integers(0, 100_000)
Told = tuple[str, str, str]
Spec = TypeVar("Spec", ResponsibilitySpec, ResponsibilityModelSpec)
few = settings(max_examples=60, deadline=None)


def snapshot(it: World, graph: AccessGraph | None = None, **changes: object) -> Snapshot:
    whole = Snapshot(
        graph=graph or AccessGraph.build(it.roles, it.bindings),
        now=NOW,
        hubs={h.key: h for h in HUBS},
        models={it.model.name: it.model},
        records={r.name: r for r in it.records},
        namespaces={h.key.namespace: False for h in HUBS},
    )
    return replace(whole, **changes)  # type: ignore[arg-type]  # any field


def fresh(it: World, graph: AccessGraph | None = None, **changes: object) -> Assessment:
    return Assessor().assess(snapshot(it, graph, **changes))


def seen(assessment: Assessment) -> object:
    """Return all that an assessment says, in a form that can be compared."""
    return (
        assessment.now,
        assessment.findings(),
        assessment.asks(),
        assessment.unrecorded,
        assessment.next_deadline,
        assessment.refused_records,
        {
            name: (
                hub.hub_state,
                hub.releases,
                hub.cluster_findings,
                hub.pending,
                hub.exempt,
                hub.findings,
                [
                    (r.item.name, r.item.owner, r.state, r.checked, r.delegates, r.findings)
                    for r in hub.items
                ],
            )
            for name, hub in assessment.hubs.items()
        },
        {
            name: (
                cluster.findings,
                cluster.break_glass,
                cluster.exempt,
                cluster.untouched,
                [(r.item.name, r.item.owner, r.state, r.findings) for r in cluster.items],
            )
            for name, cluster in assessment.clusters.items()
        },
    )


def pairs(findings: Iterable[Finding], kind: str) -> Counter[tuple[str, str, str]]:
    """Return (who, item, hub) of the findings of a kind, with every item they speak for."""
    return Counter(
        (str(f.subject or f.party), item, str(f.hub))
        for f in findings
        if f.kind == kind
        for item in dict.fromkeys((f.item, *f.items))
    )
