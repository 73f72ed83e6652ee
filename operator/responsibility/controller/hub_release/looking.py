"""The worker that holds hubs' releases against what is there, a few hubs at a time.

Of Helm's Secrets it lists the metadata, and reads the one that counts if it is another than before:
in a process that can be ended (``process.values_readers``), which hands back the objects without
what may be secret in them (``hub.release.sealing``). Then each object is got by its name. Nothing
of a Secret is kept, logged or told but the names of what differs.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from responsibility.admission.object_items import (
    items_of_change,
    items_of_object,
    items_of_release,
)
from responsibility.admission.policies.guards import Guards
from responsibility.api.model import ResponsibilityModel
from responsibility.cluster.knowledge import FAILING, Heard
from responsibility.cluster.store import Store
from responsibility.controller.hub_release.memory import KeptRelease
from responsibility.controller.hub_release.objects import Elsewhere, ReleaseObjects
from responsibility.controller.last_answers import LastAnswers
from responsibility.controller.process.settings import Settings
from responsibility.controller.process.values_readers import Reader, TooCostlyError
from responsibility.controller.reporting.metrics import Metrics
from responsibility.controller.worker import Pass, Worker
from responsibility.hub.discovery import HubKey
from responsibility.hub.release import storage
from responsibility.hub.release.changes import (
    Change,
    HubRelease,
    ObjectName,
    ReleaseDrift,
    ReleaseUnread,
    UnreadObject,
    UnreadRelease,
)
from responsibility.hub.release.difference import changes, deleted
from responsibility.hub.release.field_managers import FieldManagers
from responsibility.hub.release.listing import FirstOfEach
from responsibility.hub.release.sealing import sealed
from responsibility.hub.release.storage import Revision
from responsibility.kube import errors
from responsibility.kube.backoff import is_set_within
from responsibility.kube.client import METADATA_LIST, Api
from responsibility.kube.object_reader import LEFT_OUT
from responsibility.ownership.terms.permission_index import Names
from responsibility.upgrades.removals import removed_apis

logger = logging.getLogger(__name__)

# Seconds between looks at which hubs there are.
_TICK: Final = 30.0
# Hubs that are looked at at once.
_AT_ONCE: Final = 4
# Seconds that reading one release may take, and until a hub is looked at again that could not be.
_BUDGET: Final = 10.0
_SOON: Final = 15.0
# A hub that could not be read just now is as it was for so many rounds.
_ROUNDS: Final = 2
# Changes of one hub that are told one by one, and objects that could not be looked at.
_MOST_CHANGES: Final = 64
_MOST_UNREAD: Final = 16
# Changes after which others have their turn.
_AT_A_TIME: Final = 256
# How long Helm may be at it. One that has ended in the middle hides nothing for longer, nor do many
# that whoever writes Secrets makes up one by one.
_AT_WORK: Final = timedelta(minutes=30)
# The first that an error is one of says why.
_WHY: Sequence[tuple[type[Exception], ReleaseUnread]] = (
    (errors.ForbiddenError, ReleaseUnread.FORBIDDEN),
    (TooCostlyError, ReleaseUnread.TOO_COSTLY),
    (Exception, ReleaseUnread.FAILED),
)
_REPLICAS: Final = ("spec", "replicas")


class HelmAtWorkError(Exception):
    """Helm is deploying the hub at the moment: nothing can be said until it is done."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What takes part in an answer about a hub, beside the cluster: its model, and its names."""

    model: ResponsibilityModel
    names: Names


@dataclass(slots=True)
class _Looked:
    """What is known of one hub between looks; times are of the event loop's clock."""

    again_at: float = 0.0
    good_at: float | None = None
    # Since when Helm is said to be at it, without a comparison in between.
    at_work_since: float | None = None
    kept: KeptRelease | None = None


