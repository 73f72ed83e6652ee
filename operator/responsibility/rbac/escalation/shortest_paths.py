"""The shortest route of every subject, for sets of things that can be done.

What is looked for is given as bit masks: each subject starts with the bits it holds directly,
and a step into another identity adds the bits of that identity. The search goes by the length of
the route, so each bit is reached by a shortest one; all that can be reached at one length through
the same entrances is passed on together, as one mask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from responsibility.rbac.escalation.edges import Entrance, Group
from responsibility.rbac.escalation.steps import Route, Step
from responsibility.rbac.escalation.techniques import IMPERSONATE
from responsibility.rbac.objects import Subject

# A chain longer than this is not reported: nobody would follow it, and each link is a finding
# of its own.
LONGEST = 6


@dataclass(slots=True, eq=False)
class Gain:
    """Bits that a subject can come by in ``length`` steps; none for what it holds directly.

    ``acted`` says that it impersonates somebody first, so that nobody can impersonate it on this
    route. It has come by an ``entrance`` into one of several ``givers``, or by a power of its own,
    whose steps are ``own``. The route is put together when it is asked for: few are ever told.
    """

    mask: int
    length: int
    acted: bool = False
    own: Route = ()
    entrance: Entrance | None = None
    givers: Sequence[Giver] = ()

    def route(self, wanted: int = -1, end: End | None = None) -> Route:
        """Return a shortest route to one or more of the ``wanted`` bits.

        ``end`` is who stands at an open end, with the rest of the route, see `beyond`.
        """
        return self.piece(wanted, end).steps

    def pieces(self, wanted: int) -> Iterator[Piece]:
        """Yield routes until all of the ``wanted`` bits that it has are reached."""
        wanted &= self.mask
        while wanted:
            piece = self.piece(wanted)
            yield piece
            wanted &= ~piece.mask

    def piece(self, wanted: int = -1, end: End | None = None) -> Piece:
        """Return a shortest route to some of the ``wanted`` bits, and to which."""
        steps: list[Step] = []
        gain = self
        wanted &= gain.mask
        while gain.entrance is not None:
            if not gain.givers:
                assert end is not None, "a route with an open end"  # noqa: S101 - for mypy, and whoever changes this
                return Piece(wanted, (*steps, *gain.entrance.route_into(end[0]), *end[1]))
            giver, behind = gain._giver(wanted)
            steps += gain.entrance.route_into(giver)
            gain = behind
            wanted &= gain.mask
        return Piece(wanted, (*steps, *gain.own))

    def ends_by(self, route: str) -> bool:
        """Return whether the last step of a route to any of the bits is of a label."""
        if self.entrance is None:
            return bool(self.own) and self.own[-1].route == route
        return any(gain.ends_by(route) for _, gain in self.givers)

    def gate(self) -> Subject:
        """Return who enters where the end of the route is open."""
        gain = self
        while gain.entrance is not None and gain.givers:
            _, gain = gain._giver(gain.mask)
        assert gain.entrance is not None, "a route with an open end"  # noqa: S101 - for mypy, and whoever changes this
        return gain.entrance.actor

    def _giver(self, wanted: int) -> Giver:
        """Return who gives the most of the wanted bits; of several, the first."""
        actor = self.entrance.actor if self.entrance else None
        return max(
            (giver for giver in self.givers if giver[0] != actor),
            key=lambda giver: (giver[1].mask & wanted).bit_count(),
        )


Giver = tuple[Subject, Gain]
End = tuple[Subject, Route]


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bits, and the route to them."""

    mask: int
    steps: Route

    def route(self, _wanted: int = -1) -> Route:
        """Return the route."""
        return self.steps


@dataclass(frozen=True, slots=True)
class Behind:
    """An entrance, as far as the rest of a route goes: its group, and what stands behind it."""

    group: Group
    acted: bool
    length: int


@dataclass(slots=True)
class _Passed:
    """What has been passed on by one group: bits of one giver at least, and of two or more.

    ``own`` are those that came from its actors: nobody becomes itself.
    """

    ones: int = 0
    twos: int = 0
    own: dict[Subject, int] = field(default_factory=dict)

    def take(self, group: Group, givers: Iterable[Giver]) -> list[Giver]:
        """Take in what is given, and return of whom any of it is news."""
        news: list[Giver] = []
        for giver in givers:
            subject, gain = giver
            mask = gain.mask
            if mask & ~self.twos:
                news.append(giver)
                self.twos |= self.ones & mask
                self.ones |= mask
            if subject in group.actors:
                self.own[subject] = self.own.get(subject, 0) | mask
        return news

    def to(self, actor: Subject) -> int:
        """Return what is passed on to an actor."""
        own = self.own.get(actor, 0)
        return (self.ones & ~own) | (self.twos & own)


