"""The same files as they were at another revision of their Git repository, in a folder for a while.

They are read as Git keeps them: nothing of the repository's working tree is touched, and nothing is
run or left out for what attributes say (``export-ignore``, filters), which a change could have set.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final

from responsibility.cli.sources.folders import STDIN
from responsibility.cli.sources.git.program import commit_of, contents, git, toplevel
from responsibility.cli.terminal.errors import CliError

_LINK: Final = "120000"
_COMMIT: Final = re.compile("[0-9a-f]{7,64}")


@contextmanager
def files_at(revision: str, paths: Sequence[str]) -> Iterator[list[str]]:
    """Yield where these paths are as of a revision; one that wasn't there yet is left out.

    Raises CliError: no repository, no such revision, or standard input.
    """
    with tempfile.TemporaryDirectory(prefix="base-of-a-check-") as folder:
        yield [
            str(found)
            for number, path in enumerate(paths)
            if (found := _extracted(revision, path, Path(folder, str(number)))) is not None
        ]


def _extracted(revision: str, path: str, into: Path) -> Path | None:
    if path == STDIN:
        raise CliError("standard input has no base in Git: name a folder with --base instead")
    whole = Path(path).resolve()
    where = whole if whole.is_dir() else whole.parent
    top = toplevel(where)
    name = commit_of(top, revision)
    relative = whole.relative_to(top).as_posix()
    listed = git(top, "ls-tree", "-r", "-z", "--full-tree", name, "--", relative)
    if not listed and relative != ".":
        return None
    into.mkdir()
    files: dict[str, str] = {}
    links: dict[str, str] = {}
    for entry in filter(None, listed.decode("utf-8", "surrogateescape").split("\0")):
        about, _, inside = entry.partition("\t")
        mode, kind, content = about.split(" ")
        if kind == "blob" and _is_inside(inside):
            (links if mode == _LINK else files)[inside] = content
    for inside, data in zip(files, contents(top, list(files.values()), revision), strict=True):
        (into / inside).parent.mkdir(parents=True, exist_ok=True)
        (into / inside).write_bytes(data)
    # The files first, so that none is written through a link.
    made = [
        place
        for inside, data in zip(links, contents(top, list(links.values()), revision), strict=True)
        if (place := _link(into, inside, data)) is not None
    ]
    _unlink_what_leads_out(into, made)
    return into / relative


def _is_inside(path: str) -> bool:
    """Return whether a name is one that Git lets in: a tree could have been made by hand."""
    parts = PurePosixPath(path).parts
    return not path.startswith("/") and ".." not in parts and ".git" not in parts


def _link(into: Path, inside: str, target: bytes) -> Path | None:
    """Make a link where it belongs, and return that; None for a place that others have made."""
    place = into / inside
    try:
        # A tree that was made by hand may have something below a link: it would be made elsewhere.
        if place.parent.resolve() != into.resolve() / PurePosixPath(inside).parent:
            return None
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(os.fsdecode(target))
    except (OSError, RuntimeError, ValueError):
        return None
    return place


def _unlink_what_leads_out(into: Path, links: Sequence[Path]) -> None:
    """Remove the links that lead out of the revision: then there is nothing that they lead to.

    Where one leads, the others say too, those that are removed and those that are made later: so
    all are made first, and looked at again until none leads out.
    """
    left, top = set(links), into.resolve()
    while out := {link for link in left if not _stays(link, top)}:
        for link in out:
            link.unlink()
        left -= out


def _stays(link: Path, top: Path) -> bool:
    try:
        return link.resolve().is_relative_to(top)
    except (OSError, RuntimeError):
        # It goes around in a circle, or on for longer than paths are.
        return False


def is_folder(base: str, where: Path) -> bool:
    """Return whether a base is a folder, rather than a revision of the repository around.

    A revision comes first: whoever writes a change could add a folder of that name, and be held
    against themselves. For the same reason no folder is taken for a commit that wasn't fetched.
    """
    if not Path(base).is_dir() or base.startswith("-"):
        return False
    if base.startswith((".", "/")) or base.endswith("/"):
        return True
    if _COMMIT.fullmatch(base):
        return False
    try:
        git(where, "rev-parse", "--verify", "--quiet", f"{base}^{{commit}}")
    except CliError:
        return True
    return False
