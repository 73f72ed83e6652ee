"""Write all generated files, or say which are outdated: ``python -m tools.generate [--check]``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.generate.table import FILES, FOLDERS, ROOT
from tools.generate.write_or_check import write_or_check


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Write what differs; with ``--check`` write nothing, and return 1 if something does."""
    parser = argparse.ArgumentParser(prog="python -m tools.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 if outdated")
    options = parser.parse_args(arguments)
    changed = write_or_check(FILES, FOLDERS, root=root, check=options.check)
    if not options.check:
        return 0
    for path in changed:
        sys.stderr.write(f"{path} is out of date\n")
    if changed:
        sys.stderr.write("error: run make generate and commit what it writes\n")
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
