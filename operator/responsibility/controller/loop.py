"""The reconcile loop: whatever changed, look at everything, and publish what differs.

It is level-based: which change woke it plays no part. Changes that come together are assessed
together, and what did not change costs next to nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime

from responsibility.cluster.store import Store
from responsibility.controller.grants.granter import Granter
from responsibility.controller.plans.queue import PlanningQueue
from responsibility.controller.plans.revoker import Revoker
from responsibility.controller.publish import Publisher
from responsibility.controller.reporting.metrics import Metrics
from responsibility.controller.reviewer import Reviewer
from responsibility.ownership.assess import Assessor
from responsibility.ownership.results.assessment import Assessment

logger = logging.getLogger(__name__)

# Seconds to wait for further changes after the first one, since they come in groups.
_SETTLE = 0.1
# Seconds after which everything is looked at though nothing has changed.
_IDLE = 60.0
# Seconds after which a failed write is tried again.
_RETRY = 5.0
# Seconds to wait for the server's own word before anything is called missing; and at first, when
# nothing has been asked yet.
_ANSWERS = 5.0
_FIRST_ANSWERS = 30.0


def _utc() -> datetime:
    return datetime.now(UTC)


class Loop:
    """Assesses and publishes, again and again."""

    def __init__(
        self,
        store: Store,
        publisher: Publisher,
        reviewer: Reviewer,
        metrics: Metrics,
        *,
        granter: Granter | None = None,
        planning: PlanningQueue | None = None,
        revoker: Revoker | None = None,
        clock: Callable[[], datetime] = _utc,
    ) -> None:
        self.passes = 0
        self.last_pass: float | None = None
        self._store = store
        self._publisher = publisher
        self._reviewer = reviewer
        self._metrics = metrics
        self._granter = granter
        self._planning = planning
        self._revoker = revoker
        self._clock = clock
        self._assessor = Assessor()

    async def run(self) -> None:
        """Run until cancelled."""
        loop = asyncio.get_running_loop()
        timeout = 0.0
        while True:
            try:
                async with asyncio.timeout(timeout):
                    await self._store.changed.wait()
                await asyncio.sleep(_SETTLE)
            except TimeoutError:
                pass
            assessment, since = await self._look()
            complete = await self._publisher.publish(assessment)
            if since is not None:
                self._metrics.detection.observe(loop.time() - since)
            self.passes += 1
            self.last_pass = loop.time()
            timeout = _IDLE if complete else _RETRY
            if assessment.next_deadline is not None:
                left = (assessment.next_deadline - self._clock()).total_seconds()
                timeout = max(0.0, min(timeout, left + 0.01))

    async def _look(self) -> tuple[Assessment, float | None]:
        """Return an assessment, and when the first change came that it takes in.

        Other authorizers may grant what RBAC does not. So where something seems to be missing
        and the server has not been asked, its answer is waited for, and everything looked at
        again; else each start would report, for a moment, what is not so.
        """
        loop = asyncio.get_running_loop()
        patience = _ANSWERS if self.passes else _FIRST_ANSWERS
        until = loop.time() + patience
        first: float | None = None
        while True:
            since = self._store.begin()
            first = since if first is None else first
            started = loop.time()
            snapshot = self._store.snapshot(self._clock())
            assessment = self._assessor.assess(snapshot)
            self._metrics.evaluation.observe(loop.time() - started)
            if self._granter is not None:
                self._granter.follow(assessment)
                # What is being granted or taken away this moment is not reported as a difference,
                # nor is the server asked about it.
                if await self._granter.settled(until):
                    continue
            self._reviewer.follow(assessment, snapshot.graph)
            if not await self._reviewer.answered(until):
                if self._planning is not None:
                    self._planning.follow(assessment, snapshot)
                if self._revoker is not None:
                    self._revoker.follow(assessment)
                return assessment, first
