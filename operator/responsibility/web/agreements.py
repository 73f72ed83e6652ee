"""What is on the page: each hub's items, who is responsible, and how each stands.

It is written for those who are party to an agreement, not for those who know Kubernetes: states
are told in words, every party by its name and how to reach it. Who can do what is on it only where
it was asked for, since such a page gets around.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from xml.etree.ElementTree import Element

from responsibility.ownership.agreement import Agreement, Bound, Delegation, Party
from responsibility.ownership.assessment import HubAssessment, HubState, ItemResult
from responsibility.web.document import Child, document, joined, link, tag, told

TITLE = "Who is responsible for what"


@dataclass(frozen=True, slots=True)
class Difference:
    """A finding for people: what differs from what is agreed, what ends it, and whom to ask."""

    item: int
    message: str
    remedy: str
    contacts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _State:
    """A state in words: a sign for tables, a word, and what it means."""

    sign: str
    word: str
    meaning: str


_STATES: Mapping[str, _State] = {
    "ok": _State("✓", "as agreed", "what can be checked was checked, and is as agreed"),
    "drift": _State("✗", "differs", "who can do it is not who should"),
    "unknown": _State("?", "can't be told", "something could not be looked at"),
    "recorded": _State("·", "on record", "it is agreed, and no program has checked it"),
    "overdue": _State("!", "look at it again", "the day on which to look at it again has passed"),
}
_CHECKED = {"kubernetes": "Kubernetes", "jupyterhub": "JupyterHub"}
_HUB_STATES = {
    HubState.MISSING: "No such hub was found, so nothing could be checked.",
    HubState.NO_NAMESPACE: "The hub's namespace was not found, so nothing could be checked.",
    HubState.DELETING: "The hub's namespace is being deleted.",
    HubState.AMBIGUOUS: "Several hubs share the namespace and the record does not say which is "
    "meant, so nothing could be checked.",
}


def agreements_page(
    hubs: Sequence[HubAssessment],
    now: datetime,
    differences: Mapping[str, Sequence[Difference]] | None = None,
) -> str:
    """Return the page of these hubs as of ``now``, as an HTML document.

    ``differences`` are told, by record, where they are given; else only how many there are.
    """
    title = f"{TITLE}: {hubs[0].agreement.display_name}" if len(hubs) == 1 else TITLE
    sections = [
        _section(hub, now, None if differences is None else differences[hub.agreement.record])
        for hub in hubs
    ]
    return document(
        title,
        tag(
            "main",
            tag("h1", TITLE),
            tag("p", f"As of {_moment(now)}.", class_="faint"),
            None if hubs else tag("p", "There is no record of any hub."),
            *(_overview(hubs) if len(hubs) > 1 else ()),
            *sections,
            *(_legend() if hubs else ()),
        ),
    )


# --- all hubs -----------------------------------------------------------------------------------


def _overview(hubs: Sequence[HubAssessment]) -> Iterable[Child]:
    """Yield a table with a line for each hub and a column for each item."""
    items = {
        (result.item.terms.number, result.item.terms.title): None
        for hub in hubs
        for result in _lines(hub)
    }
    letters = _letters(hubs)
    yield tag("h2", "All hubs")
    yield tag(
        "p",
        f"{len(hubs)} hubs; the columns are the items by number. ",
        *joined(
            (
                tag("span", tag("b", letter), " is ", told(_known_as(hubs, name)))
                for name, letter in letters.items()
            ),
            "; ",
        ),
        ".",
    )
    head = [
        tag("th", tag("abbr", str(number), title=title), scope="col")
        for number, title in sorted(items)
    ]
    rows = []
    for hub in hubs:
        cells = {(r.item.terms.number, r.item.terms.title): r for r in _lines(hub)}
        rows.append(
            tag(
                "tr",
                tag(
                    "th",
                    tag("a", told(hub.agreement.display_name), href=f"#{_anchor(hub)}"),
                    scope="row",
                ),
                *(
                    _cell(hub.agreement, cells[key], letters) if key in cells else tag("td", "")
                    for key in sorted(items)
                ),
            )
        )
    table = tag(
        "table",
        tag("thead", tag("tr", tag("th", "Hub", scope="col"), *head)),
        tag("tbody", *rows),
        class_="grid",
    )
    yield tag("div", table, class_="wide", tabindex="0", role="region", aria_label="All hubs")


def _cell(agreement: Agreement, result: ItemResult, letters: Mapping[str, str]) -> Element:
    state, owner = _STATES[str(result.state)], _label(agreement, result.item.owner)
    sign = "" if result.state == "recorded" else f" {state.sign}"
    return tag(
        "td",
        letters[result.item.owner] + sign,
        class_=str(result.state),
        title=f"{result.item.terms.title}: {owner}, {state.word}",
    )


def _letters(hubs: Iterable[HubAssessment]) -> dict[str, str]:
    """Return for each party that owns anything as few letters as tell it from the others.

    By the name that all hubs know it by: each has a community of its own.
    """
    found: dict[str, str] = {}
    for name in sorted({result.item.owner for hub in hubs for result in _lines(hub)}):
        shorts = [name[:count].capitalize() for count in range(1, len(name) + 1)]
        found[name] = next((short for short in shorts if short not in found.values()), name)
    return found


def _known_as(hubs: Iterable[HubAssessment], name: str) -> str:
    """Return what all hubs call a party, or its name where they differ."""
    labels = {_label(hub.agreement, name) for hub in hubs}
    return labels.pop() if len(labels) == 1 else f"the hub's {name}"


# --- one hub ------------------------------------------------------------------------------------


def _section(
    hub: HubAssessment, now: datetime, differences: Sequence[Difference] | None
) -> Element:
    agreement = hub.agreement
    problem = _HUB_STATES.get(hub.hub_state)
    return tag(
        "section",
        tag("h2", told(agreement.display_name), id=_anchor(hub)),
        tag("p", f"Namespace {agreement.hub.namespace}, record {agreement.record}", class_="faint"),
        tag("p", *_split(hub)),
        tag("p", problem, class_="drift") if problem else None,
        _items(hub, now),
        *(_differences(differences) if differences is not None else ()),
        *_parties(agreement),
        aria_labelledby=_anchor(hub),
    )


def _split(hub: HubAssessment) -> list[Child]:
    """Return in a sentence who has how much."""
    total = sum(count for _, count in hub.owner_split)
    parts = [
        tag("span", told(_label(hub.agreement, name)), f" for {count}")
        for name, count in hub.owner_split
    ]
    differ = sum(result.state == "drift" for result in hub.items)
    text = {0: "None differs from what is agreed.", 1: "One differs from what is agreed."}
    words = text.get(differ, f"{differ} differ from what is agreed.")
    return [f"Of {total} items, responsible are: ", *joined(parts), f". {words}"]


def _items(hub: HubAssessment, now: datetime) -> Element:
    head = ("", "What", "Responsible", "May act as well", "How it stands")
    return tag(
        "table",
        tag("caption", "What is agreed, and how it stands"),
        tag("thead", tag("tr", *(tag("th", text, scope="col") for text in head))),
        tag("tbody", *(_item(hub.agreement, result, now) for result in _lines(hub))),
        class_="items",
    )


def _item(agreement: Agreement, result: ItemResult, now: datetime) -> Element:
    item, terms = result.item, result.item.terms
    state = _STATES[str(result.state)]
    count = result.findings
    where = [_CHECKED[each] for each in result.checked if each in _CHECKED]
    more = [
        f"{count} finding{'s' * (count != 1)}" if count else "",
        f"checked in {' and '.join(where)}" if where and result.state != "recorded" else "",
        f"to be looked at again on {_day(item.review_after)}" if item.review_after else "",
    ]
    described = tag("small", told(terms.description)) if terms.description else None
    return tag(
        "tr",
        tag("td", str(terms.number), class_="number"),
        tag("th", told(terms.title), described, scope="row"),
        tag("td", told(_label(agreement, item.owner)), data_label="Responsible"),
        tag(
            "td",
            *joined((_delegate(agreement, each, now) for each in item.delegates), "; "),
            data_label="May act as well",
        )
        if item.delegates
        else tag("td", ""),
        tag(
            "td",
            tag("span", f"{state.sign} {state.word}", class_=f"state {result.state}"),
            tag("small", "; ".join(filter(None, more))) if any(more) else None,
        ),
    )


def _delegate(agreement: Agreement, delegate: Delegation, now: datetime) -> Element:
    ended = not delegate.active(now)
    until = ""
    if delegate.until is not None:
        until = f" {'ended' if ended else 'until'} {_moment(delegate.until)}"
    within = ", ".join(map(_bound, delegate.bounds))
    details = [
        tag("span", within) if within else None,
        told(delegate.reason) if delegate.reason else None,
    ]
    shown = [each for each in details if each is not None]
    return tag(
        "span",
        tag("s" if ended else "span", told(_label(agreement, delegate.party))),
        until,
        *((" (", *joined(shown, "; "), ")") if shown else ()),
    )


def _bound(bound: Bound) -> str:
    ends = [
        f"at least {bound.minimum}" if bound.minimum else "",
        f"at most {bound.maximum}" if bound.maximum else "",
    ]
    return f"{bound.path} {' and '.join(filter(None, ends))}".strip()


def _differences(differences: Sequence[Difference]) -> Iterable[Element]:
    yield tag("h3", "What was found")
    if not differences:
        yield tag("p", "Nothing that differs.")
        return
    yield tag(
        "ul",
        *(
            tag(
                "li",
                tag("b", f"{each.item}: ") if each.item else None,
                told(each.message),
                tag(
                    "small",
                    told(each.remedy),
                    *((" Ask ", *joined(map(link, each.contacts)), ".") if each.contacts else ()),
                ),
            )
            for each in differences
        ),
    )


def _parties(agreement: Agreement) -> Iterable[Element]:
    named = {item.owner for item in agreement.items if item.terms.number}
    named |= {each.party for item in agreement.items for each in item.delegates}
    yield tag("h3", "Whom to ask")
    children = []
    for name in sorted(named & agreement.parties.keys()):
        party = agreement.parties[name]
        addresses = [link(text) for text in (party.email, party.url) if text]
        children += [
            tag("dt", told(party.label)),
            tag("dd", *joined(addresses)) if addresses else tag("dd", "no address is on record"),
        ]
    yield tag("dl", *children)


def _legend() -> Iterable[Element]:
    yield tag("h2", "What the words mean")
    yield tag(
        "dl",
        *(
            each
            for name, state in _STATES.items()
            for each in (
                tag("dt", f"{state.sign} {state.word}", class_=name),
                tag("dd", state.meaning),
            )
        ),
    )


# --- words --------------------------------------------------------------------------------------


def _lines(hub: HubAssessment) -> Iterable[ItemResult]:
    """Return the items; the record itself only where something is to be said of it."""
    return [r for r in hub.items if r.item.terms.number or r.findings]


def _label(agreement: Agreement, name: str) -> str:
    return agreement.parties.get(name, Party(name)).label


def _anchor(hub: HubAssessment) -> str:
    return f"hub-{hub.agreement.record}"


def _moment(moment: datetime) -> str:
    return f"{_day(moment)}, {moment:%H:%M} UTC"


def _day(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


# Not by the locale of whoever writes the page.
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
