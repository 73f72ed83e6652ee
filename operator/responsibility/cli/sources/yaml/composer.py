"""Documents as libyaml composes them: all that YAML can say, and what is wrong with a text.

Nodes are turned into plain values here: that takes half the time of the general constructor, keeps
dates as the text that Kubernetes takes them for, and knows the line of everything it complains
about.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from responsibility.cli.sources.yaml.loader import Loader
from responsibility.cli.sources.yaml.words import as_key, meaning

_TAG = "tag:yaml.org,2002:"
_MERGE, _BINARY, _FLOAT = (f"{_TAG}{kind}" for kind in ("merge", "binary", "float"))
TEXT = frozenset({f"{_TAG}str", f"{_TAG}timestamp"})

# What Git leaves where it could not merge: seven of them at the beginning of a line.
_CONFLICT = re.compile(r"^(?:<{7} |={7}\r?$|>{7} |\|{7} )", re.MULTILINE)
UNFINISHED = "a merge that is not finished: resolve the conflict"

# Values that a document may come to with its aliases written out; no cluster takes an object of a
# hundredth of it, and whoever goes through all of them has to come to an end.
_MOST = 5_000_000
# Whatever YAML and JSON can say.
Value = Any

# The lines of the entries of lists called `items`, by the identity of the list.
Items = Mapping[int, Sequence[int]]
ITEMS = "items"


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """One document: its number in the text, its first line, and the lines of its items.

    ``end`` is the position in the text up to which has been read. An empty one is None.
    """

    number: int
    line: int
    value: Value
    items: Items = field(default_factory=dict)
    end: int = 0


class DocumentError(ValueError):
    """A document that can't be read; ``line`` is 0 where it isn't known."""

    def __init__(self, number: int, line: int, message: str) -> None:
        super().__init__(message)
        self.number = number
        self.line = line


def compose(text: str, *, after: int = 0, lines: int = 0) -> Iterator[YamlDocument]:
    """Yield every document, empty ones too. Raises DocumentError.

    Of a longer text, ``after`` documents and ``lines`` came before.
    """
    number = after
    loader = Loader(text)
    try:
        while True:
            number += 1
            if not loader.check_node():
                return
            node = loader.get_node()
            reader = _Reader(number, lines, aliases="&" in text)
            value = reader.value(node)
            yield YamlDocument(
                number, lines + node.start_mark.line + 1, value, reader.items, node.end_mark.index
            )
    except yaml.YAMLError as error:
        raise _not_yaml(text, number, lines, error) from None
    except RecursionError:
        raise DocumentError(number, 0, "this is nested without end") from None
    finally:
        loader.dispose()


class _Reader:
    """Turns the nodes of one document into plain values.

    Aliases stay one value, however often they are used, so that a small file stays small; what it
    would come to without them has a bound.
    """

    def __init__(self, number: int, lines: int, *, aliases: bool) -> None:
        self.items: dict[int, list[int]] = {}
        self._number = number
        self._lines = lines
        self._aliases = aliases
        self._known: dict[yaml.Node, Value] = {}
        self._sizes: dict[yaml.Node, int] = {}

    def value(self, node: yaml.Node) -> Value:
        """Return the plain value of a node."""
        # Nearly everything is text, and nearly every call is about a collection: texts are taken
        # where they are met, which saves most of the calls.
        if isinstance(node, yaml.ScalarNode):
            return scalar(node)
        if self._aliases and node in self._known:
            return self._known[node]
        if isinstance(node, yaml.SequenceNode):
            found: Value = [
                each.value
                if each.tag in TEXT and type(each) is yaml.ScalarNode
                else self.value(each)
                for each in node.value
            ]
        else:
            found = self._mapping(node)
        if self._aliases:
            self._known[node] = found
            self._measure(node)
        return found

    def _measure(self, node: yaml.Node) -> None:
        """Count what a node comes to, whose parts have been counted. Raises DocumentError."""
        pairs = isinstance(node, yaml.MappingNode)
        inside = [each for pair in node.value for each in pair] if pairs else node.value
        size = 1 + sum(self._sizes.get(each, 1) for each in inside)
        if size > _MOST:
            line = self._lines + node.start_mark.line + 1
            why = "aliases of aliases make more of this than any reader takes"
            raise DocumentError(self._number, line, why)
        self._sizes[node] = size

    def _mapping(self, node: yaml.Node) -> Value:
        found: dict[str, Value] = {}
        for key, entry in node.value:
            if key.tag == _MERGE:
                return self._merged(node)
            name = key.value if key.tag in TEXT else self._key(key)
            if entry.tag in TEXT and type(entry) is yaml.ScalarNode:
                found[name] = entry.value
            else:
                found[name] = self.value(entry)
                if name == ITEMS and type(entry) is yaml.SequenceNode:
                    lines = [self._lines + each.start_mark.line + 1 for each in entry.value]
                    self.items[id(found[name])] = lines
        if len(found) < len(node.value):
            raise self._twice(node)
        return found

    def _key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            return str(self.value(node))
        return as_key(scalar(node), node.value)

    def _merged(self, node: yaml.Node) -> Value:
        """Return a mapping with `<<`: what is written beside it wins, then the first of a list."""
        merged: dict[str, Value] = {}
        written: list[tuple[yaml.Node, yaml.Node]] = []
        for key, entry in node.value:
            if key.tag != _MERGE:
                written.append((key, entry))
                continue
            parts = entry.value if isinstance(entry, yaml.SequenceNode) else [entry]
            for part in parts:
                if not isinstance(part, yaml.MappingNode):
                    why = "only mappings can be merged with <<"
                    raise DocumentError(self._number, self._lines + node.start_mark.line + 1, why)
                merged = {**self.value(part), **merged}
        explicit = self._mapping(
            yaml.MappingNode(node.tag, written, node.start_mark, node.end_mark)
        )
        return {**merged, **explicit}

    def _twice(self, node: yaml.Node) -> DocumentError:
        seen: set[str] = set()
        line, name = 0, ""
        for key, _ in node.value:
            name, line = self._key(key), key.start_mark.line + 1
            if name in seen:
                break
            seen.add(name)
        why = f"{name} is written twice here: keep one of them"
        return DocumentError(self._number, self._lines + line, why)


def scalar(node: yaml.ScalarNode) -> Value:
    """Return the value of a scalar: text, but for numbers, truth values and nothing."""
    if node.tag in TEXT or not node.tag.startswith(_TAG):
        # A tag that nobody knows says nothing.
        return node.value
    if node.tag == _BINARY:
        try:
            return base64.b64decode("".join(node.value.split()), validate=True).decode()
        except ValueError:
            raise _no_such(node) from None
    tag, value = meaning(node.value)
    if tag == node.tag:
        return value
    if node.tag == _FLOAT and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    raise _no_such(node)


def _no_such(node: yaml.ScalarNode) -> yaml.YAMLError:
    why = f"this is no {node.tag.removeprefix(_TAG)}"
    return yaml.constructor.ConstructorError(None, None, why, node.start_mark)


def alone(line: str) -> tuple[bool, Value]:
    """Return whether the value of a list's or mapping's one entry is complete, and the value.

    It is if it is in quotes or brackets, and without an alias or anything wrong.
    """
    loader = Loader(line)
    try:
        node = loader.get_single_node()
        entry = node.value[0] if isinstance(node, yaml.SequenceNode) else node.value[0][1]
        quoted = isinstance(entry, yaml.ScalarNode) and entry.style in ("'", '"')
        if not quoted and not getattr(entry, "flow_style", False):
            return False, None
        reader = _Reader(0, 0, aliases=True)
        whole = reader.value(node)
        (value,) = whole.values() if isinstance(whole, dict) else whole
        # The lines of items are not those of this one line.
        return not any(reader.items.values()), value
    except (yaml.YAMLError, DocumentError, RecursionError):
        return False, None
    finally:
        loader.dispose()


def unfinished_merge(text: str) -> int:
    """Return the line at which Git could not merge a text, from 1; 0 if there is none."""
    found = _CONFLICT.search(text)
    return text.count("\n", 0, found.start()) + 1 if found else 0


def _not_yaml(text: str, number: int, before: int, error: yaml.YAMLError) -> DocumentError:
    if line := unfinished_merge(text):
        return DocumentError(number, before + line, UNFINISHED)
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    why = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    lines = text.splitlines()
    there = lines[mark.line] if mark and mark.line < len(lines) else ""
    template = "{{" in there or (mark is not None and "{{" in "".join(lines[: mark.line][-1:]))
    hint = " (a template? render it first, with `helm template`)" if template else ""
    line = before + mark.line + 1 if mark else 0
    return DocumentError(number, line, f"this is not YAML: {why}{hint}")
