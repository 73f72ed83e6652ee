"""Write an assessment to the cluster: statuses and annotations, and only where they differ.

At rest nothing is written. What was written is taken into the store at once, so the same thing
is not written again before the watch has brought it back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from pydantic import ValidationError

from responsibility.api.model import ResponsibilityModelStatus
from responsibility.api.record import ResponsibilityStatus
from responsibility.cluster import errors
from responsibility.cluster.client import Api
from responsibility.cluster.own import Own, OwnKind
from responsibility.cluster.store import Store
from responsibility.controller import annotations as notes
from responsibility.controller import status
from responsibility.controller.events import Announcer
from responsibility.controller.history import History
from responsibility.controller.metrics import Metrics, hub_labels
from responsibility.hub.discovery import Deployment
from responsibility.ownership.assessment import Assessment, HubAssessment
from responsibility.ownership.findings import Finding

logger = logging.getLogger(__name__)

FIELD_MANAGER = "responsibility-operator"

# Writes in flight at once; the API server's own fairness does the rest.
_CONCURRENCY = 8

# A refused annotation is tried again after so many seconds: only a person can change the answer.
_PATIENCE = 600.0

_NAME_MISSING = (
    "the operator may not patch a Deployment of this name; add it to the chart's value "
    "annotations.deploymentNames"
)

Status = ResponsibilityStatus | ResponsibilityModelStatus


class Publisher:
    """Keeps what is written about an assessment equal to it."""

    def __init__(
        self,
        api: Api,
        store: Store,
        metrics: Metrics,
        announcer: Announcer,
        *,
        annotate: bool,
    ) -> None:
        self._api = api
        self._store = store
        self._metrics = metrics
        self._announcer = announcer
        self._annotate = annotate
        self._history = History()
        self._gate = asyncio.Semaphore(_CONCURRENCY)
        # Why a Deployment could not be annotated, and when (loop time) that was found.
        self._refused: dict[tuple[str, str], tuple[str, float]] = {}
        # What each object's status was last made from; the same inputs make the same status.
        self._settled: dict[str, tuple[object, tuple[object, ...]]] = {}

    async def publish(self, assessment: Assessment) -> bool:
        """Write what differs; return False if something failed that is worth trying again."""
        self._advance(assessment)
        self._metrics.state.assessment = assessment
        self._metrics.state.since = self._oldest(assessment)
        results = await self._annotations(assessment) if self._annotate else []
        results += await asyncio.gather(*(self._models(assessment)), *(self._records(assessment)))
        return all(results)

    def _advance(self, assessment: Assessment) -> None:
        """Note which findings have come and gone, and tell of it."""
        parts: dict[str, tuple[tuple[Finding, ...], Own[Any]]] = {}
        for name, hub in assessment.hubs.items():
            if (record := self._store.records.items.get(name)) is not None:
                parts[f"record/{name}"] = (hub.findings, record)
        for name, cluster in assessment.clusters.items():
            if (model := self._store.models.items.get(name)) is not None:
                parts[f"model/{name}"] = (cluster.findings, model)
        for key, (findings, own) in parts.items():
            by_id = {finding.id: finding for finding in findings}
            transition = self._history.advance(key, by_id, own.status, assessment.now)
            if transition:
                self._announcer.findings(
                    own.reference,
                    appeared=[by_id[i] for i in by_id if i in transition.appeared],
                    ended=len(transition.ended),
                )
        self._history.forget(self._history.owners() - parts.keys())

    def _oldest(self, assessment: Assessment) -> Mapping[tuple[str, str, str], datetime]:
        oldest: dict[tuple[str, str, str], datetime] = {}
        groups = [(f"record/{n}", h.findings) for n, h in assessment.hubs.items()]
        groups += [(f"model/{n}", c.findings) for n, c in assessment.clusters.items()]
        for key, findings in groups:
            since = self._history.since(key)
            for finding in findings:
                labels = (*hub_labels(finding), finding.kind)
                moment = since.get(finding.id, assessment.now)
                oldest[labels] = min(moment, oldest.get(labels, moment))
        return oldest

    def _records(self, assessment: Assessment) -> Sequence[Awaitable[bool]]:
        writes = []
        for name, own in self._store.records.items.items():
            hub = assessment.hubs.get(name)
            refused = assessment.refused_records.get(name)
            note = self._annotation_note(hub)
            make: Callable[[], Status]
            if hub is not None:
                make = partial(self._record_status, own, hub, assessment, note)
            elif refused is not None:
                before = _conditions(own.status, ResponsibilityStatus)
                make = partial(
                    status.refused_record_status, refused, before=before, now=assessment.now
                )
            else:
                continue
            details = (refused, own.identity, own.status, note, assessment.rbac_enforced)
            writes.append(self._settle(self._store.records, own, (hub, details), make))
        return writes

    def _record_status(
        self, own: Own[Any], hub: HubAssessment, assessment: Assessment, note: str | None
    ) -> Status:
        return status.record_status(
            hub,
            assessment,
            generation=own.generation,
            before=_conditions(own.status, ResponsibilityStatus),
            since=self._history.since(f"record/{own.name}"),
            annotated=note,
        )

    def _models(self, assessment: Assessment) -> Sequence[Awaitable[bool]]:
        writes = []
        for name, own in self._store.models.items.items():
            cluster = assessment.clusters.get(name)
            refused = assessment.refused_models.get(name)
            before = _conditions(own.status, ResponsibilityModelStatus)
            make: Callable[[], Status]
            if cluster is not None:
                make = partial(
                    status.model_status,
                    cluster,
                    assessment,
                    generation=own.generation,
                    before=before,
                    since=self._history.since(f"model/{own.name}"),
                )
            elif refused is not None:
                make = partial(
                    status.refused_model_status, refused, before=before, now=assessment.now
                )
            else:
                continue
            details = (
                refused,
                own.identity,
                own.status,
                assessment.unrecorded,
                assessment.rbac_enforced,
            )
            writes.append(self._settle(self._store.models, own, (cluster, details), make))
        return writes

    async def _settle(
        self,
        kind: OwnKind[Any],
        own: Own[Any],
        inputs: tuple[object, tuple[object, ...]],
        make: Callable[[], Status],
    ) -> bool:
        """Write one object's status if it differs from what is there.

        ``inputs`` are what it is made from: an assessment, known by its identity, and details.
        """
        key = f"{kind.kind}/{own.name}"
        known = self._settled.get(key)
        if known is not None and known[0] is inputs[0] and known[1] == inputs[1]:
            return True
        wanted = make()
        if _parse(own.status, type(wanted)) == _parse(wanted.dump(), type(wanted)):
            self._settled[key] = inputs
            return True
        body = {
            "apiVersion": own.reference["apiVersion"],
            "kind": kind.kind,
            "metadata": {"name": own.name, "uid": own.uid},
            "status": wanted.dump(),
        }
        try:
            async with self._gate:
                answer = await self._api.apply(
                    f"{kind.path}/{own.name}",
                    body,
                    field_manager=FIELD_MANAGER,
                    subresource="status",
                )
        except (errors.NotFoundError, errors.ConflictError):
            # Deleted, or replaced by another of the same name; the watch will tell.
            return True
        except errors.ApiError as error:
            self._metrics.write_errors.labels("status").inc()
            logger.warning("the status of %s %s was not written: %s", kind.kind, own.name, error)
            return False
        self._metrics.writes.labels("status").inc()
        kind.note(answer)
        return True

    def _annotation_note(self, hub: HubAssessment | None) -> str | None:
        if hub is None or hub.hub is None:
            return None
        if not self._annotate:
            return "annotations are switched off in the operator's settings"
        troubles = [
            f"{deployment.name}: {self._refused[key][0]}"
            for deployment in hub.hub.deployments
            if (key := (deployment.namespace, deployment.name)) in self._refused
        ]
        return "; ".join(troubles) or None

    async def _annotations(self, assessment: Assessment) -> list[bool]:
        wanted = notes.desired(assessment)
        now = asyncio.get_running_loop().time()
        present: dict[tuple[str, str], Deployment] = dict(self._store.deployments.items)
        due = [
            self._annotate_one(deployment, wanted.get(key, {}))
            for key, deployment in present.items()
            if notes.outdated(deployment, wanted.get(key, {}))
            and now - self._refused.get(key, ("", -_PATIENCE))[1] >= _PATIENCE
        ]
        for key in tuple(self._refused):
            if key not in present:
                del self._refused[key]
        return list(await asyncio.gather(*due))

    async def _annotate_one(self, deployment: Deployment, wanted: dict[str, str]) -> bool:
        key = (deployment.namespace, deployment.name)
        path = f"/apis/apps/v1/namespaces/{deployment.namespace}/deployments/{deployment.name}"
        try:
            async with self._gate:
                await self._api.apply(
                    path, notes.patch(deployment, wanted), field_manager=FIELD_MANAGER
                )
        except errors.ForbiddenError:
            self._refused[key] = (_NAME_MISSING, asyncio.get_running_loop().time())
            self._metrics.write_errors.labels("annotations").inc()
            return True
        except (errors.NotFoundError, errors.ConflictError):
            return True
        except errors.ApiError as error:
            self._metrics.write_errors.labels("annotations").inc()
            logger.warning("%s/%s was not annotated: %s", *key, error)
            return False
        self._refused.pop(key, None)
        self._metrics.writes.labels("annotations").inc()
        return True


def _parse(raw: Mapping[str, Any], shape: type[Status]) -> Status | None:
    try:
        return shape.model_validate(raw)
    except ValidationError:
        # Written by another version, or by hand: it is replaced as a whole.
        return None


def _conditions(raw: Mapping[str, Any], shape: type[Status]) -> tuple[Any, ...]:
    parsed = _parse(raw, shape)
    return parsed.conditions if parsed is not None else ()
