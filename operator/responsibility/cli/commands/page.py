"""``page``: who is responsible for what, for those who don't use a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from responsibility.cli.sources.cluster_view import ALL
from responsibility.cli.sources.options import (
    Where,
    at_option,
    instant,
    routes_option,
    where_options,
)

if TYPE_CHECKING:
    from responsibility.cli.answers.report import Report
    from responsibility.ownership.results.assessment import HubAssessment
    from responsibility.web.hub import Difference


@click.command(name="page")
@click.argument("hubs", metavar="[HUB]...", nargs=-1)
@click.option(
    "--findings",
    is_flag=True,
    help="Also say what differs, and so who can do what it should not: not for everybody's eyes.",
)
@at_option
@routes_option
@where_options
def command(
    *, where: Where, hubs: tuple[str, ...], findings: bool, moment: str | None, routes: bool
) -> None:
    r"""Write who is responsible for what as a page, one file that a browser shows.

    A HUB is the name of its record, its namespace, or NAMESPACE/RELEASE; without one, all are on
    it. The page loads nothing and runs no program, so it can be mailed, printed, or put on any
    web server. It is as of the moment when it is written.

    \b
    Examples:
      kubectl responsibility page leap-prod > leap.html
      kubectl responsibility page --findings > all.html
    """
    from responsibility.cli.answers.report import Report
    from responsibility.web.agreements import agreements_page

    now = instant(moment)
    report = Report.of(where.load(ALL), now, routes=routes)
    report.tell_gaps()
    chosen = report.hubs(hubs)
    differences = (
        {hub.agreement.record: _differences(report, hub) for hub in chosen} if findings else None
    )
    click.echo(agreements_page(chosen, report.assessment.now, differences), nl=False)


def _differences(report: Report, hub: HubAssessment) -> list[Difference]:
    from responsibility.ownership.results import wording
    from responsibility.web.hub import Difference

    return [
        Difference(
            finding.number,
            wording.message(finding),
            wording.remedy(finding),
            tuple(dict.fromkeys(p.contact for p in report.parties(finding))),
        )
        for finding in report.findings(hub)
    ]
