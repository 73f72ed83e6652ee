"""The worker that looks at the versions of Kubernetes that a cluster runs.

It asks, and does not watch: the kubelet of each node reports its status again and again, which on
two thousand nodes are hundreds of events a second of which none is about a version. Of each node a
row of a table comes (``upgrades.node_table``), fifty times smaller than the node. What may not be
listed is not known, with the reason, and all else goes on.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Sequence

from responsibility.cluster.knowledge import FAILING, Heard
from responsibility.cluster.store import Store
from responsibility.controller.process.settings import Settings
from responsibility.controller.reporting.metrics import Metrics
from responsibility.controller.worker import Worker
from responsibility.kube import errors
from responsibility.kube.backoff import is_set_within
from responsibility.kube.client import TABLE, Api
from responsibility.upgrades.node_table import PARAMS, NoTableError, kubelet_versions
from responsibility.upgrades.versions import (
    ClusterVersions,
    Kubelets,
    Unlisted,
    Version,
    grouped,
)

logger = logging.getLogger(__name__)

_NODES = "/api/v1/nodes"
# Seconds until it is looked again where something could not be read.
_SOON = 15.0
# What could not be read just now is as it was for so many rounds.
_ROUNDS = 2
# Nodes that are looked at. Kubernetes itself is made for five thousand.
_MOST_NODES = 20_000
# The first that an error is one of says why.
_WHY: Sequence[tuple[type[Exception], Unlisted]] = (
    (errors.ForbiddenError, Unlisted.FORBIDDEN),
    (NoTableError, Unlisted.UNREADABLE),
    (Exception, Unlisted.FAILED),
)


class VersionsLooker(Worker):
    """Keeps what the store knows of versions, looking about every ``seconds``; never if None."""

    def __init__(self, api: Api, store: Store, metrics: Metrics, *, seconds: float | None) -> None:
        self._api = api
        self._store = store
        self._metrics = metrics
        self._seconds = seconds
        self._random = random.SystemRandom()
        self._first = asyncio.Event()
        self._wake = asyncio.Event()
        self._waited = False
        # When nodes were last listed, by the event loop's clock.
        self._good_at: float | None = None
        # When the server last said its version, by the same clock.
        self._server_at: float | None = None
        # What the server said last, while that is not what is told of it.
        self._server_seen: Version | None = None
        self.heard = Heard(silent=2 * (seconds or 0.0) + FAILING)

    @classmethod
    def of(cls, settings: Settings, api: Api, store: Store, metrics: Metrics) -> VersionsLooker:
        """Return the worker that the settings ask for."""
        seconds = settings.versions_seconds if settings.versions else None
        return cls(api, store, metrics, seconds=seconds)

    @property
    def enabled(self) -> bool:
        """Whether versions are looked at."""
        return self._seconds is not None

    async def settle(self, until: float) -> bool:
        """Wait for the first look, once."""
        if self.enabled and not self._waited:
            self._waited = True
            try:
                async with asyncio.timeout_at(until):
                    await self._first.wait()
            except TimeoutError:
                return False
            return True
        return False

    def retry_refused(self) -> None:
        """Look at once: our rights have changed."""
        self._wake.set()

    async def run(self) -> None:
        """Look until cancelled."""
        if self._seconds is None:
            return await super().run()
        while True:
            self._wake.clear()
            good = await self._look(self._seconds)
            self._first.set()
            pause = self._seconds * self._random.uniform(0.8, 1.2)
            await is_set_within(self._wake, pause if good else min(_SOON, pause))

    async def _look(self, seconds: float) -> bool:
        """Look at both; return whether all could be read."""
        before = self._store.versions
        server = await self._server()
        kubelets: tuple[Kubelets, ...] = ()
        unlisted: Unlisted | None = None
        try:
            kubelets = await self._kubelets()
        except Exception as error:  # noqa: BLE001 - whatever one answer is, it is asked again
            unlisted = next(why for kind, why in _WHY if isinstance(error, kind))
            logger.log(
                logging.INFO if before is not None and before.unlisted else logging.WARNING,
                "it is not known which versions the nodes run: %s (%s)",
                unlisted.value,
                type(error).__name__,
            )
        self._metrics.version_looks.labels("read" if unlisted is None else unlisted.value).inc()
        now = asyncio.get_running_loop().time()
        lasting = _ROUNDS * seconds
        lately = self._good_at is not None and now - self._good_at <= lasting
        if server is not None:
            self._server_at = now
        if unlisted is Unlisted.FAILED:
            self.heard.failed(unlisted.value)
            if before is not None and lately:
                return False
        else:
            self.heard.good()
        if unlisted is None:
            self._good_at = now
        said = self._server_at is not None and now - self._server_at <= lasting
        self._take(ClusterVersions(self._settled(server, lately=said), kubelets, unlisted))
        return unlisted is None

    def _settled(self, server: Version | None, *, lately: bool) -> Version | None:
        """Return the API server's version once two looks agree on it, else that of before.

        While several of them are upgraded one by one, now the old one answers and now the new one.
        What it did not say ``lately`` is not its version any more.
        """
        before = self._store.versions
        known = before.server if before is not None and lately else None
        seen, self._server_seen = self._server_seen, server
        if known is None or server is None or server == seen:
            return server or known
        return known

    def _take(self, found: ClusterVersions) -> None:
        if found != self._store.versions:
            self._store.versions = found
            self._store.touch()

    async def _server(self) -> Version | None:
        try:
            return Version.parse((await self._api.version()).get("gitVersion"))
        except errors.ApiError:
            return None

    async def _kubelets(self) -> tuple[Kubelets, ...]:
        nodes: dict[str, str] = {}
        pages = self._api.pages(_NODES, params=PARAMS, accept=TABLE)
        async for page in pages:
            nodes |= kubelet_versions(page)
            if len(nodes) > _MOST_NODES:
                raise NoTableError("there are more nodes than any cluster has")
        return grouped(nodes)
