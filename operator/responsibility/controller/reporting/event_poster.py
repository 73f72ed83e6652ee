"""A poster of Events in the background, so that ``kubectl describe`` finds them.

``describe`` looks for Events about a cluster-wide object by an empty ``involvedObject.namespace``,
and the API server takes such Events in namespace ``default`` only. The framework fills in a
namespace always, so its Events about our kinds would be shown by nothing but ``get events``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from responsibility.api.foreign_text import harmless
from responsibility.api.names import NAME_PREFIX, OPERATOR
from responsibility.cluster.rights import EVENTS_NAMESPACE
from responsibility.controller.worker import Worker
from responsibility.kube import errors
from responsibility.kube.backoff import Backoff
from responsibility.kube.client import Api

logger = logging.getLogger(__name__)

_EVENTS = f"/api/v1/namespaces/{EVENTS_NAMESPACE}/events"
_ATTEMPTS = 5
_LONGEST = 1_024


class EventPoster(Worker):
    """A queue of Events; calling it never blocks.

    It holds as many as ``most``. Further ones are dropped, since they only tell what statuses say.
    """

    from_start: ClassVar[bool] = True

    def __init__(self, api: Api, instance: str, *, most: int = 1_000) -> None:
        self._api = api
        self._instance = instance
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue(most)
        # Whether it is said already that Events are lost; a burst of them is one line in the log.
        self._dropping = False
        self._failing = False

    def __call__(self, obj: Mapping[str, Any], *, type: str, reason: str, message: str) -> None:
        """Queue one Event about ``obj``, of which kind, version, name and UID are read."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        message = harmless(message)
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": NAME_PREFIX, "namespace": EVENTS_NAMESPACE},
            "involvedObject": {
                "apiVersion": obj["apiVersion"],
                "kind": obj["kind"],
                "name": obj["metadata"]["name"],
                "uid": obj["metadata"]["uid"],
            },
            "type": type,
            "reason": reason,
            "message": message if len(message) <= _LONGEST else f"{message[: _LONGEST - 1]}…",
            "source": {"component": OPERATOR},
            "reportingComponent": OPERATOR,
            "reportingInstance": self._instance,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            if not self._dropping:
                logger.warning(
                    "%d Events are waiting: further ones are dropped until they are posted",
                    self._queue.maxsize,
                )
            self._dropping = True

    async def run(self) -> None:
        """Post what is queued until cancelled."""
        while True:
            await self._post(await self._queue.get())
            if self._queue.empty():
                self._dropping = False

    async def _post(self, event: dict[str, Any]) -> None:
        backoff = Backoff(base=0.5, cap=5.0)
        while True:
            try:
                await self._api.create(_EVENTS, event)
            except errors.UnavailableError as error:
                wait = backoff.next(at_least=error.retry_after)
                if backoff.failures < _ATTEMPTS:
                    await asyncio.sleep(wait)
                    continue
                self._failed(error)
            except errors.ApiError as error:
                self._failed(error)
            else:
                self._failing = False
            return

    def _failed(self, error: errors.ApiError) -> None:
        if not self._failing:
            logger.warning("an Event was not posted, nor will be what fails next: %s", error)
        self._failing = True
