"""Answers to the API server about hubs' values (``admission/webhooks/values_decision.py``).

Every replica answers. What the request holds is read in a process that can be ended
(``process.values_readers``),
in turns (``turns``); nothing of it is kept, logged, counted or told but the names of items. What
fails because of what is asked for, or how often, is refused. What fails because of us goes on with
a warning, is counted and told: the policies have decided already.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from responsibility.admission.policies.guards import DELETE, UPDATE
from responsibility.admission.webhooks.repeats import Repeats, metadata
from responsibility.admission.webhooks.requester import UserInfo
from responsibility.admission.webhooks.values_decision import (
    FINE,
    ValuesDecision,
    ValuesUpdate,
    ValuesVerdict,
)
from responsibility.admission.webhooks.values_ownership import ValuesGuard
from responsibility.api.base import clip
from responsibility.api.model import ResponsibilityModel
from responsibility.api.names import PREFIX_ANNOTATION, RELEASE_ANNOTATION
from responsibility.api.stages import AdmissionStage
from responsibility.controller.process.values_readers import Reader, TooCostlyError
from responsibility.controller.process.webhook_server import Response
from responsibility.controller.reporting.events import Announcer
from responsibility.controller.reporting.metrics import Metrics
from responsibility.controller.webhooks.hub_lookup import HubLookup, HubNamespace, RecordedHub
from responsibility.controller.webhooks.turns import BusyError, TooManyError, Turns
from responsibility.hub.values.secret import SECRET, SettingsDiff
from responsibility.kube import errors
from responsibility.kube.object_reader import LEFT_OUT
from responsibility.ownership.terms.permission_index import Names

logger = logging.getLogger(__name__)

# Seconds that an answer may take; the API server waits a little longer.
BUDGET = 2.0
# How old, in seconds, records and models may be where they have to be looked up.
_AGE = 30.0
# Reviews that are worked on at once, each in a process of its own, and that may wait.
_TOGETHER = 2
_WAITING = 32
# Of them, as many may be one user's in one namespace. Those beyond are refused where anything is:
# nobody comes past by asking often enough.
_OF_ONE_USER = 4
# What one user does to one item is told once, and again after it has stopped for so long: whoever
# tries a setting after the other would bury all other Events.
_QUIET = timedelta(minutes=10)
_FORBIDDEN = 403
# Of a user in an Event, so that no name leaves what happened unsaid.
_LONGEST_NAME = 256
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")

_REASONS = {
    ValuesVerdict.UNJUDGED: "ValuesUnjudged",
    ValuesVerdict.REFUSED: "ValuesRefused",
    ValuesVerdict.WARNED: "ValuesWarned",
    ValuesVerdict.BREAK_GLASS: "BreakGlassUsed",
    ValuesVerdict.UNREADABLE: "ValuesUnreadable",
}
_ENDS = {
    ValuesVerdict.REFUSED: "which belong to others: it was refused",
    ValuesVerdict.WARNED: "which belong to others: they were warned, and it was let through",
    ValuesVerdict.BREAK_GLASS: (
        "which belong to others: they broke the glass, and it was let through"
    ),
}
_UNJUDGED = ValuesDecision(
    ValuesVerdict.UNJUDGED,
    warnings=(
        "whose the settings in this secret are could not be looked at, so it was let through",
    ),
)

_TOO_MANY = ValuesDecision(
    ValuesVerdict.TOO_MUCH,
    "too many changes of this secret by you are being looked at: wait for their answers, and try "
    "again",
)
_TOO_COSTLY = ValuesDecision(
    ValuesVerdict.TOO_MUCH,
    "this secret takes longer, or more memory, to be read than any hub's: write it anew, as Helm "
    "does",
)
_TOO_DEEP = ValuesDecision(
    ValuesVerdict.TOO_MUCH,
    "this secret is nested too deep to be read: write it anew, as Helm does",
)
# To what can't even be read as a request; see webhook_server.
UNREAD: Response = {
    "allowed": False,
    "status": {
        "code": 413,
        "reason": "RequestEntityTooLarge",
        "message": "this secret is too large, or nested too deep, to be looked at: write it anew, "
        "as Helm does",
    },
}

_Review = Mapping[str, Any]
# A namespace, and who asks.
_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Asked:
    """Of a review, what may be told of it."""

    namespace: str
    name: str
    person: UserInfo
    dry_run: bool
    operation: str

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> _Asked:
        namespace = str(request["namespace"])
        # Where a collection is deleted, only the object says which one it is.
        name = str(request.get("name") or metadata(request.get("oldObject")).get("name") or "")
        if not (_NAME.fullmatch(namespace) and _NAME.fullmatch(name)):
            # Not from the API server; and it would stand in our log.
            raise ValueError("no names of objects")
        return cls(
            namespace=namespace,
            name=name,
            person=UserInfo.of(request.get("userInfo") or {}, namespace),
            dry_run=bool(request.get("dryRun")),
            operation=str(request.get("operation") or UPDATE),
        )


class ValuesReviews:
    """Judges changes of hubs' Secrets."""

    def __init__(
        self,
        surroundings: HubLookup,
        metrics: Metrics,
        announcer: Announcer,
        *,
        budget: float = BUDGET,
        readers: Sequence[Reader] = (),
    ) -> None:
        self._surroundings = surroundings
        self._metrics = metrics
        self._announcer = announcer
        self._budget = budget
        self._readers = list(readers) or [Reader() for _ in range(_TOGETHER)]
        self._idle = list(self._readers)
        self._turns = Turns(together=len(self._readers), most=_WAITING, of_one_user=_OF_ONE_USER)
        self._repeats = Repeats(within=_QUIET)
        # Of these each one is told.
        self._uses = Repeats()
        self._guard: tuple[object, ValuesGuard | None] = (None, None)

    async def answer(self, item: str, review: _Review) -> Response:
        """Return whether the API server should let a change through, and what to tell."""
        del item
        request = review["request"]
        asked = _Asked.of(request)
        hubs: tuple[RecordedHub, ...] = ()
        judged = _UNJUDGED
        try:
            async with asyncio.timeout(self._budget):
                place = await self._place(asked.namespace)
                if place is not None and not _is_hubs(place, asked):
                    judged = FINE
                elif place is not None and place.hubs:
                    hubs = place.hubs
                    judged = await self._judge(asked, request, place)
        except TimeoutError:
            logger.warning("a change of %s was not judged in time", _where(asked))
        except BusyError:
            logger.warning("a change of %s was not judged: too many at once", _where(asked))
        except errors.ApiError as error:
            logger.warning("a change of %s was not judged: %s", _where(asked), error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the request is to pass
            # Its words might quote the Secret.
            logger.warning("a change of %s was not judged: %s", _where(asked), type(error).__name__)
        if not asked.dry_run:
            self._tell(asked, hubs, judged)
        return _response(judged)

    async def aclose(self) -> None:
        """End the processes, whatever they are doing."""
        for reader in self._readers:
            await reader.aclose()

    async def _place(self, namespace: str) -> HubNamespace | None:
        known = self._surroundings.known(namespace)
        if known is not None:
            return known
        return await self._surroundings.looked_up(namespace, age=_AGE)

    async def _judge(
        self, asked: _Asked, request: Mapping[str, Any], place: HubNamespace
    ) -> ValuesDecision:
        # Where there are several hubs, their records agree, or nothing is enforced there.
        guard = self._guard_of(place.hubs[0].model)
        case = ValuesUpdate(
            guard,
            place.keys,
            asked.namespace,
            asked.name,
            asked.person,
            datetime.now(UTC),
            asked.operation,
        )
        if asked.operation == DELETE:
            return case.judge_removal()
        old, new = request.get("oldObject") or {}, request.get("object") or {}
        refuses = AdmissionStage.DENY in place.keys.stages().values()
        if LEFT_OUT in old or LEFT_OUT in new:
            return _TOO_DEEP if refuses else _UNJUDGED
        if case.is_free():
            return FINE
        try:
            async with self._turns.turn(asked.namespace, asked.person.user):
                found = await self._read(old, new)
        except TooManyError:
            return _TOO_MANY if refuses else _UNJUDGED
        except TooCostlyError:
            return _TOO_COSTLY if refuses else _UNJUDGED
        return case.judge(found)

    async def _read(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> SettingsDiff:
        reader = self._idle.pop()
        try:
            return await reader.difference(old, new)
        finally:
            self._idle.append(reader)

    def _guard_of(self, model: ResponsibilityModel) -> ValuesGuard:
        known, guard = self._guard
        if known is not model or guard is None:
            guard = ValuesGuard.of(model)
            self._guard = (model, guard)
        return guard

    def _tell(self, asked: _Asked, hubs: tuple[RecordedHub, ...], judged: ValuesDecision) -> None:
        for hub in hubs:
            self._metrics.values_reviewed(hub.key.namespace, hub.key.release, judged.verdict)
        if not hubs:
            self._metrics.values_reviewed("", "", judged.verdict)
        reason = _REASONS.get(judged.verdict)
        if reason is None:
            return
        message = _words(asked, judged)
        for hub in hubs:
            if judged.verdict is ValuesVerdict.BREAK_GLASS:
                for item in judged.items:
                    self._metrics.glass_used(hub.key.namespace, hub.key.release, item.name)
            if self._is_news(hub, asked, judged):
                self._announcer.switched(hub.record.reference, reason, message, warning=True)

    def _is_news(self, hub: RecordedHub, asked: _Asked, judged: ValuesDecision) -> bool:
        """Return whether an item is concerned that this user was not told of lately."""
        attempt, now = _attempt(asked, judged), datetime.now(UTC)
        if judged.verdict is ValuesVerdict.BREAK_GLASS:
            return not self._uses.seen(hub.record.name, attempt, now)
        names = [item.name for item in judged.items] or [""]
        seen = [self._repeats.seen(f"{hub.record.name}/{name}", attempt, now) for name in names]
        return not all(seen)


def _is_hubs(place: HubNamespace, asked: _Asked) -> bool:
    """Return whether a Secret is the hub's, by what the Namespace says, as policies go by that."""
    texts = place.keys.annotations
    names = Names(
        asked.namespace, texts.get(RELEASE_ANNOTATION, ""), texts.get(PREFIX_ANNOTATION, "")
    )
    return names.fill(SECRET) == asked.name


def _where(asked: _Asked) -> str:
    return f"secrets {asked.name} in namespace {asked.namespace}"


def _words(asked: _Asked, judged: ValuesDecision) -> str:
    who = clip(asked.person.user, _LONGEST_NAME)
    if judged.verdict is ValuesVerdict.UNJUDGED:
        return (
            f"{who} changed {_where(asked)}, and whose its settings are could not be looked at: it "
            "was let through. Look at what differs"
        )
    if judged.verdict is ValuesVerdict.UNREADABLE:
        return f"{who} wrote values into {_where(asked)} that are no YAML: it was let through"
    items = ", ".join(f"{item.title} ({item.name})" for item in judged.items)
    return f"{who} changed settings in {_where(asked)} of {items}, {_ENDS[judged.verdict]}"


def _attempt(asked: _Asked, judged: ValuesDecision) -> _Review:
    """Return what tells one attempt from another: who, where, and what came of it."""
    return {
        "request": {
            # One kind of attempt, whatever is done: of what is new, none is taken for a repetition.
            "operation": UPDATE,
            "namespace": asked.namespace,
            "name": asked.name,
            "userInfo": {"username": asked.person.user},
            "object": {
                "said": judged.verdict,
                "to": judged.warnings if judged.verdict is ValuesVerdict.BREAK_GLASS else (),
            },
        }
    }


def _response(judged: ValuesDecision) -> Response:
    found: dict[str, Any] = {"allowed": judged.allowed}
    if not judged.allowed:
        found["status"] = {
            "code": _FORBIDDEN,
            "reason": "Forbidden",
            "message": judged.message,
        }
    if judged.warnings:
        found["warnings"] = list(judged.warnings)
    if judged.verdict is not ValuesVerdict.ALLOWED:
        # For the audit log, which has the request, but not what was thought of it.
        names = ",".join(item.name for item in judged.items)
        found["auditAnnotations"] = {"values": f"{judged.verdict} {names}".rstrip()}
    return found
