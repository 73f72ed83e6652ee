"""Tables of nodes as an API server answers them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

COLUMNS = ("Name", "Status", "Roles", "Age", "Version", "Internal-IP")


def table(nodes: Mapping[str, str], *, more: str = "") -> dict[str, Any]:
    """Return a page with a row for each node; ``more`` is where the next page begins."""
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": "7", **({"continue": more} if more else {})},
        "columnDefinitions": [{"name": name, "type": "string"} for name in COLUMNS],
        "rows": [
            {"cells": [name, "Ready", "<none>", "3d", version, "10.0.0.1"], "object": None}
            for name, version in nodes.items()
        ]
        or None,
    }
