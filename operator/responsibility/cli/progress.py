"""A progress bar for large inputs, on stderr, where a person is watching."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

# Bytes. What is smaller is read before anyone could look at the bar.
LARGE = 1_000_000


@contextmanager
def progress(paths: Sequence[str]) -> Iterator[Callable[[int], None]]:
    """Yield what is to be told of the bytes that were dealt with."""
    total = _size(paths) if sys.stderr.isatty() else 0
    if total < LARGE:
        yield lambda _: None
        return
    import click  # noqa: PLC0415

    with click.progressbar(length=total, label="reading", file=sys.stderr) as bar:
        yield bar.update


def _size(paths: Sequence[str]) -> int:
    total = 0
    for path in paths:
        where = Path(path)
        inside = where.rglob("*") if where.is_dir() else (where,)
        total += sum(each.stat().st_size for each in inside if each.is_file())
    return total
