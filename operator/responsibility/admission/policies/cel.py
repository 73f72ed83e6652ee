"""Pieces of CEL, put together so that a missing field is a value and never an error.

In this package, a function that *returns that* something is so returns a condition, as CEL.

An error in an expression of a policy is a denial. So fields are read through optionals only, and
indexed by text, which works for every name, also for those that are reserved words of CEL.
"""

from __future__ import annotations

import json
from collections.abc import Iterable


def text(value: str) -> str:
    """Return a text as a literal."""
    # JSON's escapes are a subset of CEL's.
    return json.dumps(value, ensure_ascii=False)


def texts(values: Iterable[str]) -> str:
    """Return texts as a list literal."""
    return f"[{', '.join(text(value) for value in values)}]"


def any_of(parts: Iterable[str]) -> str:
    """Return that one of the conditions holds; of none, false."""
    return _joined(parts, " || ") or "false"


def all_of(parts: Iterable[str]) -> str:
    """Return that all of the conditions hold; of none, true."""
    return _joined(parts, " && ") or "true"


def _joined(parts: Iterable[str], operator: str) -> str:
    distinct = list(dict.fromkeys(parts))
    if len(distinct) == 1:
        return distinct[0]
    return operator.join(f"({part})" for part in distinct)


def at(node: str, key: str) -> str:
    """Return the optional value of a key of a node, itself optional or not."""
    return f"{node}[?{text(key)}]"


def mapping(optional: str) -> str:
    """Return an optional mapping, empty if it is missing."""
    return f"{optional}.orValue(dyn({{}}))"


def sequence(optional: str) -> str:
    """Return an optional list, empty if it is missing."""
    return f"{optional}.orValue(dyn([]))"
