"""The plain block style of YAML, which kubectl and Helm write, read line by line.

A line is taken for itself: ``key: value``, ``key:``, ``- value``, ``- key: value``, nothing, or a
comment. Manifests say the same few lines thousands of times, so what one means is worked out once;
where it belongs, its indentation says. Texts that begin with ``|`` are taken whole.

Nothing is guessed. A document that has any other line, or one that is not at the place of an entry,
or that says a key again, is left to libyaml, which also knows what to say of it. Lines that are
accepted are complete: what YAML lets go on in the next lines is a missing value, which is looked
for there, or a text in lines further in, which are no entry's place.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from yaml import ScalarNode

from responsibility.cli.sources.yaml.composer import ITEMS, TEXT, Items, Value, alone, scalar
from responsibility.cli.sources.yaml.loader import TAGS

# A text without quotes that ends on its line: begun by no character that means something, and
# without a colon or a `#` beside a space, which would end it before.
_PLAIN = r"(?:[A-Za-z0-9_./+~$(]|-(?=[^ ]))[^ :#]*(?:(?:[ ]+(?=[^ :#])|:(?=[^ ])|\#)[^ :#]*)*"
_LINE: Final = re.compile(
    rf"""
    (\ *)
    (?:(-\ +)(?!\ ))?
    (?:([A-Za-z0-9_][A-Za-z0-9_./-]{{0,200}}):(?=\ |$)\ *)?   # libyaml refuses very long keys
    (?: ({_PLAIN})
      | '([^']*)'
      | "([^"\\]*)"
      | (\|-?)
      | ([\[{{'"].*)
    )?
    (?:(?<=\ )\#.*|\ +\#.*|\ *)
    """,
    re.VERBOSE,
)
# What else may stand in a text that is taken whole.
_IN_TEXT: Final = str.maketrans("", "", "\t\n")

# Nobody nests as deeply as this.
_DEEPEST: Final = 100

# What a line is: an entry of a list; one of a mapping; one of a list that is a mapping, with its
# first entry; one whose value is to come; one whose value is to be copied, or a text that follows.
_ITEM, _ENTRY, _INNER, _OPEN, _COPY, _TEXT = range(6)
# By the groups of a line: what stands beside a key, or beside a dash.
_KINDS: Final = {3: _OPEN, 4: _ENTRY, 5: _ENTRY, 6: _ENTRY, 7: _TEXT, 8: _COPY}
_PLAIN_GROUP: Final = 4

# Its level, what it is, its key if any, and its value. Lists are half a level deeper than mappings
# of the same indentation, so that they can stand in one as its value.
Meaning = tuple[int, int, str, Any]

_OUTSIDE: Final = -1
_BLANK: Final = -2
_NOTHING: Final[Meaning] = (_BLANK, 0, "", None)
_UNKNOWN: Final[Meaning] = (-3, 0, "", None)


class Meanings(dict[str, Meaning]):
    """Meanings of lines, each worked out when it is first met."""

    def __missing__(self, line: str) -> Meaning:
        meaning = self[line] = _meaning(line)
        return meaning


def _meaning(line: str) -> Meaning:
    # Tabs, line breaks that only YAML knows, and what it refuses, are not printable.
    found = _LINE.fullmatch(line) if line.isprintable() else None
    if found is None:
        return _NOTHING if line.isprintable() and line.lstrip(" ")[:1] == "#" else _UNKNOWN
    # The group that matched last says what it is.
    last = found.lastindex or 0
    indent, dash, key = found.group(1, 2, 3)
    # A number, or the like, is called by its value.
    odd = key is not None and TAGS[key] not in TEXT
    if odd or last not in _KINDS or (dash is None and key is None):
        return _NOTHING if last == 1 else _UNKNOWN
    kind, value = _KINDS[last], found[last]
    if kind == _OPEN:
        value = None
    elif last == _PLAIN_GROUP:
        tag = TAGS[value]
        value = value if tag in TEXT else scalar(ScalarNode(tag, value))
    elif kind == _COPY:
        complete, value = alone(line if key is None else line[found.start(3) :])
        if not complete:
            return _UNKNOWN
    level = 2 * len(indent)
    if dash is None:
        return level, kind, key, value
    if key is None:
        return level + 1, _ITEM if kind == _ENTRY else kind, "", value
    return level + 1, _INNER, "", (level + 2 * len(dash), kind, key, value)


@dataclass(frozen=True, slots=True)
class Block:
    """A document, None if empty; its first line and those of items, counted from 0."""

    value: Value
    line: int
    items: Items


def read(lines: Sequence[str], meanings: Meanings, *, skip: int = 0) -> Block | None:  # noqa: C901, PLR0911, PLR0912, PLR0915 - one loop over hundreds of thousands of lines
    """Return the document that these lines are; None if it is in another style, for libyaml.

    The first ``skip`` lines are no part of it.
    """
    outside: dict[str, Value] = {}
    first = 0
    items: dict[int, list[int]] = {}
    lists: list[list[Value]] = []
    # The place of the next entry, and what it goes into; then those that it may go back to.
    at: int = _OUTSIDE
    inside: Any = outside
    stack: list[tuple[int, Any]] = []
    # The key whose value is to come.
    pending: str | None = ""
    numbered = enumerate(islice(lines, skip, None), skip)
    for number, line in numbered:
        level, kind, key, value = meanings[line]
        if level > at:
            if pending is None or len(stack) > _DEEPEST:
                return None
            new: Any = [] if level & 1 else {}
            inside[pending] = new
            if not stack:
                first = number
            if level & 1 and pending == ITEMS:
                lists.append(new)
                items[id(new)] = []
            stack.append((at, inside))
            at, inside = level, new
        elif level < at:
            if level < 0:
                if level == _BLANK:
                    continue
                return None
            while at > level:
                at, inside = stack.pop()
            if at != level:
                return None
        pending = None
        if kind == _ITEM:
            inside.append(value)
            continue
        if kind == _INNER:
            if items and id(inside) in items:
                items[id(inside)].append(number)
            stack.append((at, inside))
            new = {}
            inside.append(new)
            inside = new
            at, kind, key, value = value
        elif not at & 1 and key in inside:
            return None
        if kind == _ENTRY:
            inside[key] = value
        elif kind == _OPEN:
            inside[key] = None
            pending = key
        else:
            if kind == _COPY:
                value = deepcopy(value)
            else:
                length, value = _text(lines, number + 1, at >> 1, value)
                if not length:
                    return None
                deque(islice(numbered, length), 0)
            if at & 1:
                inside.append(value)
            else:
                inside[key] = value
    if any(len(items[id(some)]) != len(some) for some in lists):
        return None
    return Block(outside.get(""), first, items)


def _text(lines: Sequence[str], start: int, indent: int, style: str) -> tuple[int, str]:
    """Return how many lines a text has that is further in than its key, and the text itself.

    No lines: it takes libyaml to tell.
    """
    first = lines[start] if start < len(lines) else ""
    depth = len(first) - len(first.lstrip(" "))
    if depth <= indent or depth == len(first) or first[depth] == "\t":
        return 0, ""
    margin = first[:depth]
    end = start
    while end < len(lines) and (lines[end].startswith(margin) or not lines[end]):
        end += 1
    if end == len(lines):
        # Without a line break at its end, unless the last of the lines is empty.
        if lines[-1]:
            return 0, ""
    elif lines[end].isspace() or len(lines[end]) - len(lines[end].lstrip(" ")) > indent:
        return 0, ""
    text = "\n".join(line[depth:] for line in lines[start:end])
    if not text.translate(_IN_TEXT).isprintable():
        return 0, ""
    return end - start, text.rstrip("\n") + ("\n" if style == "|" else "")
