"""The reconcile loop: whatever changed, look at everything, and publish what differs.

It is level-based: which change woke it plays no part. Changes that come together are assessed
together, and what did not change costs next to nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from responsibility.cluster.store import Store
from responsibility.controller.publish import Publisher
from responsibility.controller.reporting.metrics import Metrics
from responsibility.controller.worker import Pass, Worker
from responsibility.kube.backoff import is_set_within
from responsibility.ownership.assess import Assessor

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
        workers: Sequence[Worker],
        metrics: Metrics,
        *,
        clock: Callable[[], datetime] = _utc,
    ) -> None:
        self.passes = 0
        self.last_pass: float | None = None
        self._store = store
        self._publisher = publisher
        self._workers = workers
        self._metrics = metrics
        self._clock = clock
        self._assessor = Assessor()

    async def run(self) -> None:
        """Run until cancelled."""
        loop = asyncio.get_running_loop()
        timeout = 0.0
        while True:
            if await is_set_within(self._store.changed, timeout):
                await asyncio.sleep(_SETTLE)
            found, since = await self._look()
            complete = await self._publisher.publish(found)
            if since is not None:
                self._metrics.detection.observe(loop.time() - since)
            self.passes += 1
            self.last_pass = loop.time()
            timeout = _IDLE if complete else _RETRY
            deadline = found.assessment.next_deadline
            if deadline is not None:
                left = (deadline - self._clock()).total_seconds()
                timeout = max(0.0, min(timeout, left + 0.01))

    async def _look(self) -> tuple[Pass, float | None]:
        """Return a pass, and when the first change came that it takes in.

        Other authorizers may grant what RBAC does not. So where something seems to be missing
        and the server has not been asked, its answer is waited for, and everything looked at
        again; else each start would report, for a moment, what is not so. It is the same with
        what is being granted or taken away this moment.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + (_ANSWERS if self.passes else _FIRST_ANSWERS)
        first: float | None = None
        while True:
            since = self._store.begin()
            first = since if first is None else first
            started = loop.time()
            moment = self._store.moment(self._clock())
            found = Pass(moment, self._assessor.assess(moment.snapshot))
            self._metrics.evaluation.observe(loop.time() - started)
            if not await self._settle(found, until):
                return found, first

    async def _settle(self, found: Pass, until: float) -> bool:
        """Let all workers follow, each when the one before has done; return whether to look again.

        Those after one that calls for that have nothing of this pass.
        """
        for worker in self._workers:
            worker.follow(found)
            if await worker.settle(until):
                return True
        return False
