"""Git, asked as a program: repositories, commits, and contents by the names that it gives them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from responsibility.cli.terminal.errors import CliError

_LONGEST: Final = 120.0


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


def contents(top: Path, wanted: Sequence[str], name: str) -> Iterator[bytes]:
    """Yield contents by Git's names of them, by one process for all. Raises CliError.

    ``name`` is what the revision is called.
    """
    asked = "".join(f"{content}\n" for content in wanted).encode()
    told = git(top, "cat-file", "--batch", given=asked) if wanted else b""
    at = 0
    for _ in wanted:
        # A line `<name> blob <length>`, then the content and a line break.
        end = told.index(b"\n", at)
        if told[at:end].endswith(b" missing"):
            raise CliError(f"{name}: not all of it was fetched; in CI, fetch the history")
        length = int(told[at:end].rsplit(b" ", 1)[1])
        yield told[end + 1 : end + 1 + length]
        at = end + 1 + length + 1
