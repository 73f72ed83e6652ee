"""Carry out the plans that records approve, as far as deletions of RoleBindings go.

What is decided stands in ``revoke_claims``; here it is done, one record after the other, in a task
beside the loop. Between any two writes the process may be killed: what was approved is in an undo
document before the first deletion, and how far it came is seen from the cluster.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from responsibility.cluster import apply, errors, fresh
from responsibility.cluster.client import Api
from responsibility.cluster.own import Own
from responsibility.cluster.store import Store
from responsibility.cluster.undo import Journal
from responsibility.cluster.undo_documents import (
    Document,
    State,
    TooLargeError,
    UndoDocuments,
    draft,
)
from responsibility.controller import revoke_claims as claims
from responsibility.controller.conditions import Claim
from responsibility.controller.metrics import Metrics
from responsibility.controller.planner import Planner, PlanningError
from responsibility.controller.planning import Planning
from responsibility.controller.revocation_proof import still_held
from responsibility.controller.revoke_claims import Asked, Do
from responsibility.controller.revoke_news import News
from responsibility.controller.writer import PASSING
from responsibility.enforcement import revocations
from responsibility.enforcement.revocations import Proposal
from responsibility.ownership.assessment import Assessment, HubAssessment
from responsibility.ownership.plans.change import Plan

logger = logging.getLogger(__name__)

# Seconds after which what could not be done is tried again: where time may help, and where mostly
# only a person can.
_AGAIN = 3.0
_PATIENCE = 30.0
# Seconds for which a missing right may come back.
_GRACE = 20.0


class _LaterError(Exception):
    """What was refused may not be in a moment."""


class _WithdrawnError(Exception):
    """The record no longer says that this is to be done."""


class Revoker:
    """Deletes what was approved; ``claim`` says how that stands."""

    def __init__(
        self,
        api: Api,
        store: Store,
        metrics: Metrics,
        planning: Planning,
        news: News,
        *,
        enabled: bool,
        namespace: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.enabled = enabled
        self._api = api
        self._store = store
        self._metrics = metrics
        self._planning = planning
        self._news = news
        self._documents = UndoDocuments(api, namespace)
        self._clock = clock
        self._assessment: Assessment | None = None
        self._claims: dict[str, Claim] = {}
        # Records that wait until a moment of the loop's clock.
        self._later: dict[str, float] = {}
        # By UID of the record: since when its deletions have been forbidden.
        self._forbidden: dict[str, float] = {}
        self._wake = asyncio.Event()

    # --- what is said ---------------------------------------------------------------------------

    def claim(self, own: Own[Any], hub: HubAssessment) -> Claim | None:
        """Return what to say of a record; None where it asks for nothing of the kind."""
        if not revocations.revocable_items(hub.agreement):
            return None
        said = self._claims.get(own.uid) or remembered(own) or claims.STARTING
        self._news.tell(own, said, approved=bool(_approved(own)))
        return said

    def follow(self, assessment: Assessment) -> None:
        """Take in an assessment; what is to be done is done beside."""
        self._assessment = assessment
        present = {own.uid for own in self._store.records.items.values()}
        self._claims = {uid: said for uid, said in self._claims.items() if uid in present}
        self._news.keep(present)
        for record, do in self._due().items():
            if do is not Do.NOTHING and not self._waits(record):
                self._wake.set()
        if self.enabled and not self._documents.listed:
            self._wake.set()

    def retry_refused(self) -> None:
        """Try again at once what was refused: our rights have changed."""
        self._later.clear()
        self._wake.set()

    def _due(self) -> Mapping[str, Do]:
        """Decide about every record that asks for it, and remember what to say."""
        found: dict[str, Do] = {}
        for own, hub in self._asking():
            do, said = claims.decide(self._asked(own, hub))
            if said is not None:
                self._claims[own.uid] = said
            found[own.name] = do
        return found

    def _asking(self) -> list[tuple[Own[Any], HubAssessment]]:
        if self._assessment is None:
            return []
        hubs = self._assessment.hubs
        return [
            (own, hub)
            for own in self._store.records.items.values()
            if (hub := hubs.get(own.name)) is not None
            and own.value is not None
            and revocations.revocable_items(hub.agreement)
        ]

    def _asked(self, own: Own[Any], hub: HubAssessment) -> Asked:
        known = self._documents.listed
        enforced = self._assessment is not None and self._assessment.rbac_enforced is True
        return Asked(
            approved=_approved(own),
            enabled=self.enabled,
            found=hub.hub is not None and enforced,
            # Before it is known what was begun, nothing else is.
            planned=known and self._planning.is_current(hub),
            excess=not known or bool(revocations.excess(hub)),
            proposal=self._planning.proposal(hub),
            documents=self._documents.of(own.uid),
            namespace=self._documents.namespace,
        )

    def _waits(self, record: str) -> bool:
        return asyncio.get_running_loop().time() < self._later.get(record, 0.0)

    # --- what is done ---------------------------------------------------------------------------

    async def run(self) -> None:
        """Run until cancelled."""
        if not self.enabled:
            return
        while True:
            try:
                async with asyncio.timeout(_AGAIN if self._later else None):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            await self._round()

    async def _round(self) -> None:
        if not self._documents.listed and not await self._list():
            return
        await self._tidy()
        due = {record: do for record, do in self._due().items() if do is not Do.NOTHING}
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
        uids = {own.uid for own in self._store.records.items.values()}
        for document in self._documents.all():
            if document.state is State.OPEN and document.record_uid not in uids:
                why = f"record {document.record} was deleted while its plan was being carried out"
                logger.warning("%s: %s", document.name, why)
                self._metrics.revocations.labels("stopped").inc()
                await self._mark(document, State.STOPPED, claims.WITHDRAWN, why)

    async def _one(self, record: str, do: Do) -> None:
        own = self._store.records.items.get(record)
        if own is None:
            return
        work = {Do.APPLY: self._apply, Do.RESUME: self._resume, Do.CLOSE: self._close}[do]
        try:
            await work(own)
            self._later.pop(record, None)
        except (*PASSING, _LaterError) as error:
            logger.warning("revoking for record %s goes on later: %s", record, error)
            self._postpone(record)
        except errors.ApiError as error:
            logger.warning("nothing is revoked for record %s: %s", record, error)
            begun = any(d.state is State.OPEN for d in self._documents.of(own.uid))
            what = "what was begun waits" if begun else "nothing was changed"
            self._say(own, claims.claim(False, "Refused", f"{what}: {error}"))
            self._postpone(record, _PATIENCE)
        except apply.StaleError as stale:
            logger.info("record %s: %s", record, stale)
            self._postpone(record)
        except PlanningError as error:
            logger.warning("nothing is revoked for record %s: %s", record, error)
            self._say(own, claims.claim(None, "NotPlanned", f"no plan could be made: {error}"))
            self._postpone(record, _PATIENCE)
        except Exception:
            # A fault of ours must end neither the operator nor anybody's rights.
            logger.exception("nothing is revoked for record %s", record)
            self._say(own, claims.claim(False, "Failed", "nothing is done: see the operator's log"))
            self._postpone(record, _PATIENCE)
        finally:
            self._store.touch()

    def _say(self, own: Own[Any], said: Claim) -> None:
        self._claims[own.uid] = said

    def _postpone(self, record: str, seconds: float = _AGAIN) -> None:
        self._later[record] = asyncio.get_running_loop().time() + seconds

    async def _close(self, own: Own[Any]) -> None:
        for document in self._documents.of(own.uid):
            if document.digest != _approved(own):
                await self._mark(document, State.CLOSED, document.reason, document.why)

    async def _apply(self, own: Own[Any]) -> None:
        """Carry out an approved plan, if it still is what would be done now."""
        async with await self._look() as planner:
            await self._apply_by(planner, own, _approved(own))

    async def _apply_by(self, planner: Planner, own: Own[Any], digest: str) -> None:
        proposal = await planner.propose(own.name)
        plan = proposal.part if proposal is not None else None
        if not self._is_approved(own, digest):
            return
        if proposal is None or plan is None or plan.digest != digest:
            await self._refuse(own, digest, proposal)
            return
        try:
            journal = await apply.prepare(self._api, plan, cluster=self._cluster())
            document = draft(own.name, own.uid, revocations.paper(plan), journal)
        except apply.StaleError as stale:
            logger.info("record %s: %s", own.name, stale)
            await self._refuse(own, digest, None)
            return
        except TooLargeError:
            why = "the plan is too large to be written down: have a person apply it"
            self._say(own, claims.claim(False, "TooLarge", why))
            self._postpone(own.name, _PATIENCE)
            return
        document = await self._documents.write(document)
        self._metrics.writes.labels("revocations").inc()
        logger.info("carrying out plan %s for record %s: see %s", digest, own.name, document.name)
        await self._carry_out(own, document, journal, planner, plan)

    async def _refuse(self, own: Own[Any], digest: str, proposal: Proposal | None) -> None:
        self._metrics.revocations.labels("refused").inc()
        if proposal is not None:
            self._planning.note(own.name, proposal)
        self._say(own, claims.changed(digest, proposal))
        # The watches may be behind; they bring what differs.
        self._postpone(own.name)

    async def _resume(self, own: Own[Any]) -> None:
        """Go on with what was begun, if what is left is still what would be done."""
        (document, *_) = (d for d in self._documents.of(own.uid) if d.state is State.OPEN)
        journal, why = _trusted(document)
        if journal is None:
            await self._stop(own, document, None, claims.INTERRUPTED, why)
            return
        async with await self._look() as planner:
            await self._resume_by(planner, own, document, journal)

    async def _resume_by(
        self, planner: Planner, own: Own[Any], document: Document, journal: Journal
    ) -> None:
        proposal = await planner.propose(own.name)
        if not self._is_approved(own, document.digest):
            why = "the record no longer approves it"
            await self._stop(own, document, journal, claims.WITHDRAWN, why)
            return
        states = await apply.states(self._api, journal)
        if all(state is apply.State.DONE for state in states):
            await self._done(own, document, None)
            return
        plan = proposal.part if proposal is not None else None
        if plan is None or not revocations.approved(document.paper, plan):
            why = "the operator was interrupted, and what is left is not what was approved"
            await self._stop(own, document, journal, claims.INTERRUPTED, why)
            return
        self._metrics.revocations.labels("resumed").inc()
        logger.info("going on with plan %s for record %s", document.digest, own.name)
        # From the plan, held against what was approved: the document is not trusted so far.
        rest = await apply.prepare(self._api, plan, cluster=self._cluster())
        await self._carry_out(own, document, rest, planner, plan)

    async def _carry_out(
        self, own: Own[Any], document: Document, journal: Journal, planner: Planner, plan: Plan
    ) -> None:
        def still() -> None:
            if not self._is_approved(own, document.digest):
                raise _WithdrawnError

        def tell(progress: apply.Progress) -> None:
            logger.info("%s: %s (%s)", document.name, progress.step.what, progress.was)
            if progress.was is apply.State.TODO:
                self._metrics.writes.labels("revocations").inc()
            still()

        whole, _ = _trusted(document)
        try:
            await self._store.list_own()
            still()
            await apply.go_on(self._api, journal, tell)
        except _WithdrawnError:
            why = "the record was changed meanwhile, and no longer approves it"
            await self._stop(own, document, whole, claims.WITHDRAWN, why)
        except apply.StoppedError as stopped:
            if isinstance(stopped.cause, PASSING):
                raise stopped.cause from stopped
            if self._may_pass(own, stopped.cause):
                raise _LaterError(str(stopped.cause)) from stopped
            self._metrics.write_errors.labels("revocations").inc()
            await self._stop(
                own, document, whole, claims.STOPPED, f"{stopped.step.what}: {stopped.why}"
            )
        else:
            held = await still_held(self._api, planner, plan)
            await self._done(own, document, held)

    def _may_pass(self, own: Own[Any], cause: errors.ApiError | None) -> bool:
        """Return whether a refusal is too young to be believed.

        An API server that has just started refuses everything until it has read its roles.
        """
        if not isinstance(cause, errors.ForbiddenError):
            return False
        now = asyncio.get_running_loop().time()
        return now < self._forbidden.setdefault(own.uid, now) + _GRACE

    async def _done(self, own: Own[Any], document: Document, held: str | None) -> None:
        reason = claims.NOT_ENDED if held else ""
        self._forbidden.pop(own.uid, None)
        await self._mark(document, State.DONE, reason, held or "")
        self._metrics.revocations.labels("applied").inc()
        logger.info("plan %s for record %s has been carried out", document.digest, own.name)
        try:
            await self._documents.prune()
        except errors.ApiError as error:
            logger.warning("old undo documents were not removed: %s", error)

    async def _stop(
        self, own: Own[Any], document: Document, journal: Journal | None, reason: str, why: str
    ) -> None:
        made = of = 0
        if journal is not None:
            states = await apply.states(self._api, journal)
            made, of = sum(state is apply.State.DONE for state in states), len(states)
        told = claims.stopped(document, self._documents.namespace, made, of, why)
        logger.warning("record %s: %s", own.name, told)
        self._forbidden.pop(own.uid, None)
        self._metrics.revocations.labels("stopped").inc()
        await self._mark(document, State.STOPPED, reason, told)

    async def _mark(self, document: Document, state: State, reason: str, why: str) -> None:
        try:
            await self._documents.mark(document, state, reason, why)
            self._metrics.writes.labels("revocations").inc()
        except (errors.NotFoundError, errors.ConflictError):
            logger.warning("%s was removed by somebody", document.name)
            self._documents.forget(document)

    # --- looking --------------------------------------------------------------------------------

    async def _look(self) -> Planner:
        """Return what plans from what the API server holds now. Raises ApiError."""
        await self._store.list_own()
        rbac = await fresh.rbac(self._api)
        return Planner(self._store.snapshot(self._clock()), revoking=True, rbac=rbac)

    def _is_approved(self, own: Own[Any], digest: str) -> bool:
        """Return whether the record, as far as is known now, says that this is to be done."""
        now = self._store.records.items.get(own.name)
        return (
            now is not None
            and now.uid == own.uid
            and now.value is not None
            and _approved(now) == digest
        )

    def _cluster(self) -> str:
        """Return what tells this cluster from others; see ``apply.cluster_id``."""
        system = self._store.namespaces.items.get("kube-system")
        return system.uid if system is not None else ""


def _approved(own: Own[Any]) -> str:
    """Return the digest that a record approves; empty for none, or none that is asked for."""
    if own.value is None:
        return ""
    found: str | None = own.value.spec.enforcement.approved_plan
    return found or ""


def _trusted(document: Document) -> tuple[Journal | None, str]:
    """Return the journal of a document that says what was approved, else why it is not trusted."""
    if not revocations.is_paper_of(document.paper, document.digest):
        return None, f"ConfigMap {document.name} does not hold the plan that it is named after"
    try:
        return document.journal(), ""
    except ValueError as error:
        return None, str(error)


def remembered(own: Own[Any]) -> Claim | None:
    """Return what was said in the status that a predecessor wrote."""
    status = {"True": True, "False": False}
    for condition in own.status.get("conditions") or ():
        if condition.get("type") == claims.TYPE:
            return claims.claim(
                status.get(str(condition.get("status"))),
                str(condition.get("reason", "")),
                str(condition.get("message", "")),
            )
    return None
