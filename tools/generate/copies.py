"""Generated files that are kept in the repository: written, or compared with what is there."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


def keep(
    module: str,
    files: Callable[[Path], Mapping[Path, str]],
    arguments: Sequence[str] | None,
    *,
    place: str,
) -> int:
    """Write the files that belong at a place, or with ``--check`` say which of them differ.

    ``place`` is what the place is called, such as ``folder``. Returns the program's exit code.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {module}")
    parser.add_argument("place", type=Path, metavar=place)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if one differs")
    given = parser.parse_args(arguments)
    differing = {
        path: text
        for path, text in files(given.place).items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    }
    if given.check and differing:
        sys.stderr.write(f"out of date: {', '.join(map(str, differing))}\n")
        return 1
    for path, text in differing.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0
