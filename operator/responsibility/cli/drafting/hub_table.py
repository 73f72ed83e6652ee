"""An organisation's table of its hubs: what no cluster knows of them, as CSV with a line a hub.

Whoever runs a hundred hubs has such a table already, in a spreadsheet. Every mistake in it is told
at once, by line and column, so that it is corrected in one go.
"""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from responsibility.cli.terminal.errors import CliError
from responsibility.cli.terminal.output import clean
from responsibility.rbac.objects import GROUP, USER, Subject

# What each column is, by its heading.
COLUMNS: Final[Mapping[str, str]] = {
    "hub": "the hub's namespace, or NAMESPACE/RELEASE",
    "displayName": "the hub's name to show",
    "community": "the community's name to show",
    "email": "the community's e-mail address",
    "url": "where else it is reached",
    "groups": "its groups, with a semicolon between two",
    "users": "its users, with a semicolon between two",
    "cluster": "its cluster's name, where the table has hubs of several",
}
_BETWEEN: Final = ";"
_LARGEST: Final = 4 << 20
MOST_TOLD: Final = 20


@dataclass(frozen=True, slots=True)
class HubRow:
    """One line of the table; what is empty was not said."""

    line: int
    hub: str
    display_name: str = ""
    community: str = ""
    email: str = ""
    url: str = ""
    subjects: tuple[Subject, ...] = ()
    cluster: str = ""


def read(path: Path, cluster: str = "") -> dict[str, HubRow]:
    """Return the lines by hub, those of one ``cluster`` and those that are for any.

    Raises CliError, which tells all that is wrong.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise CliError(f"{path}: larger than {_LARGEST >> 20} MiB, so no table of hubs")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CliError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CliError(f"{path}: not UTF-8: save the spreadsheet as CSV UTF-8") from None
    rows = csv.reader(io.StringIO(text, newline=""))
    try:
        heading = [name.strip() for name in next(rows, [])]
        if problem := _heading_problem(heading):
            raise CliError(f"{path}, line 1: {problem}")
        numbered = [(rows.line_num, cells) for cells in rows if any(map(str.strip, cells))]
    except csv.Error as error:
        raise CliError(f"{path}, line {rows.line_num}: {error}") from None
    found: dict[tuple[str, str], HubRow] = {}
    problems: list[str] = []
    for line, cells in numbered:
        row, wrong = _row(line, heading, cells)
        key = (row.cluster, row.hub)
        if key in found:
            wrong.append(f"hub {row.hub} is on line {found[key].line} already")
        problems += (f"line {line}: {clean(each)}" for each in wrong)
        found.setdefault(key, row)
    if problems:
        more = len(problems) - MOST_TOLD
        told = "; ".join(problems[:MOST_TOLD]) + (f"; and {more} more" if more > 0 else "")
        raise CliError(f"{path}: {told}")
    clusters = sorted({name for name, _ in found if name})
    if len(clusters) > 1 and not cluster:
        raise CliError(
            f"{path} has hubs of {len(clusters)} clusters, and one is asked: name all, with "
            "--clusters or --contexts"
        )
    return {row.hub: row for row in found.values() if row.cluster in ("", cluster or row.cluster)}


def _heading_problem(heading: Sequence[str]) -> str:
    if "hub" not in heading:
        there = ", ".join(COLUMNS)
        if len(heading) == 1 and _BETWEEN in heading[0]:
            return f"columns are separated by commas here, not by {_BETWEEN}"
        return f"there is no column hub; the columns are {there}"
    for name in heading:
        if name not in COLUMNS:
            close = difflib.get_close_matches(name, COLUMNS, n=1, cutoff=0.5)
            meant = f"did you mean {close[0]}?" if close else f"there are {', '.join(COLUMNS)}"
            return f"there is no column {clean(name) or '(empty)'}; {meant}"
        if heading.count(name) > 1:
            return f"column {name} is there twice"
    return ""


def _row(line: int, heading: Sequence[str], cells: Sequence[str]) -> tuple[HubRow, list[str]]:
    """Return one line, and what is wrong with it, by the rules of the record's own fields."""
    said = dict(zip(heading, (cell.strip() for cell in cells), strict=False))
    wrong = []
    if len(cells) > len(heading):
        wrong.append(f"{len(cells)} cells under {len(heading)} headings: quote what has a comma")
    if not said.get("hub"):
        wrong.append("hub is empty")
    subjects = tuple(
        Subject(kind, name)
        for kind, column in ((GROUP, "groups"), (USER, "users"))
        for name in dict.fromkeys(
            part.strip() for part in said.get(column, "").split(_BETWEEN) if part.strip()
        )
    )
    row = HubRow(
        line,
        said.get("hub", ""),
        said.get("displayName", ""),
        said.get("community", ""),
        said.get("email", ""),
        said.get("url", ""),
        subjects,
        said.get("cluster", ""),
    )
    return row, [*wrong, *refused(row)]


def refused(row: HubRow) -> Iterator[str]:
    """Yield what the API server would refuse of a line."""
    from pydantic import ValidationError

    from responsibility.api.common import PartySpec

    contact = {key: text for key, text in (("email", row.email), ("url", row.url)) if text}
    party: dict[str, Any] = {
        "name": "community",
        "displayName": row.community,
        "contact": contact,
        "subjects": [{"kind": str(s.kind), "name": s.name} for s in row.subjects],
    }
    # A hub's name to show is bound as a party's is.
    for fields in ({"name": "hub", "displayName": row.display_name}, party):
        try:
            PartySpec.model_validate(fields)
        except ValidationError as error:
            for each in error.errors(include_url=False, include_context=False):
                place = ".".join(map(str, each["loc"]))
                yield f"{place}: {each['msg']}"
