"""The operator's own rights: those that it lacks are said at once, and until they are given.

The server is asked again and again: a right that is taken away stops a watch only when that is
opened anew, minutes later, and then answers would be of that age.
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
from responsibility.kube.client import Api

logger = logging.getLogger(__name__)

# Seconds until it is asked again: whether what was missing is there, and whether the rest still is.
_AGAIN = 10.0
_ALL_WELL = 30.0


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
        )
        self.heard = Heard(silent=3 * _ALL_WELL + FAILING)
        # None while that could not be found out.
        self._missing: frozenset[Right] | None = None

    async def check(self) -> None:
        """Ask the server, and tell of what is new."""
        before = self._missing
        try:
            found = await rights.missing(
                self._api, self._wanted, namespace=self._settings.namespace
            )
        except errors.ApiError as error:
            logger.warning("our own rights could not be checked: %s", error)
            self._missing = None
            self.heard.failed(error.reason)
            return
        self.heard.good()
        self._missing = frozenset(right for right in found if not self._switched_off(right))
        self._metrics.state.missing_rights = len(self._missing)
        # Twice, since an API server that has just started refuses everything.
        lasting = self._missing & (before or frozenset())
        self._unreadable(frozenset(r.resource for r in lasting if {"list", "watch"} & {*r.verbs}))
        for right in found:
            if right in self._missing and right not in (before or ()):
                logger.log(logging.WARNING if right.optional else logging.ERROR, "%s", right)
        if before and before - self._missing:
            logger.info("rights were given to the operator; it still lacks %d", len(self._missing))
            self._on_granted()

    async def run(self) -> None:
        """Ask again until cancelled."""
        while True:
            await asyncio.sleep(_AGAIN if self._missing is None or self._missing else _ALL_WELL)
            await self.check()

    def _switched_off(self, right: Right) -> bool:
        needed = {
            "leases": self._settings.leader_election,
            "deployments": self._settings.annotate,
        }
        return right.optional and not needed.get(right.resource, True)
