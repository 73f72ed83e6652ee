"""Phrases that count: ``2 bindings``, ``a, b and 3 more``.

Every status, Event, log line and answer at a terminal has some of them. They stand below all rooms,
since also those need them that know nothing of each other. Sentences about findings are made in
``ownership.results.wording``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

_T = TypeVar("_T")


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return ``1 binding`` or ``2 bindings``."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def did_you_mean(word: str, there: Iterable[str], *, likeness: float = 0.6) -> str:
    """Return ``; did you mean matrix?`` of a word that is none of those; empty if none is alike.

    ``likeness`` is from 0 to 1, as `difflib` has it.
    """
    import difflib  # noqa: PLC0415 - only what is misspelt takes it

    close = difflib.get_close_matches(word, list(there), n=1, cutoff=likeness)
    return f"; did you mean {close[0]}?" if close else ""


def range_text(least: str, most: str) -> str:
    """Return a range in words: ``at least 1G and at most 8G``; an empty end is none."""
    ends = (("at least", least), ("at most", most))
    return " and ".join(f"{word} {end}" for word, end in ends if end)


def some(
    parts: Sequence[str],
    most: int,
    *,
    between: str = ", ",
    last: str = " and ",
    rest: str = "more",
) -> str:
    """Return the first ``most`` parts, and how many more there are: ``a, b and 3 more``.

    ``last`` joins the count to the parts, and ``rest`` is what is counted.
    """
    shown, left = between.join(parts[:most]), len(parts) - most
    return shown if left <= 0 else f"{shown}{last}{left} {rest}"


def shortened(parts: Sequence[_T], most: int, *, rest: str = "more") -> tuple[_T | str, ...]:
    """Return ``most`` parts at most: of more, the last one says how many are left out."""
    if len(parts) <= most:
        return tuple(parts)
    return (*parts[: most - 1], f"and {len(parts) - most + 1} {rest}")
