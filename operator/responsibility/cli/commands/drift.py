"""``drift``: what differs, worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from responsibility.cli.selection.options import selection_options
from responsibility.cli.sources.options import (
    Where,
    at_option,
    instant,
    output_option,
    routes_option,
    where_options,
)
from responsibility.cli.terminal.errors import Exit
from responsibility.cli.terminal.output import Table, columns, show
from responsibility.cli.terminal.watch import watch_option
from responsibility.phrases import counted, some

if TYPE_CHECKING:
    from responsibility.api.status import CauseStatus
    from responsibility.cli.answers.report import Report
    from responsibility.cli.selection.choice import Selection
    from responsibility.hub.discovery import HubKey

# Items that a line of causes names.
_MOST_ITEMS = 3


@click.command(name="drift")
@click.argument("hub", required=False)
@at_option
@routes_option
@output_option("table", "wide", "name", "json", "yaml")
@click.option(
    "--exit-code",
    "coded",
    is_flag=True,
    help="End with 1 where something differs, and not with 0, as `git diff --exit-code` does.",
)
@watch_option
@where_options
@selection_options
def command(
    *,
    where: Where,
    hub: str | None,
    moment: str | None,
    routes: bool,
    output: str,
    coded: bool,
    selection: Selection,
) -> Exit:
    r"""Show what differs between what is agreed and what the cluster allows, worst first.

    Of one HUB, or of all and the cluster as a whole. What has one cause is one line: a binding that
    somebody was left in, with all items that it touches; -o wide and -o json list every finding.
    The age is known on clusters on which the operator runs. `explain ID` tells the whole story,
    and -o name lists just the IDs. With -n, only what is on the hubs of that namespace.

    \b
    Examples:
      kubectl responsibility drift
      kubectl responsibility drift leap-prod
      kubectl responsibility drift coast -o wide
      kubectl responsibility drift leap-prod --routes
      kubectl responsibility drift --severity high --party community --since 24h
      kubectl responsibility drift -n coast --item data --no-headers
      kubectl responsibility drift --severity high --exit-code
      kubectl responsibility drift -f ./manifests -o json
    """
    from responsibility.cli.answers import subjects
    from responsibility.cli.answers.fixes import bindings_text, fix
    from responsibility.cli.answers.report import Report, place_text, whom
    from responsibility.ownership.results import wording
    from responsibility.ownership.results.causes import causes, causes_text

    report = Report.load(where, instant(moment), routes=routes)
    report.tell_gaps()
    report.tell_hubless(selection.wanted.get("namespace", ()))
    if report.is_published:
        record = report.hub(hub).agreement.record if hub else ""
        differs = _show_published(report, record, output, selection)
        return Exit.NO if coded and differs else Exit.OK
    agreements = report.all_agreements()
    selection.check(agreements)
    subjects.tell_unnamed(report, selection.wanted.get("subject", ()))
    every = report.findings(report.hub(hub) if hub else None)
    found = selection.chosen(every, report.json, agreements, report.assessment.now)
    # A fix ends a whole cause, also where only a part of it is asked for.
    whole = {f.id: cause.findings for cause in causes(every) for f in cause.findings}
    grouped = selection.ordered(causes(found), lambda cause: report.json(cause.worst))
    # Line by line, as it is printed: whole, or each finding by itself.
    lines = [(f,) for f in found] if output == "wide" else [cause.findings for cause in grouped]
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
                whom(first),
                first.item if output == "wide" else some(items, _MOST_ITEMS),
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
            names=[findings[0].id for findings in lines],
            columns=columns(
                *("ID", "SEVERITY", "KIND", "HUB", "WHO"),
                detail=("ITEM", "SOURCE", "AGE", "FIX", "CONTACT"),
                wide=("ROUTE", "MESSAGE", "SOURCES"),
            ),
            rows=rows,
            empty="nothing differs from what is agreed",
            footer=f"{counts}; the whole story: explain {found[0].id}" if found else "",
        ),
    )
    return Exit.NO if coded and any(f.is_drift for f in found) else Exit.OK


def _show_published(report: Report, record: str, output: str, selection: Selection) -> bool:
    """Show the causes that the operator has published; the whole story takes the right to list.

    Return whether record and cluster differ by one of them.
    """
    from responsibility.cli.answers import published
    from responsibility.cli.answers.report import place_of
    from responsibility.ownership.results.findings import KINDS

    now = report.assessment.now
    agreements = report.all_agreements()
    selection.check(agreements)

    def told(each: tuple[HubKey | None, CauseStatus]) -> dict[str, Any]:
        return published.cause_json(*each)

    found = selection.chosen(published.causes(report.view, record), told, agreements, now)
    show(
        output,
        [published.cause_json(hub, cause) for hub, cause in found],
        Table(
            names=[cause.id for _, cause in found],
            columns=columns(
                *("ID", "SEVERITY", "KIND", "HUB", "WHO"),
                detail=("ITEM", "SOURCE", "AGE", "FIX", "CONTACT"),
                wide=("ROUTE", "MESSAGE"),
            ),
            rows=[
                [
                    cause.id,
                    cause.severity,
                    cause.kind,
                    place_of(hub),
                    published.who(cause),
                    some(cause.items, len(cause.items) if output == "wide" else _MOST_ITEMS),
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
    return any(KINDS[c.kind].drift for _, c in found if c.kind in KINDS)
