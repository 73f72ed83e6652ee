"""The worker that asks hubs who administers them, each now and again, a few at a time.

What a hub said last counts until it is asked again; one that can't be reached for a moment is no
unknown one yet, but one that refuses, lies or leads elsewhere is, at once. Each hub has a task of
its own, so that one that hangs delays no other.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from responsibility.cluster.knowledge import FAILING, Heard
from responsibility.cluster.store import Store
from responsibility.controller.hub_admins import tokens
from responsibility.controller.hub_admins.address import Address, HubResolver, address_of
from responsibility.controller.hub_admins.answers_over_http import (
    PATIENCE,
    WHOLE,
    HubAnswers,
    Memory,
    Patience,
    UnseenError,
)
from responsibility.controller.hub_admins.tokens import Token
from responsibility.controller.last_answers import LastAnswers
from responsibility.controller.process.settings import Settings
from responsibility.controller.reporting.metrics import Metrics
from responsibility.controller.worker import Pass, Worker
from responsibility.hub.admins.administrators import HubAdmins, Unknown, Unseen
from responsibility.hub.discovery import Hub, HubKey
from responsibility.kube.backoff import Backoff, is_set_within
from responsibility.ownership.hub_admins import items_inside

logger = logging.getLogger(__name__)

# Hubs that are asked at once.
_AT_ONCE = 4
# A hub that can't be reached is as it was for so many rounds.
_ROUNDS = 2
# It passes: a restart of the hub, a node that goes away.
_PASSING = frozenset({Unseen.UNREACHABLE, Unseen.SLOW, Unseen.REFUSED, Unseen.CHANGING})
# Seconds between looks at which hubs there are.
_TICK = 30.0


def open_session() -> aiohttp.ClientSession:
    """Return what requests to hubs are sent by: no proxy, no cookies, nothing unpacked."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            resolver=HubResolver(), limit=_AT_ONCE, use_dns_cache=False, force_close=True
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None),
    )


@dataclass(frozen=True, slots=True)
class HubSource:
    """How hubs are asked: where their tokens are, how often each is asked, and by what name.

    ``session`` opens what requests are sent by; ``soon`` is after how many seconds a hub that gave
    no answer is asked again, at first, while at last it is asked as seldom as any other.
    """

    tokens: Path
    seconds: float
    domain: str
    session: Callable[[], aiohttp.ClientSession] = open_session
    soon: float = 15.0
    patience: Patience = PATIENCE
    address: Callable[[Hub, str], Address] = address_of

    @classmethod
    def of(cls, settings: Settings) -> HubSource | None:
        """Return how hubs are asked by the settings; None where none is."""
        if settings.hub_tokens is None:
            return None
        return cls(settings.hub_tokens, settings.hub_seconds, settings.cluster_domain)


@dataclass(slots=True)
class _Asked:
    """What is known of one hub between questions; ``good_at`` is of the event loop's clock."""

    memory: Memory = field(default_factory=Memory)
    token: Token | None = None
    good_at: float | None = None


