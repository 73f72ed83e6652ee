"""The seed of all that a run draws: told at its beginning, and to be had again by ``SEED=…``."""

import os
import random
from typing import Final

# Processes that run tests side by side inherit it, so all of them collect the same tests.
SEED: Final = int(os.environ.setdefault("SEED", str(random.SystemRandom().randrange(10**6))))


def seeds(worlds: str, usually: int) -> range:
    """Return a seed for each world; the variable of the environment ``worlds`` says how many."""
    return range(SEED, SEED + int(os.environ.get(worlds) or usually))
