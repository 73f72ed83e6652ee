"""Layers of values: the files that a deployer gives Helm, one over the other, and a chart's part.

Helm merges maps and replaces everything else, lists included (``pkg/cli/values/options.go``,
``MergeMaps``). A null ends what the chart has by default at its place
(``pkg/chart/common/util/coalesce.go``), which only the chart knows: here it is ``DELETED``, of
which nothing is known but that it may have been anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from responsibility.hub.values.difference import DELETED, MISSING
from responsibility.hub.values.paths import Place
from responsibility.hub.values.yaml import Value


def merged(layers: Iterable[Value]) -> Value:
    """Return layers as one; of two that say something of one place, the later one counts."""
    whole: Value = {}
    for layer in layers:
        whole = _over(whole, layer)
    return whole


def within(values: Value, under: Place) -> Value:
    """Return values of a part as those of the chart that it is a part of."""
    for key in reversed(under):
        values = {key: values}
    return values


def with_deletions(value: Value) -> Value:
    """Return values in which nulls, but for entries of lists, are deletions."""
    if isinstance(value, dict):
        return {key: with_deletions(below) for key, below in value.items()}
    return DELETED if value is None else value


@dataclass(frozen=True, slots=True)
class Parts:
    """Values of a chart, divided: those of one of its parts, and all others."""

    inside: Value
    outside: Value


def divided(values: Value, under: Place) -> Parts:
    """Divide values at the keys that lead to a part: ``("basehub", "jupyterhub")``.

    Where a value stands in the way, the part has that in its place: it has nothing else.
    """
    if not under:
        return Parts(values, {})
    if not isinstance(values, dict):
        return Parts(values, values)
    first, *rest = under
    if first not in values:
        return Parts(MISSING, values)
    below = divided(values[first], tuple(rest))
    others = {key: value for key, value in values.items() if key != first}
    if rest and below.outside != {}:
        others[first] = below.outside
    return Parts(below.inside, others)


def _over(lower: Value, upper: Value) -> Value:
    if not (isinstance(lower, dict) and isinstance(upper, dict)):
        return upper
    whole = dict(lower)
    for key, value in upper.items():
        whole[key] = _over(lower[key], value) if key in lower else value
    return whole
