"""Since when: remembered across restarts, and never a finding called new that was there."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from responsibility.controller.reporting.history import History, Transition

NOW = datetime(2030, 6, 15, 12, 0, 0, 123_456, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def status(*ids: str, since: str = "2030-01-01T00:00:00Z", truncated: int = 0) -> dict[str, Any]:
    causes = [{"id": i, "findings": {i: since}} for i in ids]
    return {"causes": causes, "truncated": truncated}


def told(ids: str, since: str = "2030-01-01T00:00:00Z", **later: str) -> dict[str, Any]:
    return {"causes": [{"id": "a", "ids": ids, "since": since, "findings": later}]}


def both(change: Transition) -> tuple[set[str], set[str]]:
    return set(change.appeared), set(change.ended)


def test_the_first_findings_of_an_object_have_just_appeared() -> None:
    history = History()
    change = history.advance("x", ["a", "b"], {}, NOW)
    assert both(change) == ({"a", "b"}, set())
    assert history.since("x") == {"a": NOW, "b": NOW}


def test_what_stays_is_no_change_and_keeps_its_time() -> None:
    history = History()
    history.advance("x", ["a"], {}, NOW)
    assert not history.advance("x", ["a"], status("z"), LATER)
    change = history.advance("x", ["b"], {}, LATER)
    assert both(change) == ({"b"}, {"a"})
    assert history.since("x") == {"b": LATER}
    # One that comes back begins anew.
    assert history.advance("x", ["a", "b"], {}, LATER).appeared == {"a"}
    assert history.since("x")["a"] == LATER


def test_an_operator_that_starts_learns_from_the_status() -> None:
    history = History()
    change = history.advance("x", ["a", "new"], status("a", "old"), NOW)
    assert both(change) == ({"new"}, {"old"})
    assert history.since("x") == {"a": datetime(2030, 1, 1, tzinfo=UTC), "new": NOW}


def test_of_one_cause_those_that_came_later_keep_their_own_time() -> None:
    history = History()
    before = told("a b", b="2030-02-02T00:00:00Z")
    assert both(history.advance("x", ["a", "b", "c"], before, NOW)) == ({"c"}, set())
    assert history.since("x") == {
        "a": datetime(2030, 1, 1, tzinfo=UTC),
        "b": datetime(2030, 2, 2, tzinfo=UTC),
        "c": NOW,
    }


@pytest.mark.parametrize(
    "cause", [{"ids": "a"}, {"ids": "a", "since": 5}, {"ids": 5}, {"findings": ["a"]}, "a"]
)
def test_a_status_that_a_person_has_scribbled_in_stops_nothing(cause: Any) -> None:
    history = History()
    history.advance("x", ["a"], {"causes": [cause]}, NOW)
    assert history.since("x") == {"a": NOW}


def test_a_shortened_status_cannot_make_findings_new() -> None:
    history = History()
    change = history.advance("x", ["a", "left out"], status("a", "old", truncated=1), NOW)
    assert both(change) == (set(), {"old"})
    assert history.advance("x", ["a", "left out", "b"], {}, LATER).appeared == {"b"}


@pytest.mark.parametrize("since", ["yesterday", "", "2030-01-01T00:00:00"])
def test_times_that_a_person_has_scribbled_are_not_believed(since: str) -> None:
    history = History()
    history.advance("x", ["a"], status("a", since=since), NOW)
    assert history.since("x") == {"a": NOW}


def test_a_status_that_makes_no_sense_is_no_memory() -> None:
    odd = {"findings": [{"id": "a"}, {"since": "2030-01-01T00:00:00Z"}, {"id": "b", "since": 5}]}
    assert History().advance("x", ["a"], odd, NOW).appeared == {"a"}


def test_objects_are_kept_apart_and_forgotten_when_gone() -> None:
    history = History()
    history.advance("x", ["a"], {}, NOW)
    history.advance("y", ["a"], {}, LATER)
    history.keep({"y"})
    assert history.since("x") == {}
    assert history.since("y") == {"a": LATER}
