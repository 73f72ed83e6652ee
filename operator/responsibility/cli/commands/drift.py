"""``drift``: what differs, worst first."""

from __future__ import annotations

import click

from responsibility.cli.sources.cluster_view import ALL
from responsibility.cli.sources.options import (
    Where,
    at_option,
    instant,
    output_option,
    routes_option,
    where_options,
)
from responsibility.cli.terminal.errors import counted
from responsibility.cli.terminal.output import Table, columns, show


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

    Of one HUB, or of all and the cluster as a whole. The age is known on clusters on which the
    operator runs. `explain ID` tells the whole story of a finding.

    \b
    Examples:
      kubectl responsibility drift
      kubectl responsibility drift leap-prod
      kubectl responsibility drift coast -o wide
      kubectl responsibility drift leap-prod --routes
      kubectl responsibility drift -f ./manifests -o json
    """
    from responsibility.cli.answers.fixes import bindings_text, smallest_fix
    from responsibility.cli.answers.report import Report, place_text, whom
    from responsibility.ownership.results import wording

    report = Report.of(where.load(ALL), instant(moment), routes=routes)
    report.tell_gaps()
    found = report.findings(report.hub(hub) if hub else None)
    rows = [
        [
            finding.id,
            finding.severity.name.lower(),
            finding.kind,
            place_text(finding),
            finding.item,
            whom(finding),
            bindings_text(finding),
            report.age(finding),
            smallest_fix(report.view, finding),
            report.contact(finding) or "-",
            finding.route_kind,
            wording.message(finding),
            "; ".join(wording.source_text(source) for source in finding.sources) or "-",
        ]
        for finding in found
    ]
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
            footer=f"{counted(len(found), 'finding')}; the whole story: explain {found[0].id}"
            if found
            else "",
        ),
    )
