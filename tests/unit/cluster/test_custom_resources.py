"""Our own kinds: a watch that may lag, lists that have the last word, and our own writes."""

from collections.abc import Mapping
from typing import Any

import pytest

from responsibility.api.parse import Problem, RecordError
from responsibility.cluster.custom_resources import CustomResourceStore


class Parsed:
    """What a spec says; compared by identity, as an assessment does."""

    def __init__(self, text: str) -> None:
        self.text = text


def parse(raw: Mapping[str, Any]) -> Parsed:
    text = raw["spec"]["says"]
    if text == "nonsense":
        raise RecordError("Thing", [Problem("spec.says", "cannot be read", "say something")])
    return Parsed(text)


class Things:
    """The kind, and how often it has called for a new look."""

    def __init__(self) -> None:
        self.changes = 0
        self.now = 0.0
        self.kind: CustomResourceStore[Parsed] = CustomResourceStore(
            "/apis/x/v1/things", "Thing", parse, self._changed, clock=lambda: self.now
        )

    def _changed(self) -> None:
        self.changes += 1

    def said(self) -> dict[str, str]:
        return {
            name: own.error if own.value is None else own.value.text
            for name, own in self.kind.items.items()
        }

    def value(self, name: str = "a") -> Parsed | None:
        return self.kind.items[name].value


@pytest.fixture
def things() -> Things:
    return Things()


