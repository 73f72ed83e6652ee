"""Publication of an assessment: statuses and annotations, written only where they differ.

At rest nothing is written. What was written is remembered at once, so the same thing is not
written again before the watch has brought it back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from pydantic import ValidationError

from responsibility.api.model import ResponsibilityModelStatus
from responsibility.api.record import ResponsibilityStatus
from responsibility.api.status import PlanStatus
from responsibility.cluster.custom_resources import CustomResource, CustomResourceStore
from responsibility.cluster.knowledge import Says
from responsibility.cluster.store import Store
from responsibility.controller import status
from responsibility.controller.admission.enforcement_events import EnforcementTransitions
from responsibility.controller.admission.enforcement_status import (
    ENFORCED,
    NOTHING,
    EnforcementStatus,
    cluster_claim,
    enforced_claim,
)
from responsibility.controller.annotator import Annotator
from responsibility.controller.capabilities import Capabilities
from responsibility.controller.process.settings import Settings
from responsibility.controller.reporting.conditions import ConditionDraft, not_heard_of
from responsibility.controller.reporting.history import History
from responsibility.controller.reporting.metrics import Metrics
from responsibility.controller.reporting.metrics_collector import hub_labels
from responsibility.controller.reporting.writer import PASSING
from responsibility.controller.worker import Pass
from responsibility.grants.binding import MODEL
from responsibility.kube import errors
from responsibility.ownership.results.assessment import Assessment, HubAssessment
from responsibility.ownership.results.findings import Finding
from responsibility.ownership.terms.agreement import Agreement
from responsibility.plans.deletions import revocable_items

# A status that was refused for what it is, or for a missing right, is tried again after so many
# seconds.
_PATIENCE = 30.0

Status = ResponsibilityStatus | ResponsibilityModelStatus
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Settled:
    """What a status was last made from, and what was there when all had been done about it.

    ``about`` is known by its identity. ``until`` (loop time) ends a server's refusal.
    """

    about: object
    details: tuple[object, ...]
    there: Json
    until: float | None = None


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
        self._writer = capabilities.writer
        self._annotator = Annotator(
            self._writer, enabled=settings.annotate, cluster=settings.cluster_name
        )
        self._switches = EnforcementTransitions(self._announcer)
        self._settled: dict[str, _Settled] = {}
        self._revoking = settings.revocation

    def retry_refused(self) -> None:
        """Try again with the next assessment what was refused: our rights have changed."""
        self._annotator.retry_refused()

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
        self._metrics.state.since = self._oldest(assessment, records, models)
        self._writer.begin()
        annotated = await self._annotator.annotate(assessment, found.moment.deployments)
        enforced = await self._of.enforcement.enforce(found)
        # One value for metrics and conditions, so that neither says what the other does not.
        stale = found.moment.knowledge.doubts(Says.ENFORCED)
        doubt = not_heard_of(stale) if stale else ""
        outcomes = {
            name: replace(outcome, doubt=doubt)
            for name, outcome in self._of.enforcement.outcomes(
                assessment, self._of.granter.report, self._revocable
            ).items()
        }
        self._metrics.state.outcomes = outcomes
        self._metrics.state.plans = self._of.planning.changes()
        written = await asyncio.gather(
            *self._models(found, models, doubt), *self._records(found, records, outcomes)
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
        for resource, findings in _with_findings(assessment, records, models):
            by_id = {finding.id: finding for finding in findings}
            transition = self._history.advance(resource.uid, by_id, resource.status, assessment.now)
            if transition:
                self._announcer.findings(
                    resource.reference,
                    appeared=[by_id[i] for i in by_id if i in transition.appeared],
                    ended=len(transition.ended),
                )
        # Those of records that cannot be held against a hub for a while are kept.
        present = {resource.uid for resource in (*records, *models)}
        self._history.keep(present)
        self._switches.keep(present)
        self._settled = {uid: done for uid, done in self._settled.items() if uid in present}

    def _oldest(
        self,
        assessment: Assessment,
        records: Sequence[CustomResource[Any]],
        models: Sequence[CustomResource[Any]],
    ) -> Mapping[tuple[str, str, str], datetime]:
        oldest: dict[tuple[str, str, str], datetime] = {}
        for resource, findings in _with_findings(assessment, records, models):
            since = self._history.since(resource.uid)
            for finding in findings:
                labels = (*hub_labels(finding), finding.kind)
                moment = since[finding.id]
                oldest[labels] = min(moment, oldest.get(labels, moment))
        return oldest

    def _records(
        self,
        found: Pass,
        records: Sequence[CustomResource[Any]],
        outcomes: Mapping[str, EnforcementStatus],
    ) -> Sequence[Awaitable[bool]]:
        assessment, knowledge = found.assessment, found.moment.knowledge
        writes = []
        details: tuple[object, ...]
        for resource in records:
            hub = assessment.hubs.get(resource.name)
            refused = assessment.refused_records.get(resource.name)
            if hub is not None:
                note = self._annotator.trouble(hub)
                outcome = outcomes.get(resource.name, NOTHING)
                self._switches.tell(resource, enforced_claim(hub.agreement, outcome))
                plans = self._of.planning.status(hub), self._revoked(resource, hub)
                awaited = self._of.planning.is_awaited(hub)
                details = (
                    resource.identity,
                    note,
                    assessment.rbac_enforced,
                    outcome,
                    plans,
                    awaited,
                    knowledge,
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
                )
                writes.append(self._settle(self._store.records, resource, hub, details, make))
            elif refused is not None:
                make_refused = partial(
                    status.refused_record_status,
                    refused,
                    before=_conditions(resource.status, ResponsibilityStatus),
                    now=assessment.now,
                )
                details = (resource.identity, refused)
                writes.append(
                    self._settle(self._store.records, resource, None, details, make_refused)
                )
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
    ) -> Status:
        wanted = status.record_status(
            hub,
            found.assessment,
            generation=resource.generation,
            before=_conditions(resource.status, ResponsibilityStatus),
            since=self._history.since(resource.uid),
            annotated=note,
            outcome=outcome,
            plan=plans[0],
            revoked=plans[1],
            knowledge=found.moment.knowledge,
        )
        if awaited:
            # A new start, or a change that hardly touches this hub, is planned for in a moment. As
            # long as all that a plan rests on is as it was told with the one that is there, so is
            # that; where anything of it differs, its digest is of another moment, and goes at once.
            there = _parse(resource.status, ResponsibilityStatus)
            if isinstance(there, ResponsibilityStatus):
                kept = wanted.model_copy(update={"plan": there.plan})
                again = _parse(kept.dump(), ResponsibilityStatus)
                if isinstance(again, ResponsibilityStatus) and _basis(again) == _basis(there):
                    return kept
        return wanted

    def _revocable(self, agreement: Agreement) -> frozenset[str]:
        return revocable_items(agreement) if self._revoking else frozenset()

    def _revoked(self, resource: CustomResource[Any], hub: HubAssessment) -> ConditionDraft | None:
        return self._of.revoker.claim(resource, hub)

    def _models(
        self, found: Pass, models: Sequence[CustomResource[Any]], doubt: str
    ) -> Sequence[Awaitable[bool]]:
        assessment, knowledge = found.assessment, found.moment.knowledge
        writes = []
        details: tuple[object, ...]
        for resource in models:
            cluster = assessment.clusters.get(resource.name)
            refused = assessment.refused_models.get(resource.name)
            before = partial(_conditions, resource.status, ResponsibilityModelStatus)
            make: Callable[[], Status]
            if cluster is not None:
                granted = self._of.granter.report.owners.get((MODEL, resource.name))
                outcome = self._of.enforcement.cluster_outcome(resource.name)
                outcome = replace(outcome, doubt=doubt) if outcome.stages else outcome
                self._switches.tell(resource, cluster_claim(outcome))
                details = (
                    resource.identity,
                    assessment.unrecorded,
                    assessment.rbac_enforced,
                    granted,
                    outcome,
                    knowledge,
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
                    knowledge=knowledge,
                )
                writes.append(self._settle(self._store.models, resource, cluster, details, make))
            elif refused is not None:
                make = partial(
                    status.refused_model_status, refused, before=before(), now=assessment.now
                )
                details = (resource.identity, refused)
                writes.append(self._settle(self._store.models, resource, None, details, make))
        return writes

    async def _settle(
        self,
        kind: CustomResourceStore[Any],
        resource: CustomResource[Any],
        about: object,
        details: tuple[object, ...],
        make: Callable[[], Status],
    ) -> bool:
        """Write one object's status if it differs from what is there.

        ``about`` and ``details`` are what it is made from: an assessment, known by its identity,
        and what else counts.
        """
        now = asyncio.get_running_loop().time()
        done = self._settled.get(resource.uid)
        if (
            done is not None
            and done.about is about
            and (done.details, done.there) == (details, resource.status)
            and (done.until is None or now < done.until)
        ):
            return True
        wanted = make()
        body = wanted.dump()
        if _parse(resource.status, type(wanted)) == _parse(body, type(wanted)):
            self._settled[resource.uid] = _Settled(about, details, resource.status)
            return True
        try:
            answer = await self._writer.apply(
                "status",
                f"{kind.path}/{resource.name}",
                {
                    "apiVersion": resource.reference["apiVersion"],
                    "kind": kind.kind,
                    "metadata": {"name": resource.name, "uid": resource.uid},
                    "status": body,
                },
                subresource="status",
            )
        except PASSING:
            return False
        except errors.ApiError:
            self._settled[resource.uid] = _Settled(about, details, resource.status, now + _PATIENCE)
            return True
        if answer is not None:
            kind.note(answer)
            # Where others have put something of theirs beside ours, that is all we can do.
            self._settled[resource.uid] = _Settled(about, details, answer.get("status") or {})
        return True


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


# What is said of a record that no plan rests on: a proof that is due again after a new start,
# what could not be read for a moment, annotations.
_BESIDE_PLANS = frozenset({"Ready", "Annotated", ENFORCED, "Revoked"})


def _basis(told: ResponsibilityStatus) -> ResponsibilityStatus:
    """Return of a status what its plan rests on."""
    return told.model_copy(
        update={
            "conditions": tuple(c for c in told.conditions if c.type not in _BESIDE_PLANS),
            "items": tuple(
                item.model_copy(update={"admission": "", "admission_note": ""})
                for item in told.items
            ),
            "enforcement": "",
        }
    )


def _parse(raw: Json, shape: type[Status]) -> Status | None:
    try:
        return shape.model_validate(raw)
    except ValidationError:
        # Written by another version, or by hand: it is replaced as a whole.
        return None


def _conditions(raw: Json, shape: type[Status]) -> tuple[Any, ...]:
    parsed = _parse(raw, shape)
    return parsed.conditions if parsed is not None else ()
