"""Published answers: what the operator has written into statuses, for who may not list RBAC.

Whoever may read records and models, such as a community's engineer by the chart's role
``…-viewer``, sees in their statuses what was found. What is agreed is worked out from record and
model as ever; states and counts are the operator's, of the moment when it last wrote them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from responsibility.api.status import (
    CauseStatus,
    CommonStatus,
    ItemState,
    ItemStatus,
)
from responsibility.cli.answers.report import hub_json, short_age
from responsibility.hub.discovery import HubKey
from responsibility.ownership.assess import Assessor
from responsibility.ownership.results import published as results
from responsibility.ownership.results.assessment import (
    Assessment,
    ClusterAssessment,
    HubAssessment,
    ItemResult,
)
from responsibility.ownership.results.facts import PublishedByOperator
from responsibility.ownership.results.findings import (
    HUB_ACCOUNTS,
    INSIDE,
    KINDS,
    Finding,
    worst_first,
)
from responsibility.ownership.results.states import JUPYTERHUB, VALUES
from responsibility.rbac.escalation.technique import DIRECT

if TYPE_CHECKING:
    from responsibility.api.model import ResponsibilityModel
    from responsibility.api.record import Responsibility
    from responsibility.cli.sources.cluster_view import ClusterView
    from responsibility.ownership.terms.agreement import ItemTerms


# Where only the operator looks.
_INSIDE = frozenset({JUPYTERHUB, VALUES})


def published(view: ClusterView, now: datetime) -> Assessment:
    """Return an assessment whose states are those of the statuses, without any finding."""
    agreed = Assessor().assess(view.snapshot(now))
    return results.published(agreed, {name: record.status for name, record in view.records.items()})


def with_insides(assessment: Assessment, view: ClusterView) -> Assessment:
    """Return an assessment with what the operator alone looks at, by the statuses.

    That is what it has found inside the hubs, and of versions of Kubernetes. What was found of a
    record or model as it was before its last change is left out.
    """
    hubs = {
        name: _with_inside(hub, status)
        if (status := _status(view.records.get(name))) is not None
        else hub
        for name, hub in assessment.hubs.items()
    }
    clusters = {
        name: _with_versions(cluster, status)
        if (status := _status(view.models.get(name))) is not None
        else cluster
        for name, cluster in assessment.clusters.items()
    }
    return replace(assessment, hubs=hubs, clusters=clusters)


def _status(own: Responsibility | ResponsibilityModel | None) -> CommonStatus | None:
    status = own.status if own is not None else None
    if own is None or status is None or status.observed_generation < own.metadata.generation:
        return None
    return status


def _with_inside(hub: HubAssessment, status: CommonStatus) -> HubAssessment:
    found = [cause for cause in status.causes if cause.kind in INSIDE]
    if not found and not any(map(_looked_inside, status.items)):
        return hub
    items = {item.name: item.terms for item in hub.agreement.items}
    findings = [_finding(cause, items, hub=hub.agreement.hub) for cause in found if cause.items]
    return replace(
        hub,
        items=_with_states(hub.items, status, found),
        findings=tuple(sorted((*hub.findings, *findings), key=worst_first)),
    )


def _with_versions(cluster: ClusterAssessment, status: CommonStatus) -> ClusterAssessment:
    found = [cause for cause in status.causes if cause.kind in INSIDE and cause.items]
    if not found:
        return cluster
    items = {item.name: item for item in cluster.terms.items}
    findings = [_finding(cause, items, model=cluster.terms.name) for cause in found]
    return replace(
        cluster,
        items=_with_states(cluster.items, status, found),
        findings=tuple(sorted((*cluster.findings, *findings), key=worst_first)),
    )


def _looked_inside(item: ItemStatus) -> frozenset[str]:
    return _INSIDE.intersection(item.checked or ())


def _with_states(
    results: Iterable[ItemResult], status: CommonStatus, found: Iterable[CauseStatus]
) -> tuple[ItemResult, ...]:
    about = Counter(name for cause in found for name in cause.items)
    said = {item.name: item for item in status.items}
    items = []
    for result in results:
        told = said.get(result.item.name)
        inside = frozenset() if told is None else _looked_inside(told)
        state = result.state
        checked = tuple(dict.fromkeys((*result.checked, *sorted(inside))))
        touched = bool(inside) or result.item.name in about
        # Of what is not known here, the operator's word; what is found here stays.
        if touched and told is not None and state in (ItemState.OK, ItemState.RECORDED):
            state = told.state
        number = about[result.item.name]
        items.append(
            replace(result, state=state, checked=checked, findings=result.findings + number)
        )
    return tuple(items)


def _finding(
    cause: CauseStatus,
    items: Mapping[str, ItemTerms],
    *,
    hub: HubKey | None = None,
    model: str = "",
) -> Finding:
    first, *others = cause.items
    words = {kind: word for word, kind in HUB_ACCOUNTS.items()}
    subject = cause.subject
    known = subject is not None and subject.kind in words
    item = items.get(first)
    return Finding(
        kind=cause.kind,
        item=first,
        number=0 if item is None else item.number,
        hub=hub,
        model=model,
        title="" if item is None else item.title,
        party=cause.party,
        items=tuple(others),
        account=f"{words[subject.kind]} {subject.name}" if subject and known else "",
        facts=PublishedByOperator(cause.message, cause.remedy),
    )


def outdated(view: ClusterView) -> list[str]:
    """Return the records about which the operator has said nothing, or not since they changed."""
    return [
        name
        for name, record in sorted(view.records.items())
        if record.status is None or record.status.observed_generation < record.metadata.generation
    ]


def stale(view: ClusterView) -> list[str]:
    """Return what the operator says of records and models that it no longer knows, each once."""
    statuses: list[CommonStatus | None] = [record.status for record in view.records.values()]
    return results.stale([*statuses, *(model.status for model in view.models.values())])


def causes(view: ClusterView, record: str = "") -> Iterator[tuple[HubKey | None, CauseStatus]]:
    """Yield what was found, of one record and the cluster or of all, worst first in each."""
    for name, each in sorted(view.records.items()):
        if record in ("", name) and each.status is not None:
            hub = each.spec.hub
            key = HubKey(hub.namespace, hub.release or hub.namespace)
            yield from ((key, cause) for cause in each.status.causes)
    models = [view.records[record].spec.model] if record else sorted(view.models)
    for model in models:
        found = view.models.get(model)
        if found is not None and found.status is not None:
            yield from ((None, cause) for cause in found.status.causes)


def age(cause: CauseStatus, now: datetime) -> str:
    """Return how long ago it was first found."""
    return "-" if cause.since is None else short_age((now - cause.since).total_seconds())


def route(cause: CauseStatus) -> str:
    """Return how the right is held, as a finding has it; statuses leave out that it is direct."""
    return cause.route or DIRECT


def who(cause: CauseStatus) -> str:
    """Return the subject, or the party, that a cause is about."""
    return str(cause.subject or cause.party or "-")


def cause_json(hub: HubKey | None, cause: CauseStatus) -> dict[str, Any]:
    """Return a cause in the form of a finding, its worst one; null is what no status says."""
    subject = cause.subject
    return {
        "id": cause.id,
        "kind": cause.kind,
        "severity": cause.severity,
        "drift": KINDS[cause.kind].drift if cause.kind in KINDS else None,
        "hub": hub_json(hub),
        "item": cause.items[0] if cause.items else "",
        "number": None,
        "items": list(cause.items),
        "subject": subject.dump() if subject else None,
        "party": cause.party,
        "route": route(cause),
        "steps": None,
        "permissions": None,
        "sources": None,
        "message": cause.message,
        # An operator that is older than this program has published none.
        "summary": cause.summary or None,
        "remedy": cause.remedy,
        "contact": cause.contact,
        "since": cause.since.isoformat().replace("+00:00", "Z") if cause.since else None,
    }
