"""The seed of all that a run draws: told at its beginning, and to be had again by ``SEED=…``."""

import os
import random
from collections.abc import Iterable
from typing import Final, TypeVar

T = TypeVar("T")

# Processes that run tests side by side inherit it, so all of them collect the same tests.
SEED: Final = int(os.environ.setdefault("SEED", str(random.SystemRandom().randrange(10**6))))


def seeds(worlds: str, usually: int) -> range:
    """Return a seed for each world; the variable of the environment ``worlds`` says how many."""
    return range(SEED, SEED + int(os.environ.get(worlds) or usually))


def drawn(cases: str, every: Iterable[T], usually: int) -> list[T]:
    """Return some of all cases, in their order; the variable ``cases`` says how many of them."""
    whole = list(every)
    wanted = min(int(os.environ.get(cases) or usually), len(whole))
    chosen = sorted(random.Random(SEED).sample(range(len(whole)), wanted))
    return [whole[index] for index in chosen]
