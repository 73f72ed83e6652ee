"""No name that is shown in a command is run by a shell, or read as an option."""

import shlex

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from responsibility.shell import arguments

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("edit", "edit -n prod"),
        ("--all", "-n prod -- --all"),
        ("-A", "-n prod -- -A"),
        ("--", "-n prod -- --"),
        ("x; touch $(gotcha)", "'x; touch $(gotcha)' -n prod"),
        ("-f; true", "-n prod -- '-f; true'"),
    ],
)
def test_a_name_is_a_name(name: str, shown: str) -> None:
    assert arguments([name], ["-n prod", ""]) == shown


@given(names=st.lists(NAMES | NAMES.map("-{}".format), max_size=3))
def test_a_program_gets_the_names_as_they_are(names: list[str]) -> None:
    got: list[object] = []
    program = click.Command(
        "program",
        params=[
            click.Argument(["names"], nargs=-1),
            click.Option(["-n", "namespace"]),
            click.Option(["--all", "everything"], is_flag=True),
        ],
        callback=lambda **given: got.append(given),
    )
    program.main(shlex.split(arguments(names, ["-n prod"])), standalone_mode=False)
    assert got == [{"names": tuple(names), "namespace": "prod", "everything": False}]
