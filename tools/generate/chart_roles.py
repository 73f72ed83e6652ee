"""The chart's copies of the shipped model's roles.

``hub.yaml`` has the roles for hubs whose names have no prefix, ``prefixed.yaml`` what is rendered
once more for each prefix, with ``$(prefix)`` left for the chart to fill in, and ``cluster.yaml``
those for what the cluster has only one of.
"""

from __future__ import annotations

from responsibility.api.model import ResponsibilityModel
from responsibility.grants.item_roles import PREFIX, render, to_text
from responsibility.ownership.terms.permission_index import HUB


def files(model: ResponsibilityModel) -> dict[str, str]:
    """Return the files by name."""
    plain = render(model).roles
    known = {role.name for role in plain}
    return {
        "hub.yaml": to_text(role for role in plain if role.place == HUB),
        "prefixed.yaml": to_text(r for r in render(model, (PREFIX,)).roles if r.name not in known),
        "cluster.yaml": to_text(role for role in plain if role.place != HUB),
    }
