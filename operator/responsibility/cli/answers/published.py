"""Published answers: what the operator has written into statuses, for who may not list RBAC.

Whoever may read records and models, such as a community's engineer by the chart's role
``…-viewer``, sees in their statuses what was found. What is agreed is worked out from record and
model as ever; states and counts are the operator's, of the moment when it last wrote them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from responsibility.api.status import (
    CauseStatus,
    CommonStatus,
    ItemState,
)
from responsibility.cli.answers.report import hub_json, short_age
from responsibility.hub.discovery import HubKey
from responsibility.ownership.assess import Assessor
from responsibility.ownership.results import published as results
from responsibility.ownership.results.assessment import (
    Assessment,
    HubAssessment,
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
    from responsibility.api.record import ResponsibilityStatus
    from responsibility.cli.sources.cluster_view import ClusterView


# Where only the operator looks.
_INSIDE = frozenset({JUPYTERHUB, VALUES})


def published(view: ClusterView, now: datetime) -> Assessment:
    """Return an assessment whose states are those of the statuses, without any finding."""
    agreed = Assessor().assess(view.snapshot(now))
    return results.published(agreed, {name: record.status for name, record in view.records.items()})


def with_insides(assessment: Assessment, view: ClusterView) -> Assessment:
    """Return an assessment with what the operator has found inside the hubs, by the statuses.

    What was found of a record as it was before its last change is left out.
    """
    hubs = {
        name: _with_inside(hub, status)
        if (status := view.records[name].status) is not None
        and status.observed_generation >= view.records[name].metadata.generation
        else hub
        for name, hub in assessment.hubs.items()
    }
    return replace(assessment, hubs=hubs)


def _with_inside(hub: HubAssessment, status: ResponsibilityStatus) -> HubAssessment:
    found = [cause for cause in status.causes if cause.kind in INSIDE]
    said = {item.name: _INSIDE.intersection(item.checked or ()) for item in status.items}
    if not found and not any(said.values()):
        return hub
    about = Counter(name for cause in found for name in cause.items)
    items = []
    for result in hub.items:
        inside = said.get(result.item.name, frozenset())
        state = result.state
        checked = tuple(dict.fromkeys((*result.checked, *sorted(inside))))
        told = next((i for i in status.items if i.name == result.item.name), None)
        touched = bool(inside) or result.item.name in about
        # Of what is not known here, the operator's word; what is found here stays.
        if touched and told is not None and state in (ItemState.OK, ItemState.RECORDED):
            state = told.state
        number = about[result.item.name]
        items.append(
            replace(result, state=state, checked=checked, findings=result.findings + number)
        )
    findings = [_inside_finding(hub, cause) for cause in found if cause.items]
    return replace(
        hub,
        items=tuple(items),
        findings=tuple(sorted((*hub.findings, *findings), key=worst_first)),
    )


def _inside_finding(hub: HubAssessment, cause: CauseStatus) -> Finding:
    first, *others = cause.items
    agreement, words = hub.agreement, {kind: word for word, kind in HUB_ACCOUNTS.items()}
    subject = cause.subject
    known = subject is not None and subject.kind in words
    item = next((i for i in agreement.items if i.name == first), None)
    return Finding(
        kind=cause.kind,
        item=first,
        number=0 if item is None else item.terms.number,
        hub=agreement.hub,
        title="" if item is None else item.terms.title,
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
        "remedy": cause.remedy,
        "contact": cause.contact,
        "since": cause.since.isoformat().replace("+00:00", "Z") if cause.since else None,
    }
