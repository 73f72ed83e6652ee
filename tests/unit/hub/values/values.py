"""Values as a chart might have them, drawn at random, and Secrets that hold them."""

from __future__ import annotations

import base64
from typing import Any

import yaml
from hypothesis import strategies as st

from responsibility.hub.values.secret import KEY

KEYS = st.sampled_from(["a", "b", "name", "hub", "config", "x.y", "[0]", "limit", ""])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([0.0, 1.0, -0.0, float("nan"), float("inf")])
    | st.sampled_from(["", "1", "true", "8Gi", "x", "name"])
)
VALUES = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(KEYS, below, max_size=4),
    max_leaves=12,
)


def secret(values: object, **others: str) -> dict[str, Any]:
    """Return a Secret as the API server sends it; a text is put there as it is."""
    text = values if isinstance(values, str) else yaml.safe_dump(values)
    return {"data": {KEY: encoded(text), **{k: encoded(v) for k, v in others.items()}}}


def encoded(text: str) -> str:
    """Return a text as a Secret holds it."""
    return base64.b64encode(text.encode()).decode()
