"""A parser of CEL, as far as policies are written in it: texts become trees of plain tuples.

A tree begins with the name of its kind: ``("call", target, name, arguments)``. Equal texts give
equal trees, which is how variables that several policies share are recognised::

    literal VALUE · name NAME · list PARTS · map PAIRS · select NODE KEY · index NODE KEY-TREE
    optional NODE KEY-TREE · call NODE-or-None NAME ARGUMENTS · and PARTS · or PARTS · not NODE
    minus NODE · if CONDITION THEN ELSE · binary OPERATOR LEFT RIGHT
    macro NAME NODE VARIABLE ARGUMENTS

Written by hand, since no library for Python can say *unknown* with a reason, which a replay must:
an answer that depends on what an audit log doesn't hold is none. cel-expr-python, the official CEL
in C++, reads every expression of ours, optionals included; the unit tests have it check their
types.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

Tree = tuple[Any, ...]

MACROS: Final = {"all": 2, "exists": 2, "exists_one": 2, "filter": 2, "map": 2}

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>\d+\.\d+(?:[eE][+-]?\d+)?|\d+u?)
    | (?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign>\|\||&&|==|!=|<=|>=|\[\?|\.\?|[-+*/%<>!?:.,()\[\]{}])
    | (?P<end>$)
    )""",
    re.VERBOSE,
)
_CONSTANTS = {"true": True, "false": False, "null": None}
_BINARY = (("==", "!=", "<", "<=", ">", ">=", "in"), ("+", "-"), ("*", "/", "%"))
_ESCAPE = re.compile(
    r"""\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|([0-7]{3})|(.))""", re.DOTALL
)
_ESCAPES = {c: c for c in "\\\"'`?"} | {"a": "\a", "b": "\b", "f": "\f"}
_ESCAPES |= {"n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class SyntaxProblemError(ValueError):
    """An expression that is not understood; the message says which, and where."""


@lru_cache(maxsize=8192)
def parse(text: str) -> Tree:
    """Return the tree of an expression. Raises SyntaxProblemError."""
    return _Parser(text).whole()


class _Parser:
    """Recursive descent, one token ahead."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._kind = ""
        self._value = ""
        self._next()

    def whole(self) -> Tree:
        tree = self._ternary()
        if self._kind != "end":
            raise self._problem()
        return tree

    def _problem(self) -> SyntaxProblemError:
        near = self._text[max(0, self._position - 40) : self._position + 20]
        return SyntaxProblemError(
            f"{self._value!r} is not understood at character {self._position} of an expression, "
            f"near {near!r}"
        )

    def _next(self) -> None:
        match = _TOKEN.match(self._text, self._position)
        if match is None or match.lastgroup is None:
            self._value = self._text[self._position : self._position + 1]
            raise self._problem()
        self._kind, self._value = match.lastgroup, match[match.lastgroup]
        self._position = match.end()

    def _is(self, *signs: str) -> bool:
        return self._kind in ("sign", "name") and self._value in signs

    def _take(self, sign: str) -> None:
        if not self._is(sign):
            raise self._problem()
        self._next()

    def _ternary(self) -> Tree:
        condition = self._joined("or", "||", self._and)
        if not self._is("?"):
            return condition
        self._next()
        then = self._joined("or", "||", self._and)
        self._take(":")
        return ("if", condition, then, self._ternary())

    def _and(self) -> Tree:
        return self._joined("and", "&&", self._binary)

    def _joined(self, kind: str, sign: str, part: Any) -> Tree:  # noqa: ANN401 - a bound method
        parts = [part()]
        while self._is(sign):
            self._next()
            parts.append(part())
        return parts[0] if len(parts) == 1 else (kind, tuple(parts))

    def _binary(self, level: int = 0) -> Tree:
        if level == len(_BINARY):
            return self._unary()
        left = self._binary(level + 1)
        while self._is(*_BINARY[level]):
            operator = self._value
            self._next()
            left = ("binary", operator, left, self._binary(level + 1))
        return left

    def _unary(self) -> Tree:
        for sign, kind in (("!", "not"), ("-", "minus")):
            if self._kind == "sign" and self._is(sign):
                self._next()
                return (kind, self._unary())
        return self._member()

    def _member(self) -> Tree:
        node = self._primary()
        while self._kind == "sign" and self._is(".", ".?", "[", "[?"):
            sign = self._value
            self._next()
            if sign in ("[", "[?"):
                key = self._ternary()
                self._take("]")
                node = ("optional" if sign == "[?" else "index", node, key)
                continue
            name = self._name()
            if sign == ".?":
                node = ("optional", node, ("literal", name))
            elif self._kind == "sign" and self._is("("):
                node = _call(node, name, self._arguments(")"))
            else:
                node = ("select", node, name)
        return node

    def _name(self) -> str:
        if self._kind != "name":
            raise self._problem()
        name = self._value
        self._next()
        return name

    def _arguments(self, end: str) -> tuple[Tree, ...]:
        self._next()
        found: list[Tree] = []
        while not self._is(end):
            found.append(self._ternary())
            if not self._is(end):
                self._take(",")
        self._next()
        return tuple(found)

    def _primary(self) -> Tree:
        if self._kind in ("number", "text"):
            return ("literal", self._constant())
        if self._kind == "name":
            return self._named()
        if self._is("("):
            self._next()
            inner = self._ternary()
            self._take(")")
            return inner
        if self._is("["):
            return ("list", self._arguments("]"))
        return ("map", self._pairs())

    def _constant(self) -> float | str:
        kind, value = self._kind, self._value
        self._next()
        if kind == "text":
            return _unescaped(value[1:-1])
        return float(value) if "." in value else int(value.rstrip("u"))

    def _named(self) -> Tree:
        name = self._name()
        if name in _CONSTANTS:
            return ("literal", _CONSTANTS[name])
        if self._kind == "sign" and self._is("("):
            return ("call", None, name, self._arguments(")"))
        return ("name", name)

    def _pairs(self) -> tuple[tuple[Tree, Tree], ...]:
        self._take("{")
        found: list[tuple[Tree, Tree]] = []
        while not self._is("}"):
            key = self._ternary()
            self._take(":")
            found.append((key, self._ternary()))
            if not self._is("}"):
                self._take(",")
        self._next()
        return tuple(found)


def _call(node: Tree, name: str, arguments: tuple[Tree, ...]) -> Tree:
    first = arguments[0] if arguments else ("",)
    most = MACROS.get(name, 0) + (name == "map")
    if name in MACROS and first[0] == "name" and MACROS[name] <= len(arguments) <= most:
        return ("macro", name, node, first[1], arguments[1:])
    return ("call", node, name, arguments)


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(match: re.Match[str]) -> str:
    for group, base in ((1, 16), (2, 16), (3, 16), (4, 8)):
        if match[group]:
            return chr(int(match[group], base))
    if match[5] not in _ESCAPES:
        raise SyntaxProblemError(f"{match[0]} is no escape of CEL")
    return _ESCAPES[match[5]]
