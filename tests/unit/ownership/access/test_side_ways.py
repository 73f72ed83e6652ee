"""The smallest sets of items that leave no way open, held against trying every set."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import combinations

import pytest

from responsibility.ownership.access.side_ways import Goal, Passage, SideWays

ITEMS = 6


def drawn(seed: int) -> tuple[SideWays[str], int]:
    """Return a graph of a few identities, and the items at ``deny``."""
    draw = random.Random(seed)
    identities = range(draw.randint(2, 5))

    def passage(words: str) -> Passage[str]:
        closed_by = sum(1 << i for i in range(ITEMS) if draw.random() < 0.25)
        return Passage(closed_by, words)

    edges = {
        a: [(b, passage(f"{a}-{b}")) for b in identities if a != b and draw.random() < 0.5]
        for a in identities
    }
    goals = {
        a: [
            Goal(i, draw.choice(identities), passage(f"{a}*{i}"), draw.choice([a, *identities]))
            for i in range(ITEMS)
            for _ in range(draw.randint(0, 2))
        ]
        for a in identities
        if draw.random() < 0.7
    }
    return SideWays(edges, goals), sum(1 << i for i in range(ITEMS) if draw.random() < 0.3)


def walks(graph: SideWays[str], start: int, denied: int) -> set[int]:
    """Return whom somebody can act as, found by walking every path."""
    found = {start}

    def walk(at: int) -> Iterator[int]:
        yield at
        for target, passage in graph.edges.get(at, ()):
            if not passage.closed_by & denied and target not in found:
                found.add(target)
                yield from walk(target)

    return set(walk(start))


def reached(graph: SideWays[str], denied: int) -> set[tuple[int, int]]:
    """Return who reaches the effect of which item, whether that is at ``deny`` or not."""
    return {
        (actor, goal.item)
        for actor, goals in graph.goals.items()
        for goal in goals
        if not goal.passage.closed_by & denied
        and {goal.at, goal.helper} <= walks(graph, actor, denied)
    }


def hollow(graph: SideWays[str], denied: int) -> set[int]:
    always = reached(graph, (1 << ITEMS) - 1)
    return {item for _, item in reached(graph, denied) - always if denied >> item & 1}


def smallest(graph: SideWays[str], denied: int) -> int:
    """Return the size of the smallest set, by trying all of them."""
    for size in range(ITEMS + 1):
        for chosen in combinations(range(ITEMS), size):
            if not hollow(graph, denied | sum(1 << i for i in chosen)):
                return size
    raise AssertionError("all of them together close every way that can be closed")


@pytest.mark.parametrize("seed", range(150))
def test_what_is_hollow_and_the_smallest_set_against_trying_all(seed: int) -> None:
    graph, denied = drawn(seed)
    assert set(graph.open(denied)) == hollow(graph, denied), f"seed {seed}"
    raised = graph.to_raise(denied)
    assert not raised & denied
    assert not hollow(graph, denied | raised), f"seed {seed}"
    assert raised.bit_count() == smallest(graph, denied), f"seed {seed}"


@pytest.mark.parametrize("seed", range(60))
def test_where_too_many_sets_would_have_to_be_tried_none_is_left_that_could_go(
    seed: int,
) -> None:
    graph, denied = drawn(seed)
    raised = graph.to_raise(denied, most_tried=1)
    assert not hollow(graph, denied | raised)
    for item in range(ITEMS):
        if raised >> item & 1:
            assert hollow(graph, denied | raised & ~(1 << item)), f"seed {seed}"


@pytest.mark.parametrize("seed", range(60))
def test_a_way_that_is_told_is_open_and_closed_by_each_item_that_is_said_to_close_it(
    seed: int,
) -> None:
    graph, denied = drawn(seed)
    for item, way in graph.open(denied).items():
        assert way.closed_by
        assert not way.closed_by & denied
        assert way.actor in graph.actors(item, denied)
        assert len(way.words) <= len(graph.edges) + 1


def test_what_nothing_closes_is_nobodys_fault() -> None:
    graph = SideWays({0: [(1, Passage(0, "in"))]}, {0: [Goal(0, 1, Passage(0, "done"), 0)]})
    assert not graph.open(1)
    assert not graph.to_raise(1)


def test_worlds_have_hollow_items_in_them() -> None:
    worlds = [drawn(seed) for seed in range(150)]
    assert sum(bool(graph.open(denied)) for graph, denied in worlds) > 40
    sizes = {graph.to_raise(denied).bit_count() for graph, denied in worlds}
    assert {0, 1, 2} <= sizes
