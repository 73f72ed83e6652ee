"""The worker that looks at what sessions run, in the namespaces that it is told, a few at a time.

Pods are listed now and again, a page after the other, and not watched: sessions come and go by the
hundred each morning. Of a page only what ``hub.sessions.pods`` keeps stays; the rest, with users'
tokens in it, is let go before the next one. Claims to storage are listed where something is agreed
on them, of hubs whose sessions mount any.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping, Sequence

from responsibility.cluster.knowledge import FAILING, Heard
from responsibility.cluster.store import Store
from responsibility.controller.last_answers import LastAnswers
from responsibility.controller.process.settings import Settings
from responsibility.controller.reporting.metrics import Metrics
from responsibility.controller.worker import Pass, Worker
from responsibility.hub.discovery import HubKey
from responsibility.hub.sessions.claims import MountedClaims
from responsibility.hub.sessions.pods import SELECTOR, Session, session, summed_up
from responsibility.hub.values.agreed import HubValues, Unread, UnreadValues, beside
from responsibility.kube import errors
from responsibility.kube.backoff import is_set_within
from responsibility.kube.client import Api
from responsibility.ownership.hub_values import agrees_on_claims, agrees_on_sessions

logger = logging.getLogger(__name__)

# Seconds between looks at which hubs there are.
_TICK = 30.0
# Hubs that are looked at at once.
_AT_ONCE = 4
# Seconds until a hub is looked at again that could not be.
_SOON = 15.0
# A hub that could not be read just now is as it was for so many rounds.
_ROUNDS = 2
# Pods of a page, of ten or twenty kilobytes each, and of a hub.
_PAGE = 100
_MOST_PODS = 20_000
# Claims of a page, of a kilobyte each, and of a namespace.
_CLAIMS_PAGE = 500
_MOST_CLAIMS = 100_000


class SessionsLooker(Worker):
    """Keeps what the store knows of sessions; without ``seconds``, that nobody looks.

    ``seconds`` is how often each hub is looked at, about; ``namespaces`` are those in which.
    """

    def __init__(
        self,
        api: Api,
        store: Store,
        metrics: Metrics,
        *,
        seconds: float | None,
        namespaces: Sequence[str] = (),
    ) -> None:
        self._api = api
        self._store = store
        self._metrics = metrics
        self._seconds = seconds
        self._namespaces = frozenset(namespaces if seconds is not None else ())
        # The hubs of which anything is to be known; to look at some of them.
        self._wanted: frozenset[HubKey] = frozenset()
        self._with_claims: frozenset[HubKey] = frozenset()
        self._answers = LastAnswers[HubValues](UnreadValues(Unread.NOT_YET))
        self._again_at: dict[HubKey, float] = {}
        self._good_at: dict[HubKey, float] = {}
        self._wake = asyncio.Event()
        self._random = random.SystemRandom()
        self._turn = asyncio.Semaphore(_AT_ONCE)
        # Each page counts: all hubs together, or one of them, may take longer than that.
        self.heard = Heard(silent=4 * _TICK + FAILING)

    @classmethod
    def of(cls, settings: Settings, api: Api, store: Store, metrics: Metrics) -> SessionsLooker:
        """Return the worker that the settings ask for."""
        seconds = settings.session_seconds if settings.session_namespaces else None
        return cls(api, store, metrics, seconds=seconds, namespaces=settings.session_namespaces)

    @property
    def enabled(self) -> bool:
        """Whether sessions are looked at."""
        return self._seconds is not None

    def follow(self, found: Pass) -> None:
        """Take note of the hubs that there are."""
        hubs = [each for each in found.assessment.hubs.values() if each.hub is not None]
        looked = {h.hub.key for h in hubs if h.hub and h.hub.key.namespace in self._namespaces}
        agreed = {h.hub.key for h in hubs if h.hub and agrees_on_sessions(h.agreement)}
        claims = frozenset(h.hub.key for h in hubs if h.hub and agrees_on_claims(h.agreement))
        if fresh := claims - self._with_claims:
            for hub in fresh:
                self._again_at.pop(hub, None)
            self._wake.set()
        self._with_claims = claims
        wanted = frozenset(looked | agreed)
        if wanted != self._wanted:
            self._wanted = wanted
            self._answers.expect(wanted)
            for hub in wanted - looked:
                self._answers.take(hub, UnreadValues(Unread.OFF))
            self._wake.set()

    async def settle(self, until: float) -> bool:
        """Wait for the first look at hubs that are new; return whether anything is known anew."""
        if self.enabled:
            await self._answers.first(until)
        return self._publish()

    def retry_refused(self) -> None:
        """Look at all soon: our rights have changed."""
        self._again_at.clear()
        self._wake.set()

    async def run(self) -> None:
        """Look until cancelled."""
        if self._seconds is None:
            return await super().run()
        clock = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            async with asyncio.TaskGroup() as group:
                for hub in sorted(self._wanted):
                    due = self._again_at.get(hub, 0) <= clock.time()
                    if due and hub.namespace in self._namespaces:
                        group.create_task(self._look(hub, self._seconds))
            for gone in self._again_at.keys() - self._wanted:
                del self._again_at[gone]
                self._good_at.pop(gone, None)
                self._answers.forget(gone)
            self.heard.good()
            next_at = min(self._again_at.values(), default=clock.time() + _TICK)
            await is_set_within(self._wake, max(0.0, min(next_at - clock.time(), _TICK)))

    async def _look(self, hub: HubKey, seconds: float) -> None:
        async with self._turn:
            found = await self._read(hub)
        self.heard.good()
        now = asyncio.get_running_loop().time()
        # Where there are too many, soon there will be as many.
        fails = isinstance(found, UnreadValues) and found.why is not Unread.TOO_MANY
        pause = min(_SOON, seconds) if fails else seconds * self._random.uniform(0.8, 1.2)
        self._again_at[hub] = now + pause
        if isinstance(found, UnreadValues):
            self._metrics.session_looks.labels(found.why.value).inc()
            if not fails:
                self._good_at[hub] = now
            lately = now - self._good_at.get(hub, -seconds * _ROUNDS) <= _ROUNDS * seconds
            if found.why is Unread.FAILED and lately and hub in self._good_at:
                return
            before = self._answers.of(hub)
            if not isinstance(before, UnreadValues) or before.why is not found.why:
                logger.warning("it is not known what sessions of hub %s run: %s", hub, found.why)
        else:
            self._metrics.session_looks.labels("read").inc()
            self._good_at[hub] = now
        if self._answers.take(hub, found):
            self._store.touch()

    async def _read(self, hub: HubKey) -> HubValues:
        try:
            return await self._summed_up(hub)
        except errors.ForbiddenError:
            return UnreadValues(Unread.FORBIDDEN)
        except Exception as error:  # noqa: BLE001 - whatever one answer is, all other hubs are read
            logger.warning("sessions of hub %s were not read: %s", hub, type(error).__name__)
            return UnreadValues(Unread.FAILED)

    async def _summed_up(self, hub: HubKey) -> HubValues:
        found: list[Session] = []
        pages = self._api.pages(
            f"/api/v1/namespaces/{hub.namespace}/pods",
            limit=_PAGE,
            params={"labelSelector": SELECTOR},
        )
        async for page in pages:
            self.heard.good()
            each = (session(pod, hub.release) for pod in page["items"] or ())
            found.extend(one for one in each if one is not None)
            if len(found) > _MOST_PODS:
                break
        whole = len(found) <= _MOST_PODS
        told = summed_up(found, whole=whole)
        if hub not in self._with_claims:
            return told
        return beside(told, await self._claims(hub, found, whole=whole))

    async def _claims(self, hub: HubKey, sessions: Sequence[Session], *, whole: bool) -> HubValues:
        """Return what is to be known of the claims that sessions mount."""
        mounted = MountedClaims(sessions)
        if not mounted:
            return mounted.settings(whole=whole)
        path = f"/api/v1/namespaces/{hub.namespace}/persistentvolumeclaims"
        number = 0
        try:
            async for page in self._api.pages(path, limit=_CLAIMS_PAGE):
                self.heard.good()
                for claim in page["items"] or ():
                    mounted.add(claim)
                    number += 1
                if number > _MOST_CLAIMS:
                    return mounted.settings(whole=False)
        except errors.ForbiddenError:
            # Pods were listed: what they show is known, whatever this right.
            return UnreadValues(Unread.FORBIDDEN)
        return mounted.settings(whole=whole)

    def _publish(self) -> bool:
        """Hand what is known to the store; return whether that is anything new."""
        found: Mapping[HubKey, HubValues] = self._answers.beside(self._store.hub_sessions)
        if found is self._store.hub_sessions:
            return False
        self._store.hub_sessions = found
        return True
