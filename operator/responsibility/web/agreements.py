"""Contents of the page: each hub's items, who is responsible, and how each stands.

It is written for those who are party to an agreement, not for those who know Kubernetes: states
are told in words, every party by its name and how to reach it. Who can do what is on it only where
it was asked for, since such a page gets around.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.etree.ElementTree import Element

from responsibility.ownership.results.assessment import HubAssessment
from responsibility.web.addresses import hub_file
from responsibility.web.document import Child, WebDocument, document, joined, tag
from responsibility.web.filters import filters, rules
from responsibility.web.hub import section
from responsibility.web.overview import Counts, overview
from responsibility.web.tasks import Task, folded_tasks
from responsibility.web.words import STATES, anchor, moment

TITLE = "Who is responsible for what"


@dataclass(frozen=True, slots=True)
class Todo:
    """What there is to do: on each hub, by the name of its record, and on the whole cluster."""

    hubs: Mapping[str, Sequence[Task]]
    cluster: Sequence[Task] = ()


def agreements_page(
    hubs: Sequence[HubAssessment],
    now: datetime,
    todo: Todo | None = None,
    *,
    home: str = "",
    stale: Sequence[str] = (),
    counts: Counts | None = None,
    standing: bool = True,
    note: str = "",
    links: Sequence[tuple[str, str]] = (),
) -> WebDocument:
    """Return the page of these hubs as of ``now``.

    What there is to do is told where it is given; else only how much differs. ``home`` is the
    address of the page with all hubs, if there is one; ``stale`` is what has not been heard of for
    long of all that the page rests on. ``counts`` is how many causes there are, where the hubs
    don't say. Without ``standing``, there is nothing on it but what is agreed; a ``note`` may say
    why. ``links`` are more places to go to, each with what it is called and its address.
    """
    title = f"{TITLE}: {hubs[0].agreement.display_name}" if len(hubs) == 1 else TITLE
    sections = [
        section(
            hub,
            now,
            None if todo is None else todo.hubs[hub.agreement.record],
            standing=standing,
        )
        for hub in hubs
    ]
    several = len(hubs) > 1
    return document(
        title,
        tag(
            "main",
            *_head(now, stale, note),
            tag("p", tag("a", "All hubs", href=home)) if home else None,
            tag("p", *joined((tag("a", n, href=to) for n, to in links), " · ")) if links else None,
            None if hubs else tag("p", "There is no record of any hub."),
            *(_cluster(todo) if several else ()),
            *(
                overview(hubs, lambda hub: f"#{anchor(hub)}", counts, standing=standing)
                if several
                else ()
            ),
            *sections,
            # Whoever reads of one hub reads of that first.
            *(() if several else _cluster(todo)),
            *(_legend() if hubs and standing else ()),
        ),
        css=rules(filters(hubs)) if several and standing else "",
    )


def index_page(
    hubs: Sequence[HubAssessment],
    now: datetime,
    todo: Todo | None = None,
    *,
    stale: Sequence[str] = (),
    counts: Counts | None = None,
    standing: bool = True,
    own: Sequence[HubAssessment] = (),
    note: str = "",
    home: str = "",
) -> WebDocument:
    """Return the page with a line for each hub, whose own page is beside it: see `filename`.

    ``home`` is the address of the page with all clusters, if there is one. Without ``standing``,
    of those hubs alone that are somebody's ``own`` it is told how they stand.
    """
    mine = {hub.agreement.record for hub in own}
    others = [hub for hub in hubs if hub.agreement.record not in mine]
    return document(
        TITLE,
        tag(
            "main",
            *_head(now, stale, note),
            tag("p", tag("a", "All clusters", href=home)) if home else None,
            *_cluster(todo),
            *(overview(own, filename, counts, title="Your hubs") if own else ()),
            *(
                overview(
                    others,
                    filename,
                    counts,
                    standing=standing,
                    title="All other hubs" if own else "All hubs",
                )
                if others or not own
                else ()
            ),
            *(_legend() if standing or own else ()),
        ),
        css=rules(filters(hubs if standing else own)),
    )


def filename(hub: HubAssessment) -> str:
    """Return the name of a hub's own page; names of records are fit for it."""
    return hub_file(hub.agreement.record)


def _head(now: datetime, stale: Sequence[str], note: str) -> Iterable[Element]:
    yield tag("h1", TITLE)
    yield tag("p", f"As of {moment(now)}.", class_="faint")
    for text in stale:
        yield tag("p", f"What follows may be old: the operator has {text}.")
    if note:
        yield tag("p", note)


def _cluster(todo: Todo | None) -> Iterable[Child]:
    if todo is not None and todo.cluster:
        yield tag("h2", "What there is to do on the whole cluster")
        yield from folded_tasks(todo.cluster)


def _legend() -> Iterable[Element]:
    yield tag("h2", "What the words mean")
    yield tag(
        "dl",
        *(
            each
            for name, state in STATES.items()
            for each in (
                tag("dt", f"{state.sign} {state.word}", class_=name),
                tag("dd", state.meaning),
            )
        ),
    )
