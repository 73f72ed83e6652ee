"""One function for each kind of node of CEL, and how errors and unknowns go through them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from responsibility.replay.cel import functions as f
from responsibility.replay.cel.functions import ABSENT, Authorizer, AuthorizerQuestion, Value
from responsibility.replay.cel.parser import SyntaxProblemError, Tree
from responsibility.replay.cel.unknown import EvaluationError, UnknownError

UNSET: Final = object()


@dataclass(slots=True)
class Frame:
    """The context that expressions are evaluated in; one is used for a single request.

    ``objects`` are ``object`` and ``oldObject``: functions, since they may be unknown. ``cache``
    has the variables evaluated so far, ``slots`` those that macros name.
    """

    request: Value
    namespace_object: Value
    objects: Mapping[str, Callable[[], Value]]
    authorizer: Authorizer
    cache: list[Value]
    slots: list[Value]


Node = Callable[[Frame], Value]


class Compiler(Protocol):
    """Makes the nodes inside of others."""

    def node(self, tree: Tree, names: Mapping[str, int]) -> Node:
        """Return a tree as a function; ``names`` are those of macros, by their slots."""

    def variable(self, number: int) -> Node:
        """Return the function of a variable."""

    def slot(self) -> int:
        """Return a place of its own for what a macro goes through."""


def _literal(_program: Compiler, tree: Tree, _names: Mapping[str, int]) -> Node:
    value = tree[1]
    return lambda _: value


def _variable(program: Compiler, tree: Tree, _names: Mapping[str, int]) -> Node:
    number = tree[1]

    def node(frame: Frame) -> Value:
        value = frame.cache[number]
        if value is UNSET:
            try:
                value = program.variable(number)(frame)
            except EvaluationError as error:
                value = error
            frame.cache[number] = value
        if isinstance(value, EvaluationError):
            raise value.with_traceback(None)
        return value

    return node


def _name(_program: Compiler, tree: Tree, names: Mapping[str, int]) -> Node:
    name = tree[1]
    if name in names:
        slot = names[name]
        return lambda frame: frame.slots[slot]
    if name in ("object", "oldObject"):
        return lambda frame: frame.objects[name]()
    if name in f.TYPE_NAMES:
        token = f.TypeOf(name)
        return lambda _: token
    roots: dict[str, Node] = {
        "request": lambda frame: frame.request,
        "namespaceObject": lambda frame: frame.namespace_object,
        "authorizer": lambda frame: AuthorizerQuestion(frame.authorizer),
    }
    if name not in roots:
        raise SyntaxProblemError(f"{name!r} is no variable that a replay knows")
    return roots[name]


def _list(program: Compiler, tree: Tree, names: Mapping[str, int]) -> Node:
    if all(part[0] == "literal" for part in tree[1]):
        constant = [part[1] for part in tree[1]]
        return lambda _: constant
    parts = [program.node(part, names) for part in tree[1]]
    return lambda frame: [part(frame) for part in parts]


def _map(program: Compiler, tree: Tree, names: Mapping[str, int]) -> Node:
    pairs = [(program.node(k, names), program.node(v, names)) for k, v in tree[1]]
    return lambda frame: {key(frame): value(frame) for key, value in pairs}


def _select(program: Compiler, tree: Tree, names: Mapping[str, int]) -> Node:
    inner, key = program.node(tree[1], names), tree[2]
    return lambda frame: f.index(inner(frame), key)


def _index(program: Compiler, tree: Tree, names: Mapping[str, int]) -> Node:
    inner, key = program.node(tree[1], names), program.node(tree[2], names)
    return lambda frame: f.index(inner(frame), key(frame))


def _optional(program: Compiler, tree: Tree, names: Mapping[str, int]) -> Node:
    if tree[2][0] != "literal":
        inner, key = program.node(tree[1], names), program.node(tree[2], names)
        return lambda frame: f.optional(inner(frame), key(frame))
    steps: list[Value] = []
    while tree[0] == "optional" and tree[2][0] == "literal":
        steps.insert(0, tree[2][1])
        tree = tree[1]
    root = program.node(tree, names)

    def node(frame: Frame) -> Value:
        value = root(frame)
        for step in steps:
            value = f.optional(value, step)
            if value is ABSENT:
                return value
        return value

    return node


def _call(program: Compiler, tree: Tree, names: Mapping[str, int]) -> Node:
    _, target, name, argument_trees = tree
    if (
        target is None
        and name == "has"
        and len(argument_trees) == 1
        and argument_trees[0][0] == "select"
    ):
        inner, key = program.node(argument_trees[0][1], names), argument_trees[0][2]
        return lambda frame: f.optional(inner(frame), key) is not ABSENT
    arguments = [program.node(argument, names) for argument in argument_trees]
    if target is None:
        if name not in f.FUNCTIONS or len(arguments) != 1:
            raise SyntaxProblemError(f"a replay doesn't know the function {name}")
        function, argument = f.FUNCTIONS[name], arguments[0]
        return lambda frame: function(argument(frame))
    inner = program.node(target, names)
    if name == "orValue" and len(arguments) == 1:
        default = arguments[0]

        def either(frame: Frame) -> Value:
            value = inner(frame)
            return default(frame) if value is ABSENT else value

        return either
    if (name, len(arguments)) not in f.METHODS:
        raise SyntaxProblemError(f"a replay doesn't know the method {name}")
    method = f.METHODS[name, len(arguments)]
    if len(arguments) == 1:
        only = arguments[0]
        return lambda frame: method(inner(frame), only(frame))
    return lambda frame: method(inner(frame), *(each(frame) for each in arguments))


def _or(program: Compiler, tree: Tree, names: Mapping[str, int]) -> Node:
    return _first([program.node(part, names) for part in tree[1]], decisive=True)


def _and(program: Compiler, tree: Tree, names: Mapping[str, int]) -> Node:
    return _first([program.node(part, names) for part in tree[1]], decisive=False)


def _not(program: Compiler, tree: Tree, names: Mapping[str, int]) -> Node:
    inner = program.node(tree[1], names)
    return lambda frame: not truth(inner(frame))


def _minus(program: Compiler, tree: Tree, names: Mapping[str, int]) -> Node:
    inner = program.node(tree[1], names)
    return lambda frame: -f.add(inner(frame), 0)


def _if(program: Compiler, tree: Tree, names: Mapping[str, int]) -> Node:
    condition, then, otherwise = (program.node(part, names) for part in tree[1:])
    return lambda frame: then(frame) if truth(condition(frame)) else otherwise(frame)


def _binary(program: Compiler, tree: Tree, names: Mapping[str, int]) -> Node:
    _, operator, *sides = tree
    left, right = (program.node(side, names) for side in sides)
    if operator == "in" and sides[1][0] == "list" and _all_texts(sides[1][1]):
        known = frozenset(part[1] for part in sides[1][1])

        def among(frame: Frame) -> Value:
            value = left(frame)
            return type(value) is str and value in known

        return among
    if operator in ("==", "+"):
        return _of_texts(left, right, _OPERATORS[operator], joined=operator == "+")
    if operator not in _OPERATORS:
        raise SyntaxProblemError(f"a replay doesn't know the operator {operator}")
    function = _OPERATORS[operator]
    return lambda frame: function(left(frame), right(frame))


def _of_texts(left: Node, right: Node, other: f.Binary, *, joined: bool) -> Node:
    """Return the node of == or +, short for texts, which it is nearly always about."""
    if joined:

        def sum_of(frame: Frame) -> Value:
            one, two = left(frame), right(frame)
            return one + two if type(one) is type(two) is str else other(one, two)

        return sum_of

    def same(frame: Frame) -> Value:
        one, two = left(frame), right(frame)
        return one == two if type(one) is type(two) is str else other(one, two)

    return same


def _macro(program: Compiler, tree: Tree, names: Mapping[str, int]) -> Node:
    _, name, target, variable, body_trees = tree
    slot = program.slot()
    inner = program.node(target, names)
    bodies = [program.node(body, {**names, variable: slot}) for body in body_trees]
    return _MACROS[name](inner, slot, bodies)


def truth(value: Value) -> bool:
    """Return a truth value as it is; anything else is an error."""
    if value is True or value is False:
        return bool(value)
    raise f.no_overload("a condition", value)


def _worse(one: EvaluationError | None, other: EvaluationError) -> EvaluationError:
    return one if isinstance(one, UnknownError) else other


def _decided(frame: Frame, parts: Iterable[Node], *, decisive: bool) -> Value:
    """Return what the parts come to: the first decisive one ends it, whatever else has failed."""
    otherwise = not decisive
    trouble: EvaluationError | None = None
    for part in parts:
        try:
            value = part(frame)
        except EvaluationError as error:
            trouble = _worse(trouble, error)
            continue
        if value is decisive:
            return decisive
        if value is not otherwise:
            trouble = _worse(trouble, f.no_overload("a condition", value))
    if trouble is not None:
        raise trouble
    return otherwise


def _first(parts: list[Node], *, decisive: bool) -> Node:
    """Return the node of || (true decides) or && (false decides)."""
    return lambda frame: _decided(frame, parts, decisive=decisive)


def _each(*, decisive: bool) -> Callable[[Node, int, list[Node]], Node]:
    """Return what makes the node of exists (true decides) or all (false decides)."""

    def make(inner: Node, slot: int, bodies: list[Node]) -> Node:
        body = bodies[0]

        def for_each_entry(frame: Frame) -> Iterator[Node]:
            for entry in f.entries(inner(frame)):
                frame.slots[slot] = entry
                yield body

        return lambda frame: _decided(frame, for_each_entry(frame), decisive=decisive)

    return make


def _chosen(inner: Node, slot: int, bodies: list[Node]) -> Node:
    body = bodies[0]

    def node(frame: Frame) -> Value:
        found = []
        for entry in f.entries(inner(frame)):
            frame.slots[slot] = entry
            if truth(body(frame)):
                found.append(entry)
        return found

    return node


def _exactly_one(inner: Node, slot: int, bodies: list[Node]) -> Node:
    chosen = _chosen(inner, slot, bodies)
    return lambda frame: len(chosen(frame)) == 1


def _mapped(inner: Node, slot: int, bodies: list[Node]) -> Node:
    *conditions, body = bodies

    def node(frame: Frame) -> Value:
        found = []
        for entry in f.entries(inner(frame)):
            frame.slots[slot] = entry
            if all(truth(condition(frame)) for condition in conditions):
                found.append(body(frame))
        return found

    return node


_MACROS: Mapping[str, Callable[[Node, int, list[Node]], Node]] = {
    "all": _each(decisive=False),
    "exists": _each(decisive=True),
    "exists_one": _exactly_one,
    "filter": _chosen,
    "map": _mapped,
}

_OPERATORS: Mapping[str, f.Binary] = {
    "==": f.equal,
    "!=": lambda one, other: not f.equal(one, other),
    "<": lambda one, other: f.compare(one, other) < 0,
    "<=": lambda one, other: f.compare(one, other) <= 0,
    ">": lambda one, other: f.compare(one, other) > 0,
    ">=": lambda one, other: f.compare(one, other) >= 0,
    "in": f.contains,
    "+": f.add,
}


def _all_texts(parts: tuple[Tree, ...]) -> bool:
    return all(part[0] == "literal" and isinstance(part[1], str) for part in parts)


KINDS: Mapping[str, Callable[[Compiler, Tree, Mapping[str, int]], Node]] = {
    "literal": _literal,
    "variable": _variable,
    "name": _name,
    "list": _list,
    "map": _map,
    "select": _select,
    "index": _index,
    "optional": _optional,
    "call": _call,
    "or": _or,
    "and": _and,
    "not": _not,
    "minus": _minus,
    "if": _if,
    "binary": _binary,
    "macro": _macro,
}
