"""The shortest route of every subject, for sets of things that can be done.

What is looked for is given as bit masks: each subject starts with the bits it holds directly,
and a step into another identity adds the bits of that identity. A subject's bits are settled in
the order of the length of the route, so each bit is reached by a shortest one.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import count

from responsibility.rbac.objects import Subject
from responsibility.rbac.routes.steps import Route, Step

# A chain longer than this is not reported: nobody would follow it, and each link is a finding
# of its own.
LONGEST = 6


@dataclass(frozen=True, slots=True)
class Gain:
    """Bits that a subject can come by, and how."""

    mask: int
    route: Route


def gains(
    direct: Mapping[Subject, int],
    powers: Iterable[tuple[Step, int]],
    into: Callable[[Subject], Iterable[Route]],
    *,
    constrain: Callable[[Step, int], int] = lambda _, mask: mask,
) -> dict[Subject, list[Gain]]:
    """Return what subjects can come by beyond what they hold directly.

    ``powers`` are bits that a step's actor can give itself. ``into`` returns the ways into an
    identity, as routes whose first actor is who takes them. ``constrain`` reduces the bits that
    a step passes on (constrained impersonation).
    """
    have: dict[Subject, int] = {}
    found: dict[Subject, list[Gain]] = {}
    order = count()
    queue: list[tuple[int, int, Subject, Gain]] = []
    for subject, mask in direct.items():
        heapq.heappush(queue, (0, next(order), subject, Gain(mask, ())))
    for step, mask in powers:
        heapq.heappush(queue, (1, next(order), step.actor, Gain(mask, (step,))))
    ways: dict[Subject, tuple[Route, ...]] = {}
    while queue:
        length, _, subject, gain = heapq.heappop(queue)
        fresh = gain.mask & ~have.get(subject, 0)
        if not fresh:
            continue
        have[subject] = have.get(subject, 0) | fresh
        if gain.route:
            found.setdefault(subject, []).append(Gain(fresh, gain.route))
        if subject not in ways:
            ways[subject] = tuple(into(subject))
        for way in ways[subject]:
            actor = way[0].actor
            passed = constrain(way[-1], fresh) & ~have.get(actor, 0)
            longer = length + len(way)
            if passed and longer <= LONGEST:
                onward = Gain(passed, (*way, *gain.route))
                heapq.heappush(queue, (longer, next(order), actor, onward))
    return found
