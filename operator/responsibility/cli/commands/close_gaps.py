"""``close-gaps``: items that have to refuse together, so that none of them is hollow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from responsibility.cli.sources.cluster_view import ALL
from responsibility.cli.sources.options import (
    Where,
    at_option,
    instant,
    output_option,
    where_options,
)
from responsibility.cli.terminal.errors import Exit
from responsibility.cli.terminal.output import Table, columns, show

if TYPE_CHECKING:
    from responsibility.ownership.results.assessment import HubAssessment


@click.command(name="close-gaps")
@click.argument("hubs", metavar="[HUB]...", nargs=-1)
@at_option
@output_option()
@where_options
def command(*, where: Where, hubs: tuple[str, ...], moment: str | None, output: str) -> Exit:
    r"""Say which items have to be at deny together, so that none is got round.

    An item at deny is hollow where somebody whom it refuses reaches the same by what belongs to
    items that are only observed or warned. For each hub (the name of its record, its namespace, or
    NAMESPACE/RELEASE; without one, all) the ways are listed, and the smallest set of items that
    close all of them, as lines of the record. Those that are raised are not hollow then either.
    The exit code is 1 where there is any such way.

    \b
    Examples:
      kubectl responsibility close-gaps leap-prod
      kubectl responsibility close-gaps -f records/ -f rbac.yaml -o wide
    """
    from responsibility.cli.answers.report import Report

    report = Report.of(where.load(ALL), instant(moment))
    report.tell_gaps()
    found = [each for hub in report.hubs(hubs) if (each := _gaps(hub))]
    tables = [_table(each) for each in found] or [
        Table((), (), empty="nothing that is to be refused can be got round by another item")
    ]
    show(output, found, *tables)
    return Exit.NO if found else Exit.OK


def _gaps(hub: HubAssessment) -> dict[str, Any] | None:
    """Return the ways round the items of one hub, and what closes them; None without any."""
    from responsibility.ownership.results import wording
    from responsibility.ownership.results.facts import SideDoor

    ways = [
        {
            "id": finding.id,
            "number": finding.number,
            "item": finding.item,
            "message": wording.message(finding),
            "steps": list(wording.step_texts(finding)),
            "closedBy": list(finding.facts.closed_by),
        }
        for finding in hub.findings
        if isinstance(finding.facts, SideDoor)
    ]
    if not ways:
        return None
    doors = [f.facts for f in hub.findings if isinstance(f.facts, SideDoor)]
    return {"record": hub.agreement.record, "ways": ways, "raise": list(doors[0].together)}


def _table(gaps: dict[str, Any]) -> Table:
    lines = [
        f"raise together, in the record {gaps['record']}:",
        "  items:",
        *(f"  - {{name: {name}, enforcement: {{admission: deny}}}}" for name in gaps["raise"]),
    ]
    return Table(
        columns("ID", "NO", "HOLLOW ITEM", "CLOSED BY", "WAY"),
        [
            [
                way["id"],
                str(way["number"]),
                way["item"],
                " or ".join(way["closedBy"]),
                ", then ".join(way["steps"]),
            ]
            for way in sorted(gaps["ways"], key=lambda way: way["number"])
        ],
        names=[way["id"] for way in gaps["ways"]],
        title=f"{gaps['record']}:",
        footer="\n".join(lines),
    )
