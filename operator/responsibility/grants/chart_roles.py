"""The chart's copies of the shipped model's roles; ``make generate`` writes them.

``hub.yaml`` has the roles for hubs whose names have no prefix, ``prefixed.yaml`` what is rendered
once more for each prefix, with ``$(prefix)`` left for the chart to fill in, and ``cluster.yaml``
those for what the cluster has only one of.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from responsibility.api.crd import to_yaml
from responsibility.api.model import ResponsibilityModel
from responsibility.api.parse import load_shipped_model
from responsibility.grants.item_roles import PREFIX, ItemRole, render
from responsibility.ownership.terms.permission_index import HUB
from tools.generate.copies import keep


def files(model: ResponsibilityModel) -> dict[str, str]:
    """Return the files by name."""
    plain = render(model).roles
    known = {role.name for role in plain}
    return {
        "hub.yaml": to_text(role for role in plain if role.place == HUB),
        "prefixed.yaml": to_text(r for r in render(model, (PREFIX,)).roles if r.name not in known),
        "cluster.yaml": to_text(role for role in plain if role.place != HUB),
    }


def to_text(roles: Iterable[ItemRole]) -> str:
    """Return roles as the documents of one file."""
    return "---\n".join(to_yaml(role.manifest()) for role in roles)


def _in(folder: Path) -> dict[Path, str]:
    return {folder / name: text for name, text in files(load_shipped_model()).items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files into a folder, or with ``--check`` say which of them differ."""
    return keep("responsibility.grants.chart_roles", _in, arguments, place="folder")


if __name__ == "__main__":
    sys.exit(main())
