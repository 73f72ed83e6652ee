"""Small faults in a module: which there may be, and the module with one of them."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_CALCULATED: dict[type[ast.operator], type[ast.operator]] = {
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
}
_CALLED = {"any": "all", "all": "any", "min": "max", "max": "min"}
# What is only read by people or type checkers.
_NOT_DECIDING = ("annotation", "returns", "type_comment", "decorator_list")


@dataclass(frozen=True, slots=True)
class Mutation:
    """One fault: its number in the module, its line, and what it makes of what."""

    number: int
    line: int
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.line}: {self.before}  →  {self.after}"


def mutations(source: str) -> list[Mutation]:
    """Return all faults that a module may have."""
    found = []
    for number, (node, mutated) in enumerate(_faults(ast.parse(source))):
        before, after = _words(node), _words(mutated())
        # A comprehension's part has no line of its own.
        line = getattr(getattr(node, "target", node), "lineno", 0)
        found.append(Mutation(number, line, before, after))
    return found


def mutated(source: str, number: int) -> ast.Module:
    """Return the module with the fault of that number."""
    tree = ast.parse(source)
    node, fault = list(_faults(tree))[number]
    new = fault()

    class Replace(ast.NodeTransformer):
        def visit(self, visited: ast.AST) -> ast.AST:
            return new if visited is node else self.generic_visit(visited)

    return cast("ast.Module", ast.fix_missing_locations(Replace().visit(tree)))


_Fault = tuple[ast.AST, Callable[[], ast.AST]]


def _faults(tree: ast.AST) -> Iterator[_Fault]:
    """Yield nodes, each with what makes another of it; one node may be there several times."""
    for node in _deciding(tree):
        for kind, faults in _BY_KIND:
            if isinstance(node, kind):
                for fault in faults(node):
                    yield node, fault


_Make = Callable[[], ast.AST]


def _compared(node: ast.Compare) -> Iterator[_Make]:
    for index, operator in enumerate(node.ops):
        if other := _COMPARED.get(type(operator)):
            whole = [*node.ops[:index], other(), *node.ops[index + 1 :]]
            yield _as(node, ops=whole)


def _joined(node: ast.BoolOp) -> Iterator[_Make]:
    yield _as(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())


def _calculated(node: ast.BinOp) -> Iterator[_Make]:
    if other := _CALCULATED.get(type(node.op)):
        yield _as(node, op=other())


def _denied(node: ast.UnaryOp) -> Iterator[_Make]:
    if isinstance(node.op, ast.Not):
        yield lambda: node.operand


def _branched(node: ast.If | ast.IfExp | ast.While) -> Iterator[_Make]:
    yield _as(node, test=ast.UnaryOp(ast.Not(), node.test))


def _filtered(node: ast.comprehension) -> Iterator[_Make]:
    if node.ifs:
        yield _as(node, ifs=node.ifs[1:])


def _constant(node: ast.Constant) -> Iterator[_Make]:
    if isinstance(node.value, bool):
        yield _as(node, value=not node.value)
    elif isinstance(node.value, int):
        yield _as(node, value=node.value + 1)


def _called(node: ast.Call) -> Iterator[_Make]:
    if isinstance(node.func, ast.Name) and (name := _CALLED.get(node.func.id)):
        yield _as(node, func=ast.Name(name, ast.Load()))


def _listed(node: ast.Set | ast.List | ast.Tuple) -> Iterator[_Make]:
    # A line of a table; of two it is mostly a pair, not a table.
    if len(node.elts) > 2 and isinstance(getattr(node, "ctx", ast.Load()), ast.Load):  # noqa: PLR2004 - two are a pair
        yield _as(node, elts=node.elts[:-1])


def _went_on(node: ast.Continue | ast.Break) -> Iterator[_Make]:
    yield ast.Break if isinstance(node, ast.Continue) else ast.Continue


_BY_KIND: tuple[tuple[Any, Callable[[Any], Iterator[_Make]]], ...] = (
    (ast.Compare, _compared),
    (ast.BoolOp, _joined),
    (ast.BinOp, _calculated),
    (ast.UnaryOp, _denied),
    ((ast.If, ast.IfExp, ast.While), _branched),
    (ast.comprehension, _filtered),
    (ast.Constant, _constant),
    (ast.Call, _called),
    ((ast.Set, ast.List, ast.Tuple), _listed),
    ((ast.Continue, ast.Break), _went_on),
)


# What of a field of a dataclass is for people, or for the constructor.
_OF_FIELDS = ("init", "repr")


def _deciding(node: ast.AST) -> Iterator[ast.AST]:
    """Walk a tree without what decides nothing: types, documentation, what is said of errors."""
    if isinstance(node, ast.Raise | ast.Assert | ast.Import | ast.ImportFrom | ast.JoinedStr):
        return
    if isinstance(node, ast.keyword) and node.arg in _OF_FIELDS:
        return
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    yield node
    for name, value in ast.iter_fields(node):
        if name in _NOT_DECIDING:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _deciding(child)


def _as(node: ast.AST, **fields: object) -> Callable[[], ast.AST]:
    def make() -> ast.AST:
        other = copy.copy(node)
        for name, value in fields.items():
            setattr(other, name, value)
        return other

    return make


def _words(node: ast.AST) -> str:
    """Return a node as a line of a text; of what has a body, its head."""
    text = ast.unparse(ast.fix_missing_locations(copy.deepcopy(node)))
    first = text.strip().splitlines()[0]
    return first if len(first) <= 100 else f"{first[:97]}…"  # noqa: PLR2004 - a line
