"""``split``: how many items, and how much work, each party carries over all hubs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from responsibility.cli.sources.cluster_view import ALL
from responsibility.cli.sources.options import (
    Where,
    at_option,
    instant,
    note,
    output_option,
    where_options,
)
from responsibility.cli.terminal.output import Table, columns, show

if TYPE_CHECKING:
    from responsibility.cli.answers.report import Report

# Hours: a working day has eight, a month 21 days or four weeks and a third.
_HOURS = {"minute": 1 / 60, "hour": 1.0, "day": 8.0, "week": 40.0}
_A_MONTH = {"day": 21.0, "week": 52 / 12, "month": 1.0, "quarter": 1 / 3, "year": 1 / 12}
_EFFORT = re.compile(
    r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>minute|min|hour|h|day|d|week)s?\s*"
    r"(?:a|an|per|each|every|/)\s*(?P<every>day|week|month|quarter|year)",
    re.IGNORECASE,
)
_SHORT = {"min": "minute", "h": "hour", "d": "day"}


@click.command(name="split")
@click.argument("hubs", metavar="[HUB]...", nargs=-1)
@at_option
@output_option()
@where_options
def command(*, where: Where, hubs: tuple[str, ...], moment: str | None, output: str) -> None:
    r"""Show how many items, and how much work, each party carries, over all hubs or some.

    The work is what the model says of an item (effort), such as `2 hours a month`, for each hub.
    Delegates are counted apart: they may act, and the owner is accountable.

    \b
    Examples:
      kubectl responsibility split
      kubectl responsibility split leap-prod coast
      kubectl responsibility split -o wide
    """
    from responsibility.cli.answers.report import Report

    report = Report.of(where.load(ALL), instant(moment))
    report.tell_gaps()
    found = [
        _share(report, hub.agreement.record, name)
        for hub in report.hubs(hubs)
        for name in sorted(hub.agreement.parties)
    ]
    per_hub = [share for share in found if share.items or share.delegated]
    totals = list(_totals(per_hub))
    data = {
        "parties": [share.json() | {"hubs": share.hubs} for share in totals],
        "hubs": [share.json() | {"record": share.record} for share in per_hub],
    }
    tables = [_table(totals, "HUBS", [str(share.hubs) for share in totals])]
    if output == "wide":
        tables.append(_table(per_hub, "HUB", [share.record for share in per_hub]))
    show(output, data, *tables)
    if per_hub and not any(share.has_efforts for share in per_hub):
        note(
            "the model says of no item how much work it is (effort), so nothing can be said about "
            "hours; write `effort: 2 hours a month` at its items"
        )


@dataclass(slots=True)
class _Share:
    """The items and the work of one party, on one hub or on several."""

    party: str
    record: str = ""
    hubs: int = 1
    items: list[str] = field(default_factory=list)
    delegated: list[str] = field(default_factory=list)
    hours: float = 0.0
    unknown: list[str] = field(default_factory=list)

    @property
    def has_efforts(self) -> bool:
        """Whether the model says how much work any of its items is."""
        return len(self.unknown) < len(self.items)

    def json(self) -> dict[str, Any]:
        """Return it as documented in the reference."""
        return {
            "party": self.party,
            "items": len(self.items),
            "delegated": len(self.delegated),
            "hoursAMonth": round(self.hours, 2),
            "withoutEffort": len(self.unknown),
            "names": sorted(set(self.items)),
        }


def _share(report: Report, record: str, party: str) -> _Share:
    agreement = report.assessment.hubs[record].agreement
    model = report.view.models[agreement.terms.name]
    efforts = {item.name: item.effort for item in model.spec.items}
    share = _Share(party, record)
    for item in agreement.items:
        if not item.terms.number:
            continue
        if item.owner == party:
            share.items.append(item.name)
            hours = hours_a_month(efforts.get(item.name, ""))
            if hours is None:
                share.unknown.append(item.name)
            else:
                share.hours += hours
        elif party in item.parties(report.assessment.now):
            share.delegated.append(item.name)
    return share


def hours_a_month(effort: str) -> float | None:
    """Return an effort in hours a month; None where it can't be told from the text."""
    match = _EFFORT.search(effort)
    if match is None:
        return None
    unit = match["unit"].lower()
    hours = float(match["number"]) * _HOURS[_SHORT.get(unit, unit)]
    return hours * _A_MONTH[match["every"].lower()]


def _totals(shares: Iterable[_Share]) -> Iterator[_Share]:
    found: dict[str, _Share] = {}
    for share in shares:
        total = found.setdefault(share.party, _Share(share.party, hubs=0))
        total.hubs += 1
        total.items += share.items
        total.delegated += share.delegated
        total.hours += share.hours
        total.unknown += share.unknown
    yield from sorted(found.values(), key=lambda share: (-len(share.items), share.party))


def _table(shares: list[_Share], title: str, cells: list[str]) -> Table:
    every = sum(len(share.items) for share in shares) or 1
    # Columns that nothing is known for would only look like zero.
    hours = any(share.has_efforts for share in shares)
    titles = ("HOURS A MONTH", "WITHOUT EFFORT") if hours else ()
    return Table(
        columns(title, "PARTY", "ITEMS", "SHARE", "DELEGATED", *titles),
        [
            [
                cell,
                share.party,
                str(len(share.items)),
                f"{100 * len(share.items) / every:.0f} %",
                str(len(share.delegated) or "-"),
                *(_work(share) if hours else ()),
            ]
            for cell, share in zip(cells, shares, strict=True)
        ],
        empty="there is no record of any hub: `init` drafts them",
        names=[share.party for share in shares],
    )


def _work(share: _Share) -> tuple[str, str]:
    return (f"{share.hours:g}" if share.has_efforts else "-", str(len(share.unknown) or "-"))
