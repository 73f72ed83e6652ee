"""``subject``: all about one subject, or what people who have left still hold."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from responsibility.cli.sources.cluster_view import ALL
from responsibility.cli.sources.options import (
    MOST_LINES,
    Where,
    at_option,
    full_option,
    instant,
    left_out_text,
    output_option,
    routes_option,
    warn,
    where_options,
)
from responsibility.cli.terminal.errors import Exit
from responsibility.cli.terminal.output import Table, binding_name, columns, show
from responsibility.phrases import counted, some
from responsibility.rbac.identity import implied_groups

if TYPE_CHECKING:
    from responsibility.cli.answers.report import Report
    from responsibility.rbac.objects import Subject

# Permissions named in a line; JSON has all.
_MOST_PERMISSIONS = 2


@click.command(name="subject")
@click.argument("kind", required=False)
@click.argument("name", metavar="NAME", required=False)
@click.option(
    "--retired",
    type=click.Path(),
    metavar="FILE",
    help="Instead: for a list of people who have left, what each of them still holds. One a line: "
    "NAME, or KIND NAME, with spaces or not. - is standard input. A line that can't be read is "
    "left out; then the exit code is 3.",
)
@at_option
@routes_option
@output_option("table", "wide", "name", "json", "yaml")
@full_option
@where_options
def command(
    *,
    where: Where,
    kind: str | None,
    name: str | None,
    retired: str | None,
    moment: str | None,
    routes: bool,
    output: str,
    full: bool,
) -> int:
    r"""Tell all about one subject: what it owns, may do beyond that, and would lose on leaving.

    KIND is User, Group or ServiceAccount (sa); a ServiceAccount's NAME is NAMESPACE/NAME. What
    somebody holds as a member of a group is told of the group.

    \b
    Examples:
      kubectl responsibility subject user former-engineer@example.org
      kubectl responsibility subject group leap-admins
      kubectl responsibility subject sa ci/deployer -o wide
      kubectl responsibility subject group support-engineers --routes
      echo temp-contractor@example.org | kubectl responsibility subject --retired -
    """
    from responsibility.cli.answers import subjects
    from responsibility.cli.answers.report import Report

    if (retired is None) == (kind is None or name is None):
        raise click.UsageError("say either KIND NAME, such as: user someone, or --retired FILE")
    left_out: list[str] = []
    leavers = subjects.read(retired, left_out.append) if retired is not None else []
    for line in left_out:
        warn(line)
    only = subjects.parse(kind or "", name or "") if retired is None else None
    report = Report.of(where.load(ALL), instant(moment), routes=routes)
    report.tell_gaps()
    most = None if full else MOST_LINES
    if only is None:
        _retired(output, report, leavers, most)
        return Exit.UNKNOWN if left_out else Exit.OK
    name = "/".join(filter(None, (only.namespace, only.name)))
    subjects.tell_unnamed(report, [f"{str(only.kind).lower()}/{name}"])
    _one(output, report, only, routes=routes, most=most)
    return Exit.OK


def _bounded(table: Table, most: int | None) -> Table:
    """Return a table with the first rows alone, and how many are left out."""
    left = left_out_text(len(table.rows), most)
    footer = "\n".join(filter(None, (left, table.footer)))
    return replace(table, rows=table.rows[:most], footer=footer)


def _one(output: str, report: Report, subject: Subject, *, routes: bool, most: int | None) -> None:
    from responsibility.cli.answers import subjects
    from responsibility.cli.answers.report import place_text
    from responsibility.ownership.results import wording

    owned = subjects.owned(report, subject)
    beyond = [f for f in report.findings() if f.subject == subject]
    held = subjects.held(report.view, subject)
    leaving = subjects.leaving(report, subject)
    groups = list(implied_groups(subject))
    through = subjects.let_through(report, subject)
    only = subjects.alone(report, subject)
    data = {
        "subject": subjects.as_json(subject),
        "groups": groups,
        "owns": owned,
        "beyond": [report.json(finding) for finding in beyond],
        "letThrough": through,
        "bindings": held,
        "onLeaving": [report.json(finding) for finding in leaving.appear],
        "onlySubjectOf": only,
    }
    alone = ", ".join(f"{each['party']} of {each['record']}" for each in only)
    tables = (
        Table(
            columns("HUB", "PARTY", "AS", "NO", "ITEM"),
            [[o["record"], o["party"], o["as"], str(o["number"]), o["item"]] for o in owned],
            title=f"{subject} owns or may act on:",
            empty="nothing: no record or model names it",
        ),
        Table(
            columns(
                *("ID", "HUB", "ITEM", "PERMISSIONS", *(("ROUTE",) if routes else ())),
                wide=("MESSAGE",),
            ),
            [
                [
                    *(f.id, place_text(f), f.item),
                    some(
                        wording.permission_texts(wording.worst_first(f.permissions)),
                        _MOST_PERMISSIONS,
                    ),
                    *((f.route_kind,) if routes else ()),
                    wording.message(f),
                ]
                for f in beyond
            ],
            title="may do beyond that, or come by:" if routes else "may do beyond that:",
            empty="nothing that is reserved for others" + "".join(f"; {each}" for each in through),
        ),
        Table(
            columns("NAMESPACE", "BINDING", "ROLE", "OTHERS", wide=("RULES DIGEST",)),
            [
                [h["namespace"] or "*", h["name"], h["role"], str(h["others"]), h["rulesDigest"]]
                for h in held
            ],
            title="would lose, on leaving:",
            names=[binding_name(h["namespace"], h["name"]) for h in held],
            empty="nothing: no binding names it"
            + (f" (but its groups may: {', '.join(groups)})" if groups else ""),
        ),
        Table(
            columns("HUB", "KIND", "ITEM", "MESSAGE"),
            [[place_text(f), f.kind, f.item, wording.message(f)] for f in leaving.appear],
            title="what would be missing then:",
            empty="nothing",
            footer=f"it is the only subject of {alone}" if alone else "",
        ),
    )
    show(output, data, *(_bounded(table, most) for table in tables))


def _retired(output: str, report: Report, leavers: list[Subject], most: int | None) -> None:
    from responsibility.cli.answers import subjects

    found = []
    for subject in leavers:
        held = subjects.held(report.view, subject)
        named = subjects.named(report.view, subject)
        found.append({"subject": subjects.as_json(subject), "bindings": held, "records": named})
    rows = []
    for subject, entry in zip(leavers, found, strict=True):
        rows.extend(_retired_rows(subject, entry))
    clean = sum(not entry["bindings"] and not entry["records"] for entry in found)
    show(
        output,
        found,
        _bounded(
            Table(
                columns("SUBJECT", "STILL IN", "ROLE", "REMOVE WITH"),
                rows,
                empty="none of them holds anything, and no record names them",
                footer=f"{counted(len(found), 'subject')}, of which {clean} hold nothing and are "
                "named nowhere"
                if rows
                else "",
            ),
            most,
        ),
    )


def _retired_rows(subject: Subject, entry: dict[str, Any]) -> list[list[str]]:
    bound = [[str(subject), h["binding"], h["role"], h["command"]] for h in entry["bindings"]]
    named = [
        [str(subject), f"{n['kind']} {n['name']}", f"{n['field']} of party {n['party']}", "edit it"]
        for n in entry["records"]
    ]
    return [*bound, *named]
