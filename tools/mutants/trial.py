"""One fault put to the tests, in a fork of a process that has done the imports."""

from __future__ import annotations

import ast
import os
import signal
import sys
import time
from collections.abc import Sequence
from enum import StrEnum
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import NoReturn

_BETWEEN = 0.05
_NO_TESTS = 5


class Outcome(StrEnum):
    """What became of a fault."""

    KILLED = "killed"
    SURVIVED = "survived"
    TOO_LONG = "took too long"


class _Mutated(SourceFileLoader):
    """What gives a module with a fault in place of the one in the file."""

    def __init__(self, module: str, path: Path, tree: ast.Module) -> None:
        super().__init__(module, str(path))
        self._tree = tree

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 - where it is, is known
        target: ModuleType | None = None,  # noqa: ARG002 - as finders have it
    ) -> ModuleSpec | None:
        if fullname != self.name:
            return None
        return spec_from_file_location(fullname, self.path, loader=self)

    def get_code(self, fullname: str) -> CodeType | None:  # noqa: ARG002 - it is always the one
        return compile(self._tree, self.path, "exec")


def module_of(path: Path, root: Path) -> str:
    """Return what a file is imported as."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def tried(
    tests: Sequence[str],
    seconds: float,
    module: str = "",
    path: Path = Path(),
    *,
    tree: ast.Module | None = None,
) -> tuple[Outcome, float]:
    """Run tests with a fault in a module, or as it is; return what became of it, and how long."""
    began = time.monotonic()
    pid = os.fork()
    if not pid:
        _run(tests, module, path, tree)
    while time.monotonic() < began + seconds:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            survived = os.waitstatus_to_exitcode(status) in (0, _NO_TESTS)
            outcome = Outcome.SURVIVED if survived else Outcome.KILLED
            return outcome, time.monotonic() - began
        time.sleep(_BETWEEN)
    # With all that it has started.
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return Outcome.TOO_LONG, time.monotonic() - began


def _run(tests: Sequence[str], module: str, path: Path, tree: ast.Module | None) -> NoReturn:
    """Be the process of one fault."""
    os.setpgid(0, 0)
    silence = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(silence, descriptor)
    code = 1
    try:
        if tree is not None:
            sys.meta_path.insert(0, _Mutated(module, path, tree))
        # Only here, where what it imports is the fault's.
        import pytest  # noqa: PLC0415 - see above

        options = ("-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not long")
        code = int(pytest.main([*options, *tests]))
    finally:
        os._exit(code)
