"""Everything that runs beside the framework, put together and watched over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from responsibility import api_groups
from responsibility.cluster.knowledge import Heard, OperatorPart, Says, age_of, bears, resource_of
from responsibility.cluster.store import Store
from responsibility.controller.capabilities import Capabilities
from responsibility.controller.loop import Loop
from responsibility.controller.process import container_memory
from responsibility.controller.process.settings import Settings
from responsibility.controller.publish import Publisher
from responsibility.controller.reporting.metrics import Metrics
from responsibility.controller.worker import Pass
from responsibility.kube import errors
from responsibility.kube.backoff import Backoff, is_set_within
from responsibility.kube.client import Api
from responsibility.kube.leadership.leader_election import Leader
from responsibility.ownership.assess import Assessor
from responsibility.rbac.identity import user_subject
from responsibility.rbac.objects import SERVICE_ACCOUNT, Subject

logger = logging.getLogger(__name__)

_AUTHENTICATION = f"{api_groups.AUTHENTICATION}/v1"
_SELF = f"/apis/{_AUTHENTICATION}/selfsubjectreviews"
# A loop that has not come round for so many seconds is stuck.
_STUCK = 300.0
# Seconds after which it is asked again who we are.
_WHO = 300.0
# Seconds between two looks at what is to end, while something can't be listed.
_BLIND = 5.0
# Seconds between two looks at how old everything is.
_AGES = 5.0


class Runtime:
    """The operator's tasks and what they share."""

    def __init__(
        self,
        settings: Settings,
        api: Api,
        metrics: Metrics,
        *,
        leader: Leader | None = None,
    ) -> None:
        self.settings = settings
        self.store = Store(
            api,
            relist=settings.relist_seconds,
            own_relist=settings.own_relist_seconds,
            routes=settings.routes,
        )
        self._api = api
        self._metrics = metrics
        self._capabilities = Capabilities.build(
            settings, api, self.store, metrics, on_rights_granted=self._try_again
        )
        self._workers = self._capabilities.workers
        planning, enforcement = self._capabilities.planning, self._capabilities.enforcement
        self._publisher = Publisher(
            self.store, metrics, settings=settings, capabilities=self._capabilities
        )
        self._reflectors = (*self.store.reflectors, *enforcement.reflectors)
        # Nothing waits for these.
        self._beside = self._capabilities.leftovers.reflectors
        self._loop = Loop(self.store, self._publisher, self._workers, metrics)
        self._relist_own = asyncio.Event()
        # How often the watches of our own kinds have ended by a fault.
        self.watch_failures: Callable[[], int] = int
        self._identity = Heard(silent=None)
        self.store.parts.update(
            {
                OperatorPart.OWN_IDENTITY: self._identity.age,
                OperatorPart.OWN_RIGHTS: self._capabilities.own_rights.heard.age,
                OperatorPart.PLANNER: planning.age,
                OperatorPart.PROBER: enforcement.heard,
                OperatorPart.REVIEWER: self._capabilities.reviewer.heard.age,
                **{resource_of(r.path): partial(age_of, r) for r in enforcement.reflectors},
            }
        )
        if self._capabilities.hub_asker.enabled:
            self.store.parts[OperatorPart.HUB_ASKER] = self._capabilities.hub_asker.heard.age
        if self._capabilities.values_looker.enabled:
            self.store.parts[OperatorPart.VALUES_LOOKER] = (
                self._capabilities.values_looker.heard.age
            )
        if self._capabilities.sessions_looker.enabled:
            self.store.parts[OperatorPart.SESSIONS_LOOKER] = (
                self._capabilities.sessions_looker.heard.age
            )
        if self._capabilities.release_looker.enabled:
            self.store.parts[OperatorPart.RELEASE_LOOKER] = (
                self._capabilities.release_looker.heard.age
            )
        if self._capabilities.versions_looker.enabled:
            self.store.parts[OperatorPart.VERSIONS_LOOKER] = (
                self._capabilities.versions_looker.heard.age
            )
        state = metrics.state
        state.plans_pending = lambda: len(planning.waiting())
        state.plans_failed = planning.failed
        every = (*self._reflectors, *self._beside)
        state.relists = lambda: {resource_of(r.path): r.relists for r in every}
        state.memory = container_memory.read
        state.errors = lambda: {
            **{resource_of(r.path): r.errors for r in every},
            resource_of(self.store.records.path): self.watch_failures(),
        }
        state.lags = self.store.lags
        state.ages = lambda: {
            **{resource_of(r.path): r.age for r in self._beside},
            **{what: age for what, (age, _, _) in self.store.ages().items()},
        }
        state.left_out = lambda: {resource_of(r.path): len(r.left_out) for r in every}
        if leader is not None:
            state.leading = leader.may_write

    def relist_own(self) -> None:
        """Ask for our own kinds to be listed soon: the framework has had to list them again."""
        self._relist_own.set()

    async def run(self) -> None:
        """Run until cancelled; an unexpected end of any part ends all."""
        await self._capabilities.own_rights.check()
        async with asyncio.TaskGroup() as group:
            group.create_task(container_memory.watch())
            await self._identify()
            group.create_task(self._keep_identified())
            self._start(group, from_start=True)
            for reflector in (*self._reflectors, *self._beside):
                group.create_task(reflector.run(), name=reflector.path)
            await self._capabilities.reviewer.probe()
            # Before the first complete look, what is missing means nothing; but what records no
            # longer ask for ends, whatever can't be read.
            lowering = group.create_task(self._lower_meanwhile())
            for reflector in self._reflectors:
                await reflector.wait_synced()
            lowering.cancel()
            await asyncio.wait((lowering,))
            await self._list_own_until_it_works()
            group.create_task(self._keep_listing_own())
            group.create_task(self._watch_ages())
            self._start(group, from_start=False)
            group.create_task(self._loop.run())

    def ready(self) -> str:
        """Return why the operator is not ready, or an empty text."""
        waiting = [resource_of(r.path) for r in self._reflectors if not r.synced.is_set()]
        if waiting:
            return f"not yet listed: {', '.join(waiting)}"
        if not self._loop.passes:
            return "the cluster has not been assessed yet"
        # What bears no statement of ours is no reason to send anybody elsewhere.
        bearing = {
            what
            for what in self.store.old()
            if bears(what, Says.READY) or bears(what, Says.ENFORCED)
        }
        if old := ", ".join(sorted(bearing)):
            return f"not heard of for too long: {old}"
        if unfollowed := ", ".join(sorted(self.store.unfollowed())):
            return f"changes are seen late, since no watch tells of them: {unfollowed}"
        return ""

    def alive(self) -> str:
        """Return why the operator should be restarted, or an empty text."""
        last = self._loop.last_pass
        if last is not None and asyncio.get_running_loop().time() - last > _STUCK:
            return "the reconcile loop is stuck"
        return ""

    def _start(self, group: asyncio.TaskGroup, *, from_start: bool) -> None:
        for worker in self._workers:
            if worker.from_start is from_start:
                group.create_task(worker.run(), name=type(worker).__name__)

    def _try_again(self) -> None:
        """Try at once what was refused: the operator has been given rights."""
        self._publisher.retry_refused()
        for worker in self._workers:
            worker.retry_refused()
        self.store.touch()

    async def _lower_meanwhile(self) -> None:
        """Lower what records no longer ask for while something cannot be listed, for long even."""
        assessor = Assessor()
        await self.store.namespaces.wait_synced()
        said: list[str] = []
        while True:
            await asyncio.sleep(_BLIND)
            # Those that take long, and don't fail, are waited for.
            failing = [resource_of(r.path) for r in self._reflectors if r.last_error is not None]
            if not failing:
                continue
            if failing != said:
                logger.warning(
                    "not yet listed: %s; until then, enforcement only ends where records say so",
                    ", ".join(failing),
                )
                said = failing
            await self._list_own_until_it_works()
            moment = self.store.moment(datetime.now(UTC))
            found = Pass(moment, assessor.assess(moment.snapshot))
            await self._capabilities.enforcement.lower(found)

    async def _list_own_until_it_works(self) -> None:
        delay = 0.5
        while True:
            try:
                await self.store.list_own()
            except errors.ApiError as error:
                logger.warning("our own kinds could not be listed: %s", error)
                await asyncio.sleep(delay)
                delay = min(delay * 2, 10.0)
            else:
                return

    async def _identify(self) -> None:
        """Ask who we are. Until that is known, we are reported ourselves."""
        try:
            own = await own_identity(self._api)
        except errors.NotFoundError:
            # Before 1.28 the server does not say.
            self._identity.good()
            return
        except errors.ApiError as error:
            logger.warning("our own identity is unknown: %s", error)
            self._identity.failed(error.reason)
            return
        self._identity.good()
        if own != self.store.operator:
            self.store.operator = own
            self.store.touch()

    async def _keep_identified(self) -> None:
        """Ask again and again: a token may be another account's by now."""
        backoff = Backoff(base=1.0, cap=10.0)
        while True:
            if self._identity.fails:
                await asyncio.sleep(backoff.next())
            else:
                backoff.reset()
                await asyncio.sleep(_WHO)
            await self._identify()

    async def _watch_ages(self) -> None:
        """Wake the loop when what was heard becomes too old, and when it is heard of again."""
        known = self.store.old()
        while True:
            await asyncio.sleep(_AGES)
            if (old := self.store.old()) != known:
                logger.warning("not heard of for too long: %s", ", ".join(sorted(old)) or "nothing")
                known = old
                self.store.touch()

    async def _keep_listing_own(self) -> None:
        while True:
            if await is_set_within(self._relist_own, self.settings.own_relist_seconds):
                # Objects come one by one after the framework has listed; once is enough.
                await asyncio.sleep(0.2)
            self._relist_own.clear()
            await self._list_own_until_it_works()


async def own_identity(api: Api) -> Subject | None:
    """Return who we are to the API server, None if no ServiceAccount. Raises ApiError."""
    body = {"apiVersion": _AUTHENTICATION, "kind": "SelfSubjectReview"}
    answer = await api.create(_SELF, body)
    user = (answer.get("status") or {}).get("userInfo", {}).get("username", "")
    subject = user_subject(user)
    return subject if subject.kind == SERVICE_ACCOUNT else None
