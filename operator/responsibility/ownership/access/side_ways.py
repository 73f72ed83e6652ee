"""Side ways around what is refused: which items, raised together, leave none open.

An item at ``deny`` refuses requests. It is hollow where somebody who isn't entitled reaches its
effect by requests that only other items speak of, and those are not refused. Here that is a small
graph: identities, edges from one into another, and goals, each open unless one of some items is at
``deny``. Sets of items are masks. What the graph stands for, `hollow` knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final, Generic, TypeVar

from responsibility.ownership.terms.permission_index import bits, mask_of

# Sets of items that are tried before the rest is chosen one after the other.
MOST_TRIED: Final = 2_000

_W = TypeVar("_W")


@dataclass(frozen=True, slots=True)
class Passage(Generic[_W]):
    """A way on that is open unless one of the items in ``closed_by`` is at ``deny``.

    With ``closed_by`` empty no item closes it. ``words`` is what it stands for.
    """

    closed_by: int
    words: _W

    def is_open(self, denied: int) -> bool:
        """Return whether it is open while these items are at ``deny``."""
        return not self.closed_by & denied


@dataclass(frozen=True, slots=True)
class Goal(Generic[_W]):
    """The effect of one item, reached by an identity; ``helper`` has to be reached as well."""

    item: int
    at: int
    passage: Passage[_W]
    helper: int


@dataclass(frozen=True, slots=True)
class SideWay(Generic[_W]):
    """An open way to the effect of an item: who, by what, and which items would close it."""

    item: int
    actor: int
    words: tuple[_W, ...]
    closed_by: int


@dataclass(slots=True)
class SideWays(Generic[_W]):
    """Identities by number, those who begin, and all that leads on.

    ``edges`` are by the identity from which they lead, each with where to; ``goals`` by who begins.
    """

    edges: Mapping[int, Sequence[tuple[int, Passage[_W]]]]
    goals: Mapping[int, Sequence[Goal[_W]]]
    _open: dict[int, dict[int, SideWay[_W]]] = field(init=False, default_factory=dict)
    # Who reaches what whichever items are at ``deny``: that was agreed, or no policy sees it.
    _always: frozenset[tuple[int, int]] = field(init=False)

    def __post_init__(self) -> None:
        """Find who reaches what in any case."""
        every = self.closers()
        self._always = frozenset(
            (actor, goal.item)
            for actor, goals in self.goals.items()
            for reached in (self._reached(actor, every),)
            for goal in goals
            if _is_met(goal, reached, every)
        )

    def open(self, denied: int) -> Mapping[int, SideWay[_W]]:
        """Return, by item at ``deny``, a shortest way to its effect that is open; of whom first.

        Who gets there whatever is at ``deny`` is left out.
        """
        known = self._open.get(denied)
        if known is None:
            known = self._open[denied] = dict(self._found(denied))
        return known

    def _found(self, denied: int) -> Iterator[tuple[int, SideWay[_W]]]:
        best: dict[int, SideWay[_W]] = {}
        for actor, goals in self.goals.items():
            wanted = [g for g in goals if self._counts(actor, g, denied)]
            reached = self._reached(actor, denied) if wanted else {}
            for goal in wanted:
                if not _is_met(goal, reached, denied):
                    continue
                way = (*reached[goal.at], goal.passage)
                known = best.get(goal.item)
                if known is None or len(way) < len(known.words):
                    closed_by = 0
                    for passage in (*way, *reached[goal.helper]):
                        closed_by |= passage.closed_by
                    words = tuple(passage.words for passage in way)
                    best[goal.item] = SideWay(goal.item, actor, words, closed_by)
        yield from sorted(best.items())

    def _counts(self, actor: int, goal: Goal[_W], denied: int) -> bool:
        """Return whether a goal is of an item at ``deny``, and something would close all ways."""
        return bool(denied >> goal.item & 1) and (actor, goal.item) not in self._always

    def actors(self, item: int, denied: int) -> list[int]:
        """Return everybody who reaches the effect of an item at ``deny``."""
        return [
            actor
            for actor, goals in self.goals.items()
            for wanted in ([g for g in goals if g.item == item and self._counts(actor, g, denied)],)
            if wanted
            for reached in (self._reached(actor, denied),)
            if any(_is_met(goal, reached, denied) for goal in wanted)
        ]

    def _reached(self, actor: int, denied: int) -> dict[int, tuple[Passage[_W], ...]]:
        """Return whom an actor can act as, each with a shortest way there."""
        found: dict[int, tuple[Passage[_W], ...]] = {actor: ()}
        edge = [actor]
        while edge:
            following = []
            for identity in edge:
                for target, passage in self.edges.get(identity, ()):
                    if target not in found and passage.is_open(denied):
                        found[target] = (*found[identity], passage)
                        following.append(target)
            edge = following
        return found

    def to_raise(self, denied: int, *, most_tried: int = MOST_TRIED) -> int:
        """Return the smallest set of items that have to be at ``deny`` too, so that none is hollow.

        That holds for those that are raised as well. It is exact unless ``most_tried`` sets were
        in vain; then items are added that close what is open, and those are left out again that
        it does without.
        """
        candidates = list(bits(self.closers() & ~denied))
        for tried, chosen in enumerate(_by_size(candidates)):
            if tried >= most_tried:
                break
            if not self.open(denied | mask_of(chosen)):
                return mask_of(chosen)
        return self._one_by_one(denied)

    def closers(self) -> int:
        """Return the items that close anything."""
        mask = 0
        for passage in self._passages():
            mask |= passage.closed_by
        return mask

    def _passages(self) -> Iterable[Passage[_W]]:
        yield from (passage for edges in self.edges.values() for _, passage in edges)
        yield from (goal.passage for goals in self.goals.values() for goal in goals)

    def _one_by_one(self, denied: int) -> int:
        chosen = 0
        while left := self.open(denied | chosen):
            closers = next(iter(left.values())).closed_by
            chosen |= closers & -closers
        # Without one of them, others may be left out too: nobody need keep them from being hollow.
        while (fewer := self._one_less(denied, chosen)) != chosen:
            chosen = fewer
        return chosen

    def _one_less(self, denied: int, chosen: int) -> int:
        """Return a set without one of its items that is enough as well, or the set itself."""
        smaller = (chosen & ~(1 << item) for item in bits(chosen))
        return next((each for each in smaller if not self.open(denied | each)), chosen)


def _is_met(goal: Goal[_W], reached: Mapping[int, object], denied: int) -> bool:
    return goal.passage.is_open(denied) and goal.at in reached and goal.helper in reached


def _by_size(items: Sequence[int]) -> Iterator[tuple[int, ...]]:
    for size in range(len(items) + 1):
        yield from combinations(items, size)
