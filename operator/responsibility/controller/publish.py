"""Publication of an assessment: statuses and annotations, written only where they differ.

At rest nothing is written. What was written is remembered at once, so the same thing is not
written again before the watch has brought it back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from responsibility.api.model import ResponsibilityModelStatus
from responsibility.api.record import ResponsibilityStatus
from responsibility.api.status import Condition, PlanStatus, SessionsStatus
from responsibility.cluster.custom_resources import CustomResource
from responsibility.cluster.knowledge import Says
from responsibility.cluster.store import Store
from responsibility.controller import status
from responsibility.controller.admission.enforcement_events import EnforcementTransitions
from responsibility.controller.admission.enforcement_status import (
    NOTHING,
    EnforcementStatus,
    cluster_claim,
    enforced_claim,
)
from responsibility.controller.annotator import Annotator
from responsibility.controller.capabilities import Capabilities
from responsibility.controller.hub_sessions.transitions import SessionTransitions
from responsibility.controller.leftover_watch import LeftoverReport
from responsibility.controller.process.settings import Settings
from responsibility.controller.reporting.conditions import LEFTOVERS, ConditionDraft, not_heard_of
from responsibility.controller.reporting.history import History
from responsibility.controller.reporting.metrics import Metrics
from responsibility.controller.reporting.metrics_collector import hub_labels
from responsibility.controller.reporting.status_writer import (
    Status,
    StatusWriter,
    conditions_of,
    keep_plan,
)
from responsibility.controller.upgrades.transitions import UpgradeTransitions
from responsibility.controller.worker import Pass
from responsibility.grants.binding import MODEL
from responsibility.ownership.results.assessment import Assessment, HubAssessment
from responsibility.ownership.results.findings import Finding
from responsibility.ownership.terms.agreement import Agreement
from responsibility.plans.deletions import revocable_items


@dataclass(frozen=True, slots=True)
class _Followed:
    """Findings of one object that were looked at, known by identity.

    ``oldest`` says by hub and kind when the first of them was seen.
    """

    findings: tuple[Finding, ...]
    oldest: Mapping[tuple[str, str, str], datetime]


class Publisher:
    """Keeps what is written about an assessment equal to it."""

    def __init__(
        self,
        store: Store,
        metrics: Metrics,
        *,
        settings: Settings,
        capabilities: Capabilities,
    ) -> None:
        self._store = store
        self._metrics = metrics
        self._announcer = capabilities.announcer
        self._of = capabilities
        self._history = History()
        # By the object's UID.
        self._followed: dict[str, _Followed] = {}
        self._writer = capabilities.writer
        self._annotator = Annotator(
            self._writer, enabled=settings.annotate, cluster=settings.cluster_name
        )
        self._switches = EnforcementTransitions(self._announcer)
        self._upgrades = UpgradeTransitions(self._announcer)
        self._sessions = SessionTransitions(self._announcer)
        self._statuses = StatusWriter(self._writer)
        self._revoking = settings.revocation

    def retry_refused(self) -> None:
        """Try again with the next assessment what was refused: our rights have changed."""
        self._annotator.retry_refused()
        self._statuses.retry_refused()

    async def publish(self, found: Pass) -> bool:
        """Write what differs; return False if something failed that is worth trying again.

        The objects are those that were assessed. The store moves on meanwhile.
        """
        assessment = found.assessment
        records = tuple(found.moment.records.values())
        models = tuple(found.moment.models.values())
        self._advance(assessment, records, models)
        self._metrics.state.assessment = assessment
        hubs = (hub.agreement.hub for hub in assessment.hubs.values())
        self._metrics.forget_hubs({(hub.namespace, hub.release) for hub in hubs})
        self._metrics.state.since = self._oldest()
        self._writer.begin()
        annotated = await self._annotator.annotate(assessment, found.moment.deployments)
        enforced = await self._of.enforcement.enforce(found)
        left = self._of.leftovers.look(found, unannotated=self._annotator.refused())
        self._metrics.state.leftovers = None if left is None else left.counts()
        # One value for metrics and conditions, so that neither says what the other does not.
        stale = found.moment.knowledge.doubts(Says.ENFORCED)
        doubt = not_heard_of(stale) if stale else ""
        outcomes = {
            name: replace(
                outcome,
                doubt=doubt,
                left={}
                if left is None
                else left.stages(assessment.hubs[name].agreement.hub.namespace),
            )
            for name, outcome in self._of.enforcement.outcomes(
                assessment, self._of.granter.report, self._revocable
            ).items()
        }
        self._metrics.state.outcomes = outcomes
        self._metrics.state.plans = self._of.planning.changes()
        written = await asyncio.gather(
            *self._models(found, models, doubt, left),
            *self._records(found, records, outcomes, left),
        )
        self._writer.end()
        return annotated and enforced and all(written)

    def _advance(
        self,
        assessment: Assessment,
        records: Sequence[CustomResource[Any]],
        models: Sequence[CustomResource[Any]],
    ) -> None:
        """Note which findings have come and gone, and tell of it."""
        followed: dict[str, _Followed] = {}
        for resource, findings in _with_findings(assessment, records, models):
            known = self._followed.get(resource.uid)
            if known is not None and known.findings is findings:
                # With hundreds of hubs, nearly all are as they were.
                followed[resource.uid] = known
                continue
            by_id = {finding.id: finding for finding in findings}
            transition = self._history.advance(resource.uid, by_id, resource.status, assessment.now)
            since = self._history.since(resource.uid)
            followed[resource.uid] = _Followed(findings, _oldest(by_id, since))
            if transition:
                self._announcer.findings(
                    resource.reference,
                    appeared=[by_id[i] for i in by_id if i in transition.appeared],
                    ended=len(transition.ended),
                )
        self._followed = followed
        # Those of records that cannot be held against a hub for a while are kept.
        present = {resource.uid for resource in (*records, *models)}
        self._history.keep(present)
        self._switches.keep(present)
        self._upgrades.keep(present)
        self._sessions.keep(present)
        self._statuses.keep(present)

    def _oldest(self) -> Mapping[tuple[str, str, str], datetime]:
        oldest: dict[tuple[str, str, str], datetime] = {}
        for followed in self._followed.values():
            _note_oldest(oldest, followed.oldest.items())
        return oldest

    def _records(
        self,
        found: Pass,
        records: Sequence[CustomResource[Any]],
        outcomes: Mapping[str, EnforcementStatus],
        left: LeftoverReport | None,
    ) -> Sequence[Awaitable[bool]]:
        assessment, knowledge = found.assessment, found.moment.knowledge
        settle = partial(self._statuses.settle, self._store.records)
        writes = []
        details: tuple[object, ...]
        for resource in records:
            hub = assessment.hubs.get(resource.name)
            refused = assessment.refused_records.get(resource.name)
            if hub is not None:
                note = self._annotator.trouble(hub)
                outcome = outcomes.get(resource.name, NOTHING)
                self._switches.tell(resource, enforced_claim(hub.agreement, outcome))
                sessions = self._sessions.tell(resource, hub)
                plans = self._of.planning.status(hub), self._revoked(resource, hub)
                awaited = self._of.planning.is_awaited(hub)
                before = partial(conditions_of, resource.status, ResponsibilityStatus)
                claim = _left(left, before, hub.agreement.hub.namespace)
                details = (
                    resource.identity,
                    note,
                    assessment.rbac_enforced,
                    outcome,
                    plans,
                    awaited,
                    knowledge,
                    claim,
                    sessions,
                )
                make = partial(
                    self._record_status,
                    resource,
                    hub,
                    found,
                    note,
                    outcome,
                    plans=plans,
                    awaited=awaited,
                    left=claim,
                    sessions=sessions,
                )
                writes.append(settle(resource, hub, details, make))
            elif refused is not None:
                make_refused = partial(
                    status.refused_record_status,
                    refused,
                    before=conditions_of(resource.status, ResponsibilityStatus),
                    now=assessment.now,
                )
                details = (resource.identity, refused)
                writes.append(settle(resource, None, details, make_refused))
        return writes

    def _record_status(
        self,
        resource: CustomResource[Any],
        hub: HubAssessment,
        found: Pass,
        note: str | None,
        outcome: EnforcementStatus,
        *,
        plans: tuple[PlanStatus | None, ConditionDraft | None],
        awaited: bool,
        left: ConditionDraft | None,
        sessions: SessionsStatus | None,
    ) -> Status:
        wanted = status.record_status(
            hub,
            found.assessment,
            generation=resource.generation,
            before=conditions_of(resource.status, ResponsibilityStatus),
            since=self._history.since(resource.uid),
            annotated=note,
            outcome=outcome,
            plan=plans[0],
            revoked=plans[1],
            left=left,
            knowledge=found.moment.knowledge,
            sessions=sessions,
        )
        return keep_plan(wanted, resource.status) if awaited else wanted

    def _revocable(self, agreement: Agreement) -> frozenset[str]:
        return revocable_items(agreement) if self._revoking else frozenset()

    def _revoked(self, resource: CustomResource[Any], hub: HubAssessment) -> ConditionDraft | None:
        return self._of.revoker.claim(resource, hub)

    def _models(
        self,
        found: Pass,
        models: Sequence[CustomResource[Any]],
        doubt: str,
        left: LeftoverReport | None,
    ) -> Sequence[Awaitable[bool]]:
        assessment, knowledge = found.assessment, found.moment.knowledge
        settle = partial(self._statuses.settle, self._store.models)
        writes = []
        details: tuple[object, ...]
        for resource in models:
            cluster = assessment.clusters.get(resource.name)
            refused = assessment.refused_models.get(resource.name)
            before = partial(conditions_of, resource.status, ResponsibilityModelStatus)
            make: Callable[[], Status]
            if cluster is not None:
                granted = self._of.granter.report.owners.get((MODEL, resource.name))
                outcome = self._of.enforcement.cluster_outcome(resource.name)
                outcome = replace(outcome, doubt=doubt) if outcome.stages else outcome
                self._switches.tell(resource, cluster_claim(outcome))
                self._upgrades.tell(resource, cluster)
                claim = _left(left, before)
                details = (
                    resource.identity,
                    assessment.unrecorded,
                    assessment.rbac_enforced,
                    granted,
                    outcome,
                    knowledge,
                    claim,
                )
                make = partial(
                    status.model_status,
                    cluster,
                    assessment,
                    generation=resource.generation,
                    before=before(),
                    since=self._history.since(resource.uid),
                    granted=granted,
                    outcome=outcome,
                    left=claim,
                    knowledge=knowledge,
                    kubernetes=_object(resource.status.get("kubernetes")),
                )
                writes.append(settle(resource, cluster, details, make))
            elif refused is not None:
                make = partial(
                    status.refused_model_status, refused, before=before(), now=assessment.now
                )
                details = (resource.identity, refused)
                writes.append(settle(resource, None, details, make))
        return writes


def _object(value: object) -> Mapping[str, object] | None:
    return value if isinstance(value, dict) else None


def _left(
    report: LeftoverReport | None,
    before: Callable[[], Iterable[Condition]],
    namespace: str | None = None,
) -> ConditionDraft | None:
    """Return what is told of leftovers; while nothing is known of them, what was told before."""
    if report is not None:
        return report.claim(namespace)
    there = (c for c in before() if c.type == LEFTOVERS)
    return next((ConditionDraft(c.type, True, c.reason, c.message) for c in there), None)


def _oldest(
    by_id: Mapping[str, Finding], since: Mapping[str, datetime]
) -> Mapping[tuple[str, str, str], datetime]:
    """Return by hub and kind when the oldest of these findings was first seen."""
    oldest: dict[tuple[str, str, str], datetime] = {}
    _note_oldest(
        oldest,
        (((*hub_labels(finding), finding.kind), since[i]) for i, finding in by_id.items()),
    )
    return oldest


def _note_oldest(
    oldest: dict[tuple[str, str, str], datetime],
    seen: Iterable[tuple[tuple[str, str, str], datetime]],
) -> None:
    for labels, moment in seen:
        oldest[labels] = min(moment, oldest.get(labels, moment))


def _with_findings(
    assessment: Assessment,
    records: Sequence[CustomResource[Any]],
    models: Sequence[CustomResource[Any]],
) -> Sequence[tuple[CustomResource[Any], tuple[Finding, ...]]]:
    """Return the objects that were assessed, each with its findings."""
    hubs, clusters = assessment.hubs, assessment.clusters
    return [
        *(
            (resource, hubs[resource.name].findings)
            for resource in records
            if resource.name in hubs
        ),
        *(
            (resource, clusters[resource.name].findings)
            for resource in models
            if resource.name in clusters
        ),
    ]
