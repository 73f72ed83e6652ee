"""Leadership of one replica: a Lease, renewed in a thread of its own, that fences what it does.

The algorithm is client-go's (``tools/leaderelection/leaderelection.go``), and so is that a lease
counts from when its holder was *seen* to renew it, by the own clock. Seven things are not, nor in
``kubernetes.aio.leaderelection`` (37.0.2), which can't create a Lease either:

* Renewing has a thread and a connection of its own. What the rest of the process does, a pass over
  a large cluster or a burst of changes, costs no lease.
* Whoever writes asks ``may_write`` at that moment. A process that was stopped, or whose machine
  was, wakes up in the middle of its work, long before it hears that another leads.
* A Lease seen in other hands ends the work at once, and not when patience does.
* A Lease that isn't as a candidate has written it says nothing of who leads: somebody has deleted,
  emptied, edited or made it, and whoever led until then writes until it next renews, and learns of
  it; some have never seen it otherwise. So it is claimed, which names no holder, and only a claim
  that nobody has touched until the longest term has ended becomes a lead. Nothing on a cluster
  proves that nobody ever led: the very first start claims as well. Who leads goes on over a claim.
* What candidates write bears a seal (``sealed``), by which the short ways can be trusted: a Lease
  given back is taken at once, one's own, after a restart in the same pod, is gone on with. A seal
  keeps accidents apart from what candidates do, not a thief, who has all that they have.
* Whoever leads and finds its Lease gone makes it anew at once. Later, when another might have come
  and gone meanwhile, it ends.
* How long it lasts goes by how long renewing takes. Where the API server answers at once that is
  four seconds, after which the next one takes over from a leader that was killed; where answers or
  this process are slow it is up to client-go's fifteen, so that slowness costs no lease. A leader
  begins with the longest, since its first pass is. What lasts four seconds fences after two, and
  gives up after client-go's ten: a renewal that comes late, and before another has taken the
  Lease, opens the fence again.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar

from responsibility import api_groups
from responsibility.kube import errors
from responsibility.kube.backoff import is_set_within
from responsibility.kube.client import Api, Json
from responsibility.kube.leadership.campaign_thread import CampaignThread
from responsibility.kube.leadership.lease_seal import (
    claimed,
    claimed_by,
    sealed,
    spec_of,
    with_seal,
    written,
)

T = TypeVar("T")

logger = logging.getLogger(__name__)

# Seconds that a dead leader's Lease lasts, at most and at least, and the least that the former may
# be, since a busy machine could not keep it.
LEASE = 15
QUICK = 4
SHORTEST = 8
# A Lease lasts so many seconds, and so many times what renewing takes.
_AT_REST, _TIMES = 2.0, 4.0
# Seconds between the end of what a leader may write and the first that another may, at least: what
# was sent in the last moment is on its way meanwhile.
_ON_ITS_WAY = 2.0
# Seconds that a Lease is for which its holder has given back, as client-go writes it.
_RELEASED = 1
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"
_KIND = f"{api_groups.COORDINATION}/v1"


def _clock() -> float:
    """Return seconds that go on while the machine sleeps, where it can tell."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two renewals, or two looks of who waits; and how soon slowness is forgotten.

    Of what renewing took, the share ``kept`` counts at the next one: one slow answer is followed at
    once, and forgotten after ten quick ones.
    """

    retry: float = 2.0
    kept: float = 0.8


PACE: Final = Pace()


class LeadershipLostError(Exception):
    """The Lease could not be renewed in time, or is another's: so stop."""


