"""Answers as tables, JSON and YAML.

A table is data: columns with their heading, and rows of texts. Off a terminal it is plain aligned
text without colours and without a width, for grep and awk; on one, rich wraps and colours it.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Protocol

import click

from responsibility import api_groups
from responsibility.api.foreign_text import escaped, harmless
from responsibility.cli.terminal import jsonpath
from responsibility.cli.terminal.errors import CliError
from responsibility.rbac.objects import GROUP, USER, Source, Subject
from responsibility.subject_kinds import AnyKind

# By the words that stand in cells; a cell that says something else has no colour.
_STYLES = {
    "yes": "green",
    "no": "red",
    "unknown": "yellow",
    "ok": "green",
    "drift": "red",
    "overdue": "yellow",
    "recorded": "dim",
    "high": "bold red",
    "medium": "yellow",
    "low": "dim",
}
# Where ``--no-headers`` is noted in click's context.
HEADERLESS: Final = "responsibility.no_headers"
# Where what was told so far is noted, for who watches.
WATCH: Final = "responsibility.watch"
_JSONPATH, _CUSTOM_COLUMNS = "jsonpath=", "custom-columns="
# Blanks between columns.
_GAP = 3
_GAP_TEXT: Final = " " * _GAP


class ToldBefore(Protocol):
    """What has been told of an answer that is given again and again."""

    @property
    def rounds(self) -> int:
        """How often it was given."""

    def is_news(self, note: str) -> bool:
        """Return whether a note has not been told yet, and take it for told."""

    def news(self, tables: Sequence[Table]) -> tuple[Table, ...]:
        """Return of these tables what was not told before, and tell what is gone."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column; a ``wide`` one is shown by ``-o wide`` only.

    On a terminal that is too narrow, ``detail`` goes to lines of its own, below the others, and so
    do the last of the others in a row that would still be too long.
    """

    title: str
    wide: bool = False
    detail: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns, and lines to show before and after.

    ``names`` are what ``-o name`` lists, a line for each.
    """

    columns: tuple[Column, ...]
    rows: Sequence[Sequence[str]]
    title: str = ""
    empty: str = ""
    footer: str = ""
    names: Sequence[str] = ()


def columns(
    *titles: str, detail: Iterable[str] = (), wide: Iterable[str] = ()
) -> tuple[Column, ...]:
    """Return columns by their titles; then those of ``detail``, then those of ``wide``."""
    return (
        *(Column(t) for t in titles),
        *(Column(t, detail=True) for t in detail),
        *(Column(t, wide=True, detail=True) for t in wide),
    )


def show(output: str, data: object, *tables: Table) -> None:
    """Write the answer in the form that was asked for."""
    context = click.get_current_context(silent=True)
    headers = not (context is not None and context.meta.get(HEADERLESS))
    if (told := _told()) is not None:
        headers = headers and not told.rounds
        tables = told.news(tables)
    if is_template(output):
        _fill_in(output, data, headers=headers)
    elif output == "json":
        click.echo(to_json(data))
    elif output == "yaml":
        click.echo(to_yaml(data), nl=False)
    elif output == "name":
        show_names(name for table in tables for name in table.names)
    else:
        for number, table in enumerate(tables):
            if number:
                click.echo()
            _write(table, wide=output == "wide", headers=headers)


def _told() -> ToldBefore | None:
    context = click.get_current_context(silent=True)
    found: ToldBefore | None = None if context is None else context.meta.get(WATCH)
    return found


def is_data(output: str) -> bool:
    """Whether a format shows the data as they are, not a text or a table made of them."""
    return output in ("json", "yaml") or is_template(output)


def is_template(output: str) -> bool:
    """Whether it is one of kubectl's formats that have a template."""
    return output.startswith((_JSONPATH, _CUSTOM_COLUMNS))


def check_template(output: str) -> None:
    """Raise ValueError if such a format's template can't be read."""
    if output.startswith(_JSONPATH):
        jsonpath.check(output.removeprefix(_JSONPATH))
    else:
        _custom_columns(output.removeprefix(_CUSTOM_COLUMNS))


