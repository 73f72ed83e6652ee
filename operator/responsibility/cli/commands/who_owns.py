"""``who-owns``: who is accountable for an action, or for a setting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from responsibility.cli.commands.matrix import RECORD_KIND
from responsibility.cli.sources.access_question import ParsedQuestion, describe, question
from responsibility.cli.sources.cluster_view import ALL, Need
from responsibility.cli.sources.options import (
    MOST_LINES,
    Where,
    at_option,
    full_option,
    instant,
    left_out_text,
    output_option,
    warn,
    where_options,
)
from responsibility.cli.terminal.output import Table, columns, show
from responsibility.phrases import some

if TYPE_CHECKING:
    from responsibility.cli.answers.report import Report
    from responsibility.ownership.terms.agreement import Agreement

_REQUIRED, _RESERVED = "required", "reserved"


@click.command(name="who-owns")
@click.argument("verb", required=False)
@click.argument("what", metavar="TYPE[.GROUP][/NAME]", required=False)
@click.option("--subresource", default="", help="The subresource, such as log, exec or scale.")
@click.option(
    "--path",
    help="A path in the hub's chart values, such as singleuser.memory.limit, or sessions.….",
)
@at_option
@output_option("table", "wide", "name", "json", "yaml")
@full_option
@where_options
def command(
    *,
    where: Where,
    verb: str | None,
    what: str | None,
    subresource: str,
    path: str | None,
    moment: str | None,
    output: str,
    full: bool,
) -> None:
    r"""Say who is accountable for an action, or for a setting, and how to reach them.

    Of the hub in the namespace named by -n; of all hubs without -n, where those with the same
    answer are one line (-o wide: a line each). An action that several items
    share has several owners. `required` is what the owner must be able to do, `reserved` is what
    nobody else may.

    \b
    Examples:
      kubectl responsibility who-owns patch deploy/hub -n leap-prod
      kubectl responsibility who-owns update secrets/hub -n coast
      kubectl responsibility who-owns delete nodes
      kubectl responsibility who-owns --path singleuser.memory.limit -n leap-prod
    """
    if (path is None) == (verb is None or what is None):
        raise click.UsageError("say either VERB TYPE[/NAME] or --path PATH")
    from responsibility.cli.answers.report import Report

    view = where.load(ALL | Need.TYPES)
    report = Report.of(view, instant(moment))
    report.tell_gaps()
    agreements = _agreements(report, where.namespace)
    rows: list[dict[str, Any]] = []
    if path is not None:
        text = path
        rows = [row for each in agreements for row in _by_path(report, each, path)]
    else:
        asked = question(
            verb or "",
            what or "",
            view.types,
            subresource=subresource,
            namespace=where.namespace or "",
        )
        for odd in asked.at_cluster.warnings:
            warn(odd)
        text = describe(asked.at_cluster.attributes)
        rows = [row for each in agreements for row in _by_action(report, each, asked)]
    lines = [_cells(row) for row in rows] if output == "wide" else _together(rows)
    most = None if full else MOST_LINES
    show(
        output,
        {"question": text, "owners": rows},
        Table(
            columns(
                *("HUB", "NO", "ITEM", "OWNER", "DELEGATES", "CONTACT"),
                detail=("WHY",),
                wide=("TITLE", "BOUNDS"),
            ),
            lines[:most],
            footer=left_out_text(len(lines), most),
            names=list(dict.fromkeys(f"{RECORD_KIND}/{row['record']}" for row in rows)),
            empty=f"no item of the model speaks of {text}: by the record, it is nobody's",
        ),
    )


def _agreements(report: Report, namespace: str | None) -> list[Agreement]:
    if not namespace:
        return [hub.agreement for hub in report.hubs(())]
    found = [hub.agreement for hub in report.hubs(()) if hub.agreement.hub.namespace == namespace]
    # Says which hubs there are.
    return found or [report.hub(namespace).agreement]


def _by_path(report: Report, agreement: Agreement, path: str) -> Iterator[dict[str, Any]]:
    """Yield the items whose paths speak of this one; the most precise path decides.

    What sessions run and share is his whose setting it comes of; their account and its cloud
    identity, whose the ServiceAccount's annotation is.
    """
    from responsibility.hub.sessions.aspects import ACCOUNT, IDENTITY, SETTINGS
    from responsibility.hub.values.paths import covers, most_precise

    if path in (IDENTITY, ACCOUNT):
        for own in agreement.items:
            for account in own.terms.identity_accounts:
                why = [f"ServiceAccount {agreement.names.fill(account)}"]
                yield {**_row(report, agreement, own.name, why), "bounds": []}
        return
    path = SETTINGS.get(path, path)
    model = report.view.models[agreement.terms.name]
    items = {item.name: item for item in model.spec.items}
    closest = most_precise(path, {name: item.values_paths for name, item in items.items()})
    record = report.view.records[agreement.record]
    for name, patterns in closest.items():
        item = items[name]
        recorded = next((i for i in record.spec.items if i.name == name), None)
        delegates = (
            recorded.delegates if recorded and recorded.delegates is not None else item.delegates
        )
        bounds = [
            {"party": delegate.party, "path": b.path, "min": b.min, "max": b.max}
            for delegate in delegates
            if delegate.until is None or report.assessment.now < delegate.until
            for b in (delegate.bounds or item.bounds)
            if covers(b.path, path)
        ]
        for pattern in patterns:
            yield {**_row(report, agreement, name, [f"values {pattern}"]), "bounds": bounds}


def _by_action(
    report: Report, agreement: Agreement, asked: ParsedQuestion
) -> Iterator[dict[str, Any]]:
    from responsibility.cli.answers.action import mask_of_action

    wanted = mask_of_action(agreement, asked)
    for item in agreement.items:
        terms = item.terms
        why = [
            word
            for word, mask in ((_RESERVED, terms.reserved), (_REQUIRED, terms.required))
            if mask & wanted
        ]
        if why:
            yield {**_row(report, agreement, item.name, why), "bounds": []}


def _row(report: Report, agreement: Agreement, name: str, why: list[str]) -> dict[str, Any]:
    from responsibility.cli.answers.report import hub_json

    item = agreement.item(name)
    owner = agreement.parties.get(item.owner)
    return {
        "record": agreement.record,
        "hub": hub_json(agreement.hub),
        "item": name,
        "number": item.terms.number,
        "title": item.terms.title,
        "owner": item.owner,
        "displayName": owner.label if owner else item.owner,
        "contact": owner.contact if owner else "",
        "delegates": list(item.parties(report.assessment.now)[1:]),
        "why": why,
    }


def _together(rows: list[dict[str, Any]]) -> list[list[str]]:
    """Return a line for each answer, with the hubs of which it is one."""
    hubs: dict[tuple[str, ...], list[str]] = {}
    for hub, *answer in map(_cells, rows):
        hubs.setdefault(tuple(answer), []).append(hub)
    return [
        [some(names, 1, rest="more hubs") if len(names) > 1 else names[0], *answer]
        for answer, names in hubs.items()
    ]


def _cells(row: dict[str, Any]) -> list[str]:
    bounds = [
        f"{b['party']}: {b['path']} {b['min'] or ''}..{b['max'] or ''}" for b in row["bounds"]
    ]
    return [
        row["record"],
        str(row["number"]),
        row["item"],
        row["displayName"],
        ", ".join(row["delegates"]) or "-",
        row["contact"] or "-",
        ", ".join(row["why"]),
        row["title"],
        "; ".join(bounds) or "-",
    ]
