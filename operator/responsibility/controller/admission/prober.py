"""Proof that policies are in force: what they must refuse is tried, and seen to be refused.

A policy that was just created, or a Namespace that was just labelled, is not in force at once, and
whatever stands in the cluster may be overruled by something nobody thought of. So the creation of
an Event of a name that each policy refuses to everyone is tried, as a dry run: nothing is stored,
and no right on anything real is needed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from responsibility.api.names import policy_name, probe_name
from responsibility.api.stages import AdmissionStage
from responsibility.cluster.knowledge import Heard
from responsibility.controller.reporting.metrics import Metrics
from responsibility.kube import errors
from responsibility.kube.backoff import is_set_within
from responsibility.kube.client import Api

logger = logging.getLogger(__name__)

# Seconds within which a change has to have come into force.
DEADLINE = 30.0
# Seconds after which what was proved is tried again, if there are few; and trials a second for
# all of them together, else.
PERIOD = 30.0
RATE = 4.0
# Trials a second after a change, and at start.
_BURST = 100.0
_TOGETHER = 8
_FIRST_RETRY = 0.2
_LAST_RETRY = 10.0

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class ProbeTarget:
    """The aim of a proof: the stage of an item in a namespace.

    ``probe`` is what its policy says, through ``binding``; ``uid`` is of whatever a new proof is
    needed for.
    """

    stage: AdmissionStage
    probe: str
    uid: str
    binding: str


@dataclass(frozen=True, slots=True)
class Proof:
    """The outcome of trying: ``ok`` is None while that is not clear; ``why`` says what was seen."""

    ok: bool | None
    why: str = ""


PENDING = Proof(None, "it has not been tried yet")


@dataclass(slots=True)
class _Work:
    """A target, when it is due (loop time), and until when failures are only delays."""

    target: ProbeTarget
    due: float
    patience: float
    proof: Proof = PENDING
    retry: float = _FIRST_RETRY
    busy: bool = False


class Prober:
    """Tries all targets, again and again; ``on_change`` is called when a result changes."""

    def __init__(self, api: Api, metrics: Metrics, on_change: Callable[[], None]) -> None:
        self._api = api
        self._metrics = metrics
        self._on_change = on_change
        self._work: dict[Key, _Work] = {}
        self._wake = asyncio.Event()
        self.heard = Heard()

    def want(self, targets: Mapping[Key, ProbeTarget]) -> None:
        """Set what is to be proved; what is new or has changed is tried at once."""
        now = asyncio.get_running_loop().time()
        work: dict[Key, _Work] = {}
        for key, target in targets.items():
            known = self._work.get(key)
            if known is not None and known.target == target:
                work[key] = known
            else:
                work[key] = _Work(target, now, now + DEADLINE)
                self._wake.set()
        self._work = work

    def again(self) -> None:
        """Try everything soon: something has changed that may matter."""
        now = asyncio.get_running_loop().time()
        for work in self._work.values():
            work.due = min(work.due, now)
        self._wake.set()

    def proof(self, key: Key, stage: AdmissionStage) -> Proof:
        """Return what is known of a target at a stage."""
        work = self._work.get(key)
        return PENDING if work is None or work.target.stage != stage else work.proof

    async def run(self) -> None:
        """Try what is due until cancelled."""
        loop = asyncio.get_running_loop()
        gate = asyncio.Semaphore(_TOGETHER)
        tried = loop.time()
        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                free = {key: work for key, work in self._work.items() if not work.busy}
                if not self._work:
                    self.heard.good()
                if not free:
                    await self._sleep(PERIOD)
                    continue
                key = min(free, key=lambda k: free[k].due)
                work = free[key]
                # With many, none may be due for minutes; that trials are answered is known all the
                # same.
                due = min(work.due, tried + PERIOD)
                if due > loop.time():
                    await self._sleep(due - loop.time())
                    continue
                tried = loop.time()
                await gate.acquire()
                work.busy = True
                group.create_task(self._try(key, work, gate))
                await asyncio.sleep(1 / _BURST)

    async def _sleep(self, seconds: float) -> None:
        await is_set_within(self._wake, seconds)

    async def _try(self, key: Key, work: _Work, gate: asyncio.Semaphore) -> None:
        try:
            proof = await self._ask(key, work.target)
        finally:
            gate.release()
            work.busy = False
            self._wake.set()
        now = asyncio.get_running_loop().time()
        self._metrics.probes.labels(_OUTCOME[None if proof is None else proof.ok]).inc()
        if proof is None:
            # The server is away, which says nothing about policies.
            self.heard.failed("trials are not answered")
            work.due = now + _LAST_RETRY
            return
        self.heard.good()
        if proof.ok:
            work.retry = _FIRST_RETRY
            work.patience = now
            work.due = now + max(PERIOD, len(self._work) / RATE)
        else:
            work.due = now + work.retry
            work.retry = min(work.retry * 2, _LAST_RETRY)
            if now < work.patience:
                proof = Proof(None, proof.why)
        if proof != work.proof:
            work.proof = proof
            if self._work.get(key) is work:
                self._on_change()

    async def _ask(self, key: Key, target: ProbeTarget) -> Proof | None:
        """Try once; None where there was no answer."""
        namespace, item = key
        path = f"/api/v1/namespaces/{namespace}/events"
        replies: tuple[str, ...]
        refused = False
        try:
            replies = await self._api.try_create(path, _event(namespace, item))
        except errors.UnavailableError:
            return None
        except errors.ApiError as error:
            if isinstance(error, errors.ForbiddenError) and "cannot create resource" in (
                error.message
            ):
                return Proof(False, f"the operator may not try: {error.message}")
            replies, refused = (error.message,), True
        ours = [text for text in replies if policy_name(item) in text]
        fitting = any(target.binding in text and target.probe in text for text in ours)
        if fitting and refused is (target.stage is AdmissionStage.DENY):
            return Proof(True)
        return Proof(False, _unlike(target.stage, replies, refused=refused))


_OUTCOME = {True: "proved", False: "failed", None: "unanswered"}


def _unlike(stage: AdmissionStage, replies: tuple[str, ...], *, refused: bool) -> str:
    wanted = "refused" if stage is AdmissionStage.DENY else "warned of"
    if not replies:
        return f"a trial was let through in silence, but should be {wanted} by its policy"
    came = "refused" if refused else "warned of"
    return f"a trial should be {wanted} by its policy, and was {came} otherwise: {replies[0]}"


def _event(namespace: str, item: str) -> dict[str, object]:
    """Return the Event that is never stored."""
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": probe_name(item), "namespace": namespace},
        "involvedObject": {"apiVersion": "v1", "kind": "Namespace", "namespace": namespace},
        "reason": "Probe",
        "message": "a trial: whoever reads this, the policy is not in force",
        "type": "Normal",
    }
