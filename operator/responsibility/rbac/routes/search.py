"""The shortest route of every subject, for sets of things that can be done.

What is looked for is given as bit masks: each subject starts with the bits it holds directly,
and a step into another identity adds the bits of that identity. A subject's bits are settled in
the order of the length of the route, so each bit is reached by a shortest one.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count

from responsibility.rbac.objects import Subject
from responsibility.rbac.routes.entrances import Entrance
from responsibility.rbac.routes.steps import Route, Step
from responsibility.rbac.routes.ways import IMPERSONATE

Group = tuple[Entrance, ...]

# A chain longer than this is not reported: nobody would follow it, and each link is a finding
# of its own.
LONGEST = 6


@dataclass(frozen=True, slots=True)
class Gain:
    """Bits that a subject can come by, and how."""

    mask: int
    route: Route


class _Offered:
    """Bits offered to a subject, by the length of the route: at most so long.

    ``free`` are those for which it impersonates nobody first.
    """

    __slots__ = ("all", "free")

    def __init__(self) -> None:
        self.all = [0] * (LONGEST + 1)
        self.free = [0] * (LONGEST + 1)

    def take(self, mask: int, length: int, *, acted: bool) -> int:
        """Return what of the mask is news at that length, which it is no longer."""
        news = mask & ~(self.all if acted else self.free)[length]
        if news:
            for longer in range(length, LONGEST + 1):
                self.all[longer] |= news
                if not acted:
                    self.free[longer] |= news
        return news


@dataclass(slots=True)
class _Search:
    into: Callable[[Subject], Iterable[Group]]
    constrain: Callable[[Step, int], int]
    offered: dict[Subject, _Offered] = field(default_factory=dict)
    settled: dict[Subject, int] = field(default_factory=dict)
    found: dict[Subject, list[Gain]] = field(default_factory=dict)
    _passed: dict[tuple[int, bool, bool], int] = field(default_factory=dict)
    _groups: list[Group] = field(default_factory=list)
    _queue: list[tuple[int, int, int, Subject, Gain]] = field(default_factory=list)
    _order: count[int] = field(default_factory=count)

    def put(self, subject: Subject, gain: Gain) -> None:
        length = len(gain.route)
        if length > LONGEST:
            return
        offered = self.offered.setdefault(subject, _Offered())
        news = offered.take(gain.mask, length, acted=_impersonates(gain.route))
        if news:
            self._push(subject, Gain(news, gain.route))

    def _push(self, subject: Subject, gain: Gain) -> None:
        # Of routes of a length, those to more come first, so that others have less to add.
        size = -gain.mask.bit_count()
        heapq.heappush(self._queue, (len(gain.route), size, next(self._order), subject, gain))

    def run(self) -> dict[Subject, list[Gain]]:
        while self._queue:
            _, _, _, subject, gain = heapq.heappop(self._queue)
            before = self.settled.get(subject, 0)
            new = gain.mask & ~before
            self.settled[subject] = before | gain.mask
            if new and gain.route:
                self.found.setdefault(subject, []).append(Gain(new, gain.route))
            for group in self.into(subject):
                self._pass_on(group, subject, gain)
        return self.found

    def _pass_on(self, group: Group, subject: Subject, gain: Gain) -> None:
        """Offer the bits to all who can become the subject by the same entrances.

        These are shared by many subjects, and what has been passed on by them from one need not
        be from the next. A request can impersonate once only: who merely impersonates the
        subject has no credential of it to impersonate the next.
        """
        acted, length = _impersonates(gain.route), len(gain.route)
        key = (id(group), acted, bool(length))
        passed = self._passed.get(key)
        if passed is None:
            # Kept alive, so that its identity stays its own.
            self._groups.append(group)
            passed = 0
        mask = gain.mask & ~passed
        if not mask:
            return
        self._passed[key] = passed | mask
        for entrance in group:
            if entrance.impersonates and (acted or (entrance.mode and length)):
                continue
            total = length + 1 + len(entrance.earlier)
            if total > LONGEST or entrance.actor == subject:
                continue
            way: Route = ()
            passing = mask
            if entrance.mode:
                way = entrance.route_into(subject)
                passing = self.constrain(way[-1], passing)
            offered = self.offered.get(entrance.actor)
            if offered is None:
                offered = self.offered[entrance.actor] = _Offered()
            news = offered.take(passing, total, acted=entrance.starts_as_other)
            if news:
                way = way or entrance.route_into(subject)
                self._push(entrance.actor, Gain(news, (*way, *gain.route)))


def _impersonates(route: Route) -> bool:
    return bool(route) and route[0].route == IMPERSONATE


def gains(
    direct: Mapping[Subject, int],
    powers: Iterable[tuple[Step, int]],
    into: Callable[[Subject], Iterable[Group]],
    *,
    constrain: Callable[[Step, int], int] = lambda _, mask: mask,
) -> dict[Subject, list[Gain]]:
    """Return what subjects can come by beyond what they hold directly.

    ``powers`` are bits that a step's actor can give itself. ``into`` returns the ways into an
    identity. ``constrain`` reduces the bits that a step passes on (constrained impersonation).
    """
    search = _Search(into, constrain)
    for subject, mask in direct.items():
        search.put(subject, Gain(mask, ()))
    for step, mask in powers:
        search.put(step.actor, Gain(mask, unfolded(step)))
    return search.run()


def unfolded(step: Step) -> Route:
    """Return a step with those that come first, as a route."""
    return (*step.earlier, replace(step, earlier=())) if step.earlier else (step,)
