"""Uses of the break-glass, each told by an Event on the record, and counted.

The API server sends what break-glass subjects do (see ``admission/webhooks/break_glass.py``) to any
of the replicas. The one that leads judges it at once; another one first looks up what it concerns,
once it has answered.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from responsibility.admission.policies.guards import Guards, ItemGuards
from responsibility.admission.webhooks.break_glass import Use, concerns, is_listed, read_use
from responsibility.admission.webhooks.repeats import Repeats
from responsibility.api.model import ResponsibilityModel
from responsibility.api.names import BREAK_GLASS_ANNOTATION, OWNERS_ANNOTATION
from responsibility.controller.process.logs import about
from responsibility.controller.process.webhook_server import YES, Response
from responsibility.controller.reporting.events import Announcer
from responsibility.controller.reporting.metrics import Metrics
from responsibility.controller.webhooks.hub_lookup import HubLookup, HubNamespace, RecordedHub
from responsibility.controller.worker import Worker
from responsibility.kube import errors

logger = logging.getLogger(__name__)

# Uses that wait for being looked up; beyond that they are dropped, which is logged.
_MOST = 1_000

_Review = Mapping[str, Any]


class Uses(Worker):
    """Takes note of uses."""

    def __init__(self, surroundings: HubLookup, metrics: Metrics, announcer: Announcer) -> None:
        self._surroundings = surroundings
        self._metrics = metrics
        self._announcer = announcer
        self._repeats = Repeats()
        self._waiting: asyncio.Queue[tuple[Use, _Review]] = asyncio.Queue(_MOST)
        self._guards: tuple[object, dict[str, ItemGuards]] = (None, {})

    async def answer(self, item: str, review: _Review) -> Response:
        """Take note of what the API server tells, if it is a use; the answer is always yes."""
        self._metrics.admission_reviews.inc()
        use = read_use(item, review)
        if use is None:
            return YES
        place = self._surroundings.known(use.namespace)
        if place is not None:
            self._judge(use, review, place)
            return YES
        try:
            self._waiting.put_nowait((use, review))
        except asyncio.QueueFull:
            logger.warning(
                "a use of the break-glass is not told of: too many at once", extra=about(item=item)
            )
        return YES

    async def run(self) -> None:
        """Look up what waits, until cancelled."""
        while True:
            use, review = await self._waiting.get()
            try:
                place = await self._surroundings.looked_up(use.namespace)
                if place is not None:
                    self._judge(use, review, place)
            except errors.ApiError as error:
                logger.warning(
                    "a use of the break-glass is not told of: %s", error, extra=about(item=use.item)
                )

    def _judge(self, use: Use, review: _Review, place: HubNamespace) -> None:
        if use.item not in place.keys.stages():
            return
        listed = place.keys.annotations
        lines = listed.get(BREAK_GLASS_ANNOTATION, "").split("\n")
        glass = is_listed([*lines, "group:system:masters"], use.user, use.groups)
        owners = listed.get(OWNERS_ANNOTATION + use.item, "").split("\n")
        if not glass or is_listed(owners, use.user, use.groups):
            return
        for hub in place.hubs:
            guards = self._of(hub.model, use.item)
            if guards is None or not concerns(use, guards, hub.names):
                continue
            if not self._repeats.seen(f"{hub.record.name}/{use.item}", review, datetime.now(UTC)):
                self._tell(use, hub, guards.item.title)

    def _tell(self, use: Use, hub: RecordedHub, title: str) -> None:
        self._metrics.glass_used(hub.key.namespace, hub.key.release, use.item)
        self._announcer.switched(
            hub.record.reference,
            "BreakGlassUsed",
            f"{use.user} broke the glass: {use.what} in namespace {use.namespace} is "
            f"{title} ({use.item}), which belongs to others, and was let through",
            warning=True,
        )

    def _of(self, model: ResponsibilityModel, item: str) -> ItemGuards | None:
        if self._guards[0] is not model:
            self._guards = (model, {g.item.name: g for g in Guards.of(model).items()})
        return self._guards[1].get(item)
