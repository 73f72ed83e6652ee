"""Whatever somebody is called, it is a name on one line and in one direction."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responsibility.api.foreign_text import REPLACEMENT, harmless
from tests.unit.api.harmful import HARMFUL

NAMES = ["ann@example.org", "Zoë Ångström", "李雷", "محمد", "a b", "x; touch $(gotcha)", "🌊"]


@pytest.mark.parametrize("text", HARMFUL)
def test_what_a_program_would_obey_or_hide_is_seen_to_be_there(text: str) -> None:
    shown = harmless(text)
    assert len(shown) == len(text)
    assert REPLACEMENT in shown


@pytest.mark.parametrize("name", NAMES)
def test_names_of_people_stay_as_they_are(name: str) -> None:
    assert harmless(name) == name


@given(st.text())
def test_nothing_harmful_is_left_and_once_is_enough(text: str) -> None:
    shown = harmless(text)
    left = {unicodedata.category(char) for char in shown}
    assert not left & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert harmless(shown) == shown
    assert len(harmless(text, lines=True).splitlines()) >= len(shown.splitlines())


def test_lines_stay_only_where_they_mean_nothing() -> None:
    assert harmless("a\n\tb\x1b", lines=True) == f"a\n\tb{REPLACEMENT}"
