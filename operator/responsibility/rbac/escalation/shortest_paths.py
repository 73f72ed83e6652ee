"""Shortest escalation routes of every subject, for sets of permissions as bit masks.

What is looked for is given as bit masks: each subject starts with the bits it holds directly,
and a step into another identity adds the bits of that identity. The search goes by the length of
the route, so each bit is reached by a shortest one; all that can be reached at one length through
the same edges is passed on together, as one mask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from responsibility.rbac.escalation.edges import Edge, EdgeGroup
from responsibility.rbac.escalation.steps import Route, Step
from responsibility.rbac.escalation.technique import IMPERSONATE
from responsibility.rbac.objects import Subject

# A chain longer than this is not reported: nobody would follow it, and each link is a finding
# of its own.
MAX_STEPS = 6


@dataclass(slots=True, eq=False)
class Gain:
    """Bits that a subject can obtain in ``length`` steps; none for what it holds directly.

    ``impersonated`` says that it impersonates somebody first, so that nobody can impersonate it on
    this route. It is obtained by an ``edge`` into one of several ``predecessors``, or by a
    self-grant of its own, whose steps are ``self_grant``. The route is put together when asked
    for: few are told.
    """

    mask: int
    length: int
    impersonated: bool = False
    self_grant: Route = ()
    edge: Edge | None = None
    predecessors: Sequence[Predecessor] = ()

    def route(self, wanted: int = -1, end: End | None = None) -> Route:
        """Return a shortest route to one or more of the ``wanted`` bits.

        ``end`` is who stands at an open end, with the rest of the route, see `beyond`.
        """
        return self.part(wanted, end).steps

    def parts(self, wanted: int) -> Iterator[RoutePart]:
        """Yield routes until all of the ``wanted`` bits that it has are reached."""
        wanted &= self.mask
        while wanted:
            part = self.part(wanted)
            yield part
            wanted &= ~part.mask

    def part(self, wanted: int = -1, end: End | None = None) -> RoutePart:
        """Return a shortest route to some of the ``wanted`` bits, and to which."""
        steps: list[Step] = []
        gain = self
        wanted &= gain.mask
        while gain.edge is not None:
            if not gain.predecessors:
                assert end is not None, "a route with an open end"  # noqa: S101 - for mypy, and whoever changes this
                return RoutePart(wanted, (*steps, *gain.edge.route_into(end[0]), *end[1]))
            predecessor, rest = gain._predecessor(wanted)
            steps += gain.edge.route_into(predecessor)
            gain = rest
            wanted &= gain.mask
        return RoutePart(wanted, (*steps, *gain.self_grant))

    def ends_by(self, route: str) -> bool:
        """Return whether the last step of a route to any of the bits is of a label."""
        if self.edge is None:
            return bool(self.self_grant) and self.self_grant[-1].route == route
        return any(gain.ends_by(route) for _, gain in self.predecessors)

    def entry(self) -> Subject:
        """Return who enters where the end of the route is open."""
        gain = self
        while gain.edge is not None and gain.predecessors:
            _, gain = gain._predecessor(gain.mask)
        assert gain.edge is not None, "a route with an open end"  # noqa: S101 - for mypy, and whoever changes this
        return gain.edge.actor

    def _predecessor(self, wanted: int) -> Predecessor:
        """Return who gives the most of the wanted bits; of several, the first."""
        actor = self.edge.actor if self.edge else None
        return max(
            (predecessor for predecessor in self.predecessors if predecessor[0] != actor),
            key=lambda predecessor: (predecessor[1].mask & wanted).bit_count(),
        )


Predecessor = tuple[Subject, Gain]
End = tuple[Subject, Route]


@dataclass(frozen=True, slots=True)
class RoutePart:
    """Some bits, and the route to them."""

    mask: int
    steps: Route

    def route(self, _wanted: int = -1) -> Route:
        """Return the route."""
        return self.steps


# A tuple, since it is made and hashed for each subject and each group of edges into it.
class FrontierGroup(NamedTuple):
    """A group of edges at the end of a search, and how the rest of a route behind it is.

    ``impersonated`` and ``length`` are those of the rest.
    """

    group: EdgeGroup
    impersonated: bool
    length: int


@dataclass(slots=True)
class _PassedOn:
    """What has been passed on by one group: bits of one predecessor at least, and of two or more.

    ``by_actor`` are those that came from its actors: nobody becomes itself.
    """

    ones: int = 0
    twos: int = 0
    by_actor: dict[Subject, int] = field(default_factory=dict)

    def take(self, group: EdgeGroup, predecessors: Iterable[Predecessor]) -> list[Predecessor]:
        """Take in what is given, and return of whom any of it is news."""
        news: list[Predecessor] = []
        for predecessor in predecessors:
            subject, gain = predecessor
            mask = gain.mask
            if mask & ~self.twos:
                news.append(predecessor)
                self.twos |= self.ones & mask
                self.ones |= mask
            if subject in group.actors:
                self.by_actor[subject] = self.by_actor.get(subject, 0) | mask
        return news

    def to(self, actor: Subject) -> int:
        """Return what is passed on to an actor."""
        from_actor = self.by_actor.get(actor, 0)
        return (self.ones & ~from_actor) | (self.twos & from_actor)


@dataclass(slots=True)
class RouteSearch:
    """A search; cluster-wide groups of edges are its frontier if ``local``.

    ``into`` returns the techniques into an identity. ``constrain`` reduces the bits a step passes
    on (constrained impersonation).
    """

    into: Callable[[Subject], Iterable[EdgeGroup]]
    constrain: Callable[[Step, int], int] = lambda _, mask: mask
    local: bool = False
    found: dict[Subject, list[Gain]] = field(default_factory=dict)
    frontier: dict[FrontierGroup, list[Predecessor]] = field(default_factory=dict)
    reached: dict[Subject, int] = field(default_factory=dict)
    _free: dict[Subject, int] = field(default_factory=dict)
    _passed: dict[tuple[EdgeGroup, bool], _PassedOn] = field(default_factory=dict)
    # Equal masks as one object: subjects are many, and what they can come by is not.
    _masks: dict[int, int] = field(default_factory=dict)
    _offers: list[list[Predecessor]] = field(
        default_factory=lambda: [[] for _ in range(MAX_STEPS + 1)]
    )

    def offer(self, subject: Subject, gain: Gain) -> None:
        """Offer bits to a subject."""
        if gain.mask and gain.length <= MAX_STEPS:
            self._offers[gain.length].append((subject, gain))

    def offer_from(self, frontier_group: FrontierGroup, mask: int) -> None:
        """Offer bits to whoever has an edge of a group; the routes have an open end."""
        for edge in frontier_group.group.edges:
            if not _is_unusable(edge, frontier_group):
                self.offer(edge.actor, _through(edge, mask, frontier_group.length, ()))

    def run(self) -> None:
        """Go from length to length."""
        for length in range(MAX_STEPS + 1):
            frontier: dict[FrontierGroup, list[Predecessor]] = {}
            for subject, gain in self._accepted(length):
                for group in self.into(subject):
                    frontier.setdefault(FrontierGroup(group, gain.impersonated, length), []).append(
                        (subject, gain)
                    )
            for frontier_group, predecessors in frontier.items():
                if self.local and frontier_group.group.wide:
                    self.frontier[frontier_group] = predecessors
                elif length < MAX_STEPS:
                    self._pass_on(frontier_group, predecessors)

    def _accepted(self, length: int) -> Iterator[Predecessor]:
        """Yield what of the offers of a length is news, those of more bits first."""
        offers = self._offers[length]
        offers.sort(key=_free_and_large_first)
        for subject, gain in offers:
            reached = self.reached.get(subject, 0)
            known = reached if gain.impersonated else self._free.get(subject, 0)
            if known:
                news = gain.mask & ~known
                if not news:
                    continue
                gain.mask = self._masks.setdefault(news, news)
            news = gain.mask
            if news & ~reached:
                self.reached[subject] = reached | news if reached else news
                if length:
                    self.found.setdefault(subject, []).append(gain)
            if not gain.impersonated:
                self._free[subject] = known | news if known else news
            yield subject, gain
        offers.clear()

    def _pass_on(self, frontier_group: FrontierGroup, predecessors: list[Predecessor]) -> None:
        """Offer what stands behind a group to all who have one of its edges."""
        if frontier_group.group.constrained:
            self._pass_on_constrained(frontier_group, predecessors)
            return
        passed = self._passed.setdefault(
            (frontier_group.group, frontier_group.impersonated), _PassedOn()
        )
        before = _PassedOn(passed.ones, passed.twos, dict(passed.by_actor))
        predecessors = passed.take(frontier_group.group, predecessors)
        if not predecessors:
            return
        to_others = passed.ones & ~before.ones
        for edge in frontier_group.group.edges:
            if _is_unusable(edge, frontier_group):
                continue
            news = to_others
            if edge.actor in passed.by_actor:
                news = passed.to(edge.actor) & ~before.to(edge.actor)
            known = self.reached if edge.starts_as_other else self._free
            if news & ~known.get(edge.actor, 0):
                self.offer(edge.actor, _through(edge, news, frontier_group.length, predecessors))

    def _pass_on_constrained(
        self, frontier_group: FrontierGroup, predecessors: list[Predecessor]
    ) -> None:
        """Offer what constrained impersonation passes on, from each predecessor by itself."""
        for edge in frontier_group.group.edges:
            for subject, gain in predecessors:
                if edge.actor != subject and not _is_unusable(edge, frontier_group):
                    some = self.constrain(edge.step_into(subject), gain.mask)
                    predecessor = [(subject, gain)]
                    self.offer(edge.actor, _through(edge, some, frontier_group.length, predecessor))


def _is_unusable(edge: Edge, frontier_group: FrontierGroup) -> bool:
    """Return whether an edge cannot be used for what stands behind it.

    A request can impersonate once only: who merely impersonates somebody has no credential of it
    to impersonate the next. Constrained impersonation is for single actions, so comes last.
    """
    return edge.impersonates and (
        frontier_group.impersonated or bool(edge.mode and frontier_group.length)
    )


def _through(edge: Edge, mask: int, length: int, predecessors: Sequence[Predecessor]) -> Gain:
    total = length + 1 + len(edge.earlier)
    return Gain(mask, total, edge.starts_as_other, edge=edge, predecessors=predecessors)


def _free_and_large_first(offer: Predecessor) -> tuple[bool, int]:
    return offer[1].impersonated, -offer[1].mask.bit_count()


def start_search(
    direct: Mapping[Subject, int],
    self_grants: Iterable[tuple[Step, int]],
    into: Callable[[Subject], Iterable[EdgeGroup]],
    *,
    constrain: Callable[[Step, int], int] = lambda _, mask: mask,
    local: bool = False,
) -> RouteSearch:
    """Return a search for what subjects can obtain beyond what they hold directly, to be run.

    ``self_grants`` are bits that a step's actor can give itself.
    """
    search = RouteSearch(into, constrain, local)
    for subject, mask in direct.items():
        search.offer(subject, Gain(mask, 0))
    for step, mask in self_grants:
        route = unfolded(step)
        search.offer(step.actor, Gain(mask, len(route), route[0].route == IMPERSONATE, route))
    return search


def beyond_frontier(
    frontier_group: FrontierGroup, into: Callable[[Subject], Iterable[EdgeGroup]]
) -> Mapping[Subject, Gain]:
    """Return who can obtain whatever stands behind a group, each by a shortest route."""
    search = RouteSearch(into)
    search.offer_from(frontier_group, 1)
    search.run()
    return {subject: found[0] for subject, found in search.found.items()}


def unfolded(step: Step) -> Route:
    """Return a step with those that come first, as a route."""
    return (*step.earlier, replace(step, earlier=())) if step.earlier else (step,)