def thing(
    says: str = "hello",
    *,
    name: str = "a",
    uid: str = "u1",
    generation: int = 1,
    version: int | str = 10,
    status: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    raw: dict[str, Any] = {
        "apiVersion": "x/v1",
        "metadata": {
            "name": name,
            "uid": uid,
            "generation": generation,
            "resourceVersion": str(version),
        },
        "spec": {"says": says},
    }
    return raw if status is None else {**raw, "status": status}


def listed(things: Things, *raws: dict[str, Any]) -> None:
    things.kind.begin_list()
    things.kind.replace(raws)


def test_an_object_that_appears_changes_or_goes_calls_for_a_look(things: Things) -> None:
    things.kind.put(thing())
    things.kind.put(thing("good morning", generation=2, version=11))
    assert things.said() == {"a": "good morning"}
    things.kind.drop(thing(version=12))
    assert things.said() == {}
    assert things.changes == 3


def test_the_same_again_calls_for_nothing(things: Things) -> None:
    things.kind.put(thing())
    things.kind.put(thing())
    listed(things, thing())
    assert things.changes == 1


def test_an_event_older_than_what_is_known_is_ignored(things: Things) -> None:
    things.kind.put(thing("new", generation=2, version=20))
    things.kind.put(thing("old", generation=1, version=19))
    assert things.said() == {"a": "new"}
    assert things.changes == 1


def test_versions_are_compared_as_numbers(things: Things) -> None:
    things.kind.put(thing("old", version=9))
    things.kind.put(thing("new", generation=2, version=10))
    assert things.said() == {"a": "new"}


def test_events_of_an_object_that_had_the_name_before_are_ignored(things: Things) -> None:
    # A list has run ahead of the watch, which still has to tell of the first one's end.
    listed(things, thing("second", uid="u2", version=30))
    things.kind.put(thing("first", uid="u1", generation=2, version=20))
    things.kind.drop(thing("first", uid="u1", version=21))
    assert things.said() == {"a": "second"}


def test_an_object_that_takes_a_name_over_is_another_one(things: Things) -> None:
    things.kind.put(thing("first", uid="u1"))
    first = things.value()
    things.kind.put(thing("first", uid="u2", version=30))
    assert things.value() is not first
    assert things.kind.items["a"].uid == "u2"
    assert things.changes == 2


def test_a_value_stays_the_same_object_while_the_spec_does(things: Things) -> None:
    things.kind.put(thing())
    value = things.value()
    things.kind.put(thing(version=11, status={"summary": "fine"}))
    listed(things, thing(version=12, status={"summary": "fine"}))
    assert things.value() is value
    things.kind.put(thing(generation=2, version=13))
    assert things.value() is not value


def test_a_status_that_somebody_else_wrote_calls_for_a_look(things: Things) -> None:
    things.kind.put(thing(status={"summary": "fine"}))
    things.kind.put(thing(version=11, status={"summary": "I say so"}))
    assert things.changes == 2
    listed(things, thing(version=12))
    assert things.changes == 3


def test_what_we_wrote_ourselves_calls_for_nothing_when_the_watch_brings_it(things: Things) -> None:
    things.kind.put(thing())
    ours = thing(version=11, status={"summary": "fine"})
    things.kind.note(ours)
    assert things.kind.items["a"].status == {"summary": "fine"}
    things.kind.put(ours)
    assert things.changes == 1


def test_an_answer_of_ours_that_comes_late_does_not_hide_what_came_since(things: Things) -> None:
    things.kind.put(thing("new", generation=2, version=12))
    things.kind.note(thing("old", version=11, status={"summary": "fine"}))
    assert things.said() == {"a": "new"}
    things.kind.drop(thing(version=13))
    things.kind.note(thing(version=14))
    assert things.said() == {}


def test_a_list_ends_what_the_watch_has_not_told_of(things: Things) -> None:
    things.kind.put(thing())
    things.kind.put(thing(name="b", uid="u2", version=11))
    listed(things, thing())
    assert things.said() == {"a": "hello"}
    assert things.changes == 3


def test_what_is_created_while_a_list_is_under_way_stays(things: Things) -> None:
    things.kind.begin_list()
    things.kind.put(thing(name="b", uid="u2", version=11))
    things.kind.replace([thing()])
    assert things.said() == {"a": "hello", "b": "hello"}
    # Of what was told before it, the next list knows everything.
    listed(things, thing())
    assert things.said() == {"a": "hello"}


def test_what_is_deleted_while_a_list_is_under_way_stays_deleted(things: Things) -> None:
    things.kind.put(thing())
    things.kind.begin_list()
    things.kind.drop(thing(version=12))
    things.kind.replace([thing()])
    assert things.said() == {}


def test_what_took_a_deleted_name_while_a_list_is_under_way_is_there(things: Things) -> None:
    things.kind.put(thing("first"))
    things.kind.begin_list()
    things.kind.drop(thing("first", version=12))
    things.kind.replace([thing("second", uid="u2", version=13)])
    assert things.said() == {"a": "second"}


def test_what_is_changed_or_written_while_a_list_is_under_way_stays_so(things: Things) -> None:
    things.kind.put(thing())
    things.kind.put(thing(name="b", uid="u2", version=11))
    things.kind.begin_list()
    things.kind.put(thing("changed", generation=2, version=12))
    things.kind.note(thing(name="b", uid="u2", version=13, status={"summary": "fine"}))
    things.kind.replace([thing(), thing(name="b", uid="u2", version=11)])
    assert things.said() == {"a": "changed", "b": "hello"}
    assert things.kind.items["b"].status == {"summary": "fine"}


def test_a_cluster_that_was_set_back_to_an_earlier_day_is_believed(things: Things) -> None:
    things.kind.put(thing("today", generation=9, version=9_000))
    listed(things, thing("yesterday", generation=3, version=4_000))
    assert things.said() == {"a": "yesterday"}


def test_what_a_list_brings_and_the_watch_does_not_is_lag(things: Things) -> None:
    things.kind.put(thing())
    assert things.kind.lag() == 0
    listed(things, thing("changed", generation=2, version=12))
    listed(things, thing("changed", generation=2, version=12))
    things.now = 40.0
    assert things.kind.lag() == 40
    # Older news, or our own writes, are not what is waited for.
    things.kind.put(thing(version=11))
    things.kind.note(thing("changed", generation=2, version=13, status={"summary": "fine"}))
    assert things.kind.lag() == 40
    things.kind.put(thing("changed", generation=2, version=13))
    assert things.kind.lag() == 0


def test_a_watch_that_follows_has_no_lag(things: Things) -> None:
    things.kind.put(thing())
    things.kind.put(thing("changed", generation=2, version=12))
    # A status alone is nothing that anybody waits for.
    listed(things, thing("changed", generation=2, version=14, status={"summary": "fine"}))
    things.now = 40.0
    assert things.kind.lag() == 0


def test_an_answer_that_is_no_object_tells_nothing(things: Things) -> None:
    things.kind.put(thing())
    for answer in ({}, {"metadata": None}, {"metadata": {"resourceVersion": "9"}, "items": []}):
        things.kind.note(answer)
    assert things.said() == {"a": "hello"}


def test_what_is_gone_is_not_waited_for(things: Things) -> None:
    listed(things, thing(), thing(name="b", uid="u2", version=11))
    things.now = 40.0
    assert things.kind.lag() == 40
    listed(things, thing())
    things.kind.drop(thing(version=15))
    assert things.kind.lag() == 0


def test_an_object_that_cannot_be_read_is_kept_with_the_reason(things: Things) -> None:
    things.kind.put(thing("nonsense"))
    assert things.said() == {"a": "Thing: spec.says: cannot be read: say something"}
    things.kind.put(thing("hello again", generation=2, version=11))
    assert things.said() == {"a": "hello again"}
    things.kind.put(thing("nonsense", generation=3, version=12))
    assert things.value() is None
    assert things.changes == 3


def test_versions_that_are_not_numbers_are_taken_as_they_come(things: Things) -> None:
    things.kind.put(thing(version="abc"))
    things.kind.put(thing("new", generation=2, version="abb"))
    assert things.said() == {"a": "new"}


def test_the_items_are_read_only_and_name_what_an_event_needs(things: Things) -> None:
    things.kind.put(thing())
    with pytest.raises(TypeError):
        things.kind.items["b"] = things.kind.items["a"]  # type: ignore[index]  # which fails
    assert things.kind.items["a"].reference == {
        "apiVersion": "x/v1",
        "kind": "Thing",
        "metadata": {"name": "a", "uid": "u1"},
    }


def test_of_a_status_that_is_told_again_one_copy_is_kept(things: Things) -> None:
    things.kind.put(thing(status={"causes": ["one"]}))
    first = things.kind.items["a"].status
    things.kind.put(thing(version=11, status={"causes": ["one"]}))
    assert things.kind.items["a"].status is first
    things.kind.begin_list()
    things.kind.replace([thing(version=12, status={"causes": ["one"]})])
    assert things.kind.items["a"].status is first
    things.kind.put(thing(version=13, status={"causes": ["another"]}))
    assert things.kind.items["a"].status == {"causes": ["another"]}
