"""All hubs side by side: a line for each, a column for each item."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias
from xml.etree.ElementTree import Element

from responsibility.ownership.results.assessment import HubAssessment, ItemResult
from responsibility.ownership.results.severity import Severity
from responsibility.ownership.terms.agreement import Agreement
from responsibility.phrases import counted
from responsibility.web.document import Child, isolated, joined, tag
from responsibility.web.filters import classes, filters, links
from responsibility.web.words import STATES, initials, label, lines, natural

Address = Callable[[HubAssessment], str]
# By record: how bad the worst is (the lowest is), and how many causes there are.
Counts: TypeAlias = Mapping[str, tuple[int, int]]


def overview(
    hubs: Sequence[HubAssessment],
    address: Address,
    counts: Counts | None = None,
    *,
    standing: bool = True,
    title: str = "All hubs",
) -> Iterable[Child]:
    """Yield a table with a line for each hub, the worst first, and a column for each item.

    ``address`` is where a hub's own part is. Without ``standing`` it is who has what, by name.
    """
    known = {} if not standing else counts_of(hubs) if counts is None else counts
    items = {
        (result.item.terms.number, result.item.terms.title): None
        for hub in hubs
        for result in lines(hub, standing=standing)
    }
    letters = initials(
        result.item.owner for hub in hubs for result in lines(hub, standing=standing)
    )
    yield tag("h2", title)
    yield tag(
        "p",
        f"{counted(len(hubs), 'hub')}; the columns are the items by number. ",
        *joined(
            (
                tag("span", tag("b", letter), " is ", isolated(_known_as(hubs, name)))
                for name, letter in letters.items()
            ),
            "; ",
        ),
        ".",
    )
    if standing:
        yield from links(filters(hubs), hubs)
    head = [
        tag("th", tag("abbr", str(number), title=title), scope="col")
        for number, title in sorted(items)
    ]
    rows = []
    for hub in sorted(hubs, key=lambda hub: worst_first(hub, known)):
        _, number = known.get(hub.agreement.record, _NOTHING)
        cells = {
            (r.item.terms.number, r.item.terms.title): r for r in lines(hub, standing=standing)
        }
        rows.append(
            tag(
                "tr",
                tag(
                    "th",
                    tag("a", isolated(hub.agreement.display_name), href=address(hub)),
                    scope="row",
                ),
                tag("td", str(number or ""), class_="number") if standing else None,
                *(
                    _cell(hub.agreement, cells[key], letters, standing=standing)
                    if key in cells
                    else tag("td", "")
                    for key in sorted(items)
                ),
                class_=classes(hub) if standing else "hub",
            )
        )
    table = tag(
        "table",
        tag(
            "thead",
            tag(
                "tr",
                tag("th", "Hub", scope="col"),
                tag("th", "To do", scope="col") if standing else None,
                *head,
            ),
        ),
        tag("tbody", *rows),
        class_="grid",
    )
    yield tag("div", table, class_="wide", tabindex="0", role="region", aria_label=title)


_NOTHING = (len(Severity) + 1, 0)


def counts_of(hubs: Iterable[HubAssessment]) -> Counts:
    """Return how bad the worst of each hub's causes is, and how many it has, where it has any."""
    return {
        hub.agreement.record: (min(int(cause.severity) for cause in hub.causes), len(hub.causes))
        for hub in hubs
        if hub.causes
    }


def worst_first(hub: HubAssessment, counts: Counts) -> tuple[int, int, tuple[int | str, ...]]:
    """Return the sort key by which the hub with most that is bad comes first."""
    worst, number = counts.get(hub.agreement.record, _NOTHING)
    return worst, -number, natural(hub.agreement.display_name)


def _cell(
    agreement: Agreement, result: ItemResult, letters: Mapping[str, str], *, standing: bool
) -> Element:
    state, owner = STATES[str(result.state)], label(agreement, result.item.owner)
    if not standing:
        told = f"{result.item.terms.title}: {owner}"
        return tag("td", letters[result.item.owner], title=told)
    sign = "" if result.state == "recorded" else f" {state.sign}"
    return tag(
        "td",
        letters[result.item.owner] + sign,
        class_=str(result.state),
        title=f"{result.item.terms.title}: {owner}, {state.word}",
    )


def _known_as(hubs: Iterable[HubAssessment], name: str) -> str:
    """Return what all hubs call a party, or its name where they differ."""
    labels = {label(hub.agreement, name) for hub in hubs}
    return labels.pop() if len(labels) == 1 else f"the hub's {name}"
