"""The functions of CEL that policies use, as Kubernetes has them.

Values are those of JSON; an optional without a value is ``ABSENT``, one with a value is that
value. Whatever CEL has no overload for raises EvaluationError.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_UP, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final, Protocol

from responsibility.replay.cel.unknown import EvaluationError, PartialMap

Value = Any
Binary = Callable[[Value, Value], Value]


class _Absent:
    """An optional without a value."""

    __slots__ = ()


ABSENT: Final = _Absent()

# What `type(x)` returns, and what the names of types stand for.
_TYPES: Mapping[type, str] = {
    bool: "bool",
    int: "int",
    float: "double",
    str: "string",
    list: "list",
    dict: "map",
    PartialMap: "map",
    type(None): "null_type",
}
TYPE_NAMES: Final = frozenset(_TYPES.values())


class Authorizer(Protocol):
    """Answers what an expression asks the authorizer."""

    def allows(self, question: AuthorizerQuestion) -> bool:
        """Return the answer. Raises UnknownError where nobody can tell."""


@dataclass(frozen=True, slots=True)
class AuthorizerQuestion:
    """A question to the authorizer, put together bit by bit; no account is the user."""

    authorizer: Authorizer
    account: tuple[str, str] | None = None
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    verb: str = ""


@dataclass(frozen=True, slots=True)
class TypeOf:
    """The type of a value."""

    name: str


def no_overload(name: str, *values: Value) -> EvaluationError:
    """Return the error for values that something can't be done with."""
    kinds = ", ".join(type(value).__name__ for value in values)
    return EvaluationError(f"no such overload: {name} of {kinds}")


def optional(node: Value, key: Value) -> Value:
    """Return ``node[?key]``."""
    if type(node) is dict or type(node) is PartialMap:
        return node.get(key, ABSENT)
    if type(node) is list and type(key) is int:
        return node[key] if 0 <= key < len(node) else ABSENT
    return ABSENT


def index(node: Value, key: Value) -> Value:
    """Return ``node[key]``."""
    found = optional(node, key)
    if found is ABSENT:
        raise EvaluationError(f"no such key: {key}")
    return found


def entries(node: Value) -> Sequence[Value]:
    """Return what a macro goes through: the entries of a list, the keys of a map."""
    if type(node) is list:
        return node
    if type(node) is dict:
        return list(node)
    if type(node) is PartialMap:
        node.whole()
    raise no_overload("a macro", node)


def contains(value: Value, collection: Value) -> bool:
    """Return ``value in collection``."""
    if type(collection) is list:
        return value in collection
    if type(collection) is dict:
        return isinstance(value, str) and value in collection
    if type(collection) is PartialMap:
        return collection.get(value, ABSENT) is not ABSENT
    raise no_overload("in", value, collection)


def equal(one: Value, other: Value) -> bool:
    """Return whether two values are the same.

    In Kubernetes' typed objects a field never is a number here and a truth value there, which is
    where Python's ``==`` and CEL's would part.
    """
    if one is None or other is None:
        return one is other
    if type(one) is bool or type(other) is bool:
        return type(one) is type(other) and one == other
    return bool(one == other)


def _is_number(value: Value) -> bool:
    return type(value) in (int, float)


def add(one: Value, other: Value) -> Value:
    """Return ``one + other``."""
    alike = type(one) is type(other) and type(one) in (str, list)
    if alike or (_is_number(one) and _is_number(other)):
        return one + other
    raise no_overload("+", one, other)


def compare(one: Value, other: Value) -> int:
    """Return less than, equal to or more than 0."""
    if (_is_number(one) and _is_number(other)) or (type(one) is str and type(other) is str):
        return int(one > other) - int(one < other)
    raise no_overload("comparison", one, other)


# Functions -------------------------------------------------------------------------------------


def _size(value: Value) -> int:
    if isinstance(value, str | list | dict):
        return len(value)
    if type(value) is PartialMap:
        value.whole()
    raise no_overload("size", value)


def _string(value: Value) -> str:
    if type(value) is str:
        return value
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is float:
        return str(int(value)) if value.is_integer() else repr(value)
    if type(value) is int:
        return str(value)
    raise no_overload("string", value)


def _type(value: Value) -> TypeOf:
    if type(value) not in _TYPES:
        raise no_overload("type", value)
    return TypeOf(_TYPES[type(value)])


