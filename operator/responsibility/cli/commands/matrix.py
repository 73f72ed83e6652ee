"""``matrix``: the items of the model, who owns them, and how they stand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import click

from responsibility.api.names import API_GROUP
from responsibility.cli.selection.options import (
    all_namespaces_option,
    namespace_of,
)
from responsibility.cli.sources.options import (
    Where,
    at_option,
    instant,
    output_option,
    routes_option,
    where_options,
)
from responsibility.cli.terminal.errors import CliError
from responsibility.cli.terminal.output import Column, Table, columns, show
from responsibility.cli.terminal.watch import watch_option
from responsibility.phrases import counted

if TYPE_CHECKING:
    from responsibility.ownership.results.assessment import HubAssessment, ItemResult
    from responsibility.ownership.terms.agreement import Agreement

# What kubectl calls a record.
RECORD_KIND: Final = f"responsibility.{API_GROUP}"


@click.command(name="matrix")
@click.argument("hubs", metavar="[HUB]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Show all hubs side by side.")
@at_option
@routes_option
@output_option("table", "wide", "name", "json", "yaml")
@watch_option
@where_options
@all_namespaces_option
@click.option("--item", "items", multiple=True, metavar="ITEM", help="Only this item, by its name.")
def command(
    *,
    where: Where,
    hubs: tuple[str, ...],
    everything: bool,
    moment: str | None,
    routes: bool,
    output: str,
    all_namespaces: bool,
    items: tuple[str, ...],
) -> None:
    r"""Show the items of the model for each hub: owner, delegates, state.

    A HUB is the name of its record, its namespace, or NAMESPACE/RELEASE; without one, all are
    shown. States: ok (checked, as agreed), drift (checked, differs), unknown (can't be told),
    recorded (agreed, nothing to check), overdue (to be looked at again). They are the hub's own:
    what differs on the whole cluster is counted beside the hub's name, and told by `drift`.
    -n shows the hubs of a namespace, and -o name lists records as kubectl takes them.

    \b
    Examples:
      kubectl responsibility matrix leap-prod
      kubectl responsibility matrix leap-prod coast -o wide
      kubectl responsibility matrix --all
      kubectl responsibility matrix --all --item data --no-headers
    """
    if everything and hubs:
        raise click.UsageError("--all shows all hubs: name none")
    from responsibility.cli.answers.report import Report
    from responsibility.cli.selection.choice import nearest

    report = Report.load(where, instant(moment), routes=routes)
    report.tell_gaps()
    namespace = namespace_of(where, everywhere=all_namespaces)
    report.tell_hubless(filter(None, (namespace,)))
    chosen = [hub for hub in report.hubs(hubs) if namespace in ("", hub.agreement.hub.namespace)]
    known = sorted({item.name for hub in chosen for item in hub.agreement.items})
    for unknown in (item for item in items if known and item not in known):
        raise CliError(f"--item {unknown}: {nearest(unknown, known)}")
    data = [_json(hub, report.total(hub), items) for hub in chosen]
    if not data:
        where_text = f"a hub in namespace {namespace}" if namespace else "any hub"
        empty = f"there is no record of {where_text}: `init` drafts them"
        tables = [Table((), (), empty=empty)]
    elif everything:
        tables = [_side_by_side(data)]
    else:
        tables = [_table(hub) for hub in data]
    records = [f"{RECORD_KIND}/{hub['record']}" for hub in data]
    show(output, data, *(replace(t, names=records if n == 0 else ()) for n, t in enumerate(tables)))


def _json(hub: HubAssessment, findings: int, items: tuple[str, ...]) -> dict[str, Any]:
    from responsibility.cli.answers.report import hub_json

    agreement = hub.agreement
    return {
        "record": agreement.record,
        "displayName": agreement.display_name,
        "hub": hub_json(agreement.hub),
        "model": agreement.terms.name,
        "hubState": str(hub.hub_state),
        "findings": findings,
        "clusterFindings": hub.cluster_findings,
        "items": [
            _item(agreement, result)
            for result in hub.items
            if not items or result.item.name in items
        ],
    }


def _item(agreement: Agreement, result: ItemResult) -> dict[str, Any]:
    item = result.item
    owner = agreement.parties.get(item.owner)
    return {
        "number": item.terms.number,
        "name": item.name,
        "title": item.terms.title,
        "owner": item.owner,
        "contact": owner.contact if owner else "",
        "delegates": [
            {
                "party": each.party,
                "until": each.until.isoformat().replace("+00:00", "Z") if each.until else None,
                "active": each.party in result.delegates,
                "reason": each.reason,
            }
            for each in item.delegates
        ],
        "state": str(result.state),
        "checked": list(result.checked),
        "findings": result.findings,
        "clusterFindings": result.cluster_findings,
        "reviewAfter": item.review_after.isoformat() if item.review_after else None,
    }


def _table(hub: dict[str, Any]) -> Table:
    place = f"{hub['hub']['namespace']}/{hub['hub']['release']}"
    return Table(
        columns(
            *("NO", "ITEM", "OWNER", "DELEGATES", "STATE", "FINDINGS"),
            wide=("TITLE", "CONTACT", "CHECKED", "REVIEW AFTER"),
        ),
        [_row(item) for item in _lines(hub)],
        title=f"{hub['displayName']} ({place}, record {hub['record']}){_touching(hub)}",
    )


def _touching(hub: dict[str, Any]) -> str:
    count = hub["clusterFindings"]
    return f", beside {counted(count, 'finding')} of the whole cluster" if count else ""


def _row(item: dict[str, Any]) -> list[str]:
    return [
        str(item["number"]),
        item["name"],
        item["owner"],
        ", ".join(_delegate(each) for each in item["delegates"]) or "-",
        item["state"],
        str(item["findings"] or "-"),
        item["title"],
        item["contact"] or "-",
        ",".join(item["checked"]) or "-",
        item["reviewAfter"] or "-",
    ]


def _delegate(delegate: dict[str, Any]) -> str:
    if delegate["until"] is None:
        return str(delegate["party"])
    word = "until" if delegate["active"] else "ended"
    return f"{delegate['party']} ({word} {delegate['until'][:10]})"


def _lines(hub: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the items; the record itself only where something is to be said of it."""
    return [item for item in hub["items"] if item["number"] or item["findings"]]


def _side_by_side(hubs: list[dict[str, Any]]) -> Table:
    """Return a line for each hub and a column for each item: its owner's initials, and a sign."""
    from responsibility.web.words import STATES, initials

    owners = initials(item["owner"] for hub in hubs for item in _lines(hub))
    items = {(item["number"], item["name"]): None for hub in hubs for item in _lines(hub)}
    rows = []
    for hub in hubs:
        by_item = {(item["number"], item["name"]): item for item in _lines(hub)}
        cells = (by_item.get(key) for key in sorted(items))
        rows.append(
            [
                hub["record"],
                str(hub["findings"] or "-"),
                *(f"{owners[i['owner']]}{STATES[i['state']].sign}" if i else "-" for i in cells),
            ]
        )
    signs = ", ".join(f"{state.sign} {state.word}" for state in STATES.values())
    letters = ", ".join(f"{short} {name}" for name, short in owners.items())
    names = ", ".join(f"{number} {name}" for number, name in sorted(items))
    return Table(
        (Column("HUB"), Column("FINDINGS"), *(Column(str(number)) for number, _ in sorted(items))),
        rows,
        footer=f"{letters}; {signs}\n{names}",
    )