@dataclass(slots=True)
class Search:
    """A search; ``wide`` groups are left at their doors if ``local``, to be asked for apart.

    ``into`` returns the ways into an identity. ``constrain`` reduces the bits that a step passes
    on (constrained impersonation).
    """

    into: Callable[[Subject], Iterable[Group]]
    constrain: Callable[[Step, int], int] = lambda _, mask: mask
    local: bool = False
    found: dict[Subject, list[Gain]] = field(default_factory=dict)
    doors: dict[Behind, list[Giver]] = field(default_factory=dict)
    reached: dict[Subject, int] = field(default_factory=dict)
    _free: dict[Subject, int] = field(default_factory=dict)
    _passed: dict[tuple[Group, bool], _Passed] = field(default_factory=dict)
    _offers: list[list[Giver]] = field(default_factory=lambda: [[] for _ in range(LONGEST + 1)])

    def offer(self, subject: Subject, gain: Gain) -> None:
        """Offer bits to a subject."""
        if gain.mask and gain.length <= LONGEST:
            self._offers[gain.length].append((subject, gain))

    def offer_behind(self, behind: Behind, mask: int) -> None:
        """Offer bits to whoever has an entrance of a group; the routes have an open end."""
        for entrance in behind.group.entrances:
            if not _is_shut(entrance, behind):
                self.offer(entrance.actor, _through(entrance, mask, behind.length, ()))

    def run(self) -> None:
        """Go from length to length."""
        for length in range(LONGEST + 1):
            doors: dict[Behind, list[Giver]] = {}
            for subject, gain in self._accepted(length):
                for group in self.into(subject):
                    doors.setdefault(Behind(group, gain.acted, length), []).append((subject, gain))
            for behind, givers in doors.items():
                if self.local and behind.group.wide:
                    self.doors[behind] = givers
                elif length < LONGEST:
                    self._pass_on(behind, givers)

    def _accepted(self, length: int) -> Iterator[Giver]:
        """Yield what of the offers of a length is news, those of more bits first."""
        offers = self._offers[length]
        offers.sort(key=_free_and_large_first)
        for subject, gain in offers:
            reached = self.reached.get(subject, 0)
            news = gain.mask & ~(reached if gain.acted else self._free.get(subject, 0))
            if not news:
                continue
            gain.mask = news
            if news & ~reached:
                self.reached[subject] = reached | news
                if length:
                    self.found.setdefault(subject, []).append(gain)
            if not gain.acted:
                self._free[subject] = self._free.get(subject, 0) | news
            yield subject, gain
        offers.clear()

    def _pass_on(self, behind: Behind, givers: list[Giver]) -> None:
        """Offer what stands behind a group to all who have one of its entrances."""
        if behind.group.constrained:
            self._pass_on_some(behind, givers)
            return
        passed = self._passed.setdefault((behind.group, behind.acted), _Passed())
        before = _Passed(passed.ones, passed.twos, dict(passed.own))
        givers = passed.take(behind.group, givers)
        if not givers:
            return
        to_others = passed.ones & ~before.ones
        for entrance in behind.group.entrances:
            if _is_shut(entrance, behind):
                continue
            news = to_others
            if entrance.actor in passed.own:
                news = passed.to(entrance.actor) & ~before.to(entrance.actor)
            known = self.reached if entrance.starts_as_other else self._free
            if news & ~known.get(entrance.actor, 0):
                self.offer(entrance.actor, _through(entrance, news, behind.length, givers))

    def _pass_on_some(self, behind: Behind, givers: list[Giver]) -> None:
        """Offer what constrained impersonation passes on, from each giver by itself."""
        for entrance in behind.group.entrances:
            for subject, gain in givers:
                if entrance.actor != subject and not _is_shut(entrance, behind):
                    some = self.constrain(entrance.step_into(subject), gain.mask)
                    giver = [(subject, gain)]
                    self.offer(entrance.actor, _through(entrance, some, behind.length, giver))


def _is_shut(entrance: Entrance, behind: Behind) -> bool:
    """Return whether an entrance cannot be used for what stands behind it.

    A request can impersonate once only: who merely impersonates somebody has no credential of it
    to impersonate the next. Constrained impersonation is for single actions, so comes last.
    """
    return entrance.impersonates and (behind.acted or bool(entrance.mode and behind.length))


def _through(entrance: Entrance, mask: int, length: int, givers: Sequence[Giver]) -> Gain:
    total = length + 1 + len(entrance.earlier)
    return Gain(mask, total, entrance.starts_as_other, entrance=entrance, givers=givers)


def _free_and_large_first(offer: Giver) -> tuple[bool, int]:
    return offer[1].acted, -offer[1].mask.bit_count()


def begin(
    direct: Mapping[Subject, int],
    powers: Iterable[tuple[Step, int]],
    into: Callable[[Subject], Iterable[Group]],
    *,
    constrain: Callable[[Step, int], int] = lambda _, mask: mask,
    local: bool = False,
) -> Search:
    """Return a search for what subjects can come by beyond what they hold directly, to be run.

    ``powers`` are bits that a step's actor can give itself.
    """
    search = Search(into, constrain, local)
    for subject, mask in direct.items():
        search.offer(subject, Gain(mask, 0))
    for step, mask in powers:
        own = unfolded(step)
        search.offer(step.actor, Gain(mask, len(own), own[0].route == IMPERSONATE, own))
    return search


def beyond(behind: Behind, into: Callable[[Subject], Iterable[Group]]) -> Mapping[Subject, Gain]:
    """Return who can come by whatever stands behind a group, each by a shortest route."""
    search = Search(into)
    search.offer_behind(behind, 1)
    search.run()
    return {subject: found[0] for subject, found in search.found.items()}


def unfolded(step: Step) -> Route:
    """Return a step with those that come first, as a route."""
    return (*step.earlier, replace(step, earlier=())) if step.earlier else (step,)
