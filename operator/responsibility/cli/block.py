"""YAML as tools write it, read line by line: more than twice as fast as libyaml and its nodes.

`kubectl get -o yaml`, Helm and most generators write one key or one entry a line. That part of YAML
is so small that a regular expression and a stack decide it. Whatever is not certainly of it –
comments beside values, folded text, anchors, tabs, anything but ASCII, what is wrong – is left to
libyaml: then ``document`` returns None. What it does return is what libyaml would have said; a
test holds the two against each other on drawn texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

# A line: indentation, a dash, a key, and a value that is plain, quoted, or empty braces; or a
# comment, or nothing; or, last, whatever else.
_LINE: Final = re.compile(
    r"""(?:
      (?P<indent>\ *)
      (?P<dash>-\ )?
      (?:(?P<key>[A-Za-z_][A-Za-z0-9_./-]{0,200}):(?:\ +|(?=\n)))?
      (?:
        (?P<plain>[A-Za-z0-9_/.$(] [!$-9;-~]*+ (?:(?::(?=[!-~])|\ +(?=[!$-9;-~])) [!$-9;-~]*+)*+)
        | '(?P<single>[ -&(-~]*+)'
        | "(?P<double>[ !#-\[\]-~]*+)"
        | (?P<empty>\[\]|\{\})
      )?
      \ *\n
    )
    | \ *\#[ -~]*\n
    | (?P<other>[^\n]*\n)
    """,
    re.VERBOSE,
)
# What begins a line and separates documents, or says something about them.
_MARK: Final = re.compile(r"^(?:---|\.\.\.|%)[^\n]*$", re.MULTILINE)
_BREAKS: Final = ("\r", "\x85", "\u2028", "\u2029")

Scalar = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Document:
    """One document: its first line, and those of the entries of ``items``; counted from 0."""

    value: dict[str, Any]
    line: int
    items: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """Where the text of a document is, the line it begins at, and whether a marker is before it."""

    start: int
    end: int
    line: int
    marked: bool


def parts(text: str) -> Iterator[Part] | None:
    """Split a text at its ``---``; None where documents are separated in other ways as well."""
    if any(each in text for each in _BREAKS):
        return None
    marks = list(_MARK.finditer(text))
    if any(mark.group().rstrip(" ") != "---" for mark in marks):
        return None
    return _parts(text, [(mark.start(), mark.end()) for mark in marks])


def _parts(text: str, marks: list[tuple[int, int]]) -> Iterator[Part]:
    start, line, marked = 0, 0, False
    for at, after in (*marks, (len(text), len(text))):
        yield Part(start, at, line, marked)
        # The line of the marker ends after it; what follows begins with that end.
        line += text.count("\n", start, after)
        start, marked = after, True


def document(text: str, scalar: Scalar) -> Document | None:
    """Return a mapping that is written plainly; None for all else.

    ``scalar`` says what a plain scalar stands for.
    """
    try:
        return _document(text if text.endswith("\n") else f"{text}\n", scalar)
    except _OtherwiseError:
        return None


class _OtherwiseError(Exception):
    """It is written in another way, or wrongly."""


_NOTHING: Final = object()
_EMPTY: Final[dict[str, Callable[[], Any]]] = {"[]": list, "{}": dict}


class _Builder:
    """What is open while the lines come, from the outside in: containers and their columns."""

    def __init__(self) -> None:
        self.root: dict[str, Any] = {}
        self.items: list[int] = []
        self._open: list[Any] = [self.root]
        self._columns: list[int] = [0]
        # The key of the innermost mapping that has no value yet.
        self._awaiting: str | None = None

    def entry(self, column: int, number: int) -> list[Any]:
        """Return the list that a dash in this column belongs to."""
        columns, open_ = self._columns, self._open
        if self._awaiting is not None:
            if column >= columns[-1]:
                made: list[Any] = []
                open_[-1][self._awaiting] = made
                open_.append(made)
                columns.append(column)
            self._awaiting = None
        while columns[-1] > column:
            columns.pop()
            open_.pop()
        found: list[Any] = open_[-1]
        if columns[-1] != column or type(found) is not list:
            raise _OtherwiseError
        if len(open_) == 2 and self.root.get("items") is found:  # noqa: PLR2004
            self.items.append(number)
        return found

    def begin(self, column: int) -> dict[str, Any]:
        """Open a mapping in this column."""
        made: dict[str, Any] = {}
        self._open.append(made)
        self._columns.append(column)
        return made

    def mapping(self, column: int) -> dict[str, Any]:
        """Return the mapping that a key in this column belongs to."""
        columns, open_ = self._columns, self._open
        if self._awaiting is not None:
            awaiting, self._awaiting = self._awaiting, None
            if column > columns[-1]:
                outer = open_[-1]
                outer[awaiting] = made = self.begin(column)
                return made
        while columns[-1] > column or type(open_[-1]) is list:
            columns.pop()
            open_.pop()
        found: dict[str, Any] = open_[-1]
        if columns[-1] != column:
            raise _OtherwiseError
        return found

    def put(self, mapping: dict[str, Any], key: str, value: object) -> None:
        """Set a key; without a value, what comes below it is its value."""
        if key in mapping:
            raise _OtherwiseError
        if value is _NOTHING:
            mapping[key] = None
            self._awaiting = key
        else:
            mapping[key] = value


def _document(text: str, scalar: Scalar) -> Document | None:
    built = _Builder()
    first = -1
    for number, match in enumerate(_LINE.finditer(text)):
        indent, dash, key, plain, single, double, empty, other = match.groups()
        if plain is not None:
            value = scalar(plain)
        else:
            value = _value(single, double, empty)
            if value is _NOTHING and key is None:
                if dash or other:
                    raise _OtherwiseError
                continue
        if first < 0:
            first = number
        column = len(indent)
        if dash is not None:
            entries = built.entry(column, number)
            if key is None:
                entries.append(value)
                continue
            mapping = built.begin(column + 2)
            entries.append(mapping)
        elif key is None:
            raise _OtherwiseError
        else:
            mapping = built.mapping(column)
        built.put(mapping, key, value)
    return Document(built.root, first, tuple(built.items)) if built.root else None


def _value(single: str | None, double: str | None, empty: str | None) -> object:
    if single is not None:
        return single
    if double is not None:
        return double
    return _EMPTY[empty]() if empty else _NOTHING
