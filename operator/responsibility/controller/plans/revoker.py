"""The revoker: approved plans are carried out, as far as deletions of RoleBindings go.

What is decided stands in ``revocation_conditions``, how it is done in ``revocation``; here it is
seen to that it is done, one record after the other, in a task beside the loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from responsibility.cluster import apply_plan
from responsibility.cluster.custom_resources import CustomResource
from responsibility.cluster.store import Store
from responsibility.cluster.undo_documents import (
    DocumentState,
    UndoDocuments,
)
from responsibility.controller.plans import revocation_conditions as claims
from responsibility.controller.plans.process import PlanningError
from responsibility.controller.plans.queue import PlanningQueue
from responsibility.controller.plans.revocation import LaterError, Revocation, WaitError, approved
from responsibility.controller.plans.revocation_conditions import (
    RevocationAction,
    RevocationInputs,
    RevocationReason,
)
from responsibility.controller.plans.revocation_events import RevocationEvents
from responsibility.controller.process.logs import about
from responsibility.controller.reporting.conditions import ConditionDraft
from responsibility.controller.reporting.metrics import Metrics
from responsibility.controller.reporting.writer import PASSING
from responsibility.controller.worker import Pass, Worker
from responsibility.kube import errors
from responsibility.kube.backoff import is_set_within
from responsibility.kube.client import Api
from responsibility.ownership.results.assessment import HubAssessment
from responsibility.ownership.terms.managed_namespaces import unmarked
from responsibility.plans import deletions

logger = logging.getLogger(__name__)

# Seconds after which what could not be done is tried again: where time may help, and where mostly
# only a person can.
_AGAIN = 3.0
_PATIENCE = 30.0


class Revoker(Worker):
    """Deletes what was approved; ``claim`` says how that stands."""

    def __init__(
        self,
        api: Api,
        store: Store,
        metrics: Metrics,
        planning: PlanningQueue,
        news: RevocationEvents,
        *,
        enabled: bool,
        namespace: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.enabled = enabled
        self._store = store
        self._metrics = metrics
        self._planning = planning
        self._news = news
        self._documents = UndoDocuments(api, namespace)
        self._revocation = Revocation(
            api, store, metrics, planning, documents=self._documents, clock=clock
        )
        self._pass: Pass | None = None
        self._claims: dict[str, ConditionDraft] = {}
        # Records that wait until a moment of the loop's clock.
        self._later: dict[str, float] = {}
        self._wake = asyncio.Event()

    # --- what is said ---------------------------------------------------------------------------

    def claim(self, resource: CustomResource[Any], hub: HubAssessment) -> ConditionDraft | None:
        """Return what to say of a record; None where it asks for nothing of the kind."""
        if not deletions.revocable_items(hub.agreement):
            return None
        condition = self._claims.get(resource.uid) or remembered(resource) or claims.STARTING
        self._news.tell(resource, condition, approved=bool(approved(resource)))
        return condition

    def follow(self, found: Pass) -> None:
        """Take in a pass; what is to be done is done beside."""
        self._pass = found
        present = {resource.uid for resource in found.moment.records.values()}
        self._claims = {uid: condition for uid, condition in self._claims.items() if uid in present}
        self._news.keep(present)
        for record, do in self._due().items():
            if do is not RevocationAction.NOTHING and not self._waits(record):
                self._wake.set()
        if self.enabled and not self._documents.listed:
            self._wake.set()

    def retry_refused(self) -> None:
        """Try again at once what was refused: our rights have changed."""
        self._later.clear()
        self._wake.set()

    def _due(self) -> Mapping[str, RevocationAction]:
        """Decide about every record that asks for it, and remember what to say."""
        found: dict[str, RevocationAction] = {}
        for resource, hub in self._asking():
            do, condition = claims.decide(self._asked(resource, hub))
            if condition is not None:
                self._claims[resource.uid] = condition
            found[resource.name] = do
        return found

    def _asking(self) -> list[tuple[CustomResource[Any], HubAssessment]]:
        if self._pass is None:
            return []
        hubs = self._pass.assessment.hubs
        return [
            (resource, hub)
            for resource in self._pass.moment.records.values()
            if (hub := hubs.get(resource.name)) is not None
            and resource.value is not None
            and deletions.revocable_items(hub.agreement)
        ]

    def _asked(self, resource: CustomResource[Any], hub: HubAssessment) -> RevocationInputs:
        known = self._documents.listed
        enforced = self._pass is not None and self._pass.assessment.rbac_enforced is True
        return RevocationInputs(
            approved=approved(resource),
            enabled=self.enabled,
            found=hub.hub is not None and enforced,
            # Before it is known what was begun, nothing else is.
            planned=known and self._planning.is_current(hub),
            excess=not known or bool(deletions.excess(hub)),
            proposal=self._planning.proposal(hub),
            documents=self._documents.of(resource.uid),
            namespace=self._documents.namespace,
            trouble=self._planning.trouble(hub),
            closed=self._closed(hub.agreement.hub.namespace),
        )

    def _closed(self, namespace: str) -> str:
        space = self._store.namespaces.items.get(namespace)
        return "" if space is not None and space.managed else unmarked(namespace)

    def _waits(self, record: str) -> bool:
        return asyncio.get_running_loop().time() < self._later.get(record, 0.0)

    # --- what is done ---------------------------------------------------------------------------

    async def run(self) -> None:
        """Run until cancelled."""
        if not self.enabled:
            return
        while True:
            await is_set_within(self._wake, _AGAIN if self._later else None)
            self._wake.clear()
            await self._round()

    async def _round(self) -> None:
        if not self._documents.listed and not await self._list():
            return
        await self._tidy()
        due = {
            record: do for record, do in self._due().items() if do is not RevocationAction.NOTHING
        }
        self._later = {name: until for name, until in self._later.items() if name in due}
        for record, do in due.items():
            if not self._waits(record):
                await self._one(record, do)

    async def _list(self) -> bool:
        try:
            await self._documents.list()
        except errors.ApiError as error:
            logger.warning("what was revoked before is unknown, so nothing is revoked: %s", error)
            self._postpone("")
            return False
        self._later.pop("", None)
        self._store.touch()
        return True

    async def _tidy(self) -> None:
        """End what belongs to records that are gone."""
        uids = {resource.uid for resource in self._store.records.items.values()}
        for document in self._documents.all():
            if document.state is DocumentState.OPEN and document.record_uid not in uids:
                why = f"record {document.record} was deleted while its plan was being carried out"
                logger.warning("%s: %s", document.name, why)
                self._metrics.revocations.labels("stopped").inc()
                await self._revocation.mark(
                    document, DocumentState.STOPPED, RevocationReason.WITHDRAWN, why
                )

    async def _one(self, record: str, do: RevocationAction) -> None:
        resource = self._store.records.items.get(record)
        decided = self._pass.moment.records.get(record) if self._pass is not None else None
        # What was decided about is another one by now: so the next pass decides anew.
        if resource is None or decided is None or resource.identity != decided.identity:
            return
        doing = self._revocation
        work = {
            RevocationAction.APPLY: doing.apply,
            RevocationAction.RESUME: doing.resume,
            RevocationAction.CLOSE: self._close,
        }[do]
        self._later.pop(record, None)
        try:
            await work(resource)
        except WaitError as wait:
            self._say(resource, wait.condition)
            self._postpone(record, _AGAIN if wait.passing else _PATIENCE)
        except (*PASSING, LaterError) as error:
            logger.warning(
                "revoking for record %s goes on later: %s",
                record,
                error,
                extra=about(record=record),
            )
            self._postpone(record)
        except errors.ApiError as error:
            logger.warning(
                "nothing is revoked for record %s: %s", record, error, extra=about(record=record)
            )
            begun = any(d.state is DocumentState.OPEN for d in self._documents.of(resource.uid))
            what = "what was begun waits" if begun else "nothing was changed"
            self._say(resource, claims.claim(False, RevocationReason.REFUSED, f"{what}: {error}"))
            self._postpone(record, _PATIENCE)
        except apply_plan.StaleError as stale:
            logger.info("record %s: %s", record, stale, extra=about(record=record))
            self._postpone(record)
        except PlanningError as error:
            logger.warning(
                "nothing is revoked for record %s: %s", record, error, extra=about(record=record)
            )
            self._say(resource, claims.unplanned(str(error)))
            self._postpone(record, _PATIENCE)
        except Exception:
            # A fault of ours must end neither the operator nor anybody's rights.
            logger.exception("nothing is revoked for record %s", record, extra=about(record=record))
            self._say(
                resource,
                claims.claim(
                    False, RevocationReason.FAILED, "nothing is done: see the operator's log"
                ),
            )
            self._postpone(record, _PATIENCE)
        finally:
            self._store.touch()

    def _say(self, resource: CustomResource[Any], condition: ConditionDraft) -> None:
        self._claims[resource.uid] = condition

    def _postpone(self, record: str, seconds: float = _AGAIN) -> None:
        self._later[record] = asyncio.get_running_loop().time() + seconds

    async def _close(self, resource: CustomResource[Any]) -> None:
        for document in self._documents.of(resource.uid):
            if document.digest != approved(resource):
                await self._revocation.mark(
                    document,
                    DocumentState.CLOSED,
                    RevocationReason.read(document.reason),
                    document.why,
                )


def remembered(resource: CustomResource[Any]) -> ConditionDraft | None:
    """Return what was said in the status that a predecessor wrote."""
    status = {"True": True, "False": False}
    for condition in resource.status.get("conditions") or ():
        if condition.get("type") == claims.TYPE:
            reason = RevocationReason.read(str(condition.get("reason", "")))
            truth = status.get(str(condition.get("status")))
            return (
                claims.claim(truth, reason, str(condition.get("message", ""))) if reason else None
            )
    return None
