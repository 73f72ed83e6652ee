"""Questions to the API server: what other authorizers grant, and whether we are right.

Nothing of this is needed for an answer from RBAC; it runs beside the loop, at leisure.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterable, Sequence

from responsibility.api.names import UNKNOWN_MEMBER, UNKNOWN_USER
from responsibility.cluster.knowledge import FAILING, Heard
from responsibility.cluster.store import Store
from responsibility.controller.reporting.metrics import Metrics
from responsibility.controller.worker import Pass, Worker
from responsibility.kube import access_reviews, errors
from responsibility.kube.backoff import is_set_within
from responsibility.kube.client import Api
from responsibility.ownership.results.assessment import Assessment
from responsibility.ownership.terms.access_reviews import EVERYTHING, Ask, Reviews
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.identity import user_and_groups
from responsibility.rbac.objects import Attributes, Subject

logger = logging.getLogger(__name__)

# An answer is asked for again after so many seconds: nothing tells of a change in cloud IAM.
FRESH = 300.0
# News may come from an RBAC cache that lags behind; it must be said twice, this far apart.
CONFIRM = 1.5
# A decision that differs from the server's may be one that we have not heard of yet: while much
# changes, watches and our own passes lag. So it is looked at again after so many seconds, and once
# more if RBAC has not been at rest meanwhile, up to so many times.
CATCH_UP = 10.0
LOOKS = 6
# Questions per round, so that a cluster where nobody can do anything is not flooded.
ROUND = 2_000
# Decisions compared with the server's at a time.
SAMPLE = 25
# Seconds to wait after the server has refused to answer.
_PAUSE = 10.0

Decision = tuple[Subject, Attributes]


class Reviewer(Worker):
    """Keeps the store's reviews and its knowledge of whether RBAC is enforced."""

    def __init__(
        self,
        api: Api,
        store: Store,
        metrics: Metrics,
        *,
        sample_seconds: float,
        most_at_once: int = ROUND,
    ) -> None:
        self._api = api
        self._store = store
        self._metrics = metrics
        self._sample_seconds = sample_seconds
        self._most_at_once = most_at_once
        # When each of the store's answers was given (seconds of the event loop's clock).
        self._asked: dict[Ask, float] = {}
        self._wanted: tuple[Ask, ...] = ()
        self._assessment: Assessment | None = None
        self._graph: AccessGraph | None = None
        self._wake = asyncio.Event()
        self._answered = asyncio.Event()
        self._failing = False
        self.heard = Heard(silent=3 * sample_seconds + FAILING)
        self._given_up: frozenset[Ask] = frozenset()
        # Seeded from the system: which decisions are checked should not be foreseeable.
        self._random: random.Random = random.SystemRandom()

    async def probe(self) -> None:
        """Find out whether the server enforces RBAC at all."""
        enforced = await access_reviews.rbac_enforced(self._api, unknown_user=UNKNOWN_USER)
        if enforced is None:
            self.heard.failed("reviews are not answered")
        else:
            self.heard.good()
        if enforced is not None and enforced != self._store.rbac_enforced:
            self._store.rbac_enforced = enforced
            self._store.touch()

    def follow(self, found: Pass) -> None:
        """Take note of what an assessment would like to know, and what can be sampled."""
        self._assessment = found.assessment
        self._graph = found.moment.snapshot.graph
        asks = found.assessment.asks()
        if asks != self._wanted:
            self._wanted = asks
            self._wake.set()

    async def settle(self, until: float) -> bool:
        """Wait for answers to what was never asked before; False if there is nothing to wait for.

        ``until`` is the time (of the event loop's clock) at which waiting ends with False.
        """
        known = self._store.reviews.answers
        open_ = frozenset(ask for ask in self._wanted if ask not in known)
        # What was waited for in vain is not waited for again: with a long queue, each change
        # would be seen late.
        if self._failing or open_ <= self._given_up:
            return False
        self._answered.clear()
        try:
            async with asyncio.timeout_at(until):
                await self._answered.wait()
        except TimeoutError:
            self._given_up = open_
            return False
        return not self._failing

    async def run(self) -> None:
        """Ask, probe and sample until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._answering())
            group.create_task(self._checking())

    async def _answering(self) -> None:
        while True:
            self._wake.clear()
            due = self._due()
            if not due:
                await is_set_within(self._wake, FRESH / 10)
                continue
            try:
                await self._answer(due)
                self._failing = False
                self.heard.good()
            except errors.ApiError as error:
                logger.warning("reviews are not answered: %s", error)
                self._failing = True
                self.heard.failed(error.reason)
            self._answered.set()
            if self._failing:
                await asyncio.sleep(_PAUSE)

    def _due(self) -> list[Ask]:
        """Return what to ask now, what was never asked first.

        A yes ends its question, so nobody wants it any more; it is asked about again all the
        same, for as long as it can be of use.
        """
        now = asyncio.get_running_loop().time()
        relevant = _relevant(self._assessment)
        answers = self._store.reviews.answers
        build_on = {
            **dict.fromkeys(self._needed()),
            **dict.fromkeys(ask for ask, yes in answers.items() if yes and relevant(ask)),
        }
        old = [ask for ask in build_on if now - self._asked.get(ask, -FRESH) >= FRESH]
        return sorted(old, key=lambda ask: self._asked.get(ask, -FRESH))[: self._most_at_once]

    def _needed(self) -> tuple[Ask, ...]:
        """Return what is wanted, and what that builds on: details follow a no to everything."""
        known = self._store.reviews.answers
        everything = (Ask(ask.subject, EVERYTHING) for ask in self._wanted)
        return (*self._wanted, *(ask for ask in everything if ask in known))

    async def _answer(self, due: Sequence[Ask]) -> None:
        known = self._store.reviews.answers
        replies = dict(zip(due, await self._put(due), strict=True))
        news = [ask for ask, allowed in replies.items() if allowed != known.get(ask, False)]
        if news:
            await asyncio.sleep(CONFIRM)
            replies.update(zip(news, await self._put(news), strict=True))
        self._asked.update(dict.fromkeys(due, asyncio.get_running_loop().time()))
        needed, relevant = set(self._needed()), _relevant(self._assessment)
        answers = {
            ask: yes
            for ask, yes in {**known, **replies}.items()
            if (relevant(ask) if yes else ask in needed)
        }
        self._asked = {ask: at for ask, at in self._asked.items() if ask in answers}
        if answers != known:
            self._store.reviews = Reviews(answers)
            self._store.touch()

    async def _put(self, asks: Iterable[Ask]) -> list[bool]:
        questions = [
            access_reviews.AccessQuestion(*_as_asked(ask.subject), attributes=ask.attributes)
            for ask in asks
        ]
        return await access_reviews.subject_access_many(self._api, questions)

    async def _checking(self) -> None:
        while True:
            # What fails is asked again sooner, so that it is known soon when it works again.
            pause = min(_PAUSE, self._sample_seconds) if self.heard.fails else self._sample_seconds
            await asyncio.sleep(pause)
            try:
                await self.probe()
                await self._sample()
            except errors.ApiError as error:
                logger.warning("no sample of decisions was taken: %s", error)
                self.heard.failed(error.reason)

    async def _sample(self) -> None:
        """Compare some of our decisions with the server's; a difference must last."""
        drawn = self._draw()
        if self._graph is None or not drawn:
            return
        differing = await self._lasting(await self._differing(self._graph, drawn))
        self._metrics.samples.inc(len(drawn))
        for subject, attributes in differing:
            self._metrics.disagreements.inc()
            logger.error(
                "we and the API server disagree about a %s, %s: we say yes, it says no "
                "(who it is is logged at level DEBUG)",
                subject.kind,
                attributes,
            )
            logger.debug("the disagreement is about %s", subject)

    async def _lasting(self, differing: list[Decision]) -> list[Decision]:
        """Return which of these still differ once our graph has caught up with the server.

        That is when nothing new has come for a while; on a cluster that never rests, what
        differs each time for a minute is no lag either.
        """
        for _ in range(LOOKS):
            graph = self._graph
            if not differing or graph is None:
                return []
            await asyncio.sleep(CATCH_UP)
            rests = graph is self._graph and not self._store.changed.is_set()
            differing = await self._differing(self._graph or graph, differing)
            if rests:
                break
        return differing

    def _draw(self) -> list[Decision]:
        """Draw decisions about declared subjects, each on some hub."""
        hubs = tuple(self._assessment.hubs.values()) if self._assessment is not None else ()
        drawn: list[Decision] = []
        for agreement in (
            self._random.choice(hubs).agreement for _ in range(SAMPLE if hubs else 0)
        ):
            subjects, by_bit = tuple(agreement.members), agreement.terms.permissions.by_bit
            if subjects and by_bit:
                permission = self._random.choice(by_bit)
                drawn.append(
                    (self._random.choice(subjects), permission.attributes(agreement.names))
                )
        return drawn

    async def _differing(self, graph: AccessGraph, drawn: Sequence[Decision]) -> list[Decision]:
        """Return what we say yes to and the server no.

        The other way round is no fault of ours: other authorizers may grant more than RBAC.
        """
        answers = await self._put(Ask(subject, attributes) for subject, attributes in drawn)
        return [
            (subject, attributes)
            for (subject, attributes), allowed in zip(drawn, answers, strict=True)
            if not allowed and graph.decide(*_as_asked(subject), attributes)
        ]


def _as_asked(subject: Subject) -> tuple[str, tuple[str, ...]]:
    user, groups = user_and_groups(subject)
    # A Group is asked about as somebody nobody knows, in just that group.
    return user or UNKNOWN_MEMBER, tuple(groups)


def _relevant(assessment: Assessment | None) -> Callable[[Ask], bool]:
    """Return whether an answer can still be of use: its subject is declared, its place there."""
    if assessment is None:
        return lambda _: False
    terms = [cluster.terms for cluster in assessment.clusters.values()]
    subjects = {s for t in terms for party in t.parties.values() for s in party.subjects}
    places = {""} | {n for t in terms for n in t.permissions.fixed_namespaces()}
    for hub in assessment.hubs.values():
        subjects.update(hub.agreement.members)
        places.add(hub.agreement.hub.namespace)
    return lambda ask: ask.subject in subjects and ask.attributes.namespace in places
