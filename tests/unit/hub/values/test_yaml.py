"""Values are read as the hub reads them, in a moment, and no error has a word of them."""

from __future__ import annotations

import traceback
from contextlib import suppress
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from responsibility.hub.values import yaml as values_yaml
from responsibility.hub.values.difference import same
from responsibility.hub.values.yaml import BeyondError, UnreadableError, read
from tests.unit.hub.values.values import VALUES

CANARY = "canary-5f0c"


class Plainly(yaml.SafeDumper):
    """Writes out what stands there twice."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


@given(value=VALUES, flow=st.booleans())
def test_what_helm_writes_is_read_as_the_hub_reads_it(value: Any, *, flow: bool) -> None:
    text = yaml.dump(value, Dumper=Plainly, default_flow_style=flow)
    assert same(read(text), yaml.safe_load(text))


# What YAML's parsers are most likely to differ about.
LETTERS = "ab01:-,[]{}#'\"\\|>&*!%?=~<. \n\t\r\x85\u2028\ufeff\x7f😀"
WORDS = ["\\x41", "\\/", "2001-01-01", "0x1F", "1_0", "yes"]
LINES = ["\n  ", "a: ", "- ", "---\n", "<<: ", "\n...\n", "%YAML 1.2\n"]
PIECES = st.sampled_from([*LETTERS, *WORDS, *LINES])


@settings(max_examples=500)
@given(st.lists(PIECES, max_size=16).map("".join))
def test_any_text_is_read_as_the_hub_reads_it_or_not_at_all(text: str) -> None:
    try:
        expected = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, TypeError):
        # libyaml reads a little more. What is judged of that does no harm: the hub can't use it.
        with suppress(UnreadableError, BeyondError):
            read(text)
        return
    # Not as unreadable: who makes them so is let through.
    with suppress(BeyondError):
        assert same(read(text), expected)


BEYOND = {
    "an alias": "a: &x [1]\nb: *x",
    "an alias that goes round": "a: &x [*x]",
    "a merge": "a: {<<: {b: 1}}",
    "a tag": "a: !!binary aGk=",
    "a tag of Python's": "a: !!python/object:os.system x",
    "a mark that parsers differ about": "a: 1\n\ufeff# b: 2",
    "a key that means its map": "a: {=: 1}",
    "a key that is a list": "? [a]\n: b",
    "more than can be read at once": "a: [" + "1," * values_yaml.MOST_NODES + "]",
    # The loader on libyaml ends the process at these.
    "much too deep": "- " * 300_000 + "1",
    "much too deep inside": "[" * 300_000,
    "too long to be tried twice": "a: [" + " " * 70_000,
}
UNREADABLE = {
    "no end": "a: [1",
    "two documents": "a: 1\n---\nb: 2",
    "a tab": "a:\n\tb: 1",
    "no date": "a: 2021-13-45",
    "what no text may hold": "a: \x00",
    "a number without end": "a: " + "1" * 10_000,
}


@pytest.mark.parametrize("case", BEYOND)
def test_what_is_not_read_may_be_anything(case: str) -> None:
    with pytest.raises(BeyondError):
        read(BEYOND[case])


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_is_no_yaml_is_told_from_that(case: str) -> None:
    with pytest.raises(UnreadableError):
        read(UNREADABLE[case])
    with pytest.raises((yaml.YAMLError, ValueError)):
        yaml.safe_load(UNREADABLE[case])


@pytest.mark.parametrize("text", [*BEYOND.values(), *UNREADABLE.values()])
def test_an_error_has_not_a_word_of_the_text(text: str) -> None:
    with pytest.raises((UnreadableError, BeyondError)) as caught:
        read(f"{CANARY}: {CANARY}\n{CANARY}2: {{{CANARY}: {CANARY}}}\n{text}\n{CANARY}")
    error = caught.value
    assert CANARY not in "".join(traceback.format_exception(error))
    assert error.__cause__ is None
    assert error.__context__ is None


def test_what_only_the_slower_parser_reads_is_read() -> None:
    """The hub uses the slower one: what that reads is no text that nobody can."""

    class Fails(yaml.SafeLoader):
        def check_event(self, *choices: Any) -> bool:
            del choices
            raise yaml.YAMLError

    assert read("a: {b: 1}", quick=Fails) == {"a": {"b": 1}}
    with pytest.raises(BeyondError):
        read("a: |\n" + "  x\n" * 20_000, quick=Fails)
