"""Folders of manifests, as they are in Git: with kustomizations, charts and values among them.

A file that is named itself must be a manifest. In a folder there are others as well: they are
passed over, and counted, so that nobody takes what was not read for what is fine.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

from responsibility.cli.sources import kustomize
from responsibility.cli.sources.git.program import git
from responsibility.cli.terminal.errors import CliError
from responsibility.phrases import counted, some

SUFFIXES: Final = (".yaml", ".yml", ".json")
STDIN: Final = "-"
_CHART: Final = "Chart.yaml"
_GIT: Final = ".git"
_MOST_NAMED: Final = 3
_IGNORED: Final = "file or folder"


@dataclass(frozen=True, slots=True)
class Ignored:
    """Patterns of paths that are passed over, as ``.gitignore`` has them in its plain cases.

    ``*.md`` and ``docs`` are files and folders of that name anywhere, ``docs/*.yaml`` and
    ``/config/**/old`` begin at the top; a folder stands for all that is in it, and ``*`` ends at a
    slash.
    """

    patterns: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Return whether anything is passed over."""
        return bool(self.patterns)

    def fits(self, path: str) -> bool:
        """Return whether a path, with slashes and from the top, is one of these."""
        return any(_expression(pattern).fullmatch(path) for pattern in self.patterns)

    @classmethod
    def of(cls, patterns: Iterable[str]) -> Ignored:
        """Return the patterns; raises ValueError for one that would be of everything."""
        every = tuple(patterns)
        for pattern in every:
            if not pattern.strip("/*. "):
                raise ValueError(f"{pattern!r} would pass over everything")
        return cls(every)


NOTHING: Final = Ignored()


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    parts = pattern.removeprefix("./").strip("/").split("/")
    top = len(parts) > 1 or pattern.startswith("/")
    # At its end, it is of all that is in a folder, and not of the folder.
    last = parts.pop() if parts[-1] == "**" else ""
    whole = "".join("(?:[^/]+/)*" if part == "**" else f"{_part(part)}/" for part in parts)
    if last:
        return re.compile(f"{whole}.+", re.DOTALL)
    return re.compile(("" if top else "(?:.*/)?") + whole.removesuffix("/") + "(?:/.*)?", re.DOTALL)


def _part(part: str) -> str:
    found = {"*": "[^/]*", "?": "[^/]"}
    return "".join(found.get(char) or re.escape(char) for char in part)


@dataclass(frozen=True, slots=True)
class ManifestSource:
    """A file to be read, or what a command makes of a kustomization or chart.

    ``named``: on the command line itself. ``path`` is the file in the folder that is built.
    ``hidden``: itself or in a folder whose name begins with a dot.
    """

    path: str
    named: bool = False
    command: tuple[str, ...] = ()
    hidden: bool = False

    @property
    def noun(self) -> str:
        """Return what it is that is built."""
        return "chart" if Path(self.path).name == _CHART else "kustomization"


@dataclass(slots=True)
class PassedOver:
    """Files that are not read, by what they are and the reason.

    ``unread`` are those that are objects once something has made them, each by its path from the
    folder that was named.
    """

    found: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)

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