class HubAsker(Worker):
    """Keeps what the store knows of who administers hubs; without a source, it does nothing."""

    def __init__(self, store: Store, metrics: Metrics, source: HubSource | None) -> None:
        self._store = store
        self._metrics = metrics
        self._source = source
        self._hubs: Mapping[HubKey, Hub] = {}
        self._answers = LastAnswers[HubAdmins](Unknown(Unseen.NOT_YET))
        self._asked: dict[HubKey, _Asked] = {}
        self._wake = asyncio.Event()
        self._turn = asyncio.Semaphore(_AT_ONCE)
        # When each hub is asked should neither be at once for all, nor foreseeable.
        self._random = random.SystemRandom()
        self.heard = Heard(silent=4 * _TICK + FAILING)

    @property
    def enabled(self) -> bool:
        """Whether hubs are asked at all."""
        return self._source is not None

    def follow(self, found: Pass) -> None:
        """Take note of the hubs that there are."""
        if self._source is None:
            return
        hubs = {
            each.hub.key: each.hub
            for each in found.assessment.hubs.values()
            if each.hub is not None and items_inside(each.agreement)
        }
        if hubs != self._hubs:
            self._hubs = hubs
            self._answers.expect(hubs)
            self._wake.set()

    async def settle(self, until: float) -> bool:
        """Wait for the first answer of hubs that were never asked; return whether any has come."""
        if self._source is None:
            return False
        await self._answers.first(until)
        return self._publish()

    async def run(self) -> None:
        """Ask until cancelled."""
        source = self._source
        if source is None:
            return await super().run()
        tasks: dict[HubKey, asyncio.Task[None]] = {}
        async with source.session() as http, asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                hubs = self._hubs
                for gone in tasks.keys() - hubs.keys():
                    tasks.pop(gone).cancel()
                    self._asked.pop(gone, None)
                    self._answers.forget(gone)
                for new in hubs.keys() - tasks.keys():
                    tasks[new] = group.create_task(self._keep_asking(source, http, new))
                self.heard.good()
                await is_set_within(self._wake, _TICK)

    async def _keep_asking(
        self, source: HubSource, http: aiohttp.ClientSession, key: HubKey
    ) -> None:
        backoff = Backoff(base=source.soon, cap=source.seconds)
        while True:
            async with self._turn:
                hub = self._hubs.get(key)
                found = None if hub is None else await self._ask(source, http, hub)
            if found is not None:
                self._note(source, key, found)
            if isinstance(found, Unknown):
                await asyncio.sleep(backoff.next())
            else:
                backoff.reset()
                await asyncio.sleep(source.seconds * self._random.uniform(0.8, 1.2))

    async def _ask(self, source: HubSource, http: aiohttp.ClientSession, hub: Hub) -> HubAdmins:
        found = await asyncio.to_thread(tokens.read, source.tokens, (hub.key,))
        token = found[hub.key]
        if isinstance(token, Unknown):
            return token
        asked = self._asked.setdefault(hub.key, _Asked())
        if asked.token != token:
            asked.memory, asked.token = Memory(), token
        address = source.address(hub, source.domain)
        try:
            return await HubAnswers(
                http, address, token, asked.memory, source.patience
            ).administrators()
        except UnseenError as error:
            return Unknown(error.why, error.detail)
        except Exception as error:  # noqa: BLE001 - whatever one hub sends, all others are looked at
            logger.error("asking hub %s has failed: %s", hub.key, type(error).__name__)  # noqa: TRY400 - the trace could show what it sent
            return Unknown(Unseen.IMPLAUSIBLE)

    def _note(self, source: HubSource, hub: HubKey, found: HubAdmins) -> None:
        now = asyncio.get_running_loop().time()
        asked = self._asked.setdefault(hub, _Asked())
        before = self._answers.of(hub)
        if isinstance(found, Unknown):
            self._metrics.hub_questions.labels(found.why.value).inc()
            lasting = (
                asked.good_at is None or now - asked.good_at > _ROUNDS * source.seconds + WHOLE
            )
            if found.why in _PASSING and not lasting:
                return
            if not (isinstance(before, Unknown) and before.why is found.why):
                logger.warning(
                    "it is not known who administers hub %s: %s%s",
                    hub,
                    found.why.value,
                    f" ({found.detail})" if found.detail else "",
                )
        else:
            self._metrics.hub_questions.labels("answered").inc()
            asked.good_at = now
            if isinstance(before, Unknown):
                logger.info("hub %s tells again who administers it", hub)
        if self._answers.take(hub, found):
            self._store.touch()

    def _publish(self) -> bool:
        """Hand what is known to the store; return whether that is anything new."""
        found = self._answers.beside(self._store.hub_admins)
        if found is self._store.hub_admins:
            return False
        self._store.hub_admins = found
        return True
