"""Conditions of a release: files that agree on its version, and notes about it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tools.release.plugin_archive import PROJECT

CHANGES = Path("CHANGELOG.md")
# As semantic versioning has it, without build metadata: an image's tag can't carry any.
_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?")


class ReleaseError(Exception):
    """Something stands in the way of a release; the message says what to do."""


def notes(changes: str, version: str) -> str:
    """Return what the changelog says of a version; empty where it has no such section."""
    section = re.search(
        rf"^## {re.escape(version)}(?:\s[^\n]*)?\n(.*?)(?=^## |\Z)",
        changes,
        re.MULTILINE | re.DOTALL,
    )
    return section[1].strip() if section else ""


def problems(root: Path, version: str) -> Iterator[str]:
    """Yield what has to be mended before this version can be released from these files.

    All else that names the version is generated from pyproject.toml, and `make check-generated` has
    looked at it.
    """
    if _VERSION.fullmatch(version) is None:
        yield f"{version!r} is no version: name one such as 1.2.3 or 1.2.3-rc.1"
    project = tomllib.loads((root / PROJECT).read_text(encoding="utf-8"))["project"]
    if project["version"] != version:
        yield (
            f"{PROJECT}: version is {project['version']}: write {version} there, then make generate"
        )
    if not notes((root / CHANGES).read_text(encoding="utf-8"), version):
        yield f"{CHANGES} has no section '## {version}': give 'Unreleased' that name, and a date"