def _fill_in(output: str, data: object, *, headers: bool) -> None:
    try:
        if output.startswith(_JSONPATH):
            say(jsonpath.render(output.removeprefix(_JSONPATH), data), nl=False)
            return
        wanted = _custom_columns(output.removeprefix(_CUSTOM_COLUMNS))
        rows = [
            [clean(",".join(map(jsonpath.text, found)) or "<none>") for found in each]
            for line in (data if isinstance(data, list) else [data])
            for each in ([values([line]) for _, values in wanted],)
        ]
    except jsonpath.JsonPathError as error:
        raise CliError(f"-o {output}: {error}") from None
    if rows:
        _plain([title for title, _ in wanted], rows, headers=headers)


def _custom_columns(written: str) -> list[tuple[str, jsonpath.Step]]:
    found = []
    for part in written.split(","):
        title, colon, path = part.partition(":")
        if not (title and colon and path):
            raise ValueError(f"{part or 'nothing'} is no HEADING:PATH, such as ID:.id")
        found.append((title, jsonpath.values(path)))
    return found


def say(text: str = "", *, err: bool = False, nl: bool = True, again: bool = False) -> None:
    """Write a text of ours, in which names of others may stand: all that is written goes here.

    What goes to stderr is told once to whoever watches, but ``again``.
    """
    if err and not again and (told := _told()) is not None and not told.is_news(text):
        return
    click.echo(harmless(text, lines=True), err=err, nl=nl)


def to_json(data: object) -> str:
    """Return indented JSON, keys in the order given; what a terminal would obey is escaped."""
    return escaped(json.dumps(data, indent=2, ensure_ascii=False))


def to_yaml(data: object) -> str:
    """Return YAML, keys in the order given; what a terminal would obey is escaped."""
    import yaml

    text: str = yaml.dump(
        data, Dumper=_dumper(), sort_keys=False, allow_unicode=True, default_flow_style=False
    )
    return escaped(text, wide="\\U{:08x}")


@cache
def _dumper() -> type[Any]:
    """Return what writes texts in double quotes, where there are escapes, that need some."""
    import yaml

    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]  # one of two
        pass

    def represent(dumper: Any, text: str) -> Any:  # noqa: ANN401 - a node of YAML
        style = None if harmless(text, lines=True) == text else '"'
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    Dumper.add_representer(str, represent)
    return Dumper


def clean(text: str) -> str:
    """Return a text without characters that a terminal would obey, or not show."""
    return harmless(text)


