"""Generated files: those that differ are written, or told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path


def write_or_check(
    files: Mapping[Path, Callable[[], str]],
    folders: Iterable[Path] = (),
    *,
    root: Path,
    check: bool,
) -> list[Path]:
    """Write the files that differ, or with ``check`` nothing; return those, by their paths.

    Files in ``folders`` that are not among ``files`` differ as well, and are removed. All paths
    are below ``root``.
    """
    wanted = {path: render() for path, render in files.items()}
    outdated = [path for path, text in wanted.items() if _read(root / path) != text]
    stray = [
        path
        for folder in folders
        for found in sorted((root / folder).glob("*"))
        if (path := found.relative_to(root)) not in wanted
    ]
    if not check:
        for path in outdated:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(wanted[path], encoding="utf-8")
        for path in stray:
            (root / path).unlink()
    return [*outdated, *stray]


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
