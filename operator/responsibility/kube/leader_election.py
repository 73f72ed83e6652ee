"""One of several replicas leads: a Lease, by ``kubernetes.aio.leaderelection``.

The algorithm is the library's. The lock is ours, since the library's ``LeaseLock`` (37.0.2)
can't create a Lease (it passes ``pretty=True``, which its own models refuse), lets network
errors escape, waits up to five minutes for an answer, labels local time as UTC, and does not
give the Lease back at the end.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TypeVar

from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.leaderelection.electionconfig import Config
from kubernetes.aio.leaderelection.leaderelection import LeaderElection
from kubernetes.aio.leaderelection.leaderelectionrecord import LeaderElectionRecord
from kubernetes.aio.leaderelection.resourcelock.baselock import BaseLock

from responsibility import api_groups
from responsibility.kube import errors
from responsibility.kube.client import Api, Json

T = TypeVar("T")

logger = logging.getLogger(__name__)

_API_VERSION = f"{api_groups.COORDINATION}/v1"
# Seconds that a dead leader's Lease lasts, and the least that the arithmetic below allows.
LEASE = 15
SHORTEST = 8


class LeadershipLostError(Exception):
    """The Lease could not be renewed in time: another replica may lead now, so stop."""


class Leader:
    """A candidate for one Lease; ``is_leader`` says whether it holds the Lease now.

    ``identity`` must be unique among the candidates (the pod's name). ``lease`` is in seconds:
    after a leader's death, the others wait that long. A leader that can't renew stops well
    before, and one that ends in good order lets the next one in at once.
    """

    def __init__(
        self, api: Api, namespace: str, name: str, identity: str, *, lease: int = LEASE
    ) -> None:
        if lease < SHORTEST:
            raise ValueError(f"a lease must last {SHORTEST} s or longer, not {lease}")
        self.is_leader = False
        self._identity = identity
        self._lock = _Lock(api, namespace, name, identity, patience=lease / 10)
        # In the worst case the last attempt begins at the deadline and takes two requests and a
        # pause: 0.6 + 2 × 0.1 + 1/7.5 < 1, so the work ends before anyone else may begin.
        config = Config(
            self._lock,
            lease_duration=lease,
            renew_deadline=lease * 0.6,
            retry_period=max(1.0, lease / 7.5),
            onstarted_leading=_nothing,
            onstopped_leading=_nothing,
        )
        self._election = LeaderElection(config)

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Wait for the Lease, then do ``work`` for as long as we hold it; return its result.

        Raises LeadershipLostError after the work was cancelled because the Lease was lost; the
        process should then end, since work that takes long to stop is work without the Lease.
        Ends with the Lease given back, also when cancelled.
        """
        try:
            await self._election.acquire()
            self.is_leader = True
            logger.info("%s leads", self._identity)
            return await self._lead(work)
        finally:
            self.is_leader = False
            await self._lock.release()

    async def _lead(self, work: Callable[[], Awaitable[T]]) -> T:
        doing = asyncio.ensure_future(work())
        renewing = asyncio.create_task(self._election.renew_loop())
        try:
            await asyncio.wait((doing, renewing), return_when=asyncio.FIRST_COMPLETED)
            if doing.done():
                return doing.result()
            self.is_leader = False
            raise LeadershipLostError(f"{self._identity} could not renew {self._lock.path}")
        finally:
            for task in (doing, renewing):
                task.cancel()
            await asyncio.gather(doing, renewing, return_exceptions=True)


class _Lock(BaseLock):  # type: ignore[misc]  # the client has no types
    """The Lease as the library's algorithm wants it: errors are answers, never raised."""

    def __init__(
        self, api: Api, namespace: str, name: str, identity: str, *, patience: float
    ) -> None:
        super().__init__(name, namespace, identity)
        self._api = api
        self._patience = patience
        self._collection = f"/apis/{_API_VERSION}/namespaces/{namespace}/leases"
        self.path = f"{self._collection}/{name}"
        self._lease: Json = {}

    async def get(
        self, name: str, namespace: str
    ) -> tuple[bool, LeaderElectionRecord | ApiException | None]:
        """Return the Lease as a record, or the error in the form that the algorithm reads."""
        del name, namespace
        try:
            async with asyncio.timeout(self._patience):
                self._lease = await self._api.get(self.path)
        except (errors.ApiError, TimeoutError) as error:
            status = error.status if isinstance(error, errors.ApiError) else 0
            # It takes the code from the body, and only a 404 lets it create the Lease.
            return False, ApiException(
                status=status, reason=str(error) or "timeout", body=json.dumps({"code": status})
            )
        spec = self._lease.get("spec") or {}
        return True, LeaderElectionRecord(
            spec.get("holderIdentity") or None,
            str(spec["leaseDurationSeconds"]) if spec.get("leaseDurationSeconds") else None,
            spec.get("acquireTime"),
            spec.get("renewTime"),
        )

    async def create(
        self, name: str, namespace: str, election_record: LeaderElectionRecord
    ) -> bool:
        """Create the Lease; False if another candidate was faster, or on any error."""
        body = {
            "apiVersion": _API_VERSION,
            "kind": "Lease",
            "metadata": {"name": name, "namespace": namespace},
            "spec": self._spec(election_record, {}),
        }
        try:
            async with asyncio.timeout(self._patience):
                self._lease = await self._api.create(self._collection, body)
        except (errors.ApiError, TimeoutError) as error:
            logger.info("no Lease: %s", error)
            return False
        return True

    async def update(self, name: str, namespace: str, updated_record: LeaderElectionRecord) -> bool:
        """Replace the Lease as last read; False if it was changed meanwhile, or on any error."""
        del name, namespace
        body = {**self._lease, "spec": self._spec(updated_record, self._lease.get("spec") or {})}
        try:
            async with asyncio.timeout(self._patience):
                self._lease = await self._api.replace(self.path, body)
        except (errors.ApiError, TimeoutError) as error:
            logger.info("the Lease was not renewed: %s", error)
            return False
        return True

    async def release(self) -> None:
        """Give the Lease back if it is ours, so that the next leader need not wait.

        It is read anew, since a renewal that was cancelled on its way may have arrived all the
        same. Short, and without a word on failure: then the Lease simply expires.
        """
        with suppress(errors.ApiError, TimeoutError):
            async with asyncio.timeout(2 * self._patience):
                while not await self._released():
                    pass

    async def _released(self) -> bool:
        """Try once; False if the Lease was changed between reading and writing."""
        lease = await self._api.get(self.path)
        if lease["spec"].get("holderIdentity") != self.identity:
            return True
        spec = {**lease["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}
        try:
            await self._api.replace(self.path, {**lease, "spec": spec})
        except errors.ConflictError:
            return False
        return True

    def _spec(self, record: LeaderElectionRecord, before: Json) -> Json:
        """Return the spec to write; times are ours, since the record's have no time zone."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        kept = before.get("holderIdentity") == record.holder_identity
        return {
            **before,
            "holderIdentity": record.holder_identity,
            "leaseDurationSeconds": int(record.lease_duration),
            "acquireTime": before.get("acquireTime", now) if kept else now,
            "renewTime": now,
            "leaseTransitions": int(before.get("leaseTransitions") or 0) + (not kept),
        }


async def _nothing() -> None:
    """Stand in for the library's callbacks, which are not used."""