class Leader:
    """A candidate for one Lease.

    ``connect`` opens a connection of its own. ``identity`` must be unique among the candidates
    (the pod's name). ``lease`` is in seconds: after a leader's death the others wait that long at
    most, and ``QUICK`` where renewing is quick. A leader that can't renew stops after two thirds of
    it, and one that ends in good order lets the next one in at once.
    """

    def __init__(
        self,
        connect: Callable[[], AbstractAsyncContextManager[Api]],
        namespace: str,
        name: str,
        identity: str,
        *,
        lease: int = LEASE,
        clock: Callable[[], float] = _clock,
        wall: Callable[[], float] = time.time,
        pace: Pace = PACE,
    ) -> None:
        if lease < SHORTEST:
            raise ValueError(f"a lease must last {SHORTEST} s or longer, not {lease}")
        self.path = f"/apis/{_KIND}/namespaces/{namespace}/leases/{name}"
        self._connect = connect
        self._identity = identity
        self._lease = lease
        self._pace = pace
        self._gives_up = lease * 2 / 3
        # Seconds after which nothing arrives any more of whoever led before a Lease was claimed.
        self._longest = self._gives_up + _ON_ITS_WAY
        # One attempt may take two requests, and there is to be time for another.
        self._patience = lease / 3
        # What renewing took lately; at first as if that were long.
        self._slow = lease / _TIMES
        # The Lease as we wrote it last.
        self._stored: Json | None = None
        # When that was asked for, by our clock.
        self._renewed = 0.0
        self._clock = clock
        self._wall = wall
        # Until when we lead, by either clock; none while we don't.
        self._until: tuple[float, float] | None = None
        # Who was last seen to hold it, of others.
        self._other = ""

    def may_write(self) -> bool:
        """Return whether we lead at this moment: to be asked at each write, from any thread."""
        until = self._until
        return until is not None and self._clock() < until[0] and self._wall() < until[1]

    @property
    def is_leader(self) -> bool:
        """Whether we lead at this moment."""
        return self.may_write()

    @property
    def follows(self) -> bool:
        """Whether another has the Lease, as far as we have seen."""
        return bool(self._other)

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Wait for the Lease, then do ``work`` for as long as we hold it; return its result.

        Raises LeadershipLostError after the work was cancelled because the Lease was lost; the
        process should then end, since work that takes long to stop is work without the Lease.
        Ends with the Lease given back, also when cancelled.
        """
        campaign = CampaignThread(self.campaign)
        campaign.start()
        try:
            await campaign.acquired
            logger.info("%s leads", self._identity)
            doing = asyncio.ensure_future(work())
            try:
                await asyncio.wait((doing, campaign.ended), return_when=asyncio.FIRST_COMPLETED)
                if doing.done():
                    return doing.result()
                raise LeadershipLostError(campaign.ended.result())
            finally:
                doing.cancel()
                await asyncio.gather(doing, return_exceptions=True)
        finally:
            await campaign.stop(2 * self._patience)

    # --- in the thread --------------------------------------------------------------------------

    async def campaign(self, acquired: Callable[[], None], stop: asyncio.Event) -> str:
        """Acquire the Lease, and hold it until told to stop; return why it was lost, if it was."""
        async with self._connect() as api:
            if not await self._acquire(api, stop):
                return ""
            acquired()
            try:
                return await self._hold(api, stop)
            finally:
                self._until = None
                # Without a word on failure: then the Lease simply expires.
                with suppress(errors.ApiError, TimeoutError, KeyError, TypeError):
                    async with asyncio.timeout(2 * self._patience):
                        while not await self._released(api):
                            pass

    async def _acquire(self, api: Api, stop: asyncio.Event) -> bool:
        """Return once the Lease is ours; False if told to stop before."""
        seen: object = ()
        claimed = False
        # When what was seen of others, or our claim, has ended.
        free, lasts = self._clock(), float(self._lease)
        while not stop.is_set():
            began = self._now()
            try:
                async with asyncio.timeout(self._patience):
                    lease = await self._read(api)
                    holder, lasts = self._held(lease)
                    self._other = holder if holder != self._identity else ""
                    if (there := written(lease)) != seen:
                        seen, claimed = there, False
                        free = self._clock() + self._taken_for(lease)
                    if self._clock() >= free:
                        if claimed or sealed(lease):
                            await self._lead(api, lease, began)
                            return True
                        seen, claimed = written(await self._claim(api, lease)), True
                        free = self._clock() + self._longest
            except (errors.ApiError, TimeoutError) as error:
                logger.info("no Lease: %s", str(error) or "the server did not answer in time")
            # Short ones are looked at more often, and each at the moment of its end.
            look = min(self._pace.retry, lasts / 8) * (1 + 0.2 * random.random())  # noqa: S311 - jitter
            left = free - self._clock()
            await is_set_within(stop, min(look, left) if left > 0 else look)
        return False

    def _held(self, lease: Json | None) -> tuple[str, float]:
        """Return who holds a Lease, if anybody does, and how long that lasts."""
        spec = spec_of(lease)
        lasts = float(spec.get("leaseDurationSeconds") or self._lease)
        return spec.get("holderIdentity") or "", lasts

    def _taken_for(self, lease: Json | None) -> float:
        """Return for how many seconds a Lease is to be left alone that was just seen."""
        holder, lasts = self._held(lease)
        if sealed(lease) and holder == self._identity:
            return 0.0
        if holder:
            return lasts
        # A claim becomes a lead, if whoever claims is alive.
        return self._longest + 2 * self._pace.retry if claimed_by(lease) else 0.0

    async def _hold(self, api: Api, stop: asyncio.Event) -> str:
        """Renew until told to stop; return why the Lease was lost, if it was."""
        wait, failing = self._between, None
        while not await is_set_within(stop, max(0.0, wait)):
            began = self._now()
            left = self._renewed + self._gives_up - began[0]
            since = began[0] if failing is None else failing
            failing = None
            try:
                async with asyncio.timeout(max(0.0, min(left, self._patience))):
                    if lost := await self._renew(api, began):
                        self._until = None
                        return f"{self.path} {lost}"
            except (errors.ApiError, TimeoutError) as error:
                failure = str(error) or "the server did not answer in time"
                logger.info("the Lease was not renewed: %s", failure)
                failing = since
            # A renewal that was refused at first took from there on: the next Lease lasts longer.
            ended = self._clock()
            self._slow = max(ended - since, self._pace.kept * self._slow)
            if failing is None:
                wait = self._between - (ended - began[0])
                continue
            if ended >= self._renewed + self._gives_up:
                return f"{self._identity} could not renew {self.path}"
            # Many attempts fit into what is left, or a server that refuses half of them costs the
            # lead; they are one client's, and end when patience does. Nor do all ask at one time.
            wait = self._between / 8 * (1 + 0.2 * random.random())  # noqa: S311 - jitter
        return ""

    async def _renew(self, api: Api, began: tuple[float, float]) -> str:
        """Write that it is still ours; return what has become of it, if it isn't.

        Mostly that is one request: it fails if anybody has changed the Lease since we wrote it. So
        it does where a renewal arrived that was not answered; what was refused is asked again.
        """
        if self._stored is not None:
            with suppress(errors.ConflictError, errors.NotFoundError):
                await self._lead(api, self._stored, began)
                return ""
            self._stored = None
        lease = await self._read(api)
        holder, _ = self._held(lease)
        if holder not in ("", self._identity):
            return f"is held by {holder}"
        # What is asked at this moment has arrived before another may lead.
        if not sealed(lease) and not self.may_write():
            return "was deleted or edited while it could not be renewed"
        await self._lead(api, lease, began)
        return ""

    @property
    def _term(self) -> int:
        """Seconds that a Lease lasts which is written now."""
        return min(self._lease, max(QUICK, math.ceil(_AT_REST + _TIMES * self._slow)))

    @property
    def _between(self) -> float:
        """Seconds between two renewals: there is to be time for three more."""
        return min(self._pace.retry, self._term / 4)

    def _now(self) -> tuple[float, float]:
        return self._clock(), self._wall()

    async def _lead(self, api: Api, lease: Json | None, began: tuple[float, float]) -> None:
        """Write that we lead, which counts from when we began; ConflictError if it was changed.

        Others count from when they see it.
        """
        now = datetime.now(UTC).strftime(_TIME)
        before, term = spec_of(lease), self._term
        kept = before.get("holderIdentity") == self._identity
        spec = {
            **before,
            "holderIdentity": self._identity,
            "leaseDurationSeconds": term,
            "acquireTime": before.get("acquireTime", now) if kept else now,
            "renewTime": now,
            "leaseTransitions": int(before.get("leaseTransitions") or 0) + (not kept),
        }
        self._stored = await self._write(api, lease, spec)
        lasts = term - max(_ON_ITS_WAY, term / 3)
        self._renewed = began[0]
        self._until = (began[0] + lasts, began[1] + lasts)

    async def _read(self, api: Api) -> Json | None:
        try:
            return await api.get_object(self.path)
        except errors.NotFoundError:
            return None

    async def _claim(self, api: Api, lease: Json | None) -> Json:
        """Write that we would lead, and return that; ConflictError if it was changed."""
        now = datetime.now(UTC).strftime(_TIME)
        spec = {"leaseDurationSeconds": self._lease, **spec_of(lease)}
        return await self._write(
            api, lease, {**spec, "holderIdentity": "", "renewTime": now}, claim=self._identity
        )

    async def _write(self, api: Api, lease: Json | None, spec: Json, claim: str = "") -> Json:
        if lease is not None:
            body = {**lease, "spec": spec}
            marked = claimed(body, claim) if claim else with_seal(body)
            return await api.replace(self.path, marked)
        collection, _, name = self.path.rpartition("/")
        body = {"apiVersion": _KIND, "kind": "Lease", "metadata": {"name": name}, "spec": spec}
        # A seal is good for one object: it gets that when it is next written.
        return await api.create(collection, claimed(body, claim))

    async def _released(self, api: Api) -> bool:
        """Try to give it back; False if it was changed between reading and writing.

        It is read anew, since a renewal that was cancelled on its way may have arrived all the
        same.
        """
        lease = await api.get_object(self.path)
        if lease["spec"].get("holderIdentity") != self._identity:
            return True
        if not sealed(lease) and written(lease) != written(self._stored):
            # Edited: whose it is can't be known, and it isn't ours to give.
            return True
        spec = {**lease["spec"], "holderIdentity": "", "leaseDurationSeconds": _RELEASED}
        try:
            await self._write(api, lease, spec)
        except errors.ConflictError:
            return False
        return True
