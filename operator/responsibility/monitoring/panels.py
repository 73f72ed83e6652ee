"""Parts of a dashboard, without anything that is Grafana's own, and panels that several have.

A panel is a question with its expressions; how it is drawn follows from its kind. Widths are in
24ths of the screen, as Grafana has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from responsibility.monitoring.promql import ITEM, findings, grouped, of, of_kind, total

WIDTH = 24


class Unit(Enum):
    """How a number is written, by Grafana's names of units."""

    COUNT = "short"
    SECONDS = "s"
    BYTES = "bytes"
    MOMENT = "dateTimeFromNow"
    DATE = "dateTimeAsIso"
    RATE = "ops"
    SHARE = "percentunit"


class Kind(Enum):
    """How a panel is drawn, by Grafana's names of panels; a title opens a new section."""

    TITLE = "row"
    NUMBER = "stat"
    HISTORY = "timeseries"
    TABLE = "table"
    BARS = "bargauge"
    SHARES = "piechart"


class Judgement(Enum):
    """What a number says about the state: which colours it has, from zero up."""

    NEUTRAL = "neutral"
    ZERO_IS_GOOD = "zero is good"
    ONE_IS_GOOD = "one is good"


@dataclass(frozen=True, slots=True)
class Query:
    """One expression.

    ``legend`` names its series by their labels (``{{label}}``). In a table it is the heading of
    the column that its values fill, and ``unit`` is how they are written there.
    """

    expression: str
    legend: str = ""
    unit: Unit = Unit.COUNT


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel. ``columns`` are the labels that a table shows, with their headings.

    ``description`` is what an SRE would ask on seeing it. ``opens`` is the dashboard that a line
    of a table leads to, about the hub in that line.
    """

    title: str
    kind: Kind
    queries: tuple[Query, ...] = ()
    description: str = ""
    width: int = 12
    height: int = 8
    unit: Unit = Unit.COUNT
    judgement: Judgement = Judgement.NEUTRAL
    stacked: bool = False
    columns: Mapping[str, str] = field(default_factory=dict)
    opens: str = ""


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice above a dashboard: the values of ``label`` that series of ``metric`` carry."""

    name: str
    label: str
    metric: str
    title: str
    several: bool = False


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard; ``uid`` is its address, so it never changes."""

    uid: str
    title: str
    description: str
    variables: tuple[Variable, ...]
    panels: tuple[Panel, ...]


CLUSTERS = Variable("cluster", "cluster", "responsibility_build_info", "Cluster", several=True)


def title(text: str) -> Panel:
    """Return the heading of a section."""
    return Panel(text, Kind.TITLE, width=WIDTH, height=1)


def number(
    text: str,
    expression: str,
    description: str,
    *,
    judgement: Judgement = Judgement.NEUTRAL,
    unit: Unit = Unit.COUNT,
    legend: str = "",
    width: int = 4,
) -> Panel:
    """Return a panel with one number, or one for each series."""
    return Panel(
        text,
        Kind.NUMBER,
        (Query(expression, legend),),
        description,
        width=width,
        height=4,
        unit=unit,
        judgement=judgement,
    )


def count_of_kind(text: str, kind: str, chosen: str, description: str) -> Panel:
    """Return a panel with the number of findings of a kind."""
    expression = total(of_kind(kind, chosen))
    return number(text, expression, description, judgement=Judgement.ZERO_IS_GOOD)


def findings_over_time(label: str, chosen: str, description: str = "") -> Panel:
    """Return a graph of the findings over time, by a label."""
    query = Query(findings((label,), chosen), f"{{{{{label}}}}}")
    return Panel(f"Findings by {label}", Kind.HISTORY, (query,), description, stacked=True)


def grants(chosen: str, description: str) -> Panel:
    """Return a graph of how many grants are in force, and how many can't be made."""
    return Panel(
        "Grants",
        Kind.HISTORY,
        (
            Query(_items("grants", chosen), "bindings in force"),
            Query(_items("grant_conflicts", chosen), "conflicts"),
        ),
        description,
    )


def _items(metric: str, chosen: str) -> str:
    return total(grouped("max", ITEM, of(metric, chosen)))
