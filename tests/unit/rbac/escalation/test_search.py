"""The search, held against a slow and obvious one: every bit by itself, over and over again."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responsibility.rbac.escalation.graph import EscalationGraph, step_passes
from responsibility.rbac.escalation.shortest_paths import (
    MAX_STEPS,
    FrontierGroup,
    RouteSearch,
    beyond_frontier,
    start_search,
)
from responsibility.rbac.escalation.steps import Step
from responsibility.rbac.escalation.technique import IMPERSONATE
from responsibility.rbac.objects import Attributes, Subject
from tests.unit.rbac.escalation.mazes import SUBJECTS, Maze

THINGS = ("pods", "secrets", "services", "configmaps")
ASKED = [
    Attributes(verb, "", thing, namespace="ns-a")
    for verb in ("delete", "update")
    for thing in THINGS
]
BITS = range(len(ASKED))
SEEDS = st.integers(0, 100_000)
laws = settings(max_examples=25, deadline=None)


def start(escalation: EscalationGraph) -> tuple[dict[Subject, int], list[tuple[Step, int]]]:
    """Return who holds which of the questions, and who can give itself which."""
    direct: dict[Subject, int] = {}
    for bit, asked in enumerate(ASKED):
        for holder in escalation.graph.holders(asked):
            direct[holder] = direct.get(holder, 0) | 1 << bit
    given_ = [
        (
            self_grant.step,
            sum(1 << bit for bit, asked in enumerate(ASKED) if self_grant.allows(asked)),
        )
        for namespace in ("", "ns-a")
        for self_grant in escalation.self_grants(namespace)
    ]
    return dict(sorted(direct.items())), [(step, mask) for step, mask in given_ if mask]


def constrain(escalation: EscalationGraph, step: Step, mask: int) -> int:
    return sum(
        1 << bit
        for bit, asked in enumerate(ASKED)
        if mask >> bit & 1 and step_passes(step, asked, escalation.graph)
    )


def search(escalation: EscalationGraph, *, local: bool = False) -> RouteSearch:
    found = start_search(
        *start(escalation),
        escalation.into,
        constrain=lambda s, m: constrain(escalation, s, m),
        local=local,
    )
    found.run()
    return found


# The shortest known route to a bit, by whether it begins with impersonation.
_Best = dict[tuple[Subject, int, bool], int]


def naive(escalation: EscalationGraph) -> dict[tuple[Subject, int], int]:
    """Return the length of the shortest route to each bit, by trying all steps until none helps."""
    best = beginning(escalation)
    while any(improve(best, escalation, key) for key in list(best)):
        pass
    shortest: dict[tuple[Subject, int], int] = {}
    for (subject, bit, _), length in best.items():
        shortest[subject, bit] = min(length, shortest.get((subject, bit), MAX_STEPS))
    return shortest


def beginning(escalation: EscalationGraph) -> _Best:
    best: _Best = {}
    direct, self_grants = start(escalation)
    for subject, mask in direct.items():
        best |= {(subject, bit, False): 0 for bit in BITS if mask >> bit & 1}
    for step, mask in self_grants:
        steps = (*step.earlier, step)
        for bit in BITS:
            key = (step.actor, bit, steps[0].route == IMPERSONATE)
            if mask >> bit & 1 and len(steps) <= MAX_STEPS:
                best[key] = min(len(steps), best.get(key, MAX_STEPS))
    return best


def improve(best: _Best, escalation: EscalationGraph, key: tuple[Subject, int, bool]) -> bool:
    """Try every step into one subject, and return whether any of them helps somebody."""
    subject, bit, impersonated = key
    length, helped = best[key], False
    for edge in (e for group in escalation.into(subject) for e in group.edges):
        total = length + 1 + len(edge.earlier)
        if edge.actor == subject or total > MAX_STEPS:
            continue
        if edge.impersonates and (impersonated or (edge.mode and length)):
            continue
        reached = (edge.actor, bit, edge.starts_as_other)
        if total < best.get(reached, MAX_STEPS + 1) and constrain(
            escalation, edge.step_into(subject), 1 << bit
        ):
            best[reached], helped = total, True
    return helped


def lengths(found: RouteSearch, direct: dict[Subject, int]) -> dict[tuple[Subject, int], int]:
    result = {(s, bit): 0 for s, mask in direct.items() for bit in BITS if mask >> bit & 1}
    for subject, gains in found.found.items():
        for gain in gains:
            for bit in BITS:
                if gain.mask >> bit & 1:
                    result.setdefault((subject, bit), gain.length)
    return result


@laws
@given(SEEDS, st.booleans())
def test_every_bit_is_reached_by_a_shortest_route(seed: int, constrained: bool) -> None:
    escalation = EscalationGraph(Maze(seed, constrained=constrained).graph(14))
    found = search(escalation)
    assert lengths(found, start(escalation)[0]) == naive(escalation)


@laws
@given(SEEDS, st.booleans())
def test_a_route_is_as_long_as_it_is_said_to_be_and_hangs_together(
    seed: int, constrained: bool
) -> None:
    escalation = EscalationGraph(Maze(seed, constrained=constrained).graph(14))
    direct, self_grants = start(escalation)
    own = {(step.words, step.actor) for step, _ in self_grants}
    for subject, gains in search(escalation).found.items():
        for gain in gains:
            left = gain.mask
            for part in gain.parts(-1):
                left &= ~part.mask
                route = part.steps
                assert len(route) == gain.length
                assert route[0].actor == subject
                *_, last = route
                ends_in_power = (last.words, last.actor) in own
                assert ends_in_power or not part.mask & ~direct[last.target or subject]
                assert sum(step.route == IMPERSONATE for step in route[1:]) <= sum(
                    step.route != IMPERSONATE for step in route
                )
            assert not left, "each bit has its route"


@laws
@given(SEEDS)
def test_what_is_left_at_the_doors_is_all_that_a_local_search_leaves(seed: int) -> None:
    """Who stands behind an entrance to everywhere is found apart, and nobody is missed by it."""
    escalation = EscalationGraph(Maze(seed).graph(14))
    whole, part = search(escalation), search(escalation, local=True)
    reached = dict(part.reached)
    for frontier_group, predecessors in part.frontier.items():
        for subject, gain in beyond_frontier(frontier_group, escalation.into).items():
            entry = gain.entry()
            for predecessor, behind_it in predecessors:
                if predecessor != entry:
                    reached[subject] = reached.get(subject, 0) | behind_it.mask
                    route = gain.route(end=(predecessor, behind_it.route()))
                    assert route[0].actor == subject
                    assert len(route) <= MAX_STEPS
    assert reached == whole.reached


def test_mazes_have_what_is_tested() -> None:
    """Else the laws above would say nothing."""
    frontier = gains = constrained = longest = 0
    for seed in range(60):
        escalation = EscalationGraph(Maze(seed, constrained=seed % 2 == 0).graph(14))
        frontier += bool(search(escalation, local=True).frontier)
        found = search(escalation).found
        gains += len(found)
        longest = max([longest, *(gain.length for some in found.values() for gain in some)])
        constrained += escalation.known.constrained
    assert frontier > 10
    assert gains > 100
    assert constrained > 5
    assert longest >= 3


@pytest.mark.parametrize("length", [0, MAX_STEPS])
def test_nobody_stands_behind_a_door_for_too_long_a_route(length: int) -> None:
    escalation = EscalationGraph(Maze(3).graph(20))
    groups = [g for s in SUBJECTS for g in escalation.into(s) if g.wide]
    assert groups
    for group in groups:
        found = beyond_frontier(
            FrontierGroup(group, impersonated=False, length=length), escalation.into
        )
        assert bool(found) is (length == 0)
