"""Statuses: always what the CRD takes, equal when read back, and honest about what was checked."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responsibility.api.model import ResponsibilityModelStatus
from responsibility.api.record import ResponsibilityStatus
from responsibility.api.status import Condition, ItemState
from responsibility.controller.reporting.conditions import ConditionDraft, with_times
from responsibility.controller.status import (
    model_status,
    record_status,
    refused_model_status,
    refused_record_status,
)
from responsibility.hub.discovery import HubKey
from responsibility.ownership.results.assessment import (
    Assessment,
    BreakGlassHolder,
    Exempt,
    HubState,
    Refused,
)
from responsibility.ownership.results.facts import Facts
from responsibility.ownership.results.findings import KINDS, Finding
from responsibility.ownership.terms.permission_index import Permission
from responsibility.rbac.escalation.steps import Step
from responsibility.rbac.objects import USER, BindingKey, RoleKey, Source, Subject
from tests.unit.controller.schema import faults, status_schema
from tests.unit.ownership.building import NOW, assess, garden, hub, record

RECORD = status_schema("responsibilities")
MODEL = status_schema("responsibilitymodels")
LATER = NOW + timedelta(hours=1, microseconds=654_321)

# Names as etcd holds them: of any length and script, and empty ones.
names = st.one_of(st.text(max_size=8), st.integers(500, 1100).map(lambda n: "ü" * n))
named = names.filter(bool)
subjects = st.builds(Subject, st.sampled_from(["User", "Group", "ServiceAccount"]), named, names)
sources = st.one_of(
    st.just(Source(None, None)),
    st.builds(
        Source,
        st.builds(BindingKey, names, names),
        st.builds(RoleKey, names, names),
        st.integers(0, 9),
        st.lists(names, max_size=3).map(tuple),
    ),
)


def repeated(one: st.SearchStrategy[Any], most: int) -> st.SearchStrategy[tuple[Any, ...]]:
    """Return some values, many times over: hundreds are quickly drawn."""
    return st.builds(
        lambda some, n: tuple(some) * n, st.lists(one, max_size=3), st.integers(0, most)
    )


facts = st.one_of(st.none(), *map(st.from_type, get_args(Facts)))
findings = st.builds(
    Finding,
    kind=st.sampled_from(sorted(KINDS)),
    item=named,
    number=st.integers(0, 64),
    hub=st.one_of(st.none(), st.builds(HubKey, names, names)),
    title=names,
    subject=st.one_of(st.none(), subjects),
    party=names,
    owners=repeated(names, 3),
    route=repeated(st.builds(Step, named, subjects, names, st.just(())), 3),
    permissions=repeated(st.builds(Permission, named, names, named, names, names), 100),
    sources=repeated(sources, 100),
    facts=facts,
)
moments = st.datetimes(
    datetime(2020, 1, 1),  # noqa: DTZ001 - in UTC, by timezones
    datetime(2040, 1, 1),  # noqa: DTZ001 - in UTC, by timezones
    timezones=st.just(UTC),
)


def world(**more: Any) -> Assessment:
    return assess(records=[record()], **more)


def of_record(assessment: Assessment, hub_state: Any = None, **more: Any) -> ResponsibilityStatus:
    arguments = {"generation": 1, "before": (), "since": {}, "annotated": None, **more}
    return record_status(hub_state or assessment.hubs["prod"], assessment, **arguments)


def of_model(assessment: Assessment, **more: Any) -> ResponsibilityModelStatus:
    arguments = {"generation": 1, "before": (), "since": {}, **more}
    return model_status(assessment.clusters["garden"], assessment, **arguments)


def read_back(status: Any) -> Any:
    return type(status).model_validate(json.loads(json.dumps(status.dump())))


@settings(max_examples=25, deadline=None)
@given(found=repeated(findings, 100), since=moments, now=moments, note=st.one_of(st.none(), names))
def test_any_finding_makes_a_status_that_is_taken_and_reads_back_equal(
    found: tuple[Finding, ...], since: datetime, now: datetime, note: str | None
) -> None:
    # As in an assessment, where no two have one id.
    found = tuple(replace(each, item=f"{n}-{each.item}") for n, each in enumerate(found))
    assessment = replace(world(), now=now)
    state = replace(assessment.hubs["prod"], findings=found)
    status = of_record(
        assessment, state, annotated=note, since={finding.id: since for finding in found}
    )
    assert faults(status.dump(), RECORD) == []
    assert read_back(status) == status
    assert sum(len(cause.ids.split()) for cause in status.causes) + status.truncated == len(found)
    again = of_record(
        replace(assessment, now=now + timedelta(days=1)),
        state,
        annotated=note,
        since={finding.id: since for finding in found},
        before=read_back(status).conditions,
    )
    assert again == status, "nothing has changed, so nothing is to be written"


@settings(max_examples=25, deadline=None)
@given(
    found=repeated(findings, 100),
    glass=repeated(
        st.builds(BreakGlassHolder, subjects, repeated(sources, 100), st.booleans()), 40
    ),
    exempt=repeated(st.builds(Exempt, subjects, st.just(("*",)), names), 3),
    unrecorded=repeated(st.builds(HubKey, names, names), 100),
    now=moments,
)
def test_any_cluster_makes_a_model_status_that_is_taken_and_reads_back_equal(
    found: tuple[Finding, ...],
    glass: tuple[BreakGlassHolder, ...],
    exempt: tuple[Exempt, ...],
    unrecorded: tuple[HubKey, ...],
    now: datetime,
) -> None:
    assessment = world()
    cluster = replace(
        assessment.clusters["garden"], findings=found, break_glass=glass, exempt=exempt
    )
    assessment = replace(assessment, now=now, unrecorded=unrecorded, clusters={"garden": cluster})
    status = of_model(assessment)
    assert faults(status.dump(), MODEL) == []
    assert read_back(status) == status


@given(
    name=names,
    reason=st.sampled_from(["Malformed", "ModelMissing"]),
    message=st.integers(0, 5000).map(lambda n: "x" * n),
)
def test_a_refusal_makes_a_status_that_is_taken(name: str, reason: str, message: str) -> None:
    refused = Refused(name, reason, message, 3)
    for status, schema in (
        (refused_record_status(refused, before=(), now=NOW), RECORD),
        (refused_model_status(refused, before=(), now=NOW), MODEL),
    ):
        assert faults(status.dump(), schema) == []
        assert read_back(status) == status
        assert status.observed_generation == 3


@pytest.mark.parametrize("state", list(HubState))
@pytest.mark.parametrize("enforced", [True, False, None])
def test_every_state_of_a_hub_makes_a_status_that_is_taken(
    state: HubState, enforced: bool | None
) -> None:
    assessment = replace(world(), rbac_enforced=enforced)
    there = assessment.hubs["prod"]
    found = there.hub if state is HubState.FOUND else None
    status = of_record(assessment, replace(there, hub_state=state, hub=found, releases=("a", "b")))
    assert faults(status.dump(), RECORD) == []
    said = {c.type: c for c in status.conditions}
    ready = state is HubState.FOUND and enforced is True
    assert said["Ready"].status == str(ready)
    assert said["HubFound"].status == str(state is HubState.FOUND)
    assert ("Annotated" in said) == (state is HubState.FOUND)
    # That there is no drift is said only where it was looked for.
    assert said["Drift"].status == ("False" if ready else "Unknown") or there.findings


def test_a_model_says_of_drift_only_what_was_checked() -> None:
    clean = replace(world().clusters["garden"], findings=())
    for enforced, said in ((True, "False"), (False, "Unknown"), (None, "Unknown")):
        assessment = replace(world(), rbac_enforced=enforced, clusters={"garden": clean})
        (drift,) = [c for c in of_model(assessment).conditions if c.type == "Drift"]
        assert drift.status == said


def test_a_large_model_has_room_for_all_its_items() -> None:
    items = [
        {"name": f"item-{n}", "number": n, "title": "x", "kinds": ["attested"], "owner": "guests"}
        for n in range(1, 65)
    ]
    assessment = assess(records=[record()], models=[garden(items=items)], hubs=[hub()])
    told = assessment.hubs["prod"]
    longest = replace(
        told,
        items=tuple(
            replace(
                result,
                item=replace(result.item, terms=replace(result.item.terms, name=name)),
                state=ItemState.DRIFT,
            )
            for n, result in enumerate(told.items)
            for name in (f"{n:063}",)
        ),
    )
    for state in (told, longest):
        status = of_record(assessment, state)
        assert faults(status.dump(), RECORD) == []
        assert read_back(status) == status
        assert len(status.items) == (65 if state is longest else 1)
        listed = [item for items in status.owners.values() for item in items.split(", ")]
        assert sorted(listed) == sorted(result.item.name for result in state.items)


def condition(type: str, status: bool | None, message: str = "") -> ConditionDraft:
    return ConditionDraft(type, status, "Because", message)


def test_a_transition_time_moves_when_the_answer_does_and_only_then() -> None:
    def times(conditions: tuple[Condition, ...]) -> dict[str, datetime]:
        return {c.type: c.last_transition_time for c in conditions}

    start = NOW.replace(microsecond=0)
    first = with_times([condition("A", True), condition("B", None)], (), generation=1, now=NOW)
    second = with_times(
        [condition("A", True, "in other words"), condition("B", False), condition("C", True)],
        first,
        generation=2,
        now=LATER,
    )
    later = LATER.replace(microsecond=0)
    assert times(first) == {"A": start, "B": start}
    assert times(second) == {"A": start, "B": later, "C": later}
    assert [c.observed_generation for c in second] == [2, 2, 2]
    assert second[0].message == "in other words"
    assert times(with_times([condition("A", True)], second, generation=2, now=LATER)) == {
        "A": start
    }


def test_status_times_are_written_to_the_second() -> None:
    assessment = replace(world(), now=LATER)
    state = replace(
        assessment.hubs["prod"],
        findings=(Finding("excess-access", "beds", 1, None, subject=Subject(USER, "e")),),
    )
    status = of_record(assessment, state, since={state.findings[0].id: LATER}).dump()
    assert status["causes"][0]["since"] == "2030-06-15T13:00:00Z"
    assert {c["lastTransitionTime"] for c in status["conditions"]} == {"2030-06-15T13:00:00Z"}
