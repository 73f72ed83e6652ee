"""The operator's own rights: those that it lacks are said at once, and until they are given.

The server is asked again and again: a right that is taken away stops a watch only when that is
opened anew, minutes later, and then answers would be of that age. It is asked at once when a write
is refused for a right of ours, so that what was refused is done soon after that right is back,
though it be away for a second only.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import ClassVar

from responsibility.cluster import modes, rights
from responsibility.cluster.knowledge import FAILING, Heard
from responsibility.cluster.rights import Right
from responsibility.controller.process.settings import Settings
from responsibility.controller.reporting.metrics import Metrics
from responsibility.controller.worker import Worker
from responsibility.kube import errors
from responsibility.kube.backoff import Backoff
from responsibility.kube.client import Api
from responsibility.rbac.objects import Attributes

logger = logging.getLogger(__name__)

# Seconds until it is asked again: whether what was missing is there, in the first minute in which
# it is and later, and whether the rest still is.
_SOON = 3.0
_AGAIN = 10.0
_ALL_WELL = 30.0
# Seconds for which what is missing is taken for something that is about to be given back.
_LATELY = 60.0
# Seconds for which a kind must have been unreadable, since an API server that has just started
# refuses everything.
_LASTING = 10.0
# Seconds between a refusal and the question, growing as refusals go on.
_PROMPT = 2.0
# Seconds between two retries of what is refused though no right is missing, at least and at most:
# where authorizers contradict themselves, writing more often would change nothing.
_IN_VAIN, _LONG_IN_VAIN = 4.0, 600.0


class OwnRights(Worker):
    """Names what is missing in log and metrics; ``on_granted`` is called when that has become less.

    ``unreadable`` is told the kinds that may not be listed or watched, each time.
    """

    # What may not be listed is said while everything waits for it.
    from_start: ClassVar[bool] = True

    def __init__(
        self,
        api: Api,
        metrics: Metrics,
        settings: Settings,
        *,
        on_granted: Callable[[], None],
        unreadable: Callable[[frozenset[str]], None] = lambda _: None,
    ) -> None:
        self._api = api
        self._metrics = metrics
        self._settings = settings
        self._on_granted = on_granted
        self._unreadable = unreadable
        self._wanted = modes.wanted(
            enforcement=settings.enforcement,
            enforcement_cluster=settings.enforcement_cluster,
            grants=settings.grants,
            grants_cluster=settings.grants_cluster,
            revocation=settings.revocation,
            page=settings.page is not None,
            versions=settings.versions,
        )
        self.heard = Heard(silent=3 * _ALL_WELL + FAILING)
        # What was missing when that was last found out, and since when (loop time) anything is.
        self._missing: frozenset[Right] = frozenset()
        self._since = 0.0
        # Requests that were refused for a right which, as far as is known, is not missing.
        self._refused: set[Attributes] = set()
        self._prompted = asyncio.Event()
        self._prompts = Backoff(base=_PROMPT, cap=_ALL_WELL)
        self._in_vain = Backoff(base=_IN_VAIN, cap=_LONG_IN_VAIN)
        self._retry_from = 0.0

    def refused(self, error: errors.ForbiddenError) -> None:
        """Take note of a write that was refused, and ask soon if it is for a right of ours."""
        asked = rights.refused_request(error)
        if asked is not None and any(right.covers(asked) for right in self._wanted):
            self._refused.add(asked)
            self._prompted.set()

    async def check(self) -> None:
        """Ask the server, and tell of what is new."""
        before, refused, self._refused = self._missing, self._refused, set()
        try:
            found = await rights.missing(
                self._api, self._wanted, namespace=self._settings.namespace
            )
        except errors.ApiError as error:
            logger.warning("our own rights could not be checked: %s", error)
            self._refused |= refused
            self.heard.failed(error.reason)
            return
        self.heard.good()
        now = asyncio.get_running_loop().time()
        self._missing = frozenset(right for right in found if not self._switched_off(right))
        self._metrics.state.missing_rights = len(self._missing)
        if not before:
            self._since = now
        lasting = self._missing & before if now >= self._since + _LASTING else frozenset()
        self._unreadable(frozenset(r.resource for r in lasting if {"list", "watch"} & {*r.verbs}))
        for right in found:
            if right in self._missing and right not in before:
                logger.log(logging.WARNING if right.optional else logging.ERROR, "%s", right)
        given = bool(before - self._missing)
        if given:
            logger.info("rights were given to the operator; it still lacks %d", len(self._missing))
        # What was away for less than a question is not found missing.
        back = {asked for asked in refused if not any(right.covers(asked) for right in found)}
        if given or (not refused and now >= self._retry_from + _ALL_WELL):
            self._prompts.reset()
            self._in_vain.reset()
        if given or (back and self._may_retry(now)):
            self._on_granted()
        else:
            self._refused |= back

    def _may_retry(self, now: float) -> bool:
        """Return whether to try again though no right was found missing, and count it if so."""
        if now < self._retry_from:
            return False
        self._retry_from = now + self._in_vain.next()
        return True

    async def run(self) -> None:
        """Ask again until cancelled."""
        while True:
            await self._pause()
            await self.check()

    async def _pause(self) -> None:
        """Wait until it is time to ask; a refusal makes it sooner, never later."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._usual_pause(loop.time())
        try:
            async with asyncio.timeout_at(until):
                await self._prompted.wait()
                await asyncio.sleep(self._prompts.next())
        except TimeoutError:
            pass
        # What comes from now on is for the next question.
        self._prompted.clear()

    def _usual_pause(self, now: float) -> float:
        if self._missing:
            return _SOON if now < self._since + _LATELY else _AGAIN
        return _AGAIN if self.heard.fails else _ALL_WELL

    def _switched_off(self, right: Right) -> bool:
        needed = {
            "leases": self._settings.leader_election,
            "deployments": self._settings.annotate,
        }
        return right.optional and not needed.get(right.resource, True)
