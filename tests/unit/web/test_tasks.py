"""Tasks: those of whoever reads come first, and what stands above something else is folded."""

from dataclasses import replace

from responsibility.web.document import document
from responsibility.web.tasks import Task, folded_tasks, tasks
from responsibility.web.words import dated, natural
from tests.unit.web.reading import Page, read

TASK = Task(
    "high",
    ("Settings",),
    "Ann can do everything",
    "Remove Ann",
    "Ask whether that is meant.",
    "0123456789",
    "Provider",
    ("a@b.example",),
)


def page(*children: object) -> Page:
    return read(document("title", *children).html)  # type: ignore[arg-type] # as they come


def test_tasks_of_the_reader_come_before_worse_ones_of_others() -> None:
    own = replace(TASK, severity="low", message="Support was to be reviewed", whose="Reef people")
    shown = page(*tasks([TASK, TASK, own], first=["Reef people"])).shown
    assert shown.index("Reef people: 1 thing") < shown.index("Provider: 2 things")
    assert shown.index("Provider: 2 things") < page(*tasks([TASK, TASK, own])).shown.index("Reef")


def test_a_lead_is_told_what_to_do_and_an_engineer_what_ends_it() -> None:
    source = document("title", *tasks([TASK])).html
    plain, fold, technical = source.partition("<details><summary>For engineers</summary>")
    assert fold
    assert "Ask whether that is meant. Write to" in page(*tasks([TASK])).shown
    assert "Remove Ann" in technical
    assert "kubectl responsibility explain 0123456789" in technical
    assert "Remove Ann" not in plain
    assert "kubectl" not in plain


def test_nobody_is_told_to_write_to_themselves_where_there_is_somebody_else() -> None:
    own = replace(TASK, whose="Reef people", contacts=("us@reef.example",))
    both = replace(TASK, contacts=("a@b.example", "us@reef.example"))
    told = tasks([own, both], first=["Reef people"], helpers=["h@b"], readers=["us@reef.example"])
    shown = page(*told).shown
    assert "Write to h@b." in shown
    assert "Write to a@b.example." in shown
    assert "us@reef.example" not in shown
    assert "Write to us@reef.example." in page(*tasks([own], readers=["us@reef.example"])).shown


def test_above_something_else_the_worst_stand_and_the_rest_is_folded() -> None:
    many = [replace(TASK, message=f"Thing {number}") for number in range(60)]
    source = document("title", *folded_tasks(many)).html
    above, more, folded = source.partition("<details><summary>57 more")
    assert [f"Thing {number}<" in above for number in range(4)] == [True, True, True, False]
    assert more
    assert "Thing 3<" in folded
    assert "And 7 things more that matter less." in folded
    assert " more</summary>" not in document("title", *folded_tasks(many[:3])).html


def test_days_are_as_people_write_them_and_moments_are_left() -> None:
    assert dated("reviewed after 2027-03-01") == "reviewed after 1 March 2027"
    assert dated("it ended on 2027-03-01; look at it.") == "it ended on 1 March 2027; look at it."
    for kept in (
        *("since 2030-01-01T00:00:00Z", "version 2027-19-77", "x2027-03-01y"),
        *("by RoleBinding prod/2027-03-01", "User bot-2027-03-01 holds it", "2027-03-01.old"),
    ):
        assert dated(kept) == kept


def test_a_command_is_shown_as_it_is_to_be_pasted() -> None:
    command = "kubectl delete rolebinding temp-2027-03-01 -n prod --since 2027-03-01"
    assert command in document("title", *tasks([Task("high", ("1",), "Ended.", command)])).html


def test_names_are_in_the_order_of_people() -> None:
    names = ["Hub 10", "hub 9", "Hub", "9", "Atoll 2b", "Atoll 2a"]
    assert sorted(names, key=natural) == ["9", "Atoll 2a", "Atoll 2b", "Hub", "hub 9", "Hub 10"]
