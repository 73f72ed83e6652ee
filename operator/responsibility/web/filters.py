"""Filters: links that leave on the page only those hubs to which something applies.

The page runs no program, so a filter is a link to itself: where it is the target of the address
(``:target``), the style sheet hides the other hubs. So a filter is used by keyboard like any link,
is in the history, and its address can be sent to somebody else. A browser without ``:has`` shows
all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from responsibility.ownership.results.assessment import HubAssessment, ItemResult
from responsibility.web.document import Child, isolated, tag
from responsibility.web.words import STATES, label, lines

# What somebody has to look at; the rest is as it should be.
OPEN = ("drift", "unknown", "overdue")
ALL = "all-hubs"
# What may become a part of the style sheet.
_CLASS = re.compile("[a-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Filter:
    """One link: its group, the name that is its address and the class of its hubs, and its text."""

    group: str
    name: str
    text: str


def filters(hubs: Sequence[HubAssessment]) -> list[Filter]:
    """Return the filters that leave some of these hubs, and not all: by state, owner and item."""
    states, owners, items = {}, {}, {}
    for hub in hubs:
        for result in _open(hub):
            state = STATES[str(result.state)]
            states[str(result.state)] = Filter("How it stands", _state(result), state.word)
            owner = result.item.owner
            if owner not in owners:
                owners[owner] = Filter("Whose it is", _owner(result), _known_as(hubs, owner))
            terms = result.item.terms
            items[terms.number] = Filter(
                "Which item", _item(result), f"{terms.number} {terms.title}"
            )
    return [
        *(states[state] for state in OPEN if state in states),
        *(owners[owner] for owner in sorted(owners)),
        *(items[number] for number in sorted(items)),
    ]


def classes(hub: HubAssessment) -> str:
    """Return the names of the filters that leave a hub, as classes of what shows it."""
    found = dict.fromkeys(
        name for result in _open(hub) for name in (_state(result), _owner(result), _item(result))
    )
    return " ".join(["hub", *found])


def links(found: Sequence[Filter], hubs: Sequence[HubAssessment]) -> Iterable[Child]:
    """Yield the links, each with the number of hubs that it leaves."""
    if not found:
        return
    counts: dict[str, int] = {}
    for hub in hubs:
        for name in classes(hub).split():
            counts[name] = counts.get(name, 0) + 1
    groups = dict.fromkeys(each.group for each in found)
    children: list[Child] = [
        tag("p", tag("a", f"All {len(hubs)} hubs", href=f"#{ALL}", id=ALL)),
    ]
    children += [
        tag(
            "div",
            tag("p", f"{group}:", class_="faint"),
            tag("ul", *(_link(e, counts[e.name]) for e in found if e.group == group)),
        )
        for group in groups
    ]
    yield tag("nav", *children, class_="filters", aria_label="Show only some hubs")


def rules(found: Sequence[Filter]) -> str:
    """Return what the style sheet has to say of these filters."""
    return "".join(
        f"main:has(#{each.name}:target) .hub:not(.{each.name}) {{ display: none; }}\n"
        for each in found
        if _CLASS.fullmatch(each.name)
    )


def _link(each: Filter, count: int) -> Element:
    text = isolated(each.text)
    return tag("li", tag("a", text, f" ({count})", href=f"#{each.name}", id=each.name))


def _open(hub: HubAssessment) -> list[ItemResult]:
    return [result for result in lines(hub) if str(result.state) in OPEN]


# The API takes no names of owners that aren't fit for it; and no hub's address begins so.
def _state(result: ItemResult) -> str:
    return f"only-{result.state}"


def _owner(result: ItemResult) -> str:
    return f"only-owner-{result.item.owner}"


def _item(result: ItemResult) -> str:
    return f"only-item-{result.item.terms.number}"


def _known_as(hubs: Iterable[HubAssessment], name: str) -> str:
    labels = {label(hub.agreement, name) for hub in hubs}
    return labels.pop() if len(labels) == 1 else f"each hub's {name}"
