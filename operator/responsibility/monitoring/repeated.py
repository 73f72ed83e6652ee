"""Panels that more than one dashboard has, each over what is chosen there."""

from __future__ import annotations

from responsibility.monitoring.chosen import of, of_kind, total
from responsibility.monitoring.panels import Judgement, Kind, Panel, Query, number
from responsibility.monitoring.promql import ITEM, findings, grouped


def count_of_kind(text: str, kind: str, chosen: str, description: str) -> Panel:
    """Return the number of findings of a kind."""
    expression = total(of_kind(kind, chosen))
    return number(text, expression, description, judgement=Judgement.ZERO_IS_GOOD)


def findings_over_time(label: str, chosen: str, description: str = "") -> Panel:
    """Return findings by a label, over time."""
    query = Query(findings((label,), chosen), f"{{{{{label}}}}}")
    return Panel(f"Findings by {label}", Kind.HISTORY, (query,), description, stacked=True)


def grants(chosen: str, description: str) -> Panel:
    """Return how many grants there are, and how many can't be made."""
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
