"""Decision on a change of a hub's values: whose it is, who made it, and what they are told.

Only an item whose stage is ``warn`` or ``deny`` has a say. Settings are named, values never are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from responsibility.admission import annotation_entries
from responsibility.admission.policies.guards import CREATE, DELETE, UPDATE, Items
from responsibility.admission.stages.namespace_keys import NamespaceKeys
from responsibility.admission.webhooks.requester import (
    Range,
    RequesterEntitlement,
    UserInfo,
    breaks_the_glass,
    entitlement,
)
from responsibility.admission.webhooks.values_bounds import outside
from responsibility.admission.webhooks.values_ownership import ValuesGuard
from responsibility.api.foreign_text import harmless
from responsibility.api.names import CONTACT_ANNOTATION, HUB_ANNOTATION
from responsibility.api.stages import AdmissionStage
from responsibility.hub.values import paths
from responsibility.hub.values.difference import SettingChange, is_hollow
from responsibility.hub.values.secret import KEY, SettingsDiff
from responsibility.ownership.terms.agreement import ItemTerms
from responsibility.phrases import range_text

# What is done to settings, in words.
_DOES = {CREATE: "sets", UPDATE: "changes", DELETE: "takes away"}
# Settings that are named for one item; how many more there are is said.
_NAMED = 4
_LONGEST = 160


class ValuesVerdict(StrEnum):
    """The outcome of a review; values of a metric's label."""

    ALLOWED = "allowed"
    WARNED = "warned"
    REFUSED = "refused"
    BREAK_GLASS = "break-glass"
    UNREADABLE = "unreadable"
    # Refused for what the request itself is: too large, too deep, one of too many at once.
    TOO_MUCH = "too-much"
    UNJUDGED = "unjudged"


@dataclass(slots=True)
class Breach:
    """Settings of one item changed by a user who isn't allowed to, or beyond the allowed range."""

    item: ItemTerms
    stage: AdmissionStage
    settings: list[str] = field(default_factory=list)
    more: int = 0
    # The allowed range, where a change exceeds one.
    left: Range | None = None


