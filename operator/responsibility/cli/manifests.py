"""Manifests out of files, folders and standard input, each with the place it came from.

YAML is composed by libyaml and turned into plain values here: that takes half the time of the
general constructor, keeps dates as the text that Kubernetes takes them for, and knows the line
of everything it complains about.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from responsibility.cli.loader import Loader
from responsibility.cli.trouble import CliError

SUFFIXES = (".yaml", ".yml", ".json")
STDIN = "-"

_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"
_TEXT = frozenset({f"{_TAG}str", f"{_TAG}timestamp"})

# Whatever YAML and JSON can say.
Plain = Any
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Place:
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
    place: Place


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


def parse_any(text: str, file: str) -> Iterator[tuple[Any, Place]]:
    """Yield each document of a YAML or JSON text. Raises CliError."""
    if text.lstrip()[:1] in ("{", "["):
        try:
            value = json.loads(text)
        except ValueError as error:
            if file.endswith(".json"):
                raise CliError(_not_json(file, error)) from None
        else:
            yield value, Place(file)
            return
    for value, node, place in _documents(text, file):
        yield value, replace(place, line=node.start_mark.line + 1)


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
            yield from ((each, len(text)) for each in _objects(value, None, Place(file)))
            return
    for value, node, place in _documents(text, file):
        yield from ((each, node.end_mark.index) for each in _objects(value, node, place))


def _objects(value: Plain, node: yaml.Node | None, place: Place) -> Iterator[Manifest]:
    """Yield the object, or those of the list that it is."""
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
    nodes = _items(node)
    for number, item in enumerate(items):
        child = nodes[number] if number < len(nodes) else None
        line = child.start_mark.line + 1 if child is not None else 0
        here = replace(place, item=number + 1, line=line)
        if not isinstance(item, dict):
            raise CliError(f"{here}: this is {_kind_of(item)}, not a Kubernetes object")
        yield from _objects(item if "kind" in item else {**given, **item}, child, here)


def _items(node: yaml.Node | None) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        for key, entry in node.value:
            if key.value == "items" and isinstance(entry, yaml.SequenceNode):
                return list(entry.value)
    return []


def _documents(text: str, file: str) -> Iterator[tuple[Any, yaml.Node, Place]]:
    number = 0
    loader = Loader(text)
    try:
        while True:
            number += 1
            if not loader.check_node():
                return
            node = loader.get_node()
            place = Place(file, number, node.start_mark.line + 1)
            value = _Reader(file, number, aliases="&" in text).value(node)
            if value is not None:
                yield value, node, place
    except yaml.YAMLError as error:
        raise CliError(_not_yaml(text, file, number, error)) from None
    except RecursionError:
        raise CliError(f"{Place(file, number)}: this is nested without end") from None
    finally:
        loader.dispose()


class _Reader:
    """Turns the nodes of one document into plain values.

    Aliases stay one value, however often they are used, so that a small file stays small.
    """

    def __init__(self, file: str, number: int, *, aliases: bool) -> None:
        self._file = file
        self._number = number
        self._aliases = aliases
        self._known: dict[yaml.Node, Plain] = {}

    def value(self, node: yaml.Node) -> Plain:
        """Return the plain value of a node."""
        # Nearly everything is text, and nearly every call is about a collection: texts are taken
        # where they are met, which saves most of the calls.
        kind = type(node)
        if kind is yaml.ScalarNode:
            return node.value if node.tag in _TEXT else _general(node)
        if self._aliases and node in self._known:
            return self._known[node]
        if kind is yaml.SequenceNode:
            found: Plain = [
                each.value
                if each.tag in _TEXT and type(each) is yaml.ScalarNode
                else self.value(each)
                for each in node.value
            ]
        else:
            found = self._mapping(node)
        if self._aliases:
            self._known[node] = found
        return found

    def _mapping(self, node: yaml.Node) -> Plain:
        found: dict[str, Plain] = {}
        for key, entry in node.value:
            if key.tag == _MERGE:
                return _general(node)
            name = key.value if type(key) is yaml.ScalarNode else str(self.value(key))
            if entry.tag in _TEXT and type(entry) is yaml.ScalarNode:
                found[name] = entry.value
            else:
                found[name] = self.value(entry)
        if len(found) < len(node.value):
            raise CliError(self._twice(node))
        return found

    def _twice(self, node: yaml.Node) -> str:
        seen: set[str] = set()
        line, name = 0, ""
        for key, _ in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in seen:
                break
            seen.add(name)
        place = Place(self._file, self._number, line)
        return f"{place}: {name} is written twice here: keep one of them"


def _general(node: yaml.Node) -> Plain:
    """Return what PyYAML itself makes of a node: numbers, truth values, merge keys."""
    constructor = yaml.constructor.SafeConstructor()
    return constructor.construct_document(node)


def _not_yaml(text: str, file: str, number: int, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    place = Place(file, number, mark.line + 1 if mark else 0)
    why = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    lines = text.splitlines()
    there = lines[mark.line] if mark and mark.line < len(lines) else ""
    template = "{{" in there or (mark is not None and "{{" in "".join(lines[: mark.line][-1:]))
    hint = " (a template? render it first, with `helm template`)" if template else ""
    return f"{place}: this is not YAML: {why}{hint}"


def _not_json(file: str, error: ValueError) -> str:
    line = getattr(error, "lineno", 0)
    return f"{Place(file, 1, line)}: this is not JSON: {getattr(error, 'msg', error)}"


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
        raise CliError(f"{Place(file, 1, line)}: this is not text in UTF-8") from None


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
