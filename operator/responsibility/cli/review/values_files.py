"""Files of values, read as Helm reads them, with the line of each setting.

Where readers of YAML differ, a change could be one thing to a review and another to Helm, so such
a file is not read at all. Helm (tried with 3 and 4) lets the last of two equal keys win, a ``<<``
win over keys that stand before it, and the last of several ``<<``; it merges several documents, and
takes ``y``, ``n``, ``on`` and ``off`` for truth values, as keys too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from responsibility.cli.sources.location import Location
from responsibility.cli.sources.yaml.composer import UNFINISHED, scalar, unfinished_merge
from responsibility.cli.sources.yaml.loader import Loader
from responsibility.cli.terminal.errors import CliError
from responsibility.hub.values.paths import Place, of_key
from responsibility.hub.values.yaml import Value

_MOST_NODES: Final = 200_000
_DEEPEST: Final = 64
_TAG: Final = "tag:yaml.org,2002:"
_MERGE: Final = f"{_TAG}merge"
_PLAIN: Final = frozenset(
    f"{_TAG}{kind}" for kind in ("str", "int", "float", "bool", "null", "timestamp", "map", "seq")
)
_CANONICAL: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")


@dataclass(frozen=True, slots=True)
class ValuesFile:
    """The settings of a file, and the line of each, by its place."""

    path: str
    values: Value
    lines: Mapping[Place, int]

    def location(self, place: Place) -> Location | None:
        """Return where a setting stands, or the nearest above it; None if nothing does."""
        for length in range(len(place), 0, -1):
            if place[:length] in self.lines:
                return Location(self.path, 1, self.lines[place[:length]])
        return None


def read(text: str, path: str) -> ValuesFile:
    """Return what a file says. Raises CliError with the line."""
    if line := unfinished_merge(text):
        raise _error(path, line, UNFINISHED)
    return _Reader(path).read(text)


@dataclass(slots=True)
class _Reader:
    path: str
    lines: dict[Place, int] = field(default_factory=dict)
    nodes: int = 0

    def read(self, text: str) -> ValuesFile:
        loader = Loader(text)
        try:
            documents = list(_documents(loader))
        except yaml.YAMLError as error:
            raise self._no_yaml(text, error) from None
        except RecursionError:
            raise _error(self.path, 0, "this is nested too deeply") from None
        finally:
            loader.dispose()
        if not documents:
            return ValuesFile(self.path, {}, {})
        if len(documents) > 1:
            line = documents[1].start_mark.line + 1
            raise _error(self.path, line, "a second document: put all settings into one")
        node = documents[0]
        values: Value = {}
        if node.tag != f"{_TAG}null":
            if not isinstance(node, yaml.MappingNode):
                kind = "a list" if isinstance(node, yaml.SequenceNode) else "a text"
                line = node.start_mark.line + 1
                raise _error(self.path, line, f"this is {kind}, not settings by their names")
            values = self._value(node, (), note=True)
        # The names of keys and times that encrypted this file; it is no setting.
        values.pop("sops", None)
        return ValuesFile(self.path, values, self.lines)

    def _value(self, node: yaml.Node, place: Place, *, note: bool) -> Value:
        self.nodes += 1
        if self.nodes > _MOST_NODES or len(place) > _DEEPEST:
            raise self._error(node, "this is larger, or nested deeper, than any settings are")
        if node.tag not in _PLAIN:
            raise self._error(node, f"{_shown(node.tag)} is not read by Helm as it is meant here")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if isinstance(node, yaml.SequenceNode):
            found = []
            for number, each in enumerate(node.value):
                below = (*place, f"[{number}]")
                if note:
                    self.lines[below] = each.start_mark.line + 1
                found.append(self._value(each, below, note=note))
            return found
        return self._mapping(node, place, note=note)

    def _mapping(self, node: yaml.Node, place: Place, *, note: bool) -> Value:
        own: dict[str, Value] = {}
        merged: dict[str, Value] = {}
        for number, (key, entry) in enumerate(node.value):
            if key.tag == _MERGE:
                if number:
                    raise self._error(
                        key, "readers differ about << behind other keys: write it first, and once"
                    )
                merged = self._merged(entry, place)
                continue
            name = self._key(key)
            if name in own:
                raise self._error(key, f"{_shown(name)} is written twice here: keep one of them")
            below = (*place, of_key(name))
            if note:
                self.lines[below] = key.start_mark.line + 1
            own[name] = self._value(entry, below, note=note)
        return {**merged, **own}

    def _merged(self, entry: yaml.Node, place: Place) -> dict[str, Value]:
        parts = entry.value if isinstance(entry, yaml.SequenceNode) else [entry]
        merged: dict[str, Value] = {}
        for part in parts:
            if not isinstance(part, yaml.MappingNode):
                raise self._error(part, "only mappings can be merged with <<")
            merged = {**self._value(part, (*place, "<<"), note=False), **merged}
        return merged

    def _key(self, key: yaml.Node) -> str:
        if not isinstance(key, yaml.ScalarNode):
            raise self._error(
                key, "a key has to be a text (a template? values are not rendered by Helm)"
            )
        value = self._scalar(key)
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int) and _CANONICAL.fullmatch(key.value):
            return str(key.value)
        raise self._error(
            key, f"readers differ about the key {_shown(key.value)}: put it in quotes"
        )

    def _scalar(self, node: yaml.ScalarNode) -> Value:
        try:
            return scalar(node)
        except yaml.YAMLError:
            raise self._error(node, "this is not what its tag says") from None

    def _error(self, node: yaml.Node, why: str) -> CliError:
        return _error(self.path, node.start_mark.line + 1, why)

    def _no_yaml(self, text: str, error: yaml.YAMLError) -> CliError:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        why = getattr(error, "problem", None) or getattr(error, "reason", None) or "not readable"
        there = text.splitlines()[mark.line : mark.line + 1] if mark else []
        hint = " (a template? values are not rendered by Helm)" if "{{" in "".join(there) else ""
        return _error(self.path, mark.line + 1 if mark else 0, f"this is not YAML: {why}{hint}")


def _documents(loader: Any) -> Iterator[yaml.Node]:  # noqa: ANN401 - of a module without types
    while loader.check_node():
        node = loader.get_node()
        if node.tag != f"{_TAG}null" or node.value:
            yield node


def _error(path: str, line: int, why: str) -> CliError:
    return CliError(f"{Location(path, 1, line)}: {why}")


def _shown(text: str) -> str:
    return repr(text[:40])
