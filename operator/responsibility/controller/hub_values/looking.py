"""The worker that looks at the values of hubs of whose settings something is agreed.

A hub's Secret is read by name, now and again, one after the other. It has passwords in it, so what
is read of it stays here for a moment only: the settings that were agreed on are found in a process
that can be ended (``process.values_readers``), which tells nothing but those, and of those nothing
that may be a secret (``hub.values.readable``). Nothing else is kept, logged or told.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from responsibility.cluster.knowledge import FAILING, Heard
from responsibility.cluster.store import Store
from responsibility.controller.last_answers import LastAnswers
from responsibility.controller.process.settings import Settings
from responsibility.controller.process.values_readers import Reader, TooCostlyError
from responsibility.controller.reporting.metrics import Metrics
from responsibility.controller.worker import Pass, Worker
from responsibility.hub.discovery import HubKey
from responsibility.hub.values.agreed import HubValues, Unread, UnreadValues
from responsibility.hub.values.secret import SECRET
from responsibility.kube import errors
from responsibility.kube.backoff import is_set_within
from responsibility.kube.client import Api, Json
from responsibility.kube.object_reader import LEFT_OUT
from responsibility.ownership.hub_values import paths_agreed

logger = logging.getLogger(__name__)

# Seconds between looks at which hubs there are.
_TICK = 30.0
# Seconds that reading one hub's values may take.
_BUDGET = 10.0
# Seconds until a hub is looked at again that could not be.
_SOON = 15.0
# A hub that could not be read just now is as it was for so many rounds.
_ROUNDS = 2
# The first that an error is one of says why.
_WHY: Sequence[tuple[type[Exception], Unread]] = (
    (errors.ForbiddenError, Unread.FORBIDDEN),
    (errors.NotFoundError, Unread.NO_SECRET),
    (TooCostlyError, Unread.TOO_COSTLY),
    (Exception, Unread.FAILED),
)


@dataclass(frozen=True, slots=True)
class _Agreed:
    """What is looked at on a hub: the Secret in its namespace, and the paths agreed on."""

    secret: str
    paths: tuple[str, ...]


@dataclass(slots=True)
class _Looked:
    """What is known of one hub between looks; times are of the event loop's clock."""

    agreed: _Agreed
    again_at: float = 0.0
    good_at: float | None = None
    version: str = ""
    # Of the Secret itself, and which one it names as laid over it.
    own_version: str = ""
    existing: str = ""


