"""The chart's copy of the shipped model's policies; ``make generate`` writes it.

Placeholders for the operator's namespace and account are left for the chart to fill in.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from responsibility.api.crd import to_yaml
from responsibility.api.parse import load_shipped_model
from responsibility.enforcement.rendered import templates


def text() -> str:
    """Return the policies as the documents of one file."""
    return "---\n".join(to_yaml(manifest) for manifest in templates(load_shipped_model()))


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file, or with ``--check`` say whether it differs."""
    parser = argparse.ArgumentParser(prog="python -m responsibility.enforcement.chart_policies")
    parser.add_argument("file", type=Path)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if it differs")
    given = parser.parse_args(arguments)
    wanted = text()
    if given.file.exists() and given.file.read_text(encoding="utf-8") == wanted:
        return 0
    if given.check:
        sys.stderr.write(f"out of date: {given.file}\n")
        return 1
    given.file.parent.mkdir(parents=True, exist_ok=True)
    given.file.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
