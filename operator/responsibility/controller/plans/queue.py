"""The queue of hubs to plan for, beside the loop, and seldom enough to slow nothing down.

A plan takes many assessments, so one is made only where that of a record has changed, one after
the other, in another process, with a rest after each that is longer than it took.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from responsibility.api.status import PlanStatus
from responsibility.cluster.knowledge import Heard
from responsibility.controller.plans.process import Planner, PlanningError, PlanningTimeoutError
from responsibility.controller.process.logs import about
from responsibility.controller.reporting.plan_status import plan_status
from responsibility.controller.worker import Pass, Worker
from responsibility.kube.backoff import is_set_within
from responsibility.ownership.results.assessment import Assessment, HubAssessment
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.plans import deletions
from responsibility.plans.deletions import Proposal

logger = logging.getLogger(__name__)

# Of the time, at most a third is spent on plans; seconds between two of them at least.
_REST = 2.0
_SHORTEST = 0.1
# Seconds after which it is tried again where no plan could be made: there may be memory by then.
_RETRY_AFTER = 600.0
# Seconds that one plan may take at first, and at most: with each try it gets twice the time, and
# the others have their turn in between.
_FIRST_LIMIT = 60.0
_LAST_LIMIT = 600.0
# Seconds after which planning is old, if nothing was planned though somebody waits.
_OLD = 3 * _LAST_LIMIT


@dataclass(frozen=True, slots=True)
class KnownPlan:
    """A proposal, and the assessment that it was made for, known by identity.

    ``trouble`` says why there is none, where none could be made.
    """

    hub: HubAssessment
    proposal: Proposal | None = None
    status: PlanStatus | None = None
    trouble: str = ""


class PlanningQueue(Worker):
    """Keeps a proposal for each hub with excess rights.

    Who has taken the least time so far is planned for next, so whoever changes all the time, or
    takes long, keeps nobody waiting but itself. ``rest`` is how long nothing is planned after each
    plan, as a multiple of what it took, but for ``pause`` seconds at least; ``limits`` are the
    seconds that one plan may take at first and at most. ``planner`` makes what plans, from a
    snapshot and ``revoking``.
    """

    def __init__(
        self,
        changed: Callable[[], None],
        *,
        revoking: bool,
        rest: float = _REST,
        pause: float = _SHORTEST,
        retry_after: float = _RETRY_AFTER,
        limits: tuple[float, float] = (_FIRST_LIMIT, _LAST_LIMIT),
        planner: Callable[..., Planner] = Planner,
    ) -> None:
        self._changed = changed
        self._revoking = revoking
        self._planner = planner
        self._rest, self._pause, self._retry_after = rest, pause, retry_after
        self._first_limit, self._last_limit = limits
        # Seconds by record, while anybody waits: what was taken, and what the next try may take.
        self._taken: dict[str, float] = {}
        self._limits: dict[str, float] = {}
        self._now: tuple[Assessment, Snapshot] | None = None
        self._known: dict[str, KnownPlan] = {}
        # Records for which it is tried once more.
        self._again: set[str] = set()
        self._wake = asyncio.Event()
        # A plan may take its time, and the next one waits for it.
        self.heard = Heard(failing=_OLD, silent=_OLD)

    def follow(self, found: Pass) -> None:
        """Take in a pass; what has to be planned is planned beside."""
        assessment = found.assessment
        self._now = (assessment, found.moment.snapshot)
        wanted = {
            name: hub.agreement.hub
            for name, hub in assessment.hubs.items()
            if _wants(hub, assessment)
        }
        # A record of the same name may be another one's by now, and of another hub.
        self._known = {
            name: known
            for name, known in self._known.items()
            if wanted.get(name) == known.hub.agreement.hub
        }
        if self._next() is not None:
            self._wake.set()

    def status(self, hub: HubAssessment) -> PlanStatus | None:
        """Return what to publish: the plan for this very assessment; None while there is none.

        A digest is what people approve, so one of another moment is not shown.
        """
        known = self._known.get(hub.agreement.record)
        return known.status if known is not None and known.hub is hub else None

    def proposal(self, hub: HubAssessment) -> Proposal | None:
        """Return the proposal for this very assessment; None while there is none."""
        known = self._known.get(hub.agreement.record)
        return known.proposal if known is not None and known.hub is hub else None

    def is_current(self, hub: HubAssessment) -> bool:
        """Return whether a hub has been planned for as it is."""
        known = self._known.get(hub.agreement.record)
        return known is not None and known.hub is hub

    def is_awaited(self, hub: HubAssessment) -> bool:
        """Return whether a hub's plan is still to be worked out for it as it is."""
        return self._now is not None and _wants(hub, self._now[0]) and not self.is_current(hub)

    def trouble(self, hub: HubAssessment) -> str:
        """Return why no plan could be made for a hub as it is; mostly empty."""
        known = self._known.get(hub.agreement.record)
        return known.trouble if known is not None and known.hub is hub else ""

    def failed(self) -> int:
        """Return for how many hubs no plan could be made."""
        return sum(bool(known.trouble) for known in self._known.values())

    def note(self, record: str, proposal: Proposal) -> None:
        """Take in a proposal that was made elsewhere from a fresher state."""
        hub = self._now[0].hubs.get(record) if self._now is not None else None
        if hub is not None:
            self._known[record] = KnownPlan(hub, proposal, plan_status(proposal))

    def changes(self) -> dict[tuple[str, str], int]:
        """Return by hub how many changes its plan has."""
        return {
            (key.namespace, key.release): known.status.changes
            for known in self._known.values()
            if known.status is not None and (key := known.hub.agreement.hub)
        }

    def age(self) -> tuple[float, float, str]:
        """Return how long nothing has been planned although somebody waits, and what is long."""
        if not self.waiting():
            self.heard.good()
        return self.heard.age()

    def waiting(self) -> dict[str, HubAssessment]:
        """Return by record the hubs whose plan is still to be worked out."""
        if self._now is None:
            return {}
        assessment, _ = self._now
        return {
            name: hub
            for name, hub in assessment.hubs.items()
            if _wants(hub, assessment) and (not self.is_current(hub) or name in self._again)
        }

    def _next(self) -> str | None:
        """Return a record to plan for: who has taken least, or else asks for more than looking."""
        stale = self.waiting()
        if not stale:
            # Nobody waits, so nobody has taken anything from anybody.
            self._taken.clear()
        return min(
            stale,
            key=lambda n: (
                self._taken.get(n, 0.0),
                not deletions.revocable_items(stale[n].agreement),
                n,
            ),
            default=None,
        )

    async def run(self) -> None:
        """Run until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            if not await is_set_within(self._wake, self._retry_after if self.failed() else None):
                self._again = {name for name, known in self._known.items() if known.trouble}
            self._wake.clear()
            of: Assessment | None = None
            planner: Planner | None = None
            try:
                while (record := self._next()) is not None and self._now is not None:
                    assessment, snapshot = self._now
                    began = loop.time()
                    if planner is None:
                        planner = self._planner(snapshot, revoking=self._revoking)
                    elif of is None or not _same(of, assessment):
                        await planner.follow(snapshot)
                    of = assessment
                    await self._plan(record, assessment.hubs[record], planner)
                    took = loop.time() - began
                    self._taken[record] = self._taken.get(record, 0.0) + took
                    await asyncio.sleep(max(self._pause, self._rest * took))
            finally:
                if planner is not None:
                    await planner.aclose()

    async def _plan(self, record: str, hub: HubAssessment, planner: Planner) -> None:
        proposal = status = None
        trouble = ""
        limit = self._limits.pop(record, self._first_limit)
        try:
            proposal = await planner.propose(record, seconds=limit)
            if proposal is not None:
                status = plan_status(proposal)
        except PlanningTimeoutError as error:
            if limit < self._last_limit:
                logger.info(
                    "the plan for record %s gets more time, after others: %s",
                    record,
                    error,
                    extra=about(record=record),
                )
                self._limits[record] = min(2 * limit, self._last_limit)
                return
            logger.warning(
                "no plan could be made for record %s: %s", record, error, extra=about(record=record)
            )
            trouble = str(error)
        except PlanningError as error:
            # Not known is bad, but no reason to stop looking at everything else.
            logger.warning(
                "no plan could be made for record %s: %s", record, error, extra=about(record=record)
            )
            trouble = str(error)
        except Exception:
            # Nor is a fault of ours.
            logger.exception(
                "no plan could be made for record %s", record, extra=about(record=record)
            )
            trouble = "see the operator's log"
        self.heard.good()
        self._known[record] = KnownPlan(hub, proposal, status, trouble)
        self._again.discard(record)
        self._changed()


def _wants(hub: HubAssessment, assessment: Assessment) -> bool:
    return bool(assessment.rbac_enforced and hub.hub is not None and deletions.excess(hub))


def _same(one: Assessment, other: Assessment) -> bool:
    """Return whether two assessments say the same of everything."""
    return all(
        old.keys() == new.keys() and all(old[name] is new[name] for name in new)
        for old, new in ((one.hubs, other.hubs), (one.clusters, other.clusters))
    )
