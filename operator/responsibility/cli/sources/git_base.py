"""The same files as they were at another revision of their Git repository, in a folder for a while.

``git archive`` gives them: nothing of the repository's working tree is touched, and nothing that a
hook or a filter of the change itself says is run.
"""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from responsibility.cli.sources.folders import STDIN
from responsibility.cli.terminal.errors import CliError

_LONGEST: Final = 120.0
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
    if not git(top, "ls-tree", "--name-only", name, "--", relative).strip() and relative != ".":
        return None
    archive = git(top, "archive", "--format=tar", name, "--", relative)
    into.mkdir()
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        packed.extractall(into, filter=_within)  # noqa: S202 - stricter than "data"
    return into / relative


def toplevel(where: Path) -> Path:
    """Return the top folder of the repository that a folder is in. Raises CliError."""
    return Path(git(where, "rev-parse", "--show-toplevel").decode().strip()).resolve()


def commit_of(top: Path, revision: str, option: str = "--base") -> str:
    """Return the commit that a revision means. Raises CliError."""
    if revision.startswith("-"):
        raise CliError(f"{option} {revision}: this is neither a folder nor a revision")
    try:
        commit = git(top, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    except CliError:
        raise CliError(
            f"{option} {revision}: this is neither a folder nor a revision of {top}; in CI, is the "
            "history fetched?"
        ) from None
    return commit.decode().strip()


def _within(member: tarfile.TarInfo, path: str) -> tarfile.TarInfo | None:
    """Return what may be unpacked; a link that leads out of the revision leads to none of it."""
    try:
        return tarfile.data_filter(member, path)
    except tarfile.FilterError:
        return None


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


def git(where: Path, *arguments: str, none: int = 0, given: bytes = b"") -> bytes:
    """Return what git answers to what it is ``given``.

    ``none`` is the code by which it says that there is nothing. Raises CliError with its reason.
    """
    try:
        done = subprocess.run(  # noqa: S603 - git, by arguments that are no options
            ["git", "-C", str(where), *arguments],  # noqa: S607 - whichever is on the PATH
            input=given,
            capture_output=True,
            timeout=_LONGEST,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CliError(f"git can't be run, so there is no base: {error}") from None
    if done.returncode not in (0, none):
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise CliError(f"{where}: {lines[-1] if lines else 'git has no answer'}")
    return done.stdout
