"""PromQL that expressions have in common: of alerts, and over what is chosen above a dashboard.

Each one aggregates: a Prometheus adds labels of its own to every series (``instance``, ``pod``),
and while one pod replaces another, both may say the same of one hub. ``cluster`` is in every
grouping. Where a single Prometheus sees a single cluster the label is absent, which costs nothing;
where rules or dashboards see many, hubs of the same name stay apart.
"""

from __future__ import annotations

CLUSTER = "cluster"
HUB = (CLUSTER, "hub_namespace", "hub")
ITEM = (*HUB, "item")
# The operator's own namespace, which scraping adds to what it says about itself.
OPERATOR = (CLUSTER, "namespace")

# Recorded, so that alerts stay short enough to be read.
OWNER_RECORDED = "hub_item:responsibility_item_owner_info:max"
FINDINGS_RECORDED = "hub_item_kind:responsibility_drift:sum"
CAUSES_RECORDED = "hub_kind_level_party:responsibility_cause_info:count"
# Causes that are told together: of one hub, as bad as each other, for the same people.
TOLD_TOGETHER = (*HUB, "kind", "level", "party", "contact")

# In every selector: which clusters are chosen. "All" matches series without the label, too.
CHOSEN = 'cluster=~"$cluster"'
# The same, and the one hub; or, of all that is reported, what is about hubs, or about none.
CHOSEN_HUB = f'{CHOSEN}, hub_namespace="$hub_namespace", hub="$hub"'
OF_HUBS = f'{CHOSEN}, hub!=""'
OF_NO_HUB = f'{CHOSEN}, hub=""'


def grouped(function: str, labels: tuple[str, ...], expression: str) -> str:
    """Aggregate by one of PromQL's functions (``sum``), keeping these labels."""
    return f"{function} by ({', '.join(labels)}) ({expression})"


def findings(labels: tuple[str, ...], selector: str = "", *, offset: str = "") -> str:
    """Count findings by these labels, each once however many pods report it."""
    selected = f"{{{selector}}}" if selector else ""
    moved = f" offset {offset}" if offset else ""
    every = (*ITEM, "kind", "route")
    return grouped("sum", labels, grouped("max", every, f"responsibility_drift{selected}{moved}"))


def causes(selector: str = "", *, offset: str = "") -> str:
    """Return the causes, each once however many pods report it, with the number of its findings."""
    selected = f"{{{selector}}}" if selector else ""
    moved = f" offset {offset}" if offset else ""
    every = (*TOLD_TOGETHER, "cause")
    return grouped("max", every, f"responsibility_cause_info{selected}{moved}")


def with_namespace(expression: str) -> str:
    """Add ``namespace``, by which alerts are usually grouped and routed: that of the hub.

    What was found once for the whole cluster has no hub, and gets none.
    """
    return (
        f'label_replace(\n{indented(expression)},\n  "namespace", "$1", "hub_namespace", "(.+)"\n)'
    )


def of_item(expression: str) -> str:
    """Add who owns the item, and how to reach them; and the hub's ``namespace``.

    For series of a hub's items only: every one of those has an owner.
    """
    return with_namespace(_joined(expression))


def of_item_or_cluster(expression: str) -> str:
    """Do the same, and let pass what has no owner of its own, as a finding of the whole cluster."""
    return with_namespace(
        f"{_joined(expression)}\nor\n{_bracketed(expression)}\n"
        f"unless on ({', '.join(ITEM)})\n  {OWNER_RECORDED}"
    )


def _joined(expression: str) -> str:
    return (
        f"{_bracketed(expression)}\n"
        f"* on ({', '.join(ITEM)}) group_left (party, contact)\n  {OWNER_RECORDED}"
    )


def _bracketed(expression: str) -> str:
    return f"(\n{indented(expression)}\n)"


def indented(text: str) -> str:
    """Move every line in by two, as expressions of several lines are written."""
    return "\n".join(f"  {line}" for line in text.splitlines())


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
    """Return the value below which a share (``0.99``) of what a histogram has seen lies."""
    buckets = f"rate({of(f'{metric}_bucket')}[$__rate_interval])"
    return f"histogram_quantile({share}, {grouped('sum', ('cluster', 'le'), buckets)})"


def per_second(metric: str, label: str) -> str:
    """Return by how much a counter grows in a second, by a label."""
    return grouped("sum", ("cluster", label), f"rate({of(metric)}[$__rate_interval])")


def within(metric: str, *labels: str) -> str:
    """Return by how much a counter grows between two points of a graph, by these labels."""
    return grouped("sum", (CLUSTER, *labels), f"increase({of(metric)}[$__rate_interval])")
