"""All clusters side by side: a line for each, and all hubs of all of them, the worst first.

A cluster that could not be asked has its line as well, above all others: what isn't known is not
fine. Records of two clusters may have the same name, so each cluster has a folder of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.etree.ElementTree import Element

from responsibility.ownership.results.assessment import HubAssessment
from responsibility.ownership.results.severity import Severity
from responsibility.phrases import counted
from responsibility.web.agreements import TITLE, filename
from responsibility.web.document import WebDocument, document, isolated, tag
from responsibility.web.overview import Counts, counts_of, worst_first
from responsibility.web.words import STATES, lines, moment, natural

_HOW_SOON = {
    int(Severity.HIGH): "soon",
    int(Severity.MEDIUM): "this week",
    int(Severity.LOW): "when there is time",
}
# The states that the table of hubs counts.
_COUNTED = ("drift", "unknown", "overdue")


@dataclass(frozen=True, slots=True)
class ClusterPages:
    """One cluster of several: its name, the folder of its pages, and what there is to say of it.

    ``causes`` are how bad each cause of the whole cluster is. Where it was not ``answered``, the
    rest is empty; ``kept`` is whether pages of an earlier day are still in the folder.
    """

    name: str
    folder: str
    hubs: Sequence[HubAssessment] = ()
    counts: Counts | None = None
    causes: Sequence[int] = ()
    answered: bool = True
    kept: bool = False


def fleet_page(clusters: Sequence[ClusterPages], now: datetime) -> WebDocument:
    """Return the page with all clusters and all their hubs."""
    silent = [each for each in clusters if not each.answered]
    hubs = sum(len(each.hubs) for each in clusters)
    about = f"{counted(hubs, 'hub')} of {counted(len(clusters), 'cluster')}. As of {moment(now)}."
    return document(
        TITLE,
        tag(
            "main",
            tag("h1", TITLE),
            tag("p", about, class_="faint"),
            tag(
                "p",
                tag("b", f"{counted(len(silent), 'cluster')} could not be asked"),
                ": nothing is known now of the hubs there.",
            )
            if silent
            else None,
            tag("h2", "All clusters"),
            _wide(_clusters(clusters), "All clusters"),
            tag("h2", "All hubs, the worst first"),
            _wide(_hubs(clusters), "All hubs"),
        ),
    )


def _wide(table: Element, label: str) -> Element:
    return tag("div", table, class_="wide", tabindex="0", role="region", aria_label=label)


def _clusters(clusters: Sequence[ClusterPages]) -> Element:
    rows = [
        tag(
            "tr",
            tag("th", _link(each, each.name, "index.html"), scope="row"),
            *_told(each),
        )
        for each in sorted(clusters, key=_cluster_order)
    ]
    return _table(("Cluster", "Hubs", "Of them with something to do", "On the whole cluster"), rows)


def _cluster_order(cluster: ClusterPages) -> tuple[object, ...]:
    counts = _counts(cluster)
    worst = min([*cluster.causes, *(worst for worst, _ in counts.values())], default=_FINE)
    number = len(cluster.causes) + sum(number for _, number in counts.values())
    return cluster.answered, worst, -number, natural(cluster.name)


def _told(cluster: ClusterPages) -> Iterable[Element]:
    if not cluster.answered:
        words = "could not be asked"
        if cluster.kept:
            words += "; its pages are of an earlier day"
        return [tag("td", words, class_="unknown", colspan="3")]
    return [
        tag("td", str(len(cluster.hubs))),
        tag("td", str(len(_counts(cluster)) or "")),
        tag("td", _things(min(cluster.causes, default=_FINE), len(cluster.causes))),
    ]


def _hubs(clusters: Sequence[ClusterPages]) -> Element:
    every = [(hub, cluster) for cluster in clusters for hub in cluster.hubs]
    known = {id(cluster): _counts(cluster) for cluster in clusters}

    def order(each: tuple[HubAssessment, ClusterPages]) -> tuple[object, ...]:
        hub, cluster = each
        worst, number, name = worst_first(hub, known[id(cluster)])
        return worst, number, natural(cluster.name), name

    rows = []
    for hub, cluster in sorted(every, key=order):
        worst, number = known[id(cluster)].get(hub.agreement.record, (_FINE, 0))
        shown = lines(hub)
        rows.append(
            tag(
                "tr",
                tag("th", _link(cluster, hub.agreement.display_name, filename(hub)), scope="row"),
                tag("td", isolated(cluster.name)),
                tag("td", _things(worst, number)),
                *(tag("td", str(sum(r.state == state for r in shown) or "")) for state in _COUNTED),
            )
        )
    words = (f"Items: {STATES[state].word}" for state in _COUNTED)
    return _table(("Hub", "Cluster", "To do", *words), rows)


_FINE = len(Severity) + 1


def _counts(cluster: ClusterPages) -> Counts:
    return counts_of(cluster.hubs) if cluster.counts is None else cluster.counts


def _things(worst: int, number: int) -> str:
    return f"{counted(number, 'thing')}, {_HOW_SOON[worst]}" if number else ""


def _link(cluster: ClusterPages, text: str, file: str) -> Element:
    if not cluster.answered and not cluster.kept:
        return isolated(text)
    return tag("a", isolated(text), href=f"{cluster.folder}/{file}")


def _table(head: Iterable[str], rows: Iterable[Element]) -> Element:
    return tag(
        "table",
        tag("thead", tag("tr", *(tag("th", text, scope="col") for text in head))),
        tag("tbody", *rows),
    )
