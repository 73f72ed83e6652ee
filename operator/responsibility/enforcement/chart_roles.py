"""The chart's copies of the shipped model's roles; ``make generate`` writes them.

``hub.yaml`` has the roles for hubs whose names have no prefix, ``prefixed.yaml`` what is rendered
once more for each prefix, with ``$(prefix)`` left for the chart to fill in, and ``cluster.yaml``
those for what the cluster has only one of.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from responsibility.api.crd import to_yaml
from responsibility.api.model import ResponsibilityModel
from responsibility.api.parse import load_shipped_model
from responsibility.enforcement.roles import PREFIX, ItemRole, render
from responsibility.ownership.questions import HUB


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


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files into a folder, or with ``--check`` say which of them differ."""
    parser = argparse.ArgumentParser(prog="python -m responsibility.enforcement.chart_roles")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if one differs")
    given = parser.parse_args(arguments)
    differing = []
    for name, text in files(load_shipped_model()).items():
        path = given.folder / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        differing.append(path)
        if not given.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if given.check and differing:
        sys.stderr.write(f"out of date: {', '.join(map(str, differing))}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
