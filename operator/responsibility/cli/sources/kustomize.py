"""Kustomizations among folders of manifests: what they name, and what they build.

A base is no object of the cluster until an overlay has made one of it, so the files that a
kustomization names are not read for themselves. ``kubectl kustomize`` builds it, as ``kubectl apply
-k`` would; neither plugins nor Helm are let in. One that names something on the network isn't
built: what is checked must not depend on what somebody else serves at the moment.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from responsibility.cli.terminal.errors import CliError

NAMES: Final = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_GROUPS: Final = ("", "kustomize.config.k8s.io")
_FETCHED: Final = ("resources", "bases", "components")
_REMOTE: Final = ("://", "git@", "github.com/", "?ref=", "//")
# Charts are fetched, and rendered by another program.
_HELM: Final = ("helmCharts", "helmChartInflationGenerator")
_LONGEST: Final = 120.0


@dataclass(frozen=True, slots=True)
class Kustomization:
    """One kustomization file: its folder, and the files and folders that it names there."""

    folder: Path
    file: Path
    component: bool
    names: frozenset[Path]
    remote: tuple[str, ...]

    @classmethod
    def read(cls, file: Path) -> Kustomization | None:
        """Return what a file says; None for another kind, such as Flux's. Raises CliError."""
        # Only files need YAML, and not every question is about files.
        from responsibility.cli.sources.yaml.documents import DocumentError, documents

        try:
            (raw,) = [document.value for document in documents(file.read_text(encoding="utf-8"))]
        except OSError as error:
            raise CliError(f"{file}: {error.strerror}") from None
        except DocumentError as error:
            raise CliError(f"{file}, line {error.line}: {error}") from None
        except ValueError:
            raise CliError(f"{file}: this is not one document, as kustomizations are") from None
        if not isinstance(raw, dict):
            raise CliError(f"{file}: this is not a kustomization")
        if str(raw.get("apiVersion") or "").rpartition("/")[0] not in _GROUPS:
            return None
        folder = file.parent
        texts = [text.rpartition("=")[2] for text in _texts(raw)]
        names = {(folder / text).resolve() for text in texts if text and _is_there(folder / text)}
        fetched = [text for key in _FETCHED for text in _texts(raw.get(key))]
        remote = tuple(text for text in fetched if any(mark in text for mark in _REMOTE))
        remote += tuple(key for key in _HELM if raw.get(key))
        component = raw.get("kind") == "Component"
        return cls(folder, file, component, frozenset(names), remote)


def find(folder: Path) -> Kustomization | None:
    """Return the kustomization of a folder, if it has one. Raises CliError."""
    file = next((folder / name for name in NAMES if (folder / name).is_file()), None)
    return Kustomization.read(file) if file else None


def roots(found: Iterable[Kustomization]) -> list[Kustomization]:
    """Return those that no other of them names: what somebody would apply."""
    every = list(found)
    named = {path for each in every for path in each.names}
    return [each for each in every if not each.component and each.folder.resolve() not in named]


def remote(root: Kustomization) -> str:
    """Return something on the network that it needs, directly or by others; empty for nothing."""
    waiting, seen = [root], {root.folder.resolve()}
    while waiting:
        here = waiting.pop()
        if here.remote:
            return here.remote[0]
        for folder in here.names - seen:
            if folder.is_dir() and (more := find(folder)) is not None:
                seen.add(folder)
                waiting.append(more)
    return ""


def builder() -> list[str]:
    """Return the command that builds a folder; empty where there is none."""
    for command in (["kubectl", "kustomize"], ["kustomize", "build"]):
        if path := shutil.which(command[0]):
            return [path, *command[1:]]
    return []


def build(command: list[str], folder: Path, noun: str = "kustomization") -> str:
    """Return the manifests of a folder. Raises CliError with the builder's reason."""
    try:
        done = subprocess.run(  # noqa: S603 - kubectl, with a folder that was found
            [*command, str(folder)],
            capture_output=True,
            timeout=_LONGEST,
            check=False,
            # What looks like a repository is one to kustomize, wherever it is named.
            env={**os.environ, "GIT_ALLOW_PROTOCOL": "none"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CliError(f"{folder}: {' '.join(command)} didn't end: {error}") from None
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        why = " ".join(lines[-3:] if noun == "chart" else lines[-1:])
        why = why.removeprefix("error: ").removeprefix("Error: ") or f"exit code {done.returncode}"
        raise CliError(f"{folder}: this {noun} can't be built: {why}")
    return done.stdout.decode("utf-8", "replace")


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 - whatever YAML holds
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        # Too long for a path, or with a NUL: a patch, not a file.
        return False