class ReleaseLooker(Worker):
    """Keeps what the store knows of changes outside Helm; without ``seconds``, it does nothing.

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
        self._objects = ReleaseObjects(api)
        self._store = store
        self._metrics = metrics
        self._seconds = seconds
        self._reader = reader or Reader()
        self._reading = asyncio.Lock()
        self._turn = asyncio.Semaphore(_AT_ONCE)
        # What digests are keyed by, which nobody else knows and nothing outlives.
        self._key = os.urandom(32)
        self._wanted: Mapping[HubKey, _Wanted] = {}
        self._guards: dict[str, tuple[ResponsibilityModel, Guards | None]] = {}
        self._answers = LastAnswers[HubRelease](UnreadRelease(ReleaseUnread.NOT_YET))
        self._looked: dict[HubKey, _Looked] = {}
        self._wake = asyncio.Event()
        self._random = random.SystemRandom()
        self.heard = Heard(silent=4 * _TICK + FAILING)

    @classmethod
    def of(cls, settings: Settings, api: Api, store: Store, metrics: Metrics) -> ReleaseLooker:
        """Return the worker that the settings ask for."""
        seconds = settings.hub_release_seconds if settings.hub_release else None
        return cls(api, store, metrics, seconds=seconds)

    @property
    def enabled(self) -> bool:
        """Whether releases are looked at."""
        return self._seconds is not None

    def follow(self, found: Pass) -> None:
        """Take note of the hubs that there are, and of whose their objects are."""
        if self._seconds is None:
            return
        models = found.moment.snapshot.models
        wanted = {
            each.hub.key: _Wanted(model, each.agreement.names)
            for each in found.assessment.hubs.values()
            if each.hub is not None and (model := models.get(each.agreement.terms.name)) is not None
        }
        if wanted != self._wanted:
            for key, each in wanted.items():
                before = self._wanted.get(key)
                if before is not None and before != each and key in self._looked:
                    self._looked[key].again_at = 0.0
            self._wanted = wanted
            self._answers.expect(wanted)
            self._wake.set()

    async def settle(self, until: float) -> bool:
        """Wait for the first look at hubs that are new; return whether anything is known anew."""
        if self._seconds is None:
            return False
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
        self._objects.forget_kinds()
        async with asyncio.TaskGroup() as group:
            for hub, terms in wanted.items():
                looked = self._looked.setdefault(hub, _Looked())
                if looked.again_at <= clock.time():
                    group.create_task(self._look_at(hub, terms, looked, seconds))

    async def _look_at(self, hub: HubKey, terms: _Wanted, looked: _Looked, seconds: float) -> None:
        async with self._turn:
            found = await self._read(hub, terms, looked)
        fails = found is None or isinstance(found, UnreadRelease)
        pause = min(_SOON, seconds) if fails else seconds * self._random.uniform(0.8, 1.2)
        looked.again_at = asyncio.get_running_loop().time() + pause
        self._note(hub, looked, found, lasting=_ROUNDS * seconds)
        self.heard.good()

    async def _read(self, hub: HubKey, terms: _Wanted, looked: _Looked) -> HubRelease | None:
        """Return what is found of a hub; None while Helm is deploying it."""
        try:
            return await self._release(hub, terms, looked)
        except HelmAtWorkError:
            now = asyncio.get_running_loop().time()
            if looked.at_work_since is None:
                looked.at_work_since = now
            if now - looked.at_work_since < _AT_WORK.total_seconds():
                return None
            return self._unread(terms, ReleaseUnread.AT_WORK)
        except Exception as error:  # noqa: BLE001 - whatever one answer is, all other hubs are read
            why = next(why for kind, why in _WHY if isinstance(error, kind))
            if why is ReleaseUnread.FAILED:
                logger.warning("the release of hub %s was not read: %s", hub, type(error).__name__)
            return self._unread(terms, why)

    async def _release(self, hub: HubKey, terms: _Wanted, looked: _Looked) -> HubRelease:
        path = f"/api/v1/namespaces/{hub.namespace}/secrets"
        params = {
            "labelSelector": storage.selector(hub.release),
            "fieldSelector": storage.selected_type(),
        }
        secrets: list[Any] = []
        async for page in self._api.pages(path, params=params, accept=METADATA_LIST):
            secrets.extend(page.get("items") or ())
        revisions = storage.revisions(secrets, hub.release)
        if not revisions:
            return self._unread(terms, ReleaseUnread.NO_RELEASE)
        in_work = storage.in_work(revisions)
        if in_work is not None and _is_young(in_work):
            raise HelmAtWorkError
        deployed = next((r for r in revisions if r.status == storage.DEPLOYED), None)
        if deployed is None:
            return self._unread(terms, ReleaseUnread.NOT_DEPLOYED)
        if looked.kept is None or not looked.kept.is_of(deployed):
            kept = await self._kept(path, deployed)
            if isinstance(kept, ReleaseUnread):
                return self._unread(terms, kept)
            looked.kept = kept
        return await self._compared(hub, terms, looked.kept)

    async def _kept(self, path: str, revision: Revision) -> KeptRelease | ReleaseUnread:
        try:
            secret = await self._api.get_object(f"{path}/{revision.secret}")
        except errors.NotFoundError:
            # Helm forgets old revisions: the next look finds a newer one.
            raise HelmAtWorkError from None
        if LEFT_OUT in secret or secret.get("type") != storage.TYPE:
            return ReleaseUnread.UNREADABLE
        async with self._reading, asyncio.timeout(_BUDGET):
            found = await self._reader.release(secret, self._key)
        return found if isinstance(found, ReleaseUnread) else KeptRelease.of(revision, found)

    async def _compared(self, hub: HubKey, terms: _Wanted, kept: KeptRelease) -> ReleaseDrift:
        guards = self._guards_of(terms.model)
        found = FirstOfEach[Change](_MOST_CHANGES)
        unread = FirstOfEach[UnreadObject](_MOST_UNREAD)
        scaled: frozenset[tuple[str, str]] | None = None
        objects = kept.objects()
        for wanted in objects:
            one = await self._objects.find(wanted, hub.namespace)
            if isinstance(one, Elsewhere):
                continue
            about, live = one
            if isinstance(live, dict) and LEFT_OUT in live:
                live = ReleaseUnread.UNREADABLE
            if isinstance(live, ReleaseUnread):
                unread.add(UnreadObject(about, live, _items(guards, terms, about)))
                continue
            differences: Iterable[Change] = (
                _gone(wanted, about)
                if live is None
                else self._differences(wanted, live, about, kept.revision)
            )
            items: dict[tuple[str, ...], tuple[str, ...]] = {}
            for number, each in enumerate(differences, 1):
                if number % _AT_A_TIME == 0:
                    await asyncio.sleep(0)
                if each.steps == _REPLICAS:
                    if scaled is None:
                        scaled = await self._objects.scaled(hub.namespace)
                    if (about.kind, about.name) in scaled:
                        continue
                if guards is not None and each.steps not in items:
                    items[each.steps] = items_of_change(guards, terms.names, each)
                found.add(replace(each, items=items.get(each.steps, ())))
        return ReleaseDrift(
            kept.revision.number,
            found.listed,
            found.more,
            unread.listed,
            removed_apis((each.get("apiVersion"), each.get("kind")) for each in objects),
        )

    def _differences(
        self, wanted: dict[str, Any], live: dict[str, Any], about: ObjectName, revision: Revision
    ) -> Iterator[Change]:
        managers = FieldManagers(live, deployed_at=revision.written_at)
        return changes(wanted, sealed(live, self._key), about, managers)

    def _guards_of(self, model: ResponsibilityModel) -> Guards | None:
        known = self._guards.get(model.name)
        if known is None or known[0] is not model:
            try:
                guards: Guards | None = Guards.of(model)
            except ValueError:
                # The model says so itself, where its policies are rendered.
                guards = None
            known = self._guards[model.name] = (model, guards)
        return known[1]

    def _unread(self, terms: _Wanted, why: ReleaseUnread) -> UnreadRelease:
        guards = self._guards_of(terms.model)
        return UnreadRelease(why, () if guards is None else items_of_release(guards))

    def _note(
        self, hub: HubKey, looked: _Looked, found: HubRelease | None, *, lasting: float
    ) -> None:
        if found is None:
            self._metrics.hub_release_looks.labels("helm-at-work").inc()
            return
        now = asyncio.get_running_loop().time()
        before = self._answers.of(hub)
        if isinstance(found, UnreadRelease):
            self._metrics.hub_release_looks.labels(found.why.value).inc()
            lately = looked.good_at is not None and now - looked.good_at <= lasting
            if found.why is ReleaseUnread.FAILED and lately:
                return
            if found != before:
                logger.warning(
                    "it is not known what was changed of hub %s outside Helm: %s",
                    hub,
                    found.why.value,
                )
        else:
            self._metrics.hub_release_looks.labels("compared").inc()
            looked.good_at = now
            looked.at_work_since = None
        if self._answers.take(hub, found):
            self._store.touch()

    def _publish(self) -> bool:
        """Hand what is known to the store; return whether that is anything new."""
        found = self._answers.beside(self._store.hub_release)
        if found is self._store.hub_release:
            return False
        self._store.hub_release = found
        return True


def _items(guards: Guards | None, terms: _Wanted, about: ObjectName) -> tuple[str, ...]:
    return () if guards is None else items_of_object(guards, terms.names, about)


def _gone(wanted: Mapping[str, Any], about: ObjectName) -> list[Change]:
    """Return that an object was deleted, but for a Job that ends itself."""
    spec = wanted.get("spec")
    if isinstance(spec, Mapping) and spec.get("ttlSecondsAfterFinished") is not None:
        return []
    return [deleted(about)]


def _is_young(revision: Revision) -> bool:
    try:
        since = datetime.fromisoformat(revision.created_at)
    except ValueError:
        return False
    if since.tzinfo is None:
        return False
    return datetime.now(UTC) - since < _AT_WORK
