"""Expressions over what is chosen above a dashboard."""

from __future__ import annotations

from responsibility.monitoring.promql import ITEM, findings, grouped

# In every selector: which clusters are chosen. "All" matches series without the label, too.
CHOSEN = 'cluster=~"$cluster"'
# The same, and the one hub; or, of all that is reported, what is about hubs, or about none.
CHOSEN_HUB = f'{CHOSEN}, hub_namespace="$hub_namespace", hub="$hub"'
OF_HUBS = f'{CHOSEN}, hub!=""'
OF_NO_HUB = f'{CHOSEN}, hub=""'


def of(metric: str, chosen: str = CHOSEN) -> str:
    """Return the selector of a metric, named without its prefix."""
    return f"responsibility_{metric}{{{chosen}}}"


def count(expression: str) -> str:
    """Count series, and say 0 where there is none."""
    return f"(count({expression}) or vector(0))"


def total(expression: str) -> str:
    """Add up, and say 0 where there is nothing."""
    return f"(sum({expression}) or vector(0))"


def of_kind(kind: str, chosen: str, labels: tuple[str, ...] = ITEM) -> str:
    """Count the findings of one kind."""
    return findings(labels, f'{chosen}, kind="{kind}"')


def moment(metric: str, chosen: str, labels: tuple[str, ...]) -> str:
    """Return the earliest moment that a metric tells, in milliseconds, as Grafana writes dates."""
    return f"{grouped('min', labels, of(metric, chosen))} * 1000"


def quantile(share: str, metric: str) -> str:
    """Return the value below which a share of what a histogram has seen lies."""
    buckets = f"rate({of(f'{metric}_bucket')}[$__rate_interval])"
    return f"histogram_quantile({share}, {grouped('sum', ('cluster', 'le'), buckets)})"


def per_second(metric: str, label: str) -> str:
    """Return how often a counter grows, by a label."""
    return grouped("sum", ("cluster", label), f"rate({of(metric)}[$__rate_interval])")


def within(metric: str) -> str:
    """Return by how much a counter grows between two points of a graph."""
    return grouped("sum", ("cluster",), f"increase({of(metric)}[$__rate_interval])")
