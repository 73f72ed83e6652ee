"""Laws that say in how many of the cases that were drawn there was anything to decide.

A law that holds of whatever was drawn, because nothing was drawn that it is about, looks like one
that holds. So each returns whether a case was decided, and a floor of those is asserted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from hypothesis import example, given
from hypothesis import settings as options
from hypothesis import strategies as st


@dataclass(slots=True)
class Decided:
    """Counts in how many of the cases that were drawn there was anything to decide."""

    cases: int = 0
    decided: int = 0

    def note(self, decided: object) -> None:
        self.cases += 1
        self.decided += bool(decided)

    def held(self, *, least: float = 0.15) -> None:
        """Assert that it was in some of them, where ``least`` is the share that it mostly is.

        A tenth of that: what is drawn resembles what was drawn before, so shares vary more than by
        chance, and a law that has stopped to decide decides nothing.
        """
        assert self.cases, "nothing was drawn"
        floor = max(1.0, least * self.cases / 10)
        assert self.decided >= floor, f"only {self.decided} of {self.cases} cases"


def law(
    *drawn: st.SearchStrategy[Any],
    least: float,
    settings: options | None = None,
    examples: Iterable[tuple[Any, ...]] = (),
) -> Callable[[Callable[..., object]], Callable[[], None]]:
    """Make a test of a law, which returns whether there was anything to decide about what is drawn.

    ``least`` is the share of cases in which there has to be.
    """

    def decorate(check: Callable[..., object]) -> Callable[[], None]:
        def test() -> None:
            count = Decided()

            def each(case: tuple[Any, ...]) -> None:
                count.note(check(*case))

            for known in examples:
                each = example(known)(each)
            put = given(st.tuples(*drawn))(each)
            (settings or options())(put)()
            count.held(least=least)

        test.__name__, test.__doc__, test.__module__ = (
            check.__name__,
            check.__doc__,
            check.__module__,
        )
        return test

    return decorate
