"""The search, held against a slow and obvious one: every bit by itself, over and over again."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responsibility.rbac.escalation.graph import Paths, step_passes
from responsibility.rbac.escalation.shortest_paths import LONGEST, Behind, Search, begin, beyond
from responsibility.rbac.escalation.steps import Step
from responsibility.rbac.escalation.techniques import IMPERSONATE
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


def start(paths: Paths) -> tuple[dict[Subject, int], list[tuple[Step, int]]]:
    """Return who holds which of the questions, and who can give itself which."""
    direct: dict[Subject, int] = {}
    for bit, asked in enumerate(ASKED):
        for holder in paths.graph.holders(asked):
            direct[holder] = direct.get(holder, 0) | 1 << bit
    given_ = [
        (power.step, sum(1 << bit for bit, asked in enumerate(ASKED) if power.allows(asked)))
        for namespace in ("", "ns-a")
        for power in paths.powers(namespace)
    ]
    return dict(sorted(direct.items())), [(step, mask) for step, mask in given_ if mask]


def constrain(paths: Paths, step: Step, mask: int) -> int:
    return sum(
        1 << bit
        for bit, asked in enumerate(ASKED)
        if mask >> bit & 1 and step_passes(step, asked, paths.graph)
    )


def search(paths: Paths, *, local: bool = False) -> Search:
    found = begin(
        *start(paths), paths.into, constrain=lambda s, m: constrain(paths, s, m), local=local
    )
    found.run()
    return found


# The shortest known route to a bit, by whether it begins with impersonation.
_Best = dict[tuple[Subject, int, bool], int]


def naive(paths: Paths) -> dict[tuple[Subject, int], int]:
    """Return the length of the shortest route to each bit, by trying all steps until none helps."""
    best = beginning(paths)
    while any(improve(best, paths, key) for key in list(best)):
        pass
    shortest: dict[tuple[Subject, int], int] = {}
    for (subject, bit, _), length in best.items():
        shortest[subject, bit] = min(length, shortest.get((subject, bit), LONGEST))
    return shortest


def beginning(paths: Paths) -> _Best:
    best: _Best = {}
    direct, powers = start(paths)
    for subject, mask in direct.items():
        best |= {(subject, bit, False): 0 for bit in BITS if mask >> bit & 1}
    for step, mask in powers:
        steps = (*step.earlier, step)
        for bit in BITS:
            key = (step.actor, bit, steps[0].route == IMPERSONATE)
            if mask >> bit & 1 and len(steps) <= LONGEST:
                best[key] = min(len(steps), best.get(key, LONGEST))
    return best


def improve(best: _Best, paths: Paths, key: tuple[Subject, int, bool]) -> bool:
    """Try every step into one subject, and return whether any of them helps somebody."""
    subject, bit, acted = key
    length, helped = best[key], False
    for entrance in (e for group in paths.into(subject) for e in group.entrances):
        total = length + 1 + len(entrance.earlier)
        if entrance.actor == subject or total > LONGEST:
            continue
        if entrance.impersonates and (acted or (entrance.mode and length)):
            continue
        reached = (entrance.actor, bit, entrance.starts_as_other)
        if total < best.get(reached, LONGEST + 1) and constrain(
            paths, entrance.step_into(subject), 1 << bit
        ):
            best[reached], helped = total, True
    return helped


def lengths(found: Search, direct: dict[Subject, int]) -> dict[tuple[Subject, int], int]:
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
    paths = Paths(Maze(seed, constrained=constrained).graph(14))
    found = search(paths)
    assert lengths(found, start(paths)[0]) == naive(paths)


@laws
@given(SEEDS, st.booleans())
def test_a_route_is_as_long_as_it_is_said_to_be_and_hangs_together(
    seed: int, constrained: bool
) -> None:
    paths = Paths(Maze(seed, constrained=constrained).graph(14))
    direct, powers = start(paths)
    own = {(step.words, step.actor) for step, _ in powers}
    for subject, gains in search(paths).found.items():
        for gain in gains:
            left = gain.mask
            for piece in gain.pieces(-1):
                left &= ~piece.mask
                route = piece.steps
                assert len(route) == gain.length
                assert route[0].actor == subject
                *_, last = route
                ends_in_power = (last.words, last.actor) in own
                assert ends_in_power or not piece.mask & ~direct[last.target or subject]
                assert sum(step.route == IMPERSONATE for step in route[1:]) <= sum(
                    step.route != IMPERSONATE for step in route
                )
            assert not left, "each bit has its route"


@laws
@given(SEEDS)
def test_what_is_left_at_the_doors_is_all_that_a_local_search_leaves(seed: int) -> None:
    """Who stands behind an entrance to everywhere is found apart, and nobody is missed by it."""
    paths = Paths(Maze(seed).graph(14))
    whole, part = search(paths), search(paths, local=True)
    reached = dict(part.reached)
    for behind, givers in part.doors.items():
        for subject, gain in beyond(behind, paths.into).items():
            gate = gain.gate()
            for giver, behind_it in givers:
                if giver != gate:
                    reached[subject] = reached.get(subject, 0) | behind_it.mask
                    route = gain.route(end=(giver, behind_it.route()))
                    assert route[0].actor == subject
                    assert len(route) <= LONGEST
    assert reached == whole.reached


def test_mazes_have_what_is_tested() -> None:
    """Else the laws above would say nothing."""
    doors = gains = constrained = longest = 0
    for seed in range(60):
        paths = Paths(Maze(seed, constrained=seed % 2 == 0).graph(14))
        doors += bool(search(paths, local=True).doors)
        found = search(paths).found
        gains += len(found)
        longest = max([longest, *(gain.length for some in found.values() for gain in some)])
        constrained += paths.known.constrained
    assert doors > 10
    assert gains > 100
    assert constrained > 5
    assert longest >= 3


@pytest.mark.parametrize("length", [0, LONGEST])
def test_nobody_stands_behind_a_door_for_too_long_a_route(length: int) -> None:
    paths = Paths(Maze(3).graph(20))
    groups = [g for s in SUBJECTS for g in paths.into(s) if g.wide]
    assert groups
    for group in groups:
        found = beyond(Behind(group, acted=False, length=length), paths.into)
        assert bool(found) is (length == 0)
