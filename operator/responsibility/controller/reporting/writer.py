"""The writer of all that is published: server-side apply, a few at a time, and counted.

What is written is an answer about one object, and another one may have its name by the time the
request arrives. So whatever changes an object names its UID, and the API server refuses the rest
(``metadata.uid`` of a patch is a precondition, as ``preconditions.uid`` of a deletion is).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from responsibility.api.names import OPERATOR
from responsibility.controller.reporting.metrics import Metrics
from responsibility.kube import errors
from responsibility.kube.client import Api, Json

logger = logging.getLogger(__name__)


# What may be over by itself, so that trying again soon is of use.
PASSING = (errors.UnavailableError, errors.UnauthorizedError)

# Writes in flight at once; the API server's own fairness does the rest.
_CONCURRENCY = 8
# No answer, "too many requests", "not now": the next write would fare no better.
_AWAY = (0, 429, 503)
# Seconds in which a watch brings what was written, and the most that are waited for a late one.
_UNSEEN, _LONG_UNSEEN = 5.0, 600.0


def unseen_for(earlier: float | None = None) -> float:
    """Return the seconds in which the watch should bring a write; ``earlier`` were in vain.

    If it does not, somebody has taken back what was written before we saw it, and nothing differs
    from what was there before; or the watch is late. So it is written again, ever more seldom: a
    watch that stands still for hours must not make a write of every hub every few seconds.
    """
    return _UNSEEN if earlier is None else min(2 * earlier, _LONG_UNSEEN)


class Writer:
    """Sends the writes of one pass after the other."""

    def __init__(self, api: Api, metrics: Metrics) -> None:
        self._api = api
        self._metrics = metrics
        self._gate = asyncio.Semaphore(_CONCURRENCY)
        self._away: errors.ApiError | None = None
        self._failures: list[errors.ApiError] = []

    def begin(self) -> None:
        """Begin a pass: whatever was wrong with the server may be over."""
        self._away = None
        self._failures = []

    def end(self) -> None:
        """Say in one line what has failed in this pass."""
        if self._failures:
            count, first = len(self._failures), self._failures[0]
            logger.warning("%d of our writes failed; the first: %s", count, first)

    async def apply(
        self,
        what: str,
        path: str,
        body: Mapping[str, Any],
        *,
        subresource: str | None = None,
        known_failure: str = "",
    ) -> Json | None:
        """Apply our fields and return the object; None where it is gone, or another one by now.

        The body names the object's UID, or ValueError is raised.

        ``what`` is the metrics' word for it. ``known_failure`` is what the server said of the same
        write before, where that stands in a status: said again, it is neither counted nor logged.
        Raises ApiError; once the server does not answer, the pass's other writes fail without
        being sent.
        """
        _names_one(path, body)
        return await self._send(
            what,
            lambda: self._api.apply(path, body, field_manager=OPERATOR, subresource=subresource),
            known_failure,
        )

    async def merge(self, what: str, path: str, body: Mapping[str, Any]) -> Json | None:
        """Send a merge patch, for what applying cannot say: to remove what others have written.

        The body names the object's UID, or ValueError is raised.
        """
        _names_one(path, body)
        return await self._send(what, lambda: self._api.merge(path, body, field_manager=OPERATOR))

    async def create(self, what: str, path: str, body: Mapping[str, Any]) -> Json | None:
        """Create an object and return it; None where there is one of its name."""
        return await self._send(what, lambda: self._api.create(path, body))

    async def delete(self, what: str, path: str, *, uid: str) -> Json | None:
        """Delete an object of our own; None where it is gone, or another one by now."""
        return await self._send(what, lambda: self._api.delete(path, uid=uid))

    async def _send(
        self, what: str, request: Callable[[], Awaitable[Json]], known_failure: str = ""
    ) -> Json | None:
        async with self._gate:
            if self._away is not None:
                raise self._away
            try:
                answer = await request()
            except (errors.NotFoundError, errors.ConflictError):
                # The watch will tell.
                return None
            except errors.ApiError as error:
                if not known_failure or str(error) != known_failure:
                    self._metrics.write_errors.labels(what).inc()
                    self._failures.append(error)
                if isinstance(error, errors.UnavailableError) and error.status in _AWAY:
                    self._away = error
                raise
            self._metrics.writes.labels(what).inc()
            return answer


def _names_one(path: str, body: Mapping[str, Any]) -> None:
    if not body["metadata"].get("uid"):
        raise ValueError(f"{path} is to be written, whichever object that is by then")