def wrapped(line: str) -> str:
    """Return a line of prose broken between words where a terminal would break it anywhere.

    Commands stay whole, so that they can be copied.
    """
    if not sys.stdout.isatty() or line.lstrip().startswith("kubectl "):
        return line
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    width = shutil.get_terminal_size().columns
    return textwrap.fill(
        line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def colourful() -> bool:
    """Whether stdout is a terminal that wants colours (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _write(table: Table, *, wide: bool, headers: bool) -> None:
    kept = [n for n, column in enumerate(table.columns) if wide or not column.wide]
    shown = [table.columns[n] for n in kept]
    titles = [column.title for column in shown]
    rows = [[clean(row[n]) for n in kept] for row in table.rows]
    if table.title and headers:
        title = clean(table.title)
        click.echo(click.style(title, bold=True) if colourful() else title)
    if not rows:
        if table.empty:
            click.echo(clean(table.empty))
    elif sys.stdout.isatty():
        _on_terminal(shown, rows, headers=headers)
    else:
        _plain(titles, rows, headers=headers)
    if table.footer and headers:
        say("\n".join(map(wrapped, table.footer.split("\n"))))


def _plain(titles: list[str], rows: list[list[str]], *, headers: bool) -> None:
    shown = [titles, *rows] if headers else rows
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("   ".join(cells).rstrip())


def _on_terminal(shown: list[Column], rows: list[list[str]], *, headers: bool) -> None:
    titles = [column.title for column in shown]
    width = shutil.get_terminal_size().columns
    needed = sum(_GAP + max(map(len, each)) for each in zip(titles, *rows, strict=True))
    main = [n for n, column in enumerate(shown) if not column.detail]
    if needed <= width or len(main) == len(shown):
        # Many narrow columns are pushed together where then no cell is broken.
        tight = needed - (_GAP - 1) * len(titles)
        _rich(titles, rows, 1 if tight <= width < needed else _GAP, headers=headers)
        return
    details = [n for n, column in enumerate(shown) if column.detail]
    for row in rows:
        fitting = _fitting([row[n] for n in main], width)
        click.echo(_GAP_TEXT.join(_styled(row[n]) for n in main[:fitting]).rstrip())
        for n in (*main[fitting:], *details):
            if row[n] not in ("", "-"):
                click.echo(_detail(titles[n].lower(), row[n], width))


def _fitting(cells: Sequence[str], width: int) -> int:
    """Return how many of a row's first cells fit on one line; the first is there anyway."""
    ends = itertools.accumulate(len(cell) + _GAP for cell in cells)
    return max(1, sum(end - _GAP <= width for end in ends))


def _detail(title: str, text: str, width: int) -> str:
    """Return a line below a row, broken between words; a command stays whole, to be copied."""
    line = f"    {title}: {text}"
    if text.startswith("kubectl ") or len(line) <= width:
        return line
    return textwrap.fill(
        line, width, subsequent_indent="      ", break_long_words=False, break_on_hyphens=False
    )


def _styled(cell: str) -> str:
    style = _STYLES.get(cell, "")
    if not style or not colourful():
        return cell
    colour = next((word for word in style.split() if word not in ("bold", "dim")), None)
    return click.style(cell, fg=colour, bold="bold" in style, dim="dim" in style)


def _rich(titles: list[str], rows: list[list[str]], gap: int, *, headers: bool) -> None:
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    drawn = RichTable(
        box=None,
        pad_edge=False,
        padding=(0, gap, 0, 0),
        header_style="bold",
        show_header=headers,
    )
    for title in titles:
        drawn.add_column(title, overflow="fold")
    previous: list[str] = []
    for row in rows:
        # What repeats the line above is read more easily when it is faint.
        drawn.add_row(
            *(
                Text(cell, style="dim" if _repeats(previous, row, n) else _STYLES.get(cell, ""))
                for n, cell in enumerate(row)
            )
        )
        previous = row
    Console(no_color=not colourful(), highlight=False).print(drawn)


def _repeats(previous: list[str], row: list[str], number: int) -> bool:
    return bool(previous) and previous[: number + 1] == row[: number + 1]


def binding_name(namespace: str, name: str) -> str:
    """Return a binding as kubectl names objects."""
    kind = "rolebinding" if namespace else "clusterrolebinding"
    return f"{kind}.{api_groups.RBAC}/{name}"


def show_names(names: Iterable[str]) -> None:
    """Write what ``-o name`` lists, a line for each name, of an answer that is no table."""
    for name in dict.fromkeys(names):
        click.echo(clean(name))


def subject_json(subject: Subject) -> dict[str, str]:
    """Return a subject as bindings write it."""
    found = {"kind": str(subject.kind), "name": subject.name}
    return found | ({"namespace": subject.namespace} if subject.namespace else {})


def source_json(source: Source) -> dict[str, Any]:
    """Return a source: its binding, its role, the number of the rule (from 1), its names.

    Binding and role are null for what is built into the API server (``system:masters``).
    """
    if source.binding is None or source.role is None:
        return {"binding": None, "role": None, "rule": None, "names": []}
    binding, role = source.binding, source.role
    return {
        "binding": _reference("RoleBinding", binding.namespace, binding.name),
        "role": _reference("Role", role.namespace, role.name),
        "rule": source.rule + 1,
        "names": list(source.names),
    }


def _reference(kind: str, namespace: str, name: str) -> dict[str, str]:
    if not namespace:
        return {"kind": f"Cluster{kind}", "name": name}
    return {"kind": kind, "namespace": namespace, "name": name}


def subject_name(subject: Subject) -> str:
    """Return the name, with the namespace of a ServiceAccount."""
    return f"{subject.namespace}/{subject.name}" if subject.namespace else subject.name


def people_first(subject: Subject) -> tuple[int, Subject]:
    """Return a sort key: groups, then users, then ServiceAccounts."""
    order: dict[AnyKind, int] = {GROUP: 0, USER: 1}
    return order.get(subject.kind, 2), subject
