"""The provenance of a release: what was built from what, by whom.

An in-toto statement (v1) with SLSA's predicate for builds (v1), https://slsa.dev/provenance/v1. It
is not signed: it is as good as the place that it was got from. The workflow that publishes a
release signs what it has built, keyless.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tools.release.images import IMAGES

# What is built from, beside the commit: each is pinned in it.
PINS = (*(image.lock for image in IMAGES), Path("image/build.lock"), Path("Containerfile"))


@dataclass(frozen=True, slots=True)
class Build:
    """One run of the release: of which commit, by whom, from when to when."""

    version: str
    homepage: str
    commit: str
    builder: str
    started: datetime
    finished: datetime


def statement(root: Path, build: Build, built: Iterable[Path]) -> dict[str, Any]:
    """Return the statement about files that were built."""
    source = f"git+{build.homepage}@refs/tags/v{build.version}"
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {"name": path.name, "digest": {"sha256": sha256(path)}} for path in sorted(built)
        ],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": f"{build.homepage}/blob/v{build.version}/docs/release.md#provenance",
                "externalParameters": {"source": source, "version": build.version},
                "resolvedDependencies": [
                    {"uri": source, "digest": {"gitCommit": build.commit}},
                    *({"name": str(pin), "digest": {"sha256": sha256(root / pin)}} for pin in PINS),
                    _base(root),
                    *_packages(root),
                ],
            },
            "runDetails": {
                "builder": {"id": build.builder},
                "metadata": {
                    "startedOn": _moment(build.started),
                    "finishedOn": _moment(build.finished),
                },
            },
        },
    }


def sha256(path: Path) -> str:
    """Return the digest of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _base(root: Path) -> dict[str, Any]:
    """Return the image's base, as the Containerfile has it: by tag and digest of its index."""
    text = (root / "Containerfile").read_text(encoding="utf-8")
    (found,) = re.findall(r"^ARG BASE=(\S+)@sha256:([0-9a-f]{64})$", text, re.MULTILINE)
    return {"uri": f"docker://{found[0]}", "digest": {"sha256": found[1]}}


def _packages(root: Path) -> Iterator[dict[str, str]]:
    """Yield the locked packages, each once; their hashes, one for each wheel, are in the lock."""
    found = dict[str, None]()
    for pin in PINS:
        if pin.suffix == ".lock":
            text = (root / pin).read_text(encoding="utf-8")
            for name, version in re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", text, re.MULTILINE):
                found[f"pkg:pypi/{name}@{version}"] = None
    for uri in found:
        yield {"uri": uri}
