"""One hub: its items, who has them and how each stands, what was found, and whom to ask."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from xml.etree.ElementTree import Element

from responsibility.ownership.results.assessment import HubAssessment, HubState, ItemResult
from responsibility.ownership.results.value_wording import agreed_text
from responsibility.ownership.terms.agreement import Agreement, Bound, Delegation
from responsibility.phrases import counted, range_text
from responsibility.web.document import Child, isolated, joined, link, tag
from responsibility.web.filters import classes
from responsibility.web.tasks import Task, tasks
from responsibility.web.words import STATES, anchor, day, label, lines, moment

_CHECKED = {"kubernetes": "Kubernetes", "jupyterhub": "JupyterHub", "values": "settings"}
_HUB_STATES = {
    HubState.MISSING: "No such hub was found, so nothing could be checked.",
    HubState.NO_NAMESPACE: "The hub's namespace was not found, so nothing could be checked.",
    HubState.DELETING: "The hub's namespace is being deleted.",
    HubState.AMBIGUOUS: "Several hubs share the namespace and the record does not say which is "
    "meant, so nothing could be checked.",
}


def section(
    hub: HubAssessment, now: datetime, todo: Sequence[Task] | None, *, standing: bool = True
) -> Element:
    """Return the part of the page about a hub; what there is to do is told where it is given.

    Without ``standing``, it is what is agreed, and nothing of whether it is so.
    """
    agreement = hub.agreement
    problem = _HUB_STATES.get(hub.hub_state) if standing else None
    mine, others = _own_first(agreement)
    own = [label(agreement, name) for name in mine]
    told = tasks(
        todo or (),
        first=own,
        helpers=_contacts(agreement, others),
        readers=_contacts(agreement, mine),
    )
    return tag(
        "section",
        tag("h2", isolated(agreement.display_name), id=anchor(hub)),
        tag("p", f"Namespace {agreement.hub.namespace}, record {agreement.record}", class_="faint"),
        tag("p", *_split(hub, standing=standing)),
        tag("p", problem, class_="drift") if problem else None,
        *((tag("h3", "What there is to do"), *told) if todo is not None else ()),
        *_parties(agreement),
        _items(hub, now, standing=standing),
        aria_labelledby=anchor(hub),
        class_=classes(hub) if standing else "hub",
    )


def _contacts(agreement: Agreement, names: Iterable[str]) -> list[str]:
    parties = (agreement.parties[name] for name in names if name in agreement.parties)
    return [party.contact for party in parties if party.contact]


def _own_first(agreement: Agreement) -> tuple[list[str], list[str]]:
    """Return the owners that the record itself speaks of, and those that are as all hubs have."""
    owners = sorted({item.owner for item in agreement.items})
    shared = agreement.terms.parties
    own = [name for name in owners if agreement.parties.get(name) != shared.get(name)]
    return own, [name for name in owners if name not in own]


def _split(hub: HubAssessment, *, standing: bool) -> list[Child]:
    """Return in a sentence who has how much."""
    total = sum(count for _, count in hub.owner_split)
    parts = [
        tag("span", isolated(label(hub.agreement, name)), f" for {count}")
        for name, count in hub.owner_split
    ]
    beginning = [f"Of {total} items, responsible are: ", *joined(parts), "."]
    if not standing:
        return beginning
    differ = sum(result.state == "drift" for result in hub.items)
    text = {0: "None differs from what is agreed.", 1: "One differs from what is agreed."}
    words = text.get(differ, f"{differ} differ from what is agreed.")
    touching = hub.cluster_findings
    also = f" {counted(touching, 'finding')} of the whole cluster may touch it." if touching else ""
    return [*beginning, f" {words}{also}"]


def _items(hub: HubAssessment, now: datetime, *, standing: bool) -> Element:
    head = ["No.", "What", "Responsible", "May act as well"]
    head += ["How it stands"] if standing else []
    agreement = hub.agreement
    own, shared = _own_first(agreement)
    bodies = []
    for owner in (*own, *shared):
        of_them = [result for result in lines(hub, standing=standing) if result.item.owner == owner]
        title = tag("span", isolated(label(agreement, owner)), " is responsible for")
        rows = [
            _item(
                agreement,
                result,
                now,
                f"item/{agreement.record}/{result.item.name}",
                standing=standing,
            )
            for result in of_them
        ]
        above = tag("tr", tag("th", title, scope="rowgroup", colspan=str(len(head))))
        if rows:
            bodies.append(tag("tbody", above, *rows))
    return tag(
        "table",
        tag("caption", "What is agreed, and how it stands" if standing else "What is agreed"),
        tag("thead", tag("tr", *(tag("th", text, scope="col") for text in head))),
        *bodies,
        class_="items",
    )


def _item(
    agreement: Agreement, result: ItemResult, now: datetime, place: str, *, standing: bool
) -> Element:
    item, terms = result.item, result.item.terms
    state = STATES[str(result.state)]
    count = result.findings
    where = [_CHECKED[each] for each in result.checked if each in _CHECKED]
    more = [
        counted(count, "finding") if count else "",
        f"checked in {' and '.join(where)}" if where and result.state != "recorded" else "",
        f"to be looked at again on {day(item.review_after)}" if item.review_after else "",
    ]
    described = tag("small", isolated(terms.description)) if terms.description else None
    settings = ", ".join(f"{each.path} {agreed_text(each)}" for each in item.agreed)
    agreed = tag("small", "agreed: ", isolated(settings)) if settings else None
    return tag(
        "tr",
        tag(
            "td",
            tag(
                "a", str(terms.number), href=f"#{place}", aria_label=f"Link to item {terms.number}"
            ),
            class_="number",
        ),
        tag("th", isolated(terms.title), described, agreed, scope="row"),
        tag("td", isolated(label(agreement, item.owner)), data_label="Responsible"),
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
        )
        if standing
        else None,
        id=place,
    )


def _delegate(agreement: Agreement, delegate: Delegation, now: datetime) -> Element:
    ended = not delegate.active(now)
    until = ""
    if delegate.until is not None:
        until = f" {'ended' if ended else 'until'} {moment(delegate.until)}"
    within = ", ".join(map(_bound, delegate.bounds))
    details = [
        tag("span", within) if within else None,
        isolated(delegate.reason) if delegate.reason else None,
    ]
    shown = [each for each in details if each is not None]
    return tag(
        "span",
        tag("s" if ended else "span", isolated(label(agreement, delegate.party))),
        until,
        *((" (", *joined(shown, "; "), ")") if shown else ()),
    )


def _bound(bound: Bound) -> str:
    return f"{bound.path} {range_text(bound.minimum, bound.maximum)}".strip()


def _parties(agreement: Agreement) -> Iterable[Element]:
    named = {item.owner for item in agreement.items if item.terms.number}
    named |= {each.party for item in agreement.items for each in item.delegates}
    yield tag("h3", "Whom to ask")
    children = []
    for name in sorted(named & agreement.parties.keys()):
        party = agreement.parties[name]
        addresses = [link(text) for text in (party.email, party.url) if text]
        children += [
            tag("dt", isolated(party.label)),
            tag("dd", *joined(addresses)) if addresses else tag("dd", "no address is on record"),
        ]
    yield tag("dl", *children)
