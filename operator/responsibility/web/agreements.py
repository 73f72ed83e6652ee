"""Contents of the page: each hub's items, who is responsible, and how each stands.

It is written for those who are party to an agreement, not for those who know Kubernetes: states
are told in words, every party by its name and how to reach it. Who can do what is on it only where
it was asked for, since such a page gets around.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from xml.etree.ElementTree import Element

from responsibility.ownership.results.assessment import HubAssessment
from responsibility.web.document import document, tag
from responsibility.web.hub import Difference, section
from responsibility.web.overview import overview
from responsibility.web.words import STATES, moment

TITLE = "Who is responsible for what"


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
        section(hub, now, None if differences is None else differences[hub.agreement.record])
        for hub in hubs
    ]
    return document(
        title,
        tag(
            "main",
            tag("h1", TITLE),
            tag("p", f"As of {moment(now)}.", class_="faint"),
            None if hubs else tag("p", "There is no record of any hub."),
            *(overview(hubs) if len(hubs) > 1 else ()),
            *sections,
            *(_legend() if hubs else ()),
        ),
    )


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
