"""Trees of files: a folder, or a revision of a Git repository, read without checking it out.

A file is the same in both if its content is: Git's own name of the content (``blob``, then length
and bytes, by SHA-1 or SHA-256) tells without reading it, so that what did not change costs nothing.
Links are followed inside the tree only, as whoever deploys from it would follow them.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Final, Protocol

from responsibility.api.foreign_text import harmless
from responsibility.cli.sources.git.base import is_folder
from responsibility.cli.sources.git.program import commit_of, contents, git, toplevel
from responsibility.cli.sources.manifests import decoded
from responsibility.cli.terminal.errors import CliError

# As many links as one path may lead through; Linux has 40 as well.
_MOST_LINKS: Final = 40
_GIT: Final = ".git"
_LINK, _COMMIT = "120000", "160000"
# What Git makes of a file of no content says which of its hashes a repository uses.
_SHA1: Final = 40


class Tree(Protocol):
    """Files by their path, with slashes, from the top."""

    name: str

    @property
    def ids(self) -> Mapping[str, str]:
        """Return what tells the content of each file from any other."""

    @property
    def links(self) -> Mapping[str, str]:
        """Return the links, each with where it leads to."""

    @property
    def modules(self) -> Mapping[str, str]:
        """Return the repositories inside this one, each with its commit."""

    def read(self, path: str) -> bytes:
        """Return the content of a file. Raises CliError."""

    def fetch(self, paths: Iterable[str]) -> None:
        """Get ready to read files, all at once."""

    def containing(self, text: str) -> list[str]:
        """Return the files whose content has a text in it."""


def text_in(tree: Tree, path: str) -> str:
    """Return a file as text. Raises CliError."""
    return decoded(tree.read(path), path)


def resolved(tree: Tree, path: str) -> str | None:
    """Return the file that a path leads to, links followed; None if there is none.

    Raises CliError for what leads out of the tree, or nowhere.
    """
    done: list[str] = []
    parts = list(PurePosixPath(path).parts)
    for _ in range(_MOST_LINKS):
        while parts:
            part = parts.pop(0)
            if part == "..":
                if not done:
                    raise CliError(f"{harmless(path)}: this leads out of {tree.name}")
                done.pop()
                continue
            if part != ".":
                done.append(part)
            target = tree.links.get("/".join(done))
            if target is not None:
                if target.startswith("/"):
                    raise CliError(f"{harmless(path)}: a link on its way leads out of {tree.name}")
                done.pop()
                parts[:0] = PurePosixPath(target).parts
                break
        else:
            found = "/".join(done)
            return found if found in tree.ids else None
    raise CliError(f"{harmless(path)}: links on its way lead nowhere")


@dataclass
class FolderTree:
    """A folder; of one in a Git repository, what Git would take into a commit."""

    root: Path
    name: str
    # Whether it is in a repository, and how many digits the names of contents have there.
    in_git: bool = False
    digits: int = _SHA1

    @cached_property
    def _paths(self) -> list[str]:
        if not self.in_git:
            return sorted(self._walk())
        listed = git(self.root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        paths = {name for name in listed.decode("utf-8", "surrogateescape").split("\0") if name}
        return sorted(p for p in paths if os.path.lexists(self.root / p))

    def _walk(self) -> Iterator[str]:
        for where, folders, names in os.walk(self.root):
            here = Path(where)
            linked = [name for name in folders if (here / name).is_symlink()]
            folders[:] = [name for name in folders if name != _GIT and name not in linked]
            for name in (*names, *linked):
                yield (here / name).relative_to(self.root).as_posix()

    @cached_property
    def links(self) -> Mapping[str, str]:
        """Return the links, each with where it leads to."""
        found = ((path, self.root / path) for path in self._paths)
        return {path: str(where.readlink()) for path, where in found if where.is_symlink()}

    @cached_property
    def modules(self) -> Mapping[str, str]:
        """Return the repositories inside this one, each with its commit."""
        if not self.in_git:
            return {}
        listed = git(self.root, "ls-files", "-z", "--stage").decode("utf-8", "surrogateescape")
        entries = (line.partition("\t") for line in listed.split("\0"))
        return {p: about.split(" ")[1] for about, _, p in entries if about.startswith(_COMMIT)}

    @cached_property
    def ids(self) -> Mapping[str, str]:
        """Return what tells the content of each file from any other."""
        make = hashlib.sha1 if self.digits == _SHA1 else hashlib.sha256
        found = {}
        for path in self._paths:
            if path in self.links or not (self.root / path).is_file():
                continue
            content = self.read(path)
            found[path] = make(b"blob %d\0" % len(content) + content).hexdigest()
        return found

    def read(self, path: str) -> bytes:
        """Return the content of a file. Raises CliError."""
        try:
            return (self.root / path).read_bytes()
        except OSError as error:
            raise CliError(f"{harmless(path)}: {error.strerror or type(error).__name__}") from None

    def fetch(self, paths: Iterable[str]) -> None:
        """Do nothing: files are read where they are."""

    def containing(self, text: str) -> list[str]:
        """Return the files whose content has a text in it."""
        wanted = text.encode()
        return [path for path in self.ids if wanted in self.read(path)]


@dataclass
class RevisionTree:
    """A commit of a repository, or a folder in it."""

    top: Path
    commit: str
    folder: str
    name: str
    _fetched: dict[str, bytes] = field(default_factory=dict)

    @property
    def _tree(self) -> str:
        return f"{self.commit}:{self.folder}"

    @cached_property
    def _entries(self) -> list[tuple[str, str, str]]:
        listed = git(self.top, "ls-tree", "-r", "-z", "--full-tree", self._tree)
        found = []
        for line in listed.decode("utf-8", "surrogateescape").split("\0"):
            about, _, path = line.partition("\t")
            if path:
                mode, _, content = about.split(" ")
                found.append((path, mode, content))
        return found

    @cached_property
    def links(self) -> Mapping[str, str]:
        """Return the links, each with where it leads to."""
        return {
            path: git(self.top, "cat-file", "blob", content).decode("utf-8", "surrogateescape")
            for path, mode, content in self._entries
            if mode == _LINK
        }

    @cached_property
    def modules(self) -> Mapping[str, str]:
        """Return the repositories inside this one, each with its commit."""
        return {path: commit for path, mode, commit in self._entries if mode == _COMMIT}

    @cached_property
    def ids(self) -> Mapping[str, str]:
        """Return what tells the content of each file from any other."""
        return {
            path: content for path, mode, content in self._entries if mode not in (_LINK, _COMMIT)
        }

    def read(self, path: str) -> bytes:
        """Return the content of a file. Raises CliError."""
        content = self.ids[path]
        if content not in self._fetched:
            self._fetched[content] = git(self.top, "cat-file", "blob", content)
        return self._fetched[content]

    def fetch(self, paths: Iterable[str]) -> None:
        """Get ready to read files: by one process instead of one for each."""
        wanted = list(dict.fromkeys(self.ids[path] for path in paths if path in self.ids))
        told = contents(self.top, wanted, self.name)
        self._fetched.update(zip(wanted, told, strict=True))

    def containing(self, text: str) -> list[str]:
        """Return the files whose content has a text in it."""
        found = git(
            self.top,
            *("grep", "-l", "-z", "-a", "-F", "--full-name", "-e", text, self.commit, "--"),
            *([f":(top,literal){self.folder}"] if self.folder else []),
            none=1,
        )
        names = found.decode("utf-8", "surrogateescape").split("\0")
        inside = f"{self.commit}:{self.folder}/" if self.folder else f"{self.commit}:"
        paths = (name.removeprefix(inside) for name in names if name)
        return [path for path in paths if path in self.ids]


def both(base: str, head: str) -> tuple[Tree, Tree]:
    """Return the trees that a base and a head mean. Raises CliError for what isn't there."""
    of_head = Path(head)
    where = of_head if of_head.is_dir() else Path()
    old = base_of(base, where)
    if isinstance(old, FolderTree):
        if not of_head.is_dir():
            raise CliError(f"--head {head}: there is no such folder, and --base is one")
        if of_head.resolve() in (old.root.resolve(), *old.root.resolve().parents):
            raise CliError(f"--base {base}: this is a part of --head {head}, which changes it")
        return old, FolderTree(of_head, head)
    if of_head.is_dir():
        return old, FolderTree(where, head, in_git=True, digits=len(old.commit))
    return old, RevisionTree(old.top, commit_of(old.top, head, "--head"), old.folder, head)


def base_of(base: str, where: Path) -> FolderTree | RevisionTree:
    """Return the tree that a base means, seen from a folder. Raises CliError."""
    if is_folder(base, where):
        return FolderTree(Path(base), base)
    top = toplevel(where)
    folder = where.resolve().relative_to(top).as_posix()
    return RevisionTree(top, commit_of(top, base), "" if folder == "." else folder, base)
