"""Label selectors, read as ``LabelSelectorAsSelector`` does (apimachinery, ``meta/v1``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Return whether a LabelSelector matches; an empty one matches everything."""
    wanted = selector.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_expression(e, labels) for e in selector.get("matchExpressions") or ())


def satisfiable(selector: Mapping[str, Any]) -> bool:
    """Return whether there are labels that a LabelSelector matches.

    Each key gets the value that its own requirements ask for, and any other where they don't.
    """
    labels: dict[str, str] = dict(selector.get("matchLabels") or {})
    expressions = selector.get("matchExpressions") or ()
    for expression in expressions:
        key, operator = expression.get("key", ""), expression.get("operator")
        if operator == "In" and key not in labels:
            of_key = [e for e in expressions if e.get("key", "") == key]
            values = expression.get("values") or ()
            fitting = (v for v in values if all(_expression(e, {key: v}) for e in of_key))
            labels[key] = next(fitting, "")
    for expression in expressions:
        key, operator = expression.get("key", ""), expression.get("operator")
        if operator == "Exists" and key not in labels:
            refused = {
                value
                for other in expressions
                if other.get("key", "") == key and other.get("operator") == "NotIn"
                for value in other.get("values") or ()
            }
            labels[key] = next(v for v in map(str, range(len(refused) + 1)) if v not in refused)
    return selects(selector, labels)


def _expression(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value = labels.get(expression.get("key", ""))
    values = expression.get("values") or ()
    operator = expression.get("operator")
    if operator == "In":
        return value in values
    if operator == "NotIn":
        return value not in values
    if operator == "Exists":
        return value is not None
    # An operator that does not exist matches nothing, as the API server would have refused it.
    return operator == "DoesNotExist" and value is None
