"""How far a plan is, is told; and shown where a person is watching."""

import sys
from itertools import pairwise

import pytest

from responsibility.cli.terminal.progress import share, steps
from responsibility.plans.planner import make_plan
from tests.unit.plans.drawn import drawn


class Terminal:
    """Standard error as a terminal has it, or as a file."""

    def __init__(self, *, watched: bool) -> None:
        self.watched, self.text = watched, ""

    def isatty(self) -> bool:
        return self.watched

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        pass


@pytest.mark.parametrize("seed", range(1000, 1006))
def test_it_never_goes_back_and_comes_to_the_end(seed: int) -> None:
    told: list[float] = []
    plan = make_plan(*drawn(seed, routes=True), progress=told.append)
    assert told
    assert all(before <= after for before, after in pairwise(told))
    assert told[0] > 0
    assert told[-1] == pytest.approx(1) if plan.changes else told[-1] < 1


@pytest.mark.parametrize(
    ("watched", "wanted", "shown"), [(True, True, True), (False, True, False), (True, False, False)]
)
def test_a_bar_is_for_a_person_who_has_to_wait(
    monkeypatch: pytest.MonkeyPatch, *, watched: bool, wanted: bool, shown: bool
) -> None:
    terminal = Terminal(watched=watched)
    monkeypatch.setattr(sys, "stderr", terminal)
    with share("planning", wanted=wanted) as told:
        for done in (0.2, 0.1, 1.0):
            told(done)
    assert ("planning" in terminal.text, "100%" in terminal.text) == (shown, shown)


def test_steps_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal(watched=True)
    monkeypatch.setattr(sys, "stderr", terminal)
    with steps("looking", 4) as made:
        made(1)
        made(1)
    assert "50%" in terminal.text
    assert "100%" not in terminal.text
