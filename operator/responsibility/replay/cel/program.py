"""Compiled expressions of policies, in which variables that they share are one.

Each node becomes a Python function of a frame: what is known of one request. Nothing is generated
as source. A variable is evaluated when it is first asked for, as the API server does, and once a
request, however many policies have it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from responsibility.replay.cel.functions import Authorizer, Value
from responsibility.replay.cel.nodes import KINDS, UNSET, Frame, Node
from responsibility.replay.cel.parser import SyntaxProblemError, Tree, parse


@dataclass(slots=True)
class Program:
    """Compiles expressions, and remembers variables by what they say."""

    _variables: list[Node] = field(default_factory=list)
    _known: dict[str, int] = field(default_factory=dict)
    _slots: int = 0
    _room: list[Value] = field(default_factory=list)

    def frame(
        self,
        request: Value,
        namespace_object: Value,
        objects: Mapping[str, Callable[[], Value]],
        authorizer: Authorizer,
    ) -> Frame:
        """Return a frame for one request; the one before must not be used any longer."""
        if len(self._room) < self._slots:
            self._room = [None] * (2 * self._slots)
        # A policy that is compiled later may have more variables.
        cache = [UNSET] * len(self._variables)
        return Frame(request, namespace_object, objects, authorizer, cache, self._room)

    def variables(self, named: Mapping[str, str]) -> dict[str, int]:
        """Take the variables of a policy, in order; return their numbers by name.

        Raises SyntaxProblemError.
        """
        numbers: dict[str, int] = {}
        for name, text in named.items():
            tree = _resolved(parse(text), numbers)
            # As text, since to Python 1 equals true.
            key = repr(tree)
            if key not in self._known:
                node = self.node(tree, {})
                self._known[key] = len(self._variables)
                self._variables.append(node)
            numbers[name] = self._known[key]
        return numbers

    def expression(self, text: str, numbers: Mapping[str, int]) -> Node:
        """Return an expression as a function. Raises SyntaxProblemError."""
        return self.node(_resolved(parse(text), numbers), {})

    def node(self, tree: Tree, names: Mapping[str, int]) -> Node:
        """Return a tree as a function; ``names`` are those of macros, by their slots."""
        return KINDS[tree[0]](self, tree, names)

    def variable(self, number: int) -> Node:
        """Return the function of a variable."""
        return self._variables[number]

    def slot(self) -> int:
        """Return a place of its own for what a macro goes through."""
        self._slots += 1
        return self._slots - 1


def _resolved(tree: Any, numbers: Mapping[str, int]) -> Any:  # noqa: ANN401 - a tree, or a part
    """Return a tree in which ``variables.x`` is the number that x has for all policies."""
    if not isinstance(tree, tuple) or not tree:
        return tree
    if tree[0] == "select" and tree[1] == ("name", "variables"):
        if tree[2] not in numbers:
            raise SyntaxProblemError(f"there is no variable {tree[2]!r} before this")
        return ("variable", numbers[tree[2]])
    return tuple(_resolved(part, numbers) for part in tree)
