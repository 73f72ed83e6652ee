"""A progress bar for what takes a while, on stderr, where a person is watching."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

# Bytes. What is smaller is read before anyone could look at the bar.
LARGE = 1_000_000
_PARTS = 1_000


@contextmanager
def progress(paths: Sequence[str]) -> Iterator[Callable[[int], None]]:
    """Yield a function to call with each number of bytes that were read of these files."""
    total = _size(paths) if sys.stderr.isatty() else 0
    with steps("reading", total if total >= LARGE else 0) as update:
        yield update


@contextmanager
def steps(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yield a function to call with each number of steps made, of ``total``; 0 shows no bar."""
    if not total or not sys.stderr.isatty():
        yield lambda _: None
        return
    import click

    with click.progressbar(length=total, label=label, file=sys.stderr) as bar:
        yield bar.update


@contextmanager
def share(label: str, *, wanted: bool) -> Iterator[Callable[[float], None]]:
    """Yield a function to call with how much is done by now, from 0 to 1."""
    made = 0

    with steps(label, _PARTS if wanted else 0) as update:

        def advance(done: float) -> None:
            nonlocal made
            now = max(made, int(done * _PARTS))
            update(now - made)
            made = now

        yield advance


def _size(paths: Sequence[str]) -> int:
    total = 0
    for path in paths:
        where = Path(path)
        inside = where.rglob("*") if where.is_dir() else (where,)
        total += sum(each.stat().st_size for each in inside if each.is_file())
    return total
