"""CEL as Kubernetes evaluates it, with one more answer: unknown."""

from __future__ import annotations

from typing import Any

import pytest

from responsibility.replay.cel.parser import SyntaxProblemError, parse
from responsibility.replay.cel.program import Program
from responsibility.replay.cel.unknown import EvaluationError, PartialMap, UnknownError

UNKNOWN = PartialMap({"known": 1}, "it is not in the log", absent=lambda key: key == "absent")


class Nobody:
    def allows(self, question: object) -> bool:
        raise AssertionError(question)


def evaluate(text: str, **variables: str) -> Any:
    program = Program()
    numbers = program.variables(variables)
    node = program.expression(text, numbers)
    objects = {"object": lambda: {"a": {"b": 1}, "l": [{"n": "x"}]}, "oldObject": lambda: None}
    return node(program.frame(UNKNOWN, None, objects, Nobody()))


@pytest.mark.parametrize(
    "text",
    [
        "object.a.b == 1",
        "object.?a.?c.orValue(2) == 2",
        'object[?"a"][?"b"].orValue(0) == 1',
        'oldObject[?"a"].orValue(3) == 3',
        "object.l[?1].orValue('none') == 'none'",
        "object.l.exists(e, e.n == 'x')",
        "object.l.map(e, e.n == 'x', e.n) == ['x']",
        "[1, 2].filter(x, x > 1) == [2]",
        "[[1, 2], [3]].all(l, l.exists(x, x > 1))",
        "{'a': 1}.all(k, k == 'a')",
        "!('x' in []) && 'a' in {'a': 1}",
        "type(object.a) == map && type(1) != string",
        "'a\\nb'.split('\\n') == ['a', 'b'] && ''.split(',') == ['']",
        "'a,b,c'.split(',', 2) == ['a', 'b,c'] && 'a,b'.split(',', 0) == []",
        "'a,b'.split(',', -1) == ['a', 'b']",
        "'ÄB'.lowerAscii() == 'Äb'",
        "'abc'.substring(1, 2) == 'b'",
        "['b', 'a'].max() == 'b'",
        "quantity('1Gi').isGreaterThan(quantity('1000M'))",
        "!quantity('1024Mi').isLessThan(quantity('1Gi'))",
        "quantity('100m').isLessThan(quantity('0.2'))",
        "isQuantity('1e3') && !isQuantity('') && !isQuantity('8 Gi') && !isQuantity('1Gib')",
        # In RE2 the end is the end, also before a last line break.
        "!'a\\n'.matches('^a$') && 'xab'.matches('a[$]?b')",
        "1 == 1.0 && true != (1 == 2) && 'a' + 'b' == 'ab'",
        "true || object.nothing.there",
        "object.nothing.there || true",
        "!(object.nothing.there && false)",
        "has(object.a) && !has(object.z)",
        "1 < 2 ? true : object.nothing",
        "request.?absent.orValue('-') == '-'",
        "request.known == 1 || request.other == 1",
        "!(false && request.other == 1)",
        "[1, 2].exists(x, x == 1 || request.other == x)",
        'variables.v + "" == "twice"',
    ],
)
def test_it_holds(text: str) -> None:
    assert evaluate(text, v="'twice'") is True


@pytest.mark.parametrize(
    "text",
    [
        "object.nothing",
        "object.nothing || false",
        "'a' + 1 == 'a1'",
        "1 ? true : false",
        "'a' && true",
        "[].max() == 1",
        "quantity('x').isLessThan(quantity('1'))",
        "'a'.substring(2) == ''",
        "[1].all(x, object.nothing)",
        "'a'.matches('(')",
    ],
)
def test_it_is_an_error(text: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        evaluate(text)
    assert not isinstance(caught.value, UnknownError)


@pytest.mark.parametrize(
    "text",
    [
        "request.other == 1",
        "request.other || false",
        # What is not known may make it true, so the error beside it doesn't count.
        "object.nothing || request.other",
        "request == object",
        "size(request) == 0",
        "request.all(k, true)",
        "[1].exists(x, request.other == x)",
        "!(true && request.other)",
        "variables.v == 1",
    ],
)
def test_it_is_not_known(text: str) -> None:
    with pytest.raises(UnknownError, match="not in the log"):
        evaluate(text, v="request.other")


@pytest.mark.parametrize(
    "text", ["a &&", "1 +", "'open", "f(", "[1", "a b", "'\\q'", "strange(1)", "''.odd()", "a"]
)
def test_what_is_not_understood_is_said_to_be(text: str) -> None:
    with pytest.raises(SyntaxProblemError):
        evaluate(text)


def test_a_variable_is_evaluated_once_however_many_have_it() -> None:
    program = Program()
    first = program.variables({"x": "'a' + 'b'", "y": "variables.x + 'c'"})
    second = program.variables({"other": "'a' + 'b'", "same": "variables.other + 'c'"})
    assert (first["x"], first["y"]) == (second["other"], second["same"])
    assert len(set(program.variables({"a": "1", "b": "true"}).values())) == 2


def test_loops_inside_of_variables_do_not_meet_those_outside() -> None:
    assert evaluate("[1, 2].map(x, variables.v + x) == [3, 4]", v="[2].map(x, x)[0]")


def test_precedence() -> None:
    assert parse("a || b && c") == ("or", (("name", "a"), ("and", (("name", "b"), ("name", "c")))))
    assert parse("!a == b")[0] == "binary"
    assert parse("1 + 2 * 3 == 7")[:2] == ("binary", "==")
