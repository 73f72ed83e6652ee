"""Published answers: an assessment as the operator has written it into statuses.

They are for whoever may not list RBAC, and for a replica that does not lead. What is agreed is
worked out from record and model as ever; states and counts are the operator's, of the moment when
it last wrote them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from responsibility.api.record import ResponsibilityStatus
from responsibility.api.status import (
    STALE,
    CommonStatus,
    ConditionStatus,
    ItemState,
    ItemStatus,
)
from responsibility.ownership.results.assessment import (
    Assessment,
    HubAssessment,
    HubState,
    ItemResult,
)
from responsibility.ownership.results.states import agreed_result


def published(
    agreed: Assessment, statuses: Mapping[str, ResponsibilityStatus | None]
) -> Assessment:
    """Return an assessment with the states of the records' statuses, and without any finding.

    ``agreed`` is one of records and models alone, whatever it found.
    """
    hubs = {name: _hub(hub, statuses.get(name), agreed.now) for name, hub in agreed.hubs.items()}
    clusters = {name: replace(each, findings=()) for name, each in agreed.clusters.items()}
    return replace(agreed, hubs=hubs, clusters=clusters, unrecorded=())


def stale(statuses: Iterable[CommonStatus | None]) -> list[str]:
    """Return what the operator says of records and models that it no longer knows, each once."""
    told = dict.fromkeys(
        condition.message
        for status in statuses
        if status is not None
        for condition in status.conditions
        if condition.reason == STALE and condition.status == ConditionStatus.UNKNOWN
    )
    return list(told)


def _hub(hub: HubAssessment, status: ResponsibilityStatus | None, now: datetime) -> HubAssessment:
    said = {item.name: item for item in status.items} if status else {}
    # Of a record that could not be assessed, or not yet, nothing is said of its items.
    told = status is not None and bool(status.owners)
    parties = hub.agreement.parties
    items = []
    for result in hub.items:
        name = result.item.name
        if name not in said and not told:
            items.append(_unknown(result))
            continue
        agreed = agreed_result(result.item, parties.get(result.item.owner), now)
        item = said.get(name, ItemStatus(name=name, state=ItemState.RECORDED))
        checked = agreed.checked if item.checked is None else map(str, item.checked)
        items.append(
            replace(
                agreed,
                state=item.state,
                checked=tuple(checked),
                findings=item.findings,
                cluster_findings=item.cluster_findings,
            )
        )
    return replace(
        hub,
        items=tuple(items),
        findings=(),
        cluster_findings=status.cluster_findings if status else 0,
        hub_state=_hub_state(status),
    )


def _unknown(result: ItemResult) -> ItemResult:
    return replace(result, state=ItemState.UNKNOWN, checked=(), findings=0, cluster_findings=0)


def _hub_state(status: ResponsibilityStatus | None) -> HubState:
    """Return what the condition says; where there is none yet, nobody has missed the hub."""
    conditions = status.conditions if status else ()
    for condition in conditions:
        if condition.type == "HubFound" and condition.status != ConditionStatus.TRUE:
            known = condition.reason in set(HubState)
            return HubState(condition.reason) if known else HubState.MISSING
    return HubState.FOUND