_QUANTITY = re.compile(
    r"(?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+))"
    r"(?P<suffix>[KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?\Z",
    re.ASCII,
)
_POWERS = {s: Decimal(1024) ** n for n, s in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)} | {
    s: Decimal(10) ** n for s, n in zip("numkMGTPE", (-9, -6, -3, 3, 6, 9, 12, 15, 18), strict=True)
}
_NANO = Decimal("1e-9")


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Decimal | None:
    match = _QUANTITY.match(text)
    if match is None:
        return None
    suffix = match["suffix"] or ""
    try:
        number = Decimal(match["number"].rstrip("."))
        if suffix in _POWERS:
            found = number * _POWERS[suffix]
        else:
            found = number.scaleb(int(suffix[1:])) if suffix else number
        # Kubernetes keeps nothing smaller than a nano, and rounds up to it.
        return found.quantize(_NANO, ROUND_UP) if abs(found) < 1 else found
    except InvalidOperation:
        return None


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity as Kubernetes writes it."""

    value: Decimal


def _is_quantity(text: Value) -> bool:
    return type(text) is str and _parsed(text) is not None


def _quantity(text: Value) -> Quantity:
    found = _parsed(text) if type(text) is str else None
    if found is None:
        raise EvaluationError("not a quantity")
    return Quantity(found)


FUNCTIONS: Mapping[str, Callable[[Value], Value]] = {
    "dyn": lambda value: value,
    "isQuantity": _is_quantity,
    "quantity": _quantity,
    "size": _size,
    "string": _string,
    "type": _type,
}

# Methods ---------------------------------------------------------------------------------------


def _needs(kind: type, name: str, *values: Value) -> None:
    for value in values:
        if type(value) is not kind:
            raise no_overload(name, *values)


def _starts(text: Value, prefix: Value) -> bool:
    _needs(str, "startsWith", text, prefix)
    return bool(text.startswith(prefix))


def _ends(text: Value, suffix: Value) -> bool:
    _needs(str, "endsWith", text, suffix)
    return bool(text.endswith(suffix))


def _holds(text: Value, part: Value) -> bool:
    _needs(str, "contains", text, part)
    return part in text


@lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str]:
    # In RE2 `$` is the end of the text; in Python it is also what stands before a last newline.
    ends = re.sub(r"(\\.|\[\^?\]?(?:\\.|[^\]])*\])|\$", lambda m: m[1] or r"\Z", text)
    return re.compile(ends, re.ASCII)


def _matches(text: Value, pattern: Value) -> bool:
    _needs(str, "matches", text, pattern)
    try:
        return _pattern(pattern).search(text) is not None
    except re.error:
        raise EvaluationError("not a regular expression") from None


def _substring(text: Value, *ends: Value) -> str:
    _needs(str, "substring", text)
    _needs(int, "substring", *ends)
    first, last = ends[0], ends[1] if len(ends) > 1 else len(text)
    if not 0 <= first <= last <= len(text):
        raise EvaluationError("index out of range")
    return str(text[first:last])


def _split(text: Value, by: Value) -> list[str]:
    _needs(str, "split", text, by)
    return text.split(by) if by else list(text)


def _split_at_most(text: Value, by: Value, most: Value) -> list[str]:
    """Return as many parts, the last of which has the rest; of a negative number, all."""
    _needs(int, "split", most)
    parts = _split(text, by)
    if most < 0 or len(parts) <= most:
        return parts
    return [*parts[: most - 1], by.join(parts[most - 1 :])] if most else []


def _replace(text: Value, old: Value, new: Value) -> str:
    _needs(str, "replace", text, old, new)
    return str(text.replace(old, new))


def _lower(text: Value) -> str:
    _needs(str, "lowerAscii", text)
    return "".join(c.lower() if c.isascii() else c for c in text)


def _join(parts: Value, between: Value = "") -> str:
    _needs(list, "join", parts)
    _needs(str, "join", between, *parts)
    return str(between.join(parts))


def _most(parts: Value) -> Value:
    _needs(list, "max", parts)
    if not parts:
        raise EvaluationError("max called on empty list")
    most = parts[0]
    for part in parts[1:]:
        most = part if compare(part, most) > 0 else most
    return most


def _least(parts: Value) -> Value:
    _needs(list, "min", parts)
    if not parts:
        raise EvaluationError("min called on empty list")
    least = parts[0]
    for part in parts[1:]:
        least = part if compare(part, least) < 0 else least
    return least


def _compared(name: str, decide: Callable[[int], bool]) -> Callable[[Value, Value], bool]:
    def method(one: Value, other: Value) -> bool:
        _needs(Quantity, name, one, other)
        return decide((one.value > other.value) - (one.value < other.value))

    return method


def _value_of(optional_: Value) -> Value:
    if optional_ is ABSENT:
        raise EvaluationError("optional.none() dereference")
    return optional_


def _asking(part: str) -> Callable[[Value, Value], AuthorizerQuestion]:
    def method(question: Value, text: Value) -> AuthorizerQuestion:
        _needs(AuthorizerQuestion, part, question)
        _needs(str, part, text)
        asked: AuthorizerQuestion = replace(question, **{part: text})
        return asked

    return method


def _account(question: Value, namespace: Value, name: Value) -> AuthorizerQuestion:
    _needs(AuthorizerQuestion, "serviceAccount", question)
    _needs(str, "serviceAccount", namespace, name)
    asked: AuthorizerQuestion = replace(question, account=(namespace, name))
    return asked


def _allowed(question: Value) -> bool:
    _needs(AuthorizerQuestion, "allowed", question)
    return bool(question.authorizer.allows(question))


# By name and number of arguments.
METHODS: Mapping[tuple[str, int], Callable[..., Value]] = {
    ("allowed", 0): _allowed,
    ("check", 1): _asking("verb"),
    ("contains", 1): _holds,
    ("endsWith", 1): _ends,
    ("group", 1): _asking("group"),
    ("hasValue", 0): lambda value: value is not ABSENT,
    ("isGreaterThan", 1): _compared("isGreaterThan", lambda order: order > 0),
    ("isLessThan", 1): _compared("isLessThan", lambda order: order < 0),
    ("join", 0): _join,
    ("join", 1): _join,
    ("lowerAscii", 0): _lower,
    ("matches", 1): _matches,
    ("max", 0): _most,
    ("min", 0): _least,
    ("name", 1): _asking("name"),
    ("namespace", 1): _asking("namespace"),
    ("replace", 2): _replace,
    ("resource", 1): _asking("resource"),
    ("serviceAccount", 2): _account,
    ("size", 0): _size,
    ("split", 1): _split,
    ("split", 2): _split_at_most,
    ("startsWith", 1): _starts,
    ("subresource", 1): _asking("subresource"),
    ("substring", 1): _substring,
    ("substring", 2): _substring,
    ("value", 0): _value_of,
}
