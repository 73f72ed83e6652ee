"""Pages that are generated: written, or with ``--check`` held against what is there."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path


def write_or_check(
    arguments: Sequence[str] | None,
    *,
    program: str,
    default: Path,
    render: Callable[[], str],
    source: str,
) -> int:
    """Write a page, or with ``--check`` return 1 if it is outdated.

    ``source`` is what it is made from, for the message; ``program`` the command that writes it.
    """
    parser = argparse.ArgumentParser(prog=program)
    parser.add_argument("file", nargs="?", type=Path, default=default)
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 if outdated")
    options = parser.parse_args(arguments)
    path: Path = options.file
    if options.check:
        if path.is_file() and path.read_text(encoding="utf-8") == render():
            return 0
        sys.stderr.write(f"{path} differs from {source}: run {program}\n")
        return 1
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(), encoding="utf-8")
    return 0
