"""Mutation testing: ``make mutants`` (SEED, SECONDS, ONLY=plans).

Draws faults in turns from the packages until time is up, and tells of each what became of it, and
the score in the end. Nothing fails by it: a survivor is something to read.
"""

from __future__ import annotations

import importlib
import os
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tools.mutants.explained import EXPLAINED
from tools.mutants.mutations import Mutation, mutated, mutations
from tools.mutants.trial import Outcome, module_of, tried

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "operator"
PACKAGE = SOURCES / "responsibility"
# What decides, and the tests beside its own that are about it.
DECIDES: dict[str, tuple[str, ...]] = {
    "rbac": (),
    "ownership": (),
    "admission/stages": ("controller/admission",),
    "plans": (),
}
# Imported once for all: what isn't ours, and takes long.
_LIBRARIES = ("pytest", "hypothesis", "pydantic", "yaml", "kubernetes.aio.client", "aiohttp")
# Tests may take so many times as long as without a fault, and so many seconds more.
_TIMES, _MORE = 4.0, 20.0


@dataclass(frozen=True, slots=True)
class Drawn:
    """A fault of a module."""

    package: str
    path: Path
    mutation: Mutation

    def __str__(self) -> str:
        return f"{self.path.relative_to(PACKAGE)}:{self.mutation}"


def asked_about(drawn: Drawn) -> list[list[str]]:
    """Return which tests are asked, the nearest first: its own, its folder's, its package's."""
    tests = ROOT / "tests" / "unit"
    folder = tests / drawn.path.parent.relative_to(PACKAGE)
    own = folder / f"test_{drawn.path.stem}.py"
    all_ = [tests / drawn.package, *(tests / more for more in DECIDES[drawn.package])]
    stages = [[own], [folder], all_]
    found = [[str(path) for path in stage if path.exists()] for stage in stages]
    return [stage for index, stage in enumerate(found) if stage and stage not in found[:index]]


def draw(package: str, chance: random.Random) -> Drawn:
    """Draw a fault: a module by its size, and one of its faults."""
    every = [
        Drawn(package, path, mutation)
        for path in sorted((PACKAGE / package).rglob("*.py"))
        for mutation in mutations(path.read_text(encoding="utf-8"))
    ]
    return chance.choice(every)


def main() -> int:
    """Draw and try until time is up."""
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**6))
    seconds = float(os.environ.get("SECONDS") or 900)
    only = os.environ.get("ONLY", "")
    packages = [package for package in DECIDES if only in ("", package)]
    if not packages:
        sys.stderr.write(f"error: ONLY={only!r} is none of {', '.join(DECIDES)}" + "\n")
        return 2
    sys.path[:0] = [str(ROOT), str(SOURCES)]
    os.chdir(ROOT)
    for library in _LIBRARIES:
        importlib.import_module(library)
    _say(f"SEED={seed}, {seconds:g} s")
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    end = time.monotonic() + seconds
    usual: dict[str, float] = {}
    score: dict[str, Counter[str]] = {package: Counter() for package in packages}
    while time.monotonic() < end:
        for package in packages:
            drawn = draw(package, chance)
            outcome = _tried(drawn, usual)
            if outcome is Outcome.SURVIVED and (reason := _explanation(drawn)):
                _say(f"the same   {drawn}: {reason}")
                continue
            score[package][outcome] += 1
            _say(f"{outcome:10} {drawn}")
    for package, counts in score.items():
        ended = counts.total() - counts[Outcome.SURVIVED]
        _say(f"{package}: {ended} of {counts.total()} noticed")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _explanation(drawn: Drawn) -> str:
    where = str(drawn.path.relative_to(PACKAGE))
    return EXPLAINED.get((where, drawn.mutation.before), "")


def _tried(drawn: Drawn, usual: dict[str, float]) -> Outcome:
    module = module_of(drawn.path, SOURCES)
    tree = mutated(drawn.path.read_text(encoding="utf-8"), drawn.mutation.number)
    for tests in asked_about(drawn):
        key = " ".join(tests)
        if key not in usual:
            outcome, usual[key] = tried(tests, 3600)
            if outcome is not Outcome.SURVIVED:
                sys.exit(f"error: without any fault, there are failures: pytest {key}")
        limit = _TIMES * usual[key] + _MORE
        outcome, _ = tried(tests, limit, module, drawn.path, tree=tree)
        if outcome is not Outcome.SURVIVED:
            return outcome
    return Outcome.SURVIVED


if __name__ == "__main__":
    sys.exit(main())
