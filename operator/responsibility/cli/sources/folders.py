"""Folders of manifests, as they are in Git: with kustomizations, charts and values among them.

A file that is named itself must be a manifest. In a folder there are others as well: they are
passed over, and counted, so that nobody takes what was not read for what is fine.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from responsibility.cli.sources import kustomize
from responsibility.cli.terminal.errors import CliError
from responsibility.phrases import counted, some

SUFFIXES: Final = (".yaml", ".yml", ".json")
STDIN: Final = "-"
_CHART: Final = "Chart.yaml"
_MOST_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class ManifestSource:
    """A file to be read, or a kustomization to be built. ``named``: on the command line itself."""

    path: str
    named: bool = False
    command: tuple[str, ...] = ()


@dataclass(slots=True)
class PassedOver:
    """Files that are not read, by what they are and the reason."""

    found: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def add(self, noun: str, why: str, path: str) -> None:
        """Count one; the same one counts once."""
        paths = self.found.setdefault((noun, why), [])
        if not paths or paths[-1] != path:
            paths.append(path)

    def tell(self, notes: Callable[[str], None]) -> None:
        """Say how many of what there were, and name some."""
        for (noun, why), paths in self.found.items():
            names = some(paths, _MOST_NAMED)
            notes(f"passed over {counted(len(paths), noun)} {why}: {names}")


def sources(paths: Iterable[str], passed: PassedOver) -> list[ManifestSource]:
    """Return what is to be read, folders searched to the bottom; ``-`` stays as it is.

    Raises CliError: a path doesn't exist, or a folder has no manifest in it.
    """
    found: list[ManifestSource] = []
    for path in paths:
        where = Path(path)
        if path != STDIN and where.is_file() and where.name in kustomize.NAMES:
            where = where.parent
        if path == STDIN or (where.exists() and not where.is_dir()):
            # A pipe is no file, such as the shell's `<(helm template …)`.
            found.append(ManifestSource(path, named=True))
        elif where.is_dir():
            inside, anything = _search(where, passed)
            if not anything:
                raise CliError(
                    f"{path}: no {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]} file in this folder"
                )
            found.extend(inside)
        else:
            raise CliError(f"{path}: there is no such file or folder")
    return list(dict.fromkeys(found))


def _search(folder: Path, passed: PassedOver) -> tuple[list[ManifestSource], bool]:
    """Return what is in a folder, and whether there was anything that could have been read."""
    files: list[Path] = []
    customized: list[kustomize.Kustomization] = []
    charts = 0
    for where, folders, names in os.walk(folder):
        # Not .git and its like.
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        here = Path(where)
        if _CHART in names:
            passed.add("chart", "(check what `helm template` makes of it)", str(here))
            charts += 1
            folders.clear()
            continue
        if any(name in names for name in kustomize.NAMES) and (found := kustomize.find(here)):
            customized.append(found)
        files.extend(
            here / name
            for name in sorted(names)
            if name.endswith(SUFFIXES) and not name.startswith(".")
        )
    read = [ManifestSource(str(path)) for path in _left(files, customized)]
    built = _built(kustomize.roots(customized), passed)
    return sorted([*read, *built], key=lambda each: each.path), bool(files or customized or charts)


def _left(files: list[Path], customized: list[kustomize.Kustomization]) -> list[Path]:
    """Return the files that no kustomization names."""
    if not customized:
        return files
    named = {path for each in customized for path in (*each.names, each.file.resolve())}
    return [path for path in files if path.resolve() not in named]


def _built(roots: list[kustomize.Kustomization], passed: PassedOver) -> list[ManifestSource]:
    command = kustomize.builder() if roots else []
    found = []
    for root in roots:
        path = str(root.file)
        if not command:
            passed.add("kustomization", "that only kubectl could build, which is not here", path)
        elif address := kustomize.remote(root):
            passed.add("kustomization", "that needs more than these files", f"{path} ({address})")
        else:
            found.append(ManifestSource(path, command=tuple(command)))
    return found
