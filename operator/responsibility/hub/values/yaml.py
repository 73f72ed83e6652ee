"""A hub's chart values, read as the hub does, but never more than can be read in a moment.

The hub reads them with PyYAML's ``safe_load`` (the chart's ``files/hub/z2jh.py``). Whoever may
write the Secret may write any text, though: one that nests deeply enough ends a process that loads
it (the loader on libyaml recurses in C), and aliases make a small text as large as anybody likes.
So it is read event by event, and whatever neither Helm nor a person writes is not read at all:
aliases, merge keys, tags, keys that are no scalars, and what is too much or nests too deeply.

No error has a word of the text, nor does one that caused it hang on: YAML's own errors quote it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

Value = Any

# Scalars, keys among them, and the two ends of maps and lists. A large hub has five thousand.
MOST_NODES = 40_000
DEEPEST = 64
# What libyaml can't read, PyYAML's own parser might, as the hub does; it takes 10 s for a megabyte.
_MOST_READ_SLOWLY = 64 * 1024

# libyaml skips it at the beginning of a line, where PyYAML reads it as a letter.
_BYTE_ORDER_MARK = "\ufeff"
# `<<` and `=`, which mean something of their own as keys.
_KEYS = ("tag:yaml.org,2002:merge", "tag:yaml.org,2002:value")
_QUICK: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class UnreadableError(ValueError):
    """The text is no YAML: the hub, which reads it the same way, can't use it either."""


class BeyondError(ValueError):
    """The text may be YAML, but is of a form, or a size, that is not read here."""


def read(text: str, *, quick: type[yaml.SafeLoader] = _QUICK) -> Value:
    """Return the values. Raises UnreadableError or BeyondError, neither of which quotes them.

    ``quick`` reads it at first: libyaml, where it is there. A long text that this can't read is
    beyond us: whether the hub can is not tried.
    """
    found = _documents(text, quick, most=1)
    return found[0] if found else None


def read_all(text: str, *, most: int) -> list[Value]:
    """Return every document of a text, such as a release's manifest; at most so many.

    Raises as ``read`` does.
    """
    return _documents(text, _QUICK, most=most)


def _documents(text: str, quick: type[yaml.SafeLoader], *, most: int) -> list[Value]:
    trouble: ValueError = UnreadableError("this is no YAML")
    if _BYTE_ORDER_MARK in text:
        raise BeyondError("parsers differ about what stands after a byte order mark")
    for loader in (quick, yaml.SafeLoader):
        if loader is not quick and len(text) > _MOST_READ_SLOWLY:
            trouble = BeyondError("it is too long to be sure that this is no YAML")
            break
        try:
            return _Builder(loader).build(yaml.parse(text, Loader=loader), most)
        except BeyondError:
            trouble = BeyondError("this is YAML that is not read here")
            break
        except (yaml.YAMLError, ValueError, OverflowError, RecursionError):
            continue
    # Outside of any handler, so that no error with its text hangs on to this one.
    raise trouble


@dataclass(slots=True)
class _Open:
    """A map or list that has not ended; of a map, the key whose value comes next."""

    value: dict[Any, Value] | list[Value]
    key: Any = None
    has_key: bool = False

    def add(self, value: Value) -> None:
        if isinstance(self.value, list):
            self.value.append(value)
        elif not self.has_key:
            if isinstance(value, (dict, list)):
                raise BeyondError
            self.key, self.has_key = value, True
        else:
            # Of two values of one key the last one counts, as in the hub.
            self.value[self.key] = value
            self.has_key = False


class _Builder:
    """Makes values of events; what scalars mean, PyYAML says."""

    def __init__(self, loader: Any) -> None:  # noqa: ANN401 - of classes that have no types
        self._scalars = loader("")

    def build(self, events: Iterable[Any], most: int) -> list[Value]:
        """Return the value of each document, of which there may be ``most``."""
        found: list[Value] = []
        opened = [_Open(found)]
        for number, event in enumerate(_nodes(events)):
            if number >= MOST_NODES or len(opened) > DEEPEST:
                raise BeyondError
            if isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                opened.pop()
            elif isinstance(event, yaml.ScalarEvent):
                opened[-1].add(self._scalar(event))
            else:
                if event.tag is not None:
                    raise BeyondError
                value: dict[Any, Value] | list[Value]
                value = {} if isinstance(event, yaml.MappingStartEvent) else []
                opened[-1].add(value)
                opened.append(_Open(value))
        if len(found) > most:
            raise UnreadableError
        return found

    def _scalar(self, event: Any) -> Value:  # noqa: ANN401 - of a module that has no types
        if event.tag is not None:
            raise BeyondError
        tag = self._scalars.resolve(yaml.ScalarNode, event.value, event.implicit)
        if tag in _KEYS:
            raise BeyondError
        return self._scalars.construct_object(yaml.ScalarNode(tag, event.value))


def _nodes(events: Iterable[Any]) -> Iterator[Any]:
    """Yield the events that begin or end a value."""
    for event in events:
        if isinstance(event, yaml.AliasEvent):
            raise BeyondError
        if isinstance(event, (yaml.NodeEvent, yaml.CollectionEndEvent)):
            yield event
