"""``handover``: how an item, or a whole hub, goes to another party."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from responsibility.cli.selection.choice import nearest
from responsibility.cli.sources.cluster_view import ALL
from responsibility.cli.sources.options import (
    Where,
    at_option,
    instant,
    output_option,
    where_options,
)
from responsibility.cli.terminal.errors import CliError
from responsibility.cli.terminal.output import is_data, say, show, show_names

if TYPE_CHECKING:
    from responsibility.cli.answers.report import Report
    from responsibility.plans.handover.steps import Handover

_SPAN = re.compile(r"(\d+)([hdw])")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


@click.command(name="handover")
@click.argument("hub")
@click.option(
    "--item", "items", multiple=True, metavar="ITEM", help="The item, by its name. May be repeated."
)
@click.option("--all", "everything", is_flag=True, help="All items: the whole hub.")
@click.option("--to", "party", required=True, metavar="PARTY", help="Who takes over.")
@click.option(
    "--from", "start", metavar="DATE", help="When the party becomes the owner (default: now)."
)
@click.option(
    "--overlap",
    default="0d",
    show_default=True,
    metavar="SPAN",
    help="For how long the former owner may act beside it, such as 14d, 2w or 12h.",
)
@click.option("--routes/--no-routes", default=True, help="Whether indirect ways count in the plan.")
@at_option
@output_option()
@where_options
def command(
    *,
    where: Where,
    hub: str,
    items: tuple[str, ...],
    everything: bool,
    party: str,
    start: str | None,
    overlap: str,
    routes: bool,
    moment: str | None,
    output: str,
) -> None:
    r"""Tell how items of a HUB go to another party, step by step, so that somebody can always act.

    What the receiving party lacks, what the giving one keeps and loses, the changes of the record
    as patches, what to grant, and the plan of what to revoke at the end. Nothing is changed. With
    --all it is the report that a community needs to run its hub itself: every item, also those
    that are no matter of Kubernetes.

    \b
    Examples:
      kubectl responsibility handover leap-prod --item user-access --to provider
      kubectl responsibility handover coast --item data --to community --overlap 14d
      kubectl responsibility handover coast --all --to community
    """
    from responsibility.cli.answers.handover_text import text
    from responsibility.cli.answers.plan_text import PlanMaker
    from responsibility.grants.forecast import foresee
    from responsibility.plans.handover.record_patch import HandoverRequest
    from responsibility.plans.handover.steps import hand_over

    if bool(items) == everything:
        raise click.UsageError("say which: --item ITEM, or --all")
    now = instant(moment)
    maker = PlanMaker.of(where.load(ALL), now, routes=routes)
    maker.report.tell_gaps()
    record, chosen = _chosen(maker.report, hub, items, party)
    begins = instant(start) if start else now
    if begins < now:
        raise CliError(f"--from {start}: that moment has passed")
    request = HandoverRequest(record, chosen, party, begins, _span(overlap))
    result = hand_over(maker.snapshot, request, foresee)
    if is_data(output):
        show(output, _json(result))
        return
    if output == "name":
        show_names(line.item.name for line in result.lines)
        return
    for line in text(result, wide=output == "wide"):
        say(line)


def _chosen(
    report: Report, hub: str, items: tuple[str, ...], party: str
) -> tuple[str, tuple[str, ...]]:
    """Return the record and the items that are meant. Raises CliError."""
    agreement = report.hub(hub).agreement
    if party not in agreement.parties:
        there = ", ".join(sorted(agreement.parties))
        raise CliError(
            f"record {agreement.record} has no party {party}: declare it in spec.parties, or use "
            f"one of {there}"
        )
    names = [item.name for item in agreement.items if item.terms.number]
    unknown = [item for item in items if item not in names]
    if unknown:
        raise CliError(f"--item {unknown[0]}: {nearest(unknown[0], names)}")
    chosen = [n for n in names if not items or n in items]
    if items and all(agreement.item(name).owner == party for name in chosen):
        raise CliError(f"{party} owns {', '.join(chosen)} already")
    return agreement.record, tuple(chosen)


def _span(text: str) -> timedelta:
    match = _SPAN.fullmatch(text)
    if match is None:
        raise CliError(f"--overlap {text}: write a number and h, d or w, such as 14d")
    try:
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    except OverflowError:
        raise CliError(f"--overlap {text}: that is too long") from None


def _json(result: Handover) -> dict[str, Any]:
    from responsibility.cli.answers.handover_text import objects
    from responsibility.cli.answers.plan_text import plan_json
    from responsibility.ownership.results import wording

    return {
        "record": result.record,
        "to": result.to.name,
        "nobodyCanActNow": list(result.vacant),
        "items": [
            {
                "number": line.item.terms.number,
                "name": line.item.name,
                "title": line.item.terms.title,
                "description": line.item.terms.description,
                "kinds": sorted(line.item.terms.kinds),
                "from": line.giving,
                "effort": line.effort,
                "needs": list(line.needs),
                "lacks": list(line.lacks),
                "givingLoses": list(line.loses),
                "givingKeeps": list(line.keeps),
                "valuesPaths": list(line.values_paths),
            }
            for line in result.lines
        ],
        "steps": [
            {
                "when": stage.when.isoformat().replace("+00:00", "Z") if stage.when else None,
                "what": stage.what,
                "recordPatch": stage.patch.merge() if stage.patch else None,
                "recordGuardedPatch": stage.patch.guarded() if stage.patch else None,
                "grantedByOperator": list(stage.by_operator),
                "notGrantedByOperator": dict(stage.blocked),
                "takenBackByOperator": list(stage.taken_back),
                "objects": objects(stage),
                "changes": [str(change) for change in stage.changes],
                "remains": [wording.message(finding) for finding in stage.remains],
                "nobodyCanActOn": list(stage.nobody),
            }
            for stage in result.stages
        ],
        "plan": plan_json(result.plan),
    }