@dataclass(frozen=True, slots=True)
class ValuesDecision:
    """The verdict, and the answer to the API server."""

    verdict: ValuesVerdict
    message: str = ""
    warnings: tuple[str, ...] = ()
    # The items that were breached, for those who are told of it.
    items: tuple[ItemTerms, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether the request goes on."""
        return self.verdict not in (ValuesVerdict.REFUSED, ValuesVerdict.TOO_MUCH)


FINE = ValuesDecision(ValuesVerdict.ALLOWED)


@dataclass(frozen=True, slots=True)
class ValuesUpdate:
    """Somebody who writes the Secret of a hub, and what its Namespace says."""

    guard: ValuesGuard
    space: NamespaceKeys
    namespace: str
    # The Secret, as it is called there.
    name: str
    person: UserInfo
    now: datetime
    operation: str = UPDATE

    def is_free(self) -> bool:
        """Return whether it is fine whatever has changed."""
        held = self._held()
        return all(held[name].is_free for name in self._in_force())

    def judge(self, found: SettingsDiff) -> ValuesDecision:
        """Return what becomes of what has changed."""
        if self.is_free():
            return FINE
        if self.operation == CREATE:
            # What is empty sets nothing.
            made = (c for c in found.changes if not is_hollow(c.new))
            found = SettingsDiff(tuple(made), found.unreadable)
        stages, held = self._in_force(), self._held()
        breaches = list(self._breaches(found, stages, held))
        if breaches:
            return self._judgement(breaches)
        if found.unreadable:
            return ValuesDecision(ValuesVerdict.UNREADABLE, warnings=(self._unreadable(),))
        return FINE

    def judge_removal(self) -> ValuesDecision:
        """Return what becomes of the whole Secret's going: it takes who may make it."""
        held = self._held()
        makers = self.guard.rest
        if not makers or any(held[name].is_free for name in makers):
            return FINE
        stages = self._in_force()
        breaches = [
            Breach(self.guard.items[name], stages[name], settings=[f"all of {KEY}"])
            for name in sorted(makers & stages.keys(), key=lambda n: self.guard.items[n].number)
        ]
        return self._judgement(breaches) if breaches else FINE

    def _held(self) -> dict[str, RequesterEntitlement]:
        notes = self.space.annotations
        return {name: entitlement(notes, name, self.person, self.now) for name in self.guard.items}

    def _in_force(self) -> dict[str, AdmissionStage]:
        notes, stages = self.space.annotations, self.space.stages()
        return {
            name: stages[name]
            for name in self.guard.items
            if name in stages and annotation_entries.speaks_of(notes, name)
        }

    def _breaches(
        self,
        found: SettingsDiff,
        stages: Mapping[str, AdmissionStage],
        held: Mapping[str, RequesterEntitlement],
    ) -> Iterator[Breach]:
        breaches: dict[tuple[str, Range | None], Breach] = {}
        for judged in judge_changes(found.changes, self.guard, held):
            if judged.may:
                continue
            for name in judged.items & stages.keys():
                terms = self.guard.items[name]
                breach = breaches.setdefault(
                    (name, judged.left), Breach(terms, stages[name], left=judged.left)
                )
                if len(breach.settings) < _NAMED:
                    breach.settings.append(_setting(judged.change))
                else:
                    breach.more += 1
        yield from sorted(breaches.values(), key=lambda breach: breach.item.number)

    def _judgement(self, breaches: list[Breach]) -> ValuesDecision:
        items = tuple({breach.item.name: breach.item for breach in breaches}.values())
        if breaks_the_glass(self.space.annotations, self.person):
            warnings = tuple(
                f"break-glass: {self._whose(b)}. It was let through; tell them" for b in breaches
            )
            return ValuesDecision(ValuesVerdict.BREAK_GLASS, warnings=warnings, items=items)
        refused = [self._refusal(b) for b in breaches if b.stage is AdmissionStage.DENY]
        warned = tuple(self._refusal(b) for b in breaches if b.stage is not AdmissionStage.DENY)
        if refused:
            return ValuesDecision(ValuesVerdict.REFUSED, " ".join(refused), warned, items)
        return ValuesDecision(ValuesVerdict.WARNED, warnings=warned, items=items)

    def _refusal(self, breach: Breach) -> str:
        if breach.left is not None:
            left = breach.left
            within = range_text(left.minimum, left.maximum)
            agreed = f"You may change {left.path} to {within}"
            return f"{self._whose(breach)}. {agreed}; ask them for more."
        return (
            f"{self._whose(breach)}. Ask them to do it, or to delegate the item to you; whose a "
            f"setting is: kubectl responsibility who-owns -n {self.namespace} --path SETTING"
        )

    def _whose(self, breach: Breach) -> str:
        notes, item = self.space.annotations, breach.item
        hub = _line(notes.get(HUB_ANNOTATION, f"the hub in namespace {self.namespace}"))
        contact = _line(
            notes.get(
                CONTACT_ANNOTATION + item.name,
                f"see kubectl responsibility who-owns {item.name}",
            )
        )
        more = f" and {breach.more} more" if breach.more else ""
        return (
            f"{self.operation.lower()} secrets {self.name} {_DOES[self.operation]} "
            f"{', '.join(breach.settings)}{more}. This is item "
            f"{item.number} ({item.title}) of {hub}. It belongs to others: {contact}"
        )

    def _unreadable(self) -> str:
        return (
            f"{KEY} in secrets {self.name} is no YAML any more: it was let through, since the hub "
            "can't read it either, and doesn't start with it. To put it right takes whoever may "
            "change all of it"
        )


@dataclass(frozen=True, slots=True)
class JudgedChange:
    """A change, some items of which whoever makes it has to hold one, and whether they do.

    ``left`` is the range that it leaves, where one is all that they have.
    """

    change: SettingChange
    items: Items
    may: bool
    left: Range | None = None


def judge_changes(
    changes: Iterable[SettingChange],
    guard: ValuesGuard,
    held: Mapping[str, RequesterEntitlement],
) -> Iterator[JudgedChange]:
    """Yield what becomes of each change: the one judgement, at admission and in a review.

    ``held`` is what somebody has of each item of the guard.
    """
    for change in changes:
        for items in guard.owners(change):
            yield _judged(change, items, held)


def _judged(
    change: SettingChange, items: Items, held: Mapping[str, RequesterEntitlement]
) -> JudgedChange:
    left: Range | None = None
    for name in sorted(items):
        if held[name].may:
            left = outside(change, held[name].ranges)
            if left is None:
                return JudgedChange(change, items, may=True)
    return JudgedChange(change, items, may=False, left=left)


def _setting(change: SettingChange) -> str:
    path = harmless(paths.text(change.place)) or f"all of {KEY}"
    return path if len(path) <= _LONGEST else f"{path[: _LONGEST - 1]}…"


def _line(text: str) -> str:
    return harmless(" ".join(text.split()))