def sources(
    paths: Iterable[str],
    passed: PassedOver,
    ignored: Ignored = NOTHING,
    namespace: str | None = None,
) -> list[ManifestSource]:
    """Return what is to be read, folders searched to the bottom; ``-`` stays as it is.

    What is ``ignored`` is so in folders, by its path from there. A chart that is named itself is
    rendered for the namespace; one in a folder is not, as nobody says with which values.

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
        elif (where / _CHART).is_file():
            found.append(_rendered(where, namespace))
        elif where.is_dir():
            inside, anything = _search(where, passed, ignored)
            if not anything:
                raise CliError(
                    f"{path}: no {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]} file in this folder"
                )
            found.extend(inside)
        else:
            raise CliError(f"{path}: there is no such file or folder")
    return list(dict.fromkeys(found))


def _rendered(chart: Path, namespace: str | None) -> ManifestSource:
    helm = shutil.which("helm")
    if helm is None:
        raise CliError(
            f"{chart}: this is a chart, and helm is not here to render it: give what `helm "
            "template` makes of it"
        )
    name = chart.resolve().name
    command = (helm, "template", name, "--namespace", namespace or "default")
    return ManifestSource(str(chart / _CHART), command=command)


def _search(
    folder: Path, passed: PassedOver, ignored: Ignored
) -> tuple[list[ManifestSource], bool]:
    """Return what is in a folder, and whether there was anything that could have been read."""
    files: list[Path] = []
    customized: list[kustomize.Kustomization] = []
    charts = 0
    for where, folders, every in os.walk(folder):
        here = Path(where)
        left = [name for name in (*folders, *every) if ignored.fits(_below(here / name, folder))]
        for name in left:
            passed.add(_IGNORED, "as --ignore says", str(here / name))
        # Others that begin with a dot are applied like any, by whoever walks as kubectl does.
        left += [name for name in folders if name.startswith(".") and _is_no_part(here / name)]
        folders[:] = sorted(n for n in folders if n != _GIT and n not in left)
        for name in folders:
            if (here / name).is_symlink():
                passed.add("link", "to a folder, as kubectl does", str(here / name))
        names = [name for name in every if name not in left]
        if _CHART in names:
            passed.add("chart", "(check what `helm template` makes of it)", str(here))
            charts += 1
            if _is_chart(here):
                passed.unread.append(_below(here / _CHART, folder))
                folders.clear()
                continue
        if any(name in names for name in kustomize.NAMES) and (found := kustomize.find(here)):
            customized.append(found)
        files.extend(
            here / name
            for name in sorted(names)
            # What is there and no file, such as a pipe, would be waited for.
            if name.endswith(SUFFIXES) and not _is_other(here / name)
        )
    read = [
        ManifestSource(str(path), hidden="/." in f"/{_below(path, folder)}")
        for path in _left(files, customized)
    ]
    built = _built(kustomize.roots(customized), passed, folder)
    return sorted([*read, *built], key=lambda each: each.path), bool(files or customized or charts)


def _is_other(path: Path) -> bool:
    return path.exists() and not path.is_file()


def _is_no_part(folder: Path) -> bool:
    """Return whether Git ignores a folder and has nothing in it, such as a program's cache."""
    try:
        git(folder.parent, "check-ignore", "--quiet", "--", folder.name)
        return not git(folder.parent, "ls-files", "--", folder.name)
    except CliError:
        return False


def _is_chart(folder: Path) -> bool:
    """Return whether its templates are to be rendered; else Chart.yaml makes nothing of its own.

    A file of that name alone would have hidden all beside it, which kubectl applies.
    """
    templates = (each for each in (folder / "templates").rglob("*") if each.is_file())
    return any(b"{{" in each.read_bytes() for each in templates)


def _below(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _left(files: list[Path], customized: list[kustomize.Kustomization]) -> list[Path]:
    """Return the files that no kustomization names."""
    if not customized:
        return files
    named = {path for each in customized for path in (*each.names, each.file.resolve())}
    return [path for path in files if path.resolve() not in named]


def _built(
    roots: list[kustomize.Kustomization], passed: PassedOver, folder: Path
) -> list[ManifestSource]:
    command = kustomize.builder() if roots else []
    found = []
    for root in roots:
        path = str(root.file)
        if not command or kustomize.remote(root):
            passed.unread.append(_below(root.file, folder))
        if not command:
            passed.add("kustomization", "that only kubectl could build, which is not here", path)
        elif address := kustomize.remote(root):
            passed.add("kustomization", "that needs more than these files", f"{path} ({address})")
        else:
            found.append(ManifestSource(path, command=tuple(command)))
    return found
