"""Manifests out of files, folders and standard input, each with the place it came from."""

from __future__ import annotations

import codecs
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count, repeat
from pathlib import Path
from typing import Any

from responsibility.api.foreign_text import harmless
from responsibility.cli.sources import kustomize
from responsibility.cli.sources.folders import NOTHING, STDIN, Ignored, PassedOver, sources
from responsibility.cli.sources.location import Location
from responsibility.cli.sources.yaml.composer import Items, Value
from responsibility.cli.sources.yaml.documents import DocumentError, YamlDocument, documents
from responsibility.cli.terminal.errors import CliError

Progress = Callable[[int], None]

# The longer marks first: UTF-32 begins like UTF-16.
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object as it was written."""

    raw: dict[str, Any]
    place: Location


def read(
    paths: Iterable[str],
    *,
    progress: Progress = lambda _: None,
    notes: Callable[[str], None] = lambda _: None,
    ignored: Ignored = NOTHING,
    namespace: str | None = None,
    passed: PassedOver | None = None,
) -> Iterator[Manifest]:
    """Yield every object of the files, lists taken apart, kustomizations built.

    ``progress`` is told the characters that were dealt with, ``notes`` what was passed over.
    Raises CliError.
    """
    passed = PassedOver() if passed is None else passed
    for source in sources(paths, passed, ignored, namespace):
        if source.command:
            folder = Path(source.path).parent
            text = kustomize.build(list(source.command), folder, source.noun)
            name = source.path
        else:
            text = text_of(source.path)
            name = "standard input" if source.path == STDIN else source.path
        reported = 0
        if source.hidden and _is_of_a_program(text, name):
            passed.add("file", "with something else than Kubernetes objects", name)
            continue
        for manifest, position in _parse(text, name):
            if position > reported:
                progress(position - reported)
                reported = position
            if not source.named and _is_no_object(manifest.raw):
                passed.add("file", "with something else than Kubernetes objects", name)
            elif isinstance(manifest.raw, dict):
                # Lines of what was built are lines of no file.
                yield replace(manifest, place=Location(name)) if source.command else manifest
            else:
                raise CliError(
                    f"{manifest.place}: this is {_kind_of(manifest.raw)}, not a Kubernetes object"
                )
        progress(len(text) - reported)
    passed.tell(notes)


def _is_of_a_program(text: str, name: str) -> bool:
    """Return whether it can't be read and is no manifest, such as an editor's settings.

    What could be one, by a word or an escape that could stand for it, has to be readable.
    """
    if "apiVersion" in text or "\\" in text:
        return False
    try:
        list(_parse(text, name))
    except CliError:
        return True
    return False


def _is_no_object(raw: Value) -> bool:
    """Whether it is values of a chart or the like: nothing of it says that it is an object.

    What has a kind but no version, or the other way round, is rather a slip.
    """
    if not isinstance(raw, dict):
        return True
    return not raw.get("kind") and "/" not in str(raw.get("apiVersion") or "")


def objects_in(text: str, file: str) -> Iterator[Manifest]:
    """Yield the objects of a text, lists taken apart, and nothing else. Raises CliError."""
    yield from divided(text, file)[0]


def divided(text: str, file: str) -> tuple[list[Manifest], int]:
    """Return the objects of a text, and how many other documents it has. Raises CliError."""
    found = [manifest for manifest, _ in _parse(text, file)]
    objects = [manifest for manifest in found if not _is_no_object(manifest.raw)]
    return objects, len(found) - len(objects)


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
        yield Manifest(value, place)
        return
    kind, items = value.get("kind"), value.get("items")
    if not (isinstance(kind, str) and kind.endswith("List") and isinstance(items, list)):
        yield Manifest(value, place)
        return
    # The items of a RoleList carry neither kind nor version.
    inherited: dict[str, Any] = {}
    if kind != "List":
        inherited = {"apiVersion": value.get("apiVersion"), "kind": kind.removesuffix("List")}
    for item, number, line in zip(items, count(1), lines.get(id(items)) or repeat(0)):
        here = Location(place.file, place.document, line, number)
        if not isinstance(item, dict):
            raise CliError(f"{here}: this is {_kind_of(item)}, not a Kubernetes object")
        yield from _objects(item if "kind" in item else {**inherited, **item}, lines, here)


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
        raise CliError(f"{harmless(file)}: {error.strerror or type(error).__name__}") from None
    return decoded(raw, file)


def decoded(raw: bytes, file: str) -> str:
    """Return bytes as text, as YAML has it: UTF-8 unless a byte order mark says otherwise.

    Raises CliError.
    """
    encoding = next((name for mark, name in _MARKS.items() if raw.startswith(mark)), "utf-8")
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        wanted = encoding.upper().removesuffix("-SIG")
        raise CliError(f"{Location(file, 1, line)}: this is not text in {wanted}") from None
