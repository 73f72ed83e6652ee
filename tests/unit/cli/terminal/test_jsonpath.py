"""Templates of kubectl's; an end-to-end test asks kubectl itself what it makes of them."""

import pytest

from responsibility.cli.terminal.jsonpath import JsonPathError, check, render, text, values
from tests.unit.cli.terminal.templates import DATA, FOLLOWED, REFUSED


@pytest.mark.parametrize(("template", "expected"), FOLLOWED.items())
def test_a_template_is_filled_in(template: str, expected: str) -> None:
    assert render(template, DATA) == expected


@pytest.mark.parametrize("template", REFUSED)
def test_what_cannot_be_followed_is_an_error(template: str) -> None:
    with pytest.raises(JsonPathError):
        render(template, DATA)


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{.answer", "a brace is not closed"),
        ("{range .answer.items[*]}x", "without an {end}"),
        ("{answer}", "begins with a dot"),
        ("{.answer[x]}", "is no index"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_asked(template: str, why: str) -> None:
    with pytest.raises(JsonPathError, match=why):
        check(template)


def test_a_column_s_path_needs_neither_braces_nor_the_first_dot() -> None:
    for path in ("answer.deep.deeper.name", ".answer.deep.deeper.name", "{.answer..deeper.name}"):
        assert values(path)([DATA]) == ["inner"]


def test_texts_stay_as_they_are_and_the_rest_is_json() -> None:
    assert [text(each) for each in ("a b", 1, True, None, ["<"])] == [
        *("a b", "1", "true", "null"),
        '["\\u003c"]',
    ]
