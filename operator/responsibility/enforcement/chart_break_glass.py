"""The chart's copy of the shipped model's break-glass webhook; ``make generate`` writes it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from responsibility.api.crd import to_yaml
from responsibility.api.parse import load_shipped_model
from responsibility.enforcement.break_glass import webhook_configuration

# Filled in by the chart.
SERVICE = {"name": "$(service)", "namespace": "$(operator-namespace)", "port": 443}
USERS = "$(break-glass-users)"
GROUPS = "$(break-glass-groups)"


def text() -> str:
    """Return the configuration as YAML."""
    manifest = webhook_configuration(
        load_shipped_model(), {"service": SERVICE}, users=USERS, groups=GROUPS
    )
    return to_yaml(manifest)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file, or with ``--check`` say whether it differs."""
    parser = argparse.ArgumentParser(prog="python -m responsibility.enforcement.chart_break_glass")
    parser.add_argument("file", type=Path)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if it differs")
    given = parser.parse_args(arguments)
    wanted = text()
    if given.file.exists() and given.file.read_text(encoding="utf-8") == wanted:
        return 0
    if given.check:
        sys.stderr.write(f"out of date: {given.file}\n")
        return 1
    given.file.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
