"""Foreign text made harmless: names that others chose, on their way to somebody who reads them.

A user, a binding or a party may be called anything: what moves a terminal's cursor, begins a line
of its own, turns the text beside it around, or cannot be seen. Each way out (terminal, Event,
status, page) puts its text through here. What is replaced are Unicode's categories of control,
format and surrogate characters and of separators of lines, see UAX #44; with the
format characters go those that write right to left (UTR #36, "bidirectional text spoofing") and
those of no width.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Final

REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
_HARMFUL: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_LINES: Final = frozenset("\t\n")
# The last two of each plane and a block are characters in no text, by Unicode's own rule.
_NONE: Final = frozenset(range(0xFDD0, 0xFDF0))


# Users and groups may be called anything, such as "ann can do nothing, but bob".
_BLANK_LETTERS: Final = "\u115f\u1160\u3164\uffa0"
_ONE_WORD: Final = re.compile(
    rf"(?:(?![{_BLANK_LETTERS}])[\w!#$%&'*+,./:;<=>?@^`|~\\(){{}}\[\]-])+"
)
_NO_QUOTES: Final = str.maketrans(dict.fromkeys('"\u201c\u201d\u201e\u201f\u2033\uff02', "'"))


def harmless(text: str, *, lines: bool = False) -> str:
    """Return a text in which nothing is left that a reader's program would obey or not show.

    With ``lines``, ends of lines and tabs stay: only for where they mean nothing.
    """
    if text.isprintable():
        return text
    return "".join(
        char if (lines and char in _LINES) or not _is_harmful(char) else REPLACEMENT
        for char in text
    )


def escaped(text: str, *, wide: str = "") -> str:
    """Return JSON, or YAML, that means the same: what is harmful elsewhere is escaped.

    Nothing is lost to programs, and nothing obeyed where somebody looks at it. ``wide`` is the
    escape of characters beyond U+FFFF, where pairs of surrogates are none.
    """
    if text.isprintable():
        return text
    return "".join(
        char if char in _LINES or not _is_harmful(char) else _escape(char, wide) for char in text
    )


def _escape(char: str, wide: str) -> str:
    if wide and ord(char) > 0xFFFF:  # noqa: PLR2004 - what four digits can say
        return wide.format(ord(char))
    return json.dumps(char)[1:-1] if ord(char) > 0x7F else f"\\u{ord(char):04x}"  # noqa: PLR2004 - the end of ASCII


def _is_harmful(char: str) -> bool:
    number = ord(char)
    return (
        unicodedata.category(char) in _HARMFUL or number in _NONE or number & 0xFFFE == 0xFFFE  # noqa: PLR2004 - the last two of a plane
    )


def is_one_word(name: str) -> bool:
    """Return whether a name can be taken for nothing but a name."""
    return _ONE_WORD.fullmatch(name) is not None


def quoted(name: str, longest: int) -> str:
    """Return a name in quotes, cut where it is longer."""
    cut = name if len(name) <= longest else f"{name[: longest - 1]}…"
    return f'"{cut.translate(_NO_QUOTES)}"'


def plain_name(name: str, longest: int) -> str:
    """Return a name as it is where it is one word, else in quotes; cut where it is longer."""
    if not is_one_word(name):
        return quoted(name, longest)
    return name if len(name) <= longest else f"{name[: longest - 1]}…"
