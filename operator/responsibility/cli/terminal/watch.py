"""Watching: an answer asked for again and again, of which what is new is told, as by kubectl -w.

A row is the same one as long as its title and first cell are; how old something is changes with
time alone, and is no news.
"""

from __future__ import annotations

import functools
import gc
import select
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
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

_OURS: Final = f"{__name__.partition('.')[0]}."

_Key = tuple[str, str]


def pause(seconds: float) -> None:
    """Wait. Raises BrokenPipeError as soon as nobody reads on, which a write would tell only later.

    Where standard output is nothing that can be polled, it just waits.
    """
    reader = select.poll()
    reader.register(sys.stdout.fileno(), 0)
    if reader.poll(seconds * 1000):
        raise BrokenPipeError


@dataclass(slots=True)
class Watch:
    """What has been told so far."""

    rounds: int = 0
    rows: dict[_Key, tuple[str, ...]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    notes: set[str] = field(default_factory=set)
    # What was noted of this round so far: what is over and comes again is news, and none is kept
    # for longer than it holds.
    noted: set[str] = field(default_factory=set)
    failing: bool = False

    def is_news(self, note: str) -> bool:
        """Return whether a note was not told of the round before, nor of this one."""
        known = note in self.notes or note in self.noted
        self.noted.add(note)
        return not known

    def failed(self, error: CliError) -> None:
        """Tell once that there is no answer, whatever it was that was asked first."""
        if not self.failing:
            say(f"Warning: {error}", err=True, again=True)
        self.failing = True
        self.noted.clear()

    def answered(self) -> None:
        """End a round that was answered."""
        if self.failing:
            say("there are answers again", err=True, again=True)
        self.failing = False
        self.notes, self.noted = self.noted, set()

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


def _forget() -> None:
    """Let go of what modules remember: it is keyed by objects of an answer that nobody has now."""
    for name, module in list(sys.modules.items()):
        if name.startswith(_OURS):
            for each in vars(module).values():
                # What functools.lru_cache makes of a function.
                if callable(clear := getattr(each, "cache_clear", None)):
                    clear()
    gc.collect()


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
        # For what ends after one answer it is switched off: here, all of them would be kept.
        gc.enable()
        while True:
            try:
                function(**values)
            except CliError as error:
                # Until there is a first answer, whatever is wrong is likely to stay so.
                if not watch.rounds:
                    raise
                watch.failed(error)
            else:
                watch.answered()
            _forget()
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
