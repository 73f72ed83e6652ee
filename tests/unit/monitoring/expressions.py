"""What an expression names, read as text: enough to hold it against the table of metrics."""

from __future__ import annotations

import re

from responsibility.controller.reporting.metrics_table import METRICS, PREFIX

_SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}
EXPORTED = {
    PREFIX + metric.name + suffix: {*metric.labels, *(("le",) if suffix == "_bucket" else ())}
    for metric in METRICS
    for suffix in _SUFFIXES[metric.type]
}
# The one that is not ours: it has been beta, so promised, since Kubernetes 1.30.
_API_SERVER = "apiserver_validating_admission_policy_check_total"
EXPORTED[_API_SERVER] = {"policy", "policy_binding", "enforcement_action", "error_type"}
# What scraping, and whoever puts several clusters together, adds to every series.
ADDED = {"cluster", "namespace"}


def metrics(expression: str) -> set[str]:
    """Return the metrics that it names, without those that rules record."""
    return set(re.findall(rf"(?<![\w:])(?:{PREFIX}|apiserver_)\w+(?=[^\w-]|$)", expression))


def recorded(expression: str) -> set[str]:
    """Return the names of recorded series."""
    return set(re.findall(r"\b\w+:\w+:\w+\b", expression))


def groupings(expression: str) -> set[str]:
    """Return all labels that it groups or joins by."""
    lists = re.findall(r"\b(?:by|on|group_left) ?\(([^)]*)\)", expression)
    return {label.strip() for labels in lists for label in labels.split(",") if label.strip()}


def selected(expression: str) -> set[str]:
    """Return all labels that its selectors name."""
    selectors = re.findall(r"\{([^{}]*)\}", expression)
    return {label for text in selectors for label in re.findall(r"(\w+)\s*(?:=~|!=|=)", text)}


def kinds(expression: str) -> set[str]:
    """Return the kinds of finding that it asks for."""
    return set(re.findall(r'kind="([^"]*)"', expression))
