"""What is asked for is what is shown: of each option, and of all together."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from responsibility.cli.selection import options
from responsibility.cli.selection.choice import CHOSEN, SORTS
from tests.unit.cli import small
from tests.unit.cli.conftest import Run

DRIFT = ("drift", "-f", "reef", "--at", small.AT)
Json = dict[str, Any]

# By option: the values that a finding has, as its JSON tells them.
HAS: dict[str, Callable[[Json], set[str]]] = {
    "severity": lambda told: {told["severity"]},
    "kind": lambda told: {told["kind"]},
    "item": lambda told: {told["item"], *told["items"]},
    "subject": lambda told: {told["subject"]["name"]} if told["subject"] else set(),
    "namespace": lambda told: {told["hub"]["namespace"]} if told["hub"] else set(),
}


def _drift(run: Run, *options: str) -> list[Json]:
    done = run(*DRIFT, *options, "-o", "json")
    assert done.code == 0, done.err
    found: list[Json] = json.loads(done.out)
    return found


@pytest.mark.parametrize("option", HAS)
@pytest.mark.usefixtures("files")
def test_each_option_leaves_just_what_has_the_value(option: str, run: Run) -> None:
    every = _drift(run)
    values = {value for told in every for value in HAS[option](told)}
    assert values
    for value in values:
        shown = _drift(run, f"--{option}", value)
        assert [f["id"] for f in shown] == [f["id"] for f in every if value in HAS[option](f)]


@pytest.mark.usefixtures("files")
def test_parties_have_what_is_about_them_and_what_is_about_their_items(run: Run) -> None:
    every = {told["id"]: told for told in _drift(run)}
    of = {party: _drift(run, "--party", party) for party in ("provider", "community")}
    assert {told["id"] for found in of.values() for told in found} == every.keys()
    assert all(told["party"] in ("", "community") for told in of["community"])
    assert of["provider"]
    assert of["community"]


@pytest.mark.usefixtures("files")
def test_options_narrow_each_other_and_values_widen(run: Run) -> None:
    every = _drift(run)
    assert _drift(run, "--severity", "high,medium,low") == every
    assert _drift(run, "--severity", "high", "--severity", "medium", "--severity", "low") == every
    both = _drift(run, "--kind", "excess-access", "--item", "secrets")
    assert {f["kind"] for f in both} == {"excess-access"}
    assert _drift(run, "-A") == every
    assert _drift(run, "-n", "elsewhere") == []


@pytest.mark.usefixtures("files")
def test_a_subject_is_named_as_commands_take_it(run: Run) -> None:
    (name,) = {f["subject"]["name"] for f in _drift(run, "--subject", "user/leaver")}
    assert name == "leaver"
    assert _drift(run, "--subject", "group/leaver") == []


@pytest.mark.parametrize("order", SORTS)
@pytest.mark.usefixtures("files")
def test_another_order_shows_the_same(order: str, run: Run) -> None:
    every, shown = _drift(run), _drift(run, "--sort-by", order)
    assert sorted(f["id"] for f in shown) == sorted(f["id"] for f in every)
    places = [SORTS[order](told) for told in shown]
    assert places == sorted(places)


@pytest.mark.usefixtures("files")
def test_a_part_of_a_cause_is_shown_with_what_ends_the_whole(run: Run) -> None:
    whole = run(*DRIFT, "--subject", "leaver", "--no-headers").out.splitlines()
    part = run(*DRIFT, "--subject", "leaver", "--item", "secrets", "--no-headers").out.splitlines()
    assert part
    fixes = [line for line in part if "kubectl responsibility plan reef" in line]
    assert len(fixes) == len([line for line in whole if "kubectl responsibility plan reef" in line])


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--severity", "hihg", "did you mean high?"),
        ("--kind", "exces-access", "did you mean excess-access?"),
        ("--item", "secret", "did you mean secrets?"),
        ("--party", "comunity", "did you mean community?"),
        ("--party", "xyz", "there are community, provider"),
        ("--since", "yesterday", "write a number and s, m, h, d or w, such as 24h"),
    ],
)
@pytest.mark.usefixtures("files")
def test_what_nothing_can_be_is_an_error_with_what_may_be_meant(
    option: str, value: str, told: str, run: Run
) -> None:
    done = run(*DRIFT, option, value)
    assert done.code == 2
    assert f"{option} {value}: " in done.err
    assert told in done.err


@pytest.mark.usefixtures("files")
def test_files_know_no_time_at_which_something_began(run: Run) -> None:
    assert _drift(run, "--since", "1w") == []


@pytest.mark.usefixtures("files")
def test_one_namespace_or_all(run: Run) -> None:
    for command in (DRIFT, ("matrix", *DRIFT[1:])):
        assert "give one of them" in run(*command, "-n", "reef", "-A").err


@pytest.mark.usefixtures("files")
def test_a_namespace_without_a_hub_does_not_look_like_one_where_all_is_well(run: Run) -> None:
    for command in (DRIFT, ("matrix", *DRIFT[1:])):
        assert (
            "no hub is in namespace reff; did you mean reef?\n" in run(*command, "-n", "reff").err
        )
        assert "no hub is in namespace xyz\n" in run(*command, "-n", "xyz").err
        assert "no hub is in" not in run(*command, "-n", "reef").err
    told = run("matrix", *DRIFT[1:], "-n", "xyz").out
    assert told == "there is no record of a hub in namespace xyz: `init` drafts them\n"


@pytest.mark.usefixtures("files")
def test_names_are_for_other_commands(run: Run) -> None:
    ids = run(*DRIFT, "-o", "name").out.split()
    assert ids
    for each in ids:
        assert run("explain", each, *DRIFT[1:]).code == 0
    named = run("matrix", *DRIFT[1:], "-o", "name").out
    assert named == "responsibility.responsibility.2i2c.org/reef\n"


@pytest.mark.usefixtures("files")
def test_without_headers_there_are_rows_only(run: Run) -> None:
    rows = run(*DRIFT).out.splitlines()[1:-1]
    bare = run(*DRIFT, "--no-headers").out.splitlines()
    assert [row.split() for row in bare] == [row.split() for row in rows]
    matrix = run("matrix", *DRIFT[1:], "--item", "secrets", "--no-headers").out.splitlines()
    assert [row.split()[:2] for row in matrix] == [["2", "secrets"]]
    assert run("matrix", *DRIFT[1:], "-n", "elsewhere").out.startswith("there is no record")


def test_every_option_is_compared_by_the_table() -> None:
    assert {*options._OPTIONS, "namespace"} == CHOSEN.keys()
    assert set(options._SORTS) == SORTS.keys()


@pytest.mark.usefixtures("files")
def test_drift_ends_with_1_only_where_that_is_asked_for(run: Run) -> None:
    assert run(*DRIFT).code == 0
    assert run(*DRIFT, "--exit-code").code == 1
    assert run(*DRIFT, "--exit-code", "--kind", "contact-missing").code == 0


@pytest.mark.parametrize(
    "asked",
    [
        ("drift", "--subject", "user/leavr"),
        ("plan", "--all", "--subject", "user/leavr"),
        ("subject", "user", "leavr"),
    ],
)
@pytest.mark.usefixtures("files")
def test_whom_nothing_names_does_not_look_like_somebody_without_rights(
    asked: tuple[str, ...], run: Run
) -> None:
    done = run(*asked, *DRIFT[1:])
    assert "no binding and no record names user/leavr; did you mean user/leaver?\n" in done.err
    known = [word.replace("leavr", "leaver") for word in asked]
    assert "names user/leaver" not in run(*known, *DRIFT[1:]).err


@pytest.mark.usefixtures("files")
def test_a_subject_is_known_however_it_is_written(run: Run) -> None:
    for text in ("leaver", "LEAVER", "user/leaver", "group/reef-leads", "sa/reef/robot"):
        assert "names" not in run(*DRIFT, "--subject", text).err, text
