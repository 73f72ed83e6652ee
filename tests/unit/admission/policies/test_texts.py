"""How a policy's variables are put together: none too many, and none that says something else."""

from __future__ import annotations

import re

import pytest

from responsibility.admission.policies.guards import ANY_NAME
from responsibility.admission.policies.manifests import Manifest, Validation, policy
from responsibility.admission.policies.matched_requests import by_name

SHORT = re.compile("either|unused|twice")
EITHER = ("either", "request.operation == 'CREATE' || variables.twice")
TWICE = ("twice", "request.operation == 'DELETE'")
LONG = ("long", "request.name.split('-').exists(part, part == 'hub')")


def spec(
    *said: str, variables: tuple[tuple[str, str], ...], patched: tuple[str, ...] = ()
) -> Manifest:
    validations = [Validation(text, "no") for text in said]
    found: Manifest = policy(
        "p", (), validations, variables=variables, short=SHORT, patched=patched
    )["spec"]
    return found


def expressions(said: Manifest) -> list[str]:
    return [each["expression"] for each in said["validations"]]


def test_a_short_variable_that_is_used_once_is_spelled_out_and_stays_one_value() -> None:
    found = spec("!variables.either", variables=(TWICE, EITHER))
    assert expressions(found) == [
        "!(request.operation == 'CREATE' || (request.operation == 'DELETE'))"
    ]
    assert "variables" not in found


def test_variables_that_are_used_twice_or_are_long_stay() -> None:
    both = "variables.either && variables.twice && variables.long"
    found = spec(both, variables=(TWICE, EITHER, LONG))
    assert [each["name"] for each in found["variables"]] == ["twice", "long"]
    assert expressions(found) == [
        "(request.operation == 'CREATE' || variables.twice) && variables.twice && variables.long"
    ]


def test_what_only_an_unused_variable_uses_is_left_out_with_it() -> None:
    found = spec("true", variables=(TWICE, LONG, ("unused", "variables.twice || variables.long")))
    assert "variables" not in found


def test_variables_that_say_the_same_are_one_also_where_they_use_others_that_do() -> None:
    same = (LONG, ("again", LONG[1]), ("of", "!variables.long"), ("ofAgain", "!variables.again"))
    found = spec("variables.of == variables.ofAgain && variables.again", variables=same)
    assert [each["name"] for each in found["variables"]] == ["long", "of"]
    assert expressions(found) == ["variables.of == variables.of && variables.long"]


def test_what_is_patched_where_it_lives_is_itself_whatever_it_says_by_now() -> None:
    tables = (("one", "{}"), ("other", "{}"), ("third", "{}"))
    said = "variables.one == variables.other || variables.third == {}"
    found = spec(said, variables=tables, patched=("one", "other"))
    assert [each["name"] for each in found["variables"]] == ["one", "other", "third"]
    assert expressions(found) == [said]


HUB = 'variables.name == "hub"'
PREFIXED = 'variables.name == variables.prefix + "hub"'


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        # The prefix may be empty, so that the one name is the other; the later entry counts.
        (["$(prefix)hub"], f"({HUB} ? b : a)"),
        (["hub"], f"({HUB} ? b : a)"),
        # Two names with the same prefix, or two without any, are never the same.
        (["$(prefix)other"], f"({HUB} ? b : z)"),
        (["other"], f"({PREFIXED} ? a : z)"),
        (["other", "hub"], f"({HUB} ? b : ({PREFIXED} ? a : z))"),
        ([ANY_NAME], f"({HUB} ? b : ({PREFIXED} ? a : z))"),
    ],
)
def test_who_may_act_is_asked_for_the_names_that_there_can_be(
    names: list[str], expected: str
) -> None:
    sets = {ANY_NAME: frozenset("z"), "$(prefix)hub": frozenset("a"), "hub": frozenset("b")}
    assert by_name(sets, "".join, names) == expected


def test_where_all_names_are_for_the_same_items_names_are_not_asked_for() -> None:
    sets = {ANY_NAME: frozenset("z"), "one": frozenset("a"), "two": frozenset("a")}
    assert by_name(sets, "".join, ["one", "two"]) == "a"
