"""All hubs side by side: a line for each, a column for each item."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from xml.etree.ElementTree import Element

from responsibility.ownership.results.assessment import HubAssessment, ItemResult
from responsibility.ownership.results.severity import Severity
from responsibility.ownership.terms.agreement import Agreement
from responsibility.web.document import Child, isolated, joined, tag
from responsibility.web.filters import classes, filters, links
from responsibility.web.words import STATES, initials, label, lines

Address = Callable[[HubAssessment], str]


def overview(hubs: Sequence[HubAssessment], address: Address) -> Iterable[Child]:
    """Yield a table with a line for each hub, the worst first, and a column for each item.

    ``address`` is where a hub's own part is.
    """
    items = {
        (result.item.terms.number, result.item.terms.title): None
        for hub in hubs
        for result in lines(hub)
    }
    found = filters(hubs)
    letters = initials(result.item.owner for hub in hubs for result in lines(hub))
    yield tag("h2", "All hubs")
    yield tag(
        "p",
        f"{len(hubs)} hubs; the columns are the items by number. ",
        *joined(
            (
                tag("span", tag("b", letter), " is ", isolated(_known_as(hubs, name)))
                for name, letter in letters.items()
            ),
            "; ",
        ),
        ".",
    )
    yield from links(found, hubs)
    head = [
        tag("th", tag("abbr", str(number), title=title), scope="col")
        for number, title in sorted(items)
    ]
    rows = []
    for hub in sorted(hubs, key=_worst_first):
        cells = {(r.item.terms.number, r.item.terms.title): r for r in lines(hub)}
        rows.append(
            tag(
                "tr",
                tag(
                    "th",
                    tag("a", isolated(hub.agreement.display_name), href=address(hub)),
                    scope="row",
                ),
                tag("td", str(len(hub.causes) or ""), class_="number"),
                *(
                    _cell(hub.agreement, cells[key], letters) if key in cells else tag("td", "")
                    for key in sorted(items)
                ),
                class_=classes(hub),
            )
        )
    table = tag(
        "table",
        tag(
            "thead",
            tag("tr", tag("th", "Hub", scope="col"), tag("th", "To do", scope="col"), *head),
        ),
        tag("tbody", *rows),
        class_="grid",
    )
    yield tag("div", table, class_="wide", tabindex="0", role="region", aria_label="All hubs")


def _worst_first(hub: HubAssessment) -> tuple[int, int, str]:
    """Return the sort key by which the hub with most that is bad comes first."""
    worst = min((cause.severity for cause in hub.causes), default=len(Severity) + 1)
    return worst, -len(hub.causes), hub.agreement.display_name


def _cell(agreement: Agreement, result: ItemResult, letters: Mapping[str, str]) -> Element:
    state, owner = STATES[str(result.state)], label(agreement, result.item.owner)
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
