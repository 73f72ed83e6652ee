"""Puts questions to the API server: what other authorizers grant, and whether we are right.

Nothing of this is needed for an answer from RBAC; it runs beside the loop, at leisure.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterable, Sequence

from responsibility.cluster import errors, reviews
from responsibility.cluster.client import Api
from responsibility.cluster.store import Store
from responsibility.controller.metrics import Metrics
from responsibility.ownership.assessment import Assessment
from responsibility.ownership.reviews import Ask, Reviews
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.identity import user_and_groups
from responsibility.rbac.objects import Attributes, Subject

logger = logging.getLogger(__name__)

# An answer is asked for again after so many seconds: nothing tells of a change in cloud IAM.
FRESH = 300.0
# A first yes may come from an RBAC cache that lags behind; it must be said twice, this far apart.
CONFIRM = 1.5
# Questions per round, so that a cluster where nobody can do anything is not flooded.
ROUND = 2_000
# Decisions compared with the server's at a time.
SAMPLE = 25


class Reviewer:
    """Keeps the store's reviews and its knowledge of whether RBAC is enforced."""

    def __init__(self, api: Api, store: Store, metrics: Metrics, *, sample_seconds: float) -> None:
        self._api = api
        self._store = store
        self._metrics = metrics
        self._sample_seconds = sample_seconds
        self._asked: dict[Ask, float] = {}
        self._wanted: tuple[Ask, ...] = ()
        self._graph: AccessGraph | None = None
        self._subjects: tuple[Subject, ...] = ()
        self._questions: tuple[Attributes, ...] = ()
        self._wake = asyncio.Event()
        # Seeded from the system: which decisions are checked should not be foreseeable.
        self._random = random.SystemRandom()

    async def probe(self) -> None:
        """Find out whether the server enforces RBAC at all."""
        enforced = await reviews.rbac_enforced(self._api)
        if enforced is not None and enforced != self._store.rbac_enforced:
            self._store.rbac_enforced = enforced
            self._store.touch()

    def follow(self, assessment: Assessment, graph: AccessGraph) -> None:
        """Take note of what an assessment would like to know, and what can be sampled."""
        self._graph = graph
        asks = assessment.asks()
        if asks != self._wanted:
            self._wanted = asks
            self._wake.set()
        if assessment.hubs:
            agreements = [hub.agreement for hub in assessment.hubs.values()]
            self._subjects = tuple({s: None for a in agreements for s in a.members})
            some = agreements[0]
            self._questions = tuple(
                atom.attributes(some.names) for atom in some.terms.questions.atoms
            )

    async def run(self) -> None:
        """Ask, probe and sample until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._answering())
            group.create_task(self._checking())

    async def _answering(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            now = loop.time()
            due = [a for a in self._wanted if now - self._asked.get(a, -FRESH) >= FRESH][:ROUND]
            if due:
                try:
                    await self._answer(due)
                except errors.ApiError as error:
                    logger.warning("reviews are not answered: %s", error)
                    await asyncio.sleep(10.0)
                continue
            self._wake.clear()
            try:
                async with asyncio.timeout(FRESH / 10):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _answer(self, due: Sequence[Ask]) -> None:
        first = dict(zip(due, await self._put(due), strict=True))
        positive = [ask for ask, allowed in first.items() if allowed]
        if positive:
            await asyncio.sleep(CONFIRM)
            again = await self._put(positive)
            first.update(zip(positive, again, strict=True))
        now = asyncio.get_running_loop().time()
        self._asked.update(dict.fromkeys(due, now))
        wanted = set(self._wanted)
        # A positive answer ends the question, so it is kept for as long as it is fresh.
        kept = {
            ask: allowed
            for ask, allowed in self._store.reviews.answers.items()
            if ask in wanted or now - self._asked.get(ask, -FRESH) < FRESH
        }
        answers = {**kept, **first}
        self._asked = {ask: at for ask, at in self._asked.items() if ask in answers}
        if answers != self._store.reviews.answers:
            self._store.reviews = Reviews(answers)
            self._store.touch()

    async def _put(self, asks: Iterable[Ask]) -> list[bool]:
        questions = []
        for ask in asks:
            user, groups = user_and_groups(ask.subject)
            questions.append(reviews.Question(user or _PROBE_USER, tuple(groups), ask.attributes))
        return await reviews.subject_access_many(self._api, questions)

    async def _checking(self) -> None:
        while True:
            await asyncio.sleep(self._sample_seconds)
            try:
                await self.probe()
                await self._sample()
            except errors.ApiError as error:
                logger.warning("no sample of decisions was taken: %s", error)

    async def _sample(self) -> None:
        """Compare some of our decisions with the server's; a difference must show twice."""
        graph = self._graph
        if graph is None or not self._subjects or not self._questions:
            return
        drawn = [
            (self._random.choice(self._subjects), self._random.choice(self._questions))
            for _ in range(SAMPLE)
        ]
        differing = await self._differing(graph, drawn)
        if differing:
            await asyncio.sleep(CONFIRM)
            if self._graph is not graph:
                return
            differing = await self._differing(graph, differing)
        self._metrics.samples.inc(len(drawn))
        for subject, attributes in differing:
            self._metrics.disagreements.inc()
            logger.error(
                "we and the API server disagree: %s, %s: we say yes, it says no",
                subject,
                attributes,
            )

    async def _differing(
        self, graph: AccessGraph, drawn: Sequence[tuple[Subject, Attributes]]
    ) -> list[tuple[Subject, Attributes]]:
        """Return what we say yes to and the server no.

        The other way round is no fault of ours: other authorizers may grant more than RBAC.
        """
        answers = await self._put(Ask(subject, attributes) for subject, attributes in drawn)
        return [
            (subject, attributes)
            for (subject, attributes), allowed in zip(drawn, answers, strict=True)
            if not allowed and graph.decide(*_as_asked(subject), attributes)
        ]


# A Group is asked about as somebody nobody knows, in just that group.
_PROBE_USER = "responsibility-operator:member-6f1d9c"


def _as_asked(subject: Subject) -> tuple[str, tuple[str, ...]]:
    user, groups = user_and_groups(subject)
    return user or _PROBE_USER, tuple(groups)
