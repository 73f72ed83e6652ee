"""One approved plan carried out: first how to take it back is noted, then it is done.

Each step may be the last before the process is killed. What was approved is in an undo document
before the first deletion, and how far it came is seen from the cluster.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from datetime import datetime
from typing import Any

from responsibility.cluster import apply_plan, fresh_access_graph
from responsibility.cluster.custom_resources import CustomResource
from responsibility.cluster.store import Store
from responsibility.cluster.undo import Journal
from responsibility.cluster.undo_documents import (
    Document,
    DocumentState,
    UndoDocuments,
    UndoTooLargeError,
    draft,
)
from responsibility.controller.plans import revocation_conditions as claims
from responsibility.controller.plans.process import Planner
from responsibility.controller.plans.queue import PlanningQueue
from responsibility.controller.plans.revocation_conditions import RevocationReason
from responsibility.controller.plans.revocation_proof import still_held
from responsibility.controller.process.logs import about
from responsibility.controller.reporting.conditions import ConditionDraft
from responsibility.controller.reporting.metrics import Metrics
from responsibility.controller.reporting.writer import PASSING
from responsibility.kube import errors
from responsibility.kube.client import Api
from responsibility.plans import deletions
from responsibility.plans.change import Plan
from responsibility.plans.deletions import Proposal

logger = logging.getLogger(__name__)

# Seconds for which a missing right may come back.
_GRACE = 20.0


class LaterError(Exception):
    """What was refused may not be in a moment."""


class WaitError(Exception):
    """Nothing can be done now; ``condition`` is what the record says of it.

    With ``passing``, the watches may merely be behind.
    """

    def __init__(self, condition: ConditionDraft, *, passing: bool) -> None:
        super().__init__(condition.message)
        self.condition = condition
        self.passing = passing


class _WithdrawnError(Exception):
    """The record no longer says that this is to be done."""


class Revocation:
    """Carries out approved plans, and goes on with those that were begun.

    For ``grace`` seconds, a deletion that is forbidden is tried again.
    """

    def __init__(
        self,
        api: Api,
        store: Store,
        metrics: Metrics,
        planning: PlanningQueue,
        *,
        documents: UndoDocuments,
        clock: Callable[[], datetime],
        grace: float = _GRACE,
    ) -> None:
        self._api = api
        self._store = store
        self._metrics = metrics
        self._planning = planning
        self._grace = grace
        self._documents = documents
        self._clock = clock
        # By UID of the record: since when its deletions have been forbidden.
        self._forbidden: dict[str, float] = {}

    async def apply(self, resource: CustomResource[Any]) -> None:
        """Carry out an approved plan, if it still is what would be done now.

        Raises WaitError, LaterError, ApiError, StaleError, PlanningError: nothing was changed, or
        what was begun waits.
        """
        async with aclosing(await self._look()) as planner:
            await self._apply_by(planner, resource, approved(resource))

    async def _apply_by(self, planner: Planner, resource: CustomResource[Any], digest: str) -> None:
        proposal = await planner.propose(resource.name)
        plan = proposal.part if proposal is not None else None
        if not self._is_approved(resource, digest):
            return
        if proposal is None or plan is None or plan.digest != digest:
            raise self._refused(resource, digest, proposal)
        try:
            journal = await apply_plan.prepare(self._api, plan, cluster=self._cluster())
            document = draft(resource.name, resource.uid, journal)
        except apply_plan.StaleError as stale:
            logger.info("record %s: %s", resource.name, stale, extra=about(record=resource.name))
            raise self._refused(resource, digest, None) from stale
        except UndoTooLargeError as error:
            why = "the plan is too large to be written down: have a person apply it"
            raise WaitError(
                claims.claim(False, RevocationReason.TOO_LARGE, why), passing=False
            ) from error
        document = await self._documents.write(document)
        self._metrics.writes.labels("revocations").inc()
        logger.info(
            "carrying out plan %s for record %s: see %s",
            digest,
            resource.name,
            document.name,
            extra=about(record=resource.name),
        )
        await self._carry_out(resource, document, journal, planner, plan)

    def _refused(
        self, resource: CustomResource[Any], digest: str, proposal: Proposal | None
    ) -> WaitError:
        self._metrics.revocations.labels("refused").inc()
        if proposal is not None:
            self._planning.note(resource.name, proposal)
        # The watches may be behind; they bring what differs.
        return WaitError(claims.changed(digest, proposal), passing=True)

    async def resume(self, resource: CustomResource[Any]) -> None:
        """Go on with what was begun, if what is left is still what would be done.

        Raises as `apply` does.
        """
        (document, *_) = (
            d for d in self._documents.of(resource.uid) if d.state is DocumentState.OPEN
        )
        journal, why = _trusted(document)
        if journal is None:
            await self._stop(resource, document, None, RevocationReason.INTERRUPTED, why)
            return
        async with aclosing(await self._look()) as planner:
            await self._resume_by(planner, resource, document, journal)

    async def _resume_by(
        self, planner: Planner, resource: CustomResource[Any], document: Document, journal: Journal
    ) -> None:
        proposal = await planner.propose(resource.name)
        if not self._is_approved(resource, document.digest):
            why = "the record no longer approves it"
            await self._stop(resource, document, journal, RevocationReason.WITHDRAWN, why)
            return
        states = await apply_plan.states(self._api, journal)
        if all(state is apply_plan.StepState.DONE for state in states):
            await self._done(resource, document, None)
            return
        plan = proposal.part if proposal is not None else None
        if plan is None or not deletions.approved(journal.paper, plan):
            why = "the operator was interrupted, and what is left is not what was approved"
            await self._stop(resource, document, journal, RevocationReason.INTERRUPTED, why)
            return
        self._metrics.revocations.labels("resumed").inc()
        logger.info(
            "going on with plan %s for record %s",
            document.digest,
            resource.name,
            extra=about(record=resource.name),
        )
        # From the plan, held against what was approved: the document is not trusted so far.
        rest = await apply_plan.prepare(self._api, plan, cluster=self._cluster())
        await self._carry_out(resource, document, rest, planner, plan)

    async def _carry_out(
        self,
        resource: CustomResource[Any],
        document: Document,
        journal: Journal,
        planner: Planner,
        plan: Plan,
    ) -> None:
        def still() -> None:
            if not self._is_approved(resource, document.digest):
                raise _WithdrawnError

        def tell(progress: apply_plan.Progress) -> None:
            logger.info(
                "%s: %s (%s)",
                document.name,
                progress.step.what,
                progress.was,
                extra=about(record=resource.name),
            )
            if progress.was is apply_plan.StepState.TODO:
                self._metrics.writes.labels("revocations").inc()
            still()

        whole, _ = _trusted(document)
        try:
            await self._store.list_own()
            still()
            await apply_plan.go_on(self._api, journal, tell)
        except _WithdrawnError:
            why = "the record was changed meanwhile, and no longer approves it"
            await self._stop(resource, document, whole, RevocationReason.WITHDRAWN, why)
        except apply_plan.StoppedError as stopped:
            if isinstance(stopped.cause, PASSING):
                raise stopped.cause from stopped
            if self._may_pass(resource, stopped.cause):
                raise LaterError(str(stopped.cause)) from stopped
            self._metrics.write_errors.labels("revocations").inc()
            await self._stop(
                resource,
                document,
                whole,
                RevocationReason.STOPPED,
                f"{stopped.step.what}: {stopped.why}",
            )
        else:
            held = await still_held(self._api, planner, plan)
            await self._done(resource, document, held)

    def _may_pass(self, resource: CustomResource[Any], cause: errors.ApiError | None) -> bool:
        """Return whether a refusal is too young to be believed.

        An API server that has just started refuses everything until it has read its roles.
        """
        if not isinstance(cause, errors.ForbiddenError):
            return False
        now = asyncio.get_running_loop().time()
        return now < self._forbidden.setdefault(resource.uid, now) + self._grace

    async def _done(
        self, resource: CustomResource[Any], document: Document, held: str | None
    ) -> None:
        reason = RevocationReason.NOT_ENDED if held else None
        self._forbidden.pop(resource.uid, None)
        await self.mark(document, DocumentState.DONE, reason, held or "")
        self._metrics.revocations.labels("applied").inc()
        logger.info(
            "plan %s for record %s has been carried out",
            document.digest,
            resource.name,
            extra=about(record=resource.name),
        )
        try:
            await self._documents.prune()
        except errors.ApiError as error:
            logger.warning("old undo documents were not removed: %s", error)

    async def _stop(
        self,
        resource: CustomResource[Any],
        document: Document,
        journal: Journal | None,
        reason: RevocationReason,
        why: str,
    ) -> None:
        made = of = 0
        if journal is not None:
            states = await apply_plan.states(self._api, journal)
            made, of = sum(state is apply_plan.StepState.DONE for state in states), len(states)
        message = claims.stopped(document, self._documents.namespace, made, of, why)
        logger.warning("record %s: %s", resource.name, message, extra=about(record=resource.name))
        self._forbidden.pop(resource.uid, None)
        self._metrics.revocations.labels("stopped").inc()
        await self.mark(document, DocumentState.STOPPED, reason, message)

    async def mark(
        self, document: Document, state: DocumentState, reason: RevocationReason | None, why: str
    ) -> None:
        """Note in a document how far it came; a person may have removed it. Raises ApiError."""
        try:
            await self._documents.mark(document, state, reason.value if reason else "", why)
            self._metrics.writes.labels("revocations").inc()
        except (errors.NotFoundError, errors.ConflictError):
            logger.warning("%s was removed by somebody", document.name)
            self._documents.forget(document)

    # --- looking --------------------------------------------------------------------------------

    async def _look(self) -> Planner:
        """Return what plans from what the API server holds now. Raises ApiError."""
        await self._store.list_own()
        rbac = await fresh_access_graph.rbac(self._api)
        return Planner(self._store.snapshot(self._clock()), revoking=True, rbac=rbac)

    def _is_approved(self, resource: CustomResource[Any], digest: str) -> bool:
        """Return whether the record, as far as is known now, says that this is to be done."""
        now = self._store.records.items.get(resource.name)
        return (
            now is not None
            and now.uid == resource.uid
            and now.value is not None
            and approved(now) == digest
        )

    def _cluster(self) -> str:
        """Return what tells this cluster from others; see ``apply.cluster_id``."""
        system = self._store.namespaces.items.get("kube-system")
        return system.uid if system is not None else ""


def approved(resource: CustomResource[Any]) -> str:
    """Return the digest that a record approves; empty for none, or none that is asked for."""
    if resource.value is None:
        return ""
    found: str | None = resource.value.spec.enforcement.approved_plan
    return found or ""


def _trusted(document: Document) -> tuple[Journal | None, str]:
    """Return the journal of a document that says what was approved, else why it is not trusted."""
    try:
        return document.journal(), ""
    except ValueError as error:
        return None, str(error)