class ValuesLooker(Worker):
    """Keeps what the store knows of agreed settings; without ``seconds``, that they are not read.

    ``seconds`` is how often each hub is looked at, about.
    """

    def __init__(
        self,
        api: Api,
        store: Store,
        metrics: Metrics,
        *,
        seconds: float | None,
        reader: Reader | None = None,
    ) -> None:
        self._api = api
        self._store = store
        self._metrics = metrics
        self._seconds = seconds
        self._reader = reader or Reader()
        self._wanted: Mapping[HubKey, _Agreed] = {}
        unread = Unread.OFF if seconds is None else Unread.NOT_YET
        self._answers = LastAnswers[HubValues](UnreadValues(unread))
        self._looked: dict[HubKey, _Looked] = {}
        self._wake = asyncio.Event()
        self._random = random.SystemRandom()
        self.heard = Heard(silent=4 * _TICK + FAILING)

    @classmethod
    def of(cls, settings: Settings, api: Api, store: Store, metrics: Metrics) -> ValuesLooker:
        """Return the worker that the settings ask for."""
        seconds = settings.hub_values_seconds if settings.hub_values else None
        return cls(api, store, metrics, seconds=seconds)

    @property
    def enabled(self) -> bool:
        """Whether values are looked at."""
        return self._seconds is not None

    def follow(self, found: Pass) -> None:
        """Take note of what is agreed."""
        wanted = {
            each.hub.key: _Agreed(each.agreement.names.fill(SECRET), paths)
            for each in found.assessment.hubs.values()
            if each.hub is not None and (paths := paths_agreed(each.agreement))
        }
        if wanted != self._wanted:
            self._wanted = wanted
            self._answers.expect(wanted)
            self._wake.set()

    async def settle(self, until: float) -> bool:
        """Wait for the first look at hubs that are new; return whether anything is known anew."""
        if self.enabled:
            await self._answers.first(until)
        return self._publish()

    async def run(self) -> None:
        """Look until cancelled."""
        if self._seconds is None:
            return await super().run()
        try:
            while True:
                self._wake.clear()
                await self._look(self._seconds)
                self.heard.good()
                now = asyncio.get_running_loop().time()
                due = min((each.again_at for each in self._looked.values()), default=now + _TICK)
                await is_set_within(self._wake, max(0.0, min(due - now, _TICK)))
        finally:
            await self._reader.aclose()

    async def _look(self, seconds: float) -> None:
        wanted = self._wanted
        for gone in self._looked.keys() - wanted.keys():
            del self._looked[gone]
            self._answers.forget(gone)
        clock = asyncio.get_running_loop()
        for hub, agreed in wanted.items():
            looked = self._looked.get(hub)
            if looked is None:
                looked = self._looked[hub] = _Looked(agreed)
            elif looked.agreed != agreed:
                looked.agreed, looked.again_at, looked.version = agreed, 0.0, ""
            if looked.again_at > clock.time():
                continue
            found = await self._read(hub, looked)
            fails = isinstance(found, UnreadValues) and found.why is not Unread.TOO_MANY
            pause = min(_SOON, seconds) if fails else seconds * self._random.uniform(0.8, 1.2)
            looked.again_at = clock.time() + pause
            self._note(hub, looked, found, lasting=_ROUNDS * seconds)
            # All hubs together may take longer than silence may last.
            self.heard.good()

    async def _read(self, hub: HubKey, looked: _Looked) -> HubValues:
        try:
            return await self._values(hub, looked)
        except Exception as error:  # noqa: BLE001 - whatever one answer is, all other hubs are read
            why = next(why for kind, why in _WHY if isinstance(error, kind))
            if why is Unread.FAILED:
                logger.warning("the values of hub %s were not read: %s", hub, type(error).__name__)
            return UnreadValues(why)

    async def _values(self, hub: HubKey, looked: _Looked) -> HubValues:
        agreed = looked.agreed
        path = f"/api/v1/namespaces/{hub.namespace}/secrets/{agreed.secret}"
        secret = await self._api.get_object(path)
        version = str((secret.get("metadata") or {}).get("resourceVersion") or "")
        if LEFT_OUT in secret:
            return UnreadValues(Unread.UNREADABLE)
        async with asyncio.timeout(_BUDGET):
            if not version or version != looked.own_version:
                looked.existing = await self._reader.existing_secret(secret)
                looked.own_version = version
        existing: Json | None = None
        if looked.existing:
            read = await self._existing(hub, looked.existing)
            if isinstance(read, UnreadValues):
                return read
            existing = read
            over = str((existing.get("metadata") or {}).get("resourceVersion") or "")
            version = f"{version} {over}" if version and over else ""
        known = self._answers.of(hub)
        if version and version == looked.version and known is not None:
            return known
        async with asyncio.timeout(_BUDGET):
            found = await self._reader.values(secret, agreed.paths, existing)
        looked.version = version
        return found

    async def _existing(self, hub: HubKey, name: str) -> Json | UnreadValues:
        """Return the Secret that is laid over a hub's values, or why it is not known."""
        try:
            found = await self._api.get_object(f"/api/v1/namespaces/{hub.namespace}/secrets/{name}")
        except errors.ForbiddenError:
            return UnreadValues(Unread.EXISTING_FORBIDDEN)
        return UnreadValues(Unread.UNREADABLE) if LEFT_OUT in found else found

    def _note(self, hub: HubKey, looked: _Looked, found: HubValues, *, lasting: float) -> None:
        now = asyncio.get_running_loop().time()
        before = self._answers.of(hub)
        if isinstance(found, UnreadValues):
            self._metrics.hub_values_looks.labels(found.why.value).inc()
            if found.why is Unread.TOO_MANY:
                looked.good_at = now
            else:
                looked.version = ""
            lately = looked.good_at is not None and now - looked.good_at <= lasting
            if found.why is Unread.FAILED and lately:
                return
            if found != before:
                logger.warning(
                    "it is not known what the values of hub %s are: %s", hub, found.why.value
                )
        else:
            self._metrics.hub_values_looks.labels("read").inc()
            looked.good_at = now
        if self._answers.take(hub, found):
            self._store.touch()

    def _publish(self) -> bool:
        """Hand what is known to the store; return whether that is anything new."""
        found = self._answers.beside(self._store.hub_values)
        if found is self._store.hub_values:
            return False
        self._store.hub_values = found
        return True
