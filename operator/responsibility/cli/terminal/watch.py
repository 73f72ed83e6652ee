"""Watching: an answer asked for again and again, of which what is new is told, as by kubectl -w.

A row is the same one as long as its title and first cell are; how old something is changes with
time alone, and is no news.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from time import sleep
from typing import Any, Final, TypeVar

import click

from responsibility.cli.terminal import output
from responsibility.cli.terminal.errors import CliError
from responsibility.cli.terminal.output import Table, say

_F = TypeVar("_F", bound=Callable[..., Any])

# Seconds between two answers; each asks the cluster for all that it rests on.
EVERY: Final = 10.0
_FORMS: Final = ("table", "wide", "name")
_AGE: Final = "AGE"
# Cells of a row that is gone.
_CELLS: Final = 6

_Key = tuple[str, str]

pause: Callable[[float], object] = sleep


@dataclass(slots=True)
class Watch:
    """What has been told so far."""

    rounds: int = 0
    rows: dict[_Key, tuple[str, ...]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    notes: set[str] = field(default_factory=set)

    def is_news(self, note: str) -> bool:
        """Return whether a note has not been told yet, and take it for told."""
        known = note in self.notes
        self.notes.add(note)
        return not known

    def news(self, tables: Sequence[Table]) -> tuple[Table, ...]:
        """Return of these tables what was not told before, and tell what is gone."""
        now = {key: cells for table in tables for key, cells in _rows(table)}
        names = {name for table in tables for name in table.names}
        found = tuple(
            replace(
                table,
                rows=[
                    row
                    for row, (key, cells) in zip(table.rows, _rows(table), strict=True)
                    if self.rows.get(key) != cells
                ],
                names=[name for name in table.names if name not in self.names],
            )
            for table in tables
        )
        gone = [(key, cells) for key, cells in self.rows.items() if key not in now]
        first, self.rows, self.names = not self.rounds, now, names
        self.rounds += 1
        if first:
            return found
        for (title, _), cells in gone:
            shown = "  ".join(cell for cell in cells[:_CELLS] if cell not in ("", "-"))
            say(f"gone: {f'{title}: ' if title else ''}{shown}")
        return tuple(replace(table, empty="", footer="") for table in found if table.rows)


def _rows(table: Table) -> Iterator[tuple[_Key, tuple[str, ...]]]:
    aging = {n for n, column in enumerate(table.columns) if column.title == _AGE}
    for row in table.rows:
        cells = tuple(cell for n, cell in enumerate(row) if n not in aging)
        yield (table.title, row[0]), cells


def watch_option(function: _F) -> _F:
    """Add ``-w``, for a command that answers with tables."""

    @functools.wraps(function)
    def wrapper(**values: Any) -> object:
        if not values.pop("watching"):
            return function(**values)
        if values["output"] not in _FORMS:
            raise click.UsageError(f"-w tells what is new of tables: -o {', '.join(_FORMS)}")
        watch = Watch()
        click.get_current_context().meta[output.WATCH] = watch
        while True:
            try:
                function(**values)
            except CliError as error:
                # Until there is a first answer, whatever is wrong is likely to stay so.
                if not watch.rounds:
                    raise
                say(f"Warning: {error}", err=True)
            pause(EVERY)

    option = click.option(
        "-w",
        "--watch",
        "watching",
        is_flag=True,
        help=f"Go on, and tell what is new; it is asked about every {EVERY:.0f} seconds.",
    )
    decorated: Any = option(wrapper)
    found: _F = decorated
    return found
