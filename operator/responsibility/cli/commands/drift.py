"""``drift``: what differs, worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from responsibility.cli.sources.options import (
    Where,
    at_option,
    instant,
    output_option,
    routes_option,
    where_options,
)
from responsibility.cli.terminal.output import Table, columns, show
from responsibility.phrases import counted, some

if TYPE_CHECKING:
    from responsibility.cli.answers.report import Report

# Items that a line of causes names.
_MOST_ITEMS = 3


@click.command(name="drift")
@click.argument("hub", required=False)
@at_option
@routes_option
@output_option()
@where_options
def command(
    *, where: Where, hub: str | None, moment: str | None, routes: bool, output: str
) -> None:
    r"""Show what differs between what is agreed and what the cluster allows, worst first.

    Of one HUB, or of all and the cluster as a whole. What has one cause is one line: a binding that
    somebody was left in, with all items that it touches; -o wide and -o json list every finding.
    The age is known on clusters on which the operator runs. `explain ID` tells the whole story.

    \b
    Examples:
      kubectl responsibility drift
      kubectl responsibility drift leap-prod
      kubectl responsibility drift coast -o wide
      kubectl responsibility drift leap-prod --routes
      kubectl responsibility drift -f ./manifests -o json
    """
    from responsibility.cli.answers.fixes import bindings_text, fix
    from responsibility.cli.answers.report import Report, place_text, whom
    from responsibility.ownership.results import wording
    from responsibility.ownership.results.causes import causes, causes_text

    report = Report.load(where, instant(moment), routes=routes)
    report.tell_gaps()
    if report.is_published:
        _show_published(report, report.hub(hub).agreement.record if hub else "", output)
        return
    found = report.findings(report.hub(hub) if hub else None)
    grouped = causes(found)
    # Line by line, as it is printed: whole, or each finding by itself.
    lines = [(f,) for f in found] if output == "wide" else [cause.findings for cause in grouped]
    whole = {f.id: cause.findings for cause in grouped for f in cause.findings}
    rows = []
    for findings in lines:
        first = findings[0]
        items = tuple(dict.fromkeys(item for f in findings for item in (f.item, *f.items)))
        rows.append(
            [
                first.id,
                first.severity.name.lower(),
                first.kind,
                place_text(first),
                first.item if output == "wide" else some(items, _MOST_ITEMS),
                whom(first),
                bindings_text(findings),
                report.oldest_age(findings),
                fix(report, whole[first.id]),
                report.contact(*findings) or "-",
                first.route_kind,
                wording.message(first),
                "; ".join(wording.source_texts(first.sources)) or "-",
            ]
        )
    counts = causes_text(grouped)
    show(
        output,
        [report.json(finding) for finding in found],
        Table(
            columns(
                *("ID", "SEVERITY", "KIND", "HUB", "ITEM", "WHO"),
                detail=("SOURCE", "AGE", "FIX", "CONTACT"),
                wide=("ROUTE", "MESSAGE", "SOURCES"),
            ),
            rows,
            empty="nothing differs from what is agreed",
            footer=f"{counts}; the whole story: explain {found[0].id}" if found else "",
        ),
    )


def _show_published(report: Report, record: str, output: str) -> None:
    """Show the causes that the operator has published; the whole story takes the right to list."""
    from responsibility.cli.answers import published
    from responsibility.cli.answers.report import place_of

    now = report.assessment.now
    found = list(published.causes(report.view, record))
    show(
        output,
        [published.cause_json(hub, cause) for hub, cause in found],
        Table(
            columns(
                *("ID", "SEVERITY", "KIND", "HUB", "ITEM", "WHO"),
                detail=("SOURCE", "AGE", "FIX", "CONTACT"),
                wide=("ROUTE", "MESSAGE"),
            ),
            [
                [
                    cause.id,
                    cause.severity,
                    cause.kind,
                    place_of(hub),
                    some(cause.items, len(cause.items) if output == "wide" else _MOST_ITEMS),
                    published.who(cause),
                    ", ".join(cause.bindings) or "-",
                    published.age(cause, now),
                    cause.remedy or "-",
                    cause.contact or "-",
                    published.route(cause),
                    cause.message,
                ]
                for hub, cause in found
            ],
            empty="nothing that differs has been published",
            footer=counted(len(found), "cause") if found else "",
        ),
    )
