"""What faults a module may have, and the module with one of them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tools.mutants.__main__ import DECIDES, PACKAGE, Drawn, asked_about
from tools.mutants.mutations import mutated, mutations

# One line for each kind of fault: what is there, and what each fault makes of it.
KINDS = {
    "x = a == b": ["x = a != b"],
    "x = a < b <= c": ["x = a <= b <= c", "x = a < b < c"],
    "x = a in b": ["x = a not in b"],
    "x = a and b": ["x = a or b"],
    "x = a & b": ["x = a | b"],
    "x = not a": ["x = a"],
    "x = a if b else c": ["x = a if not b else c"],
    "x = [a for a in b if a]": ["x = [a for a in b]"],
    "x = True": ["x = False"],
    "x = 7": ["x = 8"],
    "x = any(a)": ["x = all(a)"],
    "x = (a, b, c)": ["x = (a, b)"],
}
# What decides nothing.
NONE = (
    "x = 'words'",
    "def f(x: Literal[1, 2, 3]) -> a | b: ...",
    "raise ValueError(1 + 2)",
    "assert a == b",
    "if TYPE_CHECKING:\n    x = 1",
    "a, b, c = x",
)


@pytest.mark.parametrize("line", KINDS)
def test_a_kind_of_fault_is_made_of_what_is_there(line: str) -> None:
    found = mutations(line)
    assert [ast.unparse(mutated(line, fault.number)) for fault in found] == KINDS[line]
    assert all(fault.line == 1 and fault.before != fault.after for fault in found)


@pytest.mark.parametrize("text", NONE)
def test_what_decides_nothing_is_left_alone(text: str) -> None:
    assert mutations(text) == []


def test_a_condition_is_turned_round_and_a_loop_left_early() -> None:
    text = "for x in y:\n    if x:\n        continue"
    made = [ast.unparse(mutated(text, fault.number)) for fault in mutations(text)]
    assert made == [
        "for x in y:\n    if not x:\n        continue",
        text.replace("continue", "break"),
    ]


@pytest.mark.parametrize("package", DECIDES)
def test_every_package_that_decides_has_faults_and_tests(package: str) -> None:
    modules = sorted((PACKAGE / package).rglob("*.py"), key=lambda path: path.stat().st_size)
    source = modules[-1].read_text(encoding="utf-8")
    found = mutations(source)
    # It is the number that counts, up to the last one.
    assert ast.unparse(mutated(source, len(found) - 1)) != ast.unparse(ast.parse(source))
    (*_, every) = asked_about(Drawn(package, modules[-1], found[0]))
    assert every[0].endswith(f"tests/unit/{package}")
    assert all(Path(path).exists() for path in every)
