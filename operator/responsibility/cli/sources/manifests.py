"""Manifests out of files, folders and standard input, each with the place it came from."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count, repeat
from pathlib import Path
from typing import Any

from responsibility.cli.sources.yaml.composer import Items, Value
from responsibility.cli.sources.yaml.documents import DocumentError, YamlDocument, documents
from responsibility.cli.terminal.errors import CliError

SUFFIXES = (".yaml", ".yml", ".json")
STDIN = "-"

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Location:
    """Where something stands: file, number of the document, line; or the number in a list."""

    file: str
    document: int = 1
    line: int = 0
    item: int = 0

    def __str__(self) -> str:
        """Return ``roles.yaml, document 2, line 14``."""
        parts = [self.file, f"document {self.document}"]
        if self.item:
            parts.append(f"item {self.item}")
        if self.line:
            parts.append(f"line {self.line}")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object as it was written."""

    raw: dict[str, Any]
    place: Location


def files(paths: Iterable[str]) -> list[str]:
    """Return the files that are meant, folders searched to the bottom; ``-`` stays as it is.

    Raises CliError: a path doesn't exist, or a folder has no manifest in it.
    """
    found: list[str] = []
    for path in paths:
        if path == STDIN or Path(path).is_file() or _is_stream(path):
            found.append(path)
        elif Path(path).is_dir():
            inside = sorted(_search(path))
            if not inside:
                raise CliError(
                    f"{path}: no {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]} file in this folder"
                )
            found.extend(inside)
        else:
            raise CliError(f"{path}: there is no such file or folder")
    return list(dict.fromkeys(found))


def read(paths: Iterable[str], *, progress: Progress = lambda _: None) -> Iterator[Manifest]:
    """Yield every object of the files, lists taken apart.

    ``progress`` is told the characters that were dealt with. Raises CliError.
    """
    for file in files(paths):
        text = text_of(file)
        name = "standard input" if file == STDIN else file
        told = 0
        for manifest, position in _parse(text, name):
            if position > told:
                progress(position - told)
                told = position
            yield manifest
        progress(len(text) - told)


def parse_any(text: str, file: str) -> Iterator[tuple[Any, Location]]:
    """Yield each document of a YAML or JSON text. Raises CliError."""
    if text.lstrip()[:1] in ("{", "["):
        try:
            value = json.loads(text)
        except ValueError as error:
            if file.endswith(".json"):
                raise CliError(_not_json(file, error)) from None
        else:
            yield value, Location(file)
            return
    yield from ((document.value, place) for document, place in _documents(text, file))


def _parse(text: str, file: str) -> Iterator[tuple[Manifest, int]]:
    """Yield the objects, each with the position up to which the text has been read."""
    if text.lstrip()[:1] == "{":
        # Much quicker than YAML, of which JSON is a part; but `{a: b}` is YAML only.
        try:
            value = json.loads(text)
        except ValueError as error:
            if file.endswith(".json"):
                raise CliError(_not_json(file, error)) from None
        else:
            yield from ((each, len(text)) for each in _objects(value, {}, Location(file)))
            return
    for document, place in _documents(text, file):
        yield from (
            (each, document.end) for each in _objects(document.value, document.items, place)
        )


def _objects(value: Value, lines: Items, place: Location) -> Iterator[Manifest]:
    """Yield the object, or those of the list that it is; ``lines`` are those of the items."""
    if not isinstance(value, dict):
        raise CliError(f"{place}: this is {_kind_of(value)}, not a Kubernetes object")
    kind, items = value.get("kind"), value.get("items")
    if not (isinstance(kind, str) and kind.endswith("List") and isinstance(items, list)):
        yield Manifest(value, place)
        return
    # The items of a RoleList carry neither kind nor version.
    given: dict[str, Any] = {}
    if kind != "List":
        given = {"apiVersion": value.get("apiVersion"), "kind": kind.removesuffix("List")}
    for item, number, line in zip(items, count(1), lines.get(id(items)) or repeat(0)):
        here = Location(place.file, place.document, line, number)
        if not isinstance(item, dict):
            raise CliError(f"{here}: this is {_kind_of(item)}, not a Kubernetes object")
        yield from _objects(item if "kind" in item else {**given, **item}, lines, here)


def _documents(text: str, file: str) -> Iterator[tuple[YamlDocument, Location]]:
    try:
        for document in documents(text):
            yield document, Location(file, document.number, document.line)
    except DocumentError as error:
        raise CliError(f"{Location(file, error.number, error.line)}: {error}") from None


def _not_json(file: str, error: ValueError) -> str:
    line = getattr(error, "lineno", 0)
    return f"{Location(file, 1, line)}: this is not JSON: {getattr(error, 'msg', error)}"


def _kind_of(value: object) -> str:
    names = {list: "a list", str: "text", int: "a number", float: "a number", bool: "true or false"}
    return names.get(type(value), "something else")


def text_of(file: str) -> str:
    """Return the text of a file, or of standard input. Raises CliError."""
    try:
        raw = sys.stdin.buffer.read() if file == STDIN else Path(file).read_bytes()
    except OSError as error:
        raise CliError(f"{file}: {error.strerror or type(error).__name__}") from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise CliError(f"{Location(file, 1, line)}: this is not text in UTF-8") from None


def _is_stream(path: str) -> bool:
    """Whether it is a pipe, such as the shell's ``<(helm template …)``."""
    return Path(path).exists() and not Path(path).is_dir()


def _search(folder: str) -> Iterator[str]:
    for where, folders, names in os.walk(folder):
        # Not .git and its like.
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (
            str(Path(where) / name)
            for name in names
            if name.endswith(SUFFIXES) and not name.startswith(".")
        )
