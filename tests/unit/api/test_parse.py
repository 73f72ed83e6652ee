"""Files are held to every rule, the API is read with leniency, and errors say what to type."""

import copy
from typing import Any

import pytest

from responsibility.api.common import Delegate, Enforcement, expand
from responsibility.api.parse import Problem, RecordError, parse_model, parse_record
from responsibility.api.subjects import SubjectSpec
from responsibility.subject_kinds import SubjectKind
from tests.unit.api import samples
from tests.unit.api.samples import Manifest
from tests.unit.api.slips import MODEL_SLIPS, RECORD_SLIPS, Change, Slip


def test_a_record_is_read_and_written_back_unchanged() -> None:
    raw = samples.record()
    assert parse_record(raw, strict=True).dump() == raw


def test_a_model_is_read_and_written_back_unchanged() -> None:
    raw = samples.model()
    raw["spec"]["items"][0]["bounds"][0] |= {"min": "600", "max": "86400"}
    raw["spec"]["items"][0]["delegates"][0]["until"] = "2036-01-01T00:00:00Z"
    assert parse_model(raw, strict=True).dump() == raw


def test_attributes_have_the_names_of_python() -> None:
    spec = parse_record(samples.record()).spec
    assert spec.hub.display_name == "LEAP"
    assert spec.parties[0].hub_users == ("alice-gh",)
    assert spec.parties[0].subjects[1] == SubjectSpec(
        kind=SubjectKind.SERVICE_ACCOUNT, namespace="prod", name="deployer"
    )
    assert spec.items[0].review_after is not None


def test_what_is_left_out_gets_its_default() -> None:
    raw = samples.record() | {"spec": {"hub": {"namespace": "prod"}}}
    spec = parse_record(raw, strict=True).spec
    assert spec.model == "2i2c"
    assert spec.enforcement == Enforcement()
    assert (spec.enforcement.admission, spec.enforcement.rbac) == ("observe", "audit")
    assert spec.hub.release is None
    assert spec.items == ()


def test_no_delegates_differs_from_delegates_left_out() -> None:
    raw = samples.record()
    raw["spec"]["items"] = [{"name": "a", "delegates": []}, {"name": "b"}]
    first, second = parse_record(raw, strict=True).spec.items
    assert first.delegates == ()
    assert second.delegates is None


def test_metadata_has_what_the_operator_needs() -> None:
    raw = samples.record()
    raw["metadata"] |= {
        "uid": "u-1",
        "generation": 3,
        "resourceVersion": "77",
        "creationTimestamp": "2026-01-02T03:04:05Z",
        "deletionTimestamp": "2026-02-02T03:04:05Z",
        "labels": {"team": "x"},
        "managedFields": [{"manager": "kubectl"}],
    }
    meta = parse_record(raw, strict=True).metadata
    assert (meta.name, meta.uid, meta.generation, meta.resource_version) == (
        *("leap-prod", "u-1"),
        *(3, "77"),
    )
    assert meta.creation_timestamp is not None
    assert meta.deleting


def test_the_api_may_know_fields_that_we_do_not() -> None:
    raw = samples.record()
    raw["spec"]["parties"][0]["pronouns"] = "they"
    raw["status"] = {"mood": "fine", "summary": "2 findings"}
    record = parse_record(raw)
    assert record.status is not None
    assert record.status.summary == "2 findings"


def test_the_api_may_hold_nulls() -> None:
    raw = samples.record()
    raw["spec"]["hub"]["displayName"] = None
    raw["spec"]["exemptions"] = None
    assert parse_record(raw).spec.exemptions == ()


def test_a_file_may_come_from_kubectl_get() -> None:
    raw = samples.record() | {"status": {"summary": "2 findings", "later": True}}
    assert parse_record(raw, strict=True).status is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s["hub"].update(namspace="x"), "spec.hub.namspace: unknown field: did you mean"),
        (lambda s: s["items"][0].update(owners="x"), "did you mean owner?"),
        (
            lambda s: s["items"][0]["delegates"][0].update(colour="x"),
            "colour: unknown field: remove it; known here: party, until, reason, bounds",
        ),
        (lambda s: s.update(parties={"name": "x"}), "spec.parties: not a list: put '- ' before"),
        (lambda s: s["hub"].update(displayName=2024), "displayName: not text: put it in quotes"),
        (lambda s: s["hub"].update(displayName=[]), "displayName: not text: write one line"),
        (lambda s: s["items"][0].update(minimumHolders="2"), "should be a valid integer"),
        (lambda s: s.update(hub="prod"), "spec.hub: not a mapping: write its fields"),
        (
            lambda s: s["items"][0]["delegates"][0].update(until="tomorrow"),
            "until: not a moment: write date, time and zone, such as 2026-12-31T00:00:00Z",
        ),
    ],
)
def test_a_slip_of_the_pen_is_named(change: Change, said: str) -> None:
    slip = Slip("", change, said)
    with pytest.raises(RecordError) as caught:
        parse_record(slip.of(samples.record()), strict=True)
    assert said in str(caught.value)
    assert str(caught.value).startswith("Responsibility leap-prod: spec.")


@pytest.mark.parametrize("slip", RECORD_SLIPS, ids=lambda slip: slip.name)
def test_wrong_records_are_refused(slip: Slip) -> None:
    with pytest.raises(RecordError) as caught:
        parse_record(slip.of(samples.record()), strict=True)
    assert slip.file in str(caught.value)


@pytest.mark.parametrize("slip", MODEL_SLIPS, ids=lambda slip: slip.name)
def test_wrong_models_are_refused(slip: Slip) -> None:
    with pytest.raises(RecordError) as caught:
        parse_model(slip.of(samples.model()), strict=True)
    assert slip.file in str(caught.value)


def test_every_problem_is_told_at_once() -> None:
    raw = samples.record()
    raw["spec"]["hub"]["namespace"] = "Prod"
    raw["spec"]["model"] = "Ours"
    with pytest.raises(RecordError) as caught:
        parse_record(raw)
    assert [problem.path for problem in caught.value.problems] == [
        "spec.hub.namespace",
        "spec.model",
    ]
    assert caught.value.subject == "Responsibility leap-prod"


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ([], Problem("", "this is not a mapping", "begin with kind: Responsibility")),
        (
            samples.record() | {"kind": "ResponsibilityModel"},
            Problem("kind", "is ResponsibilityModel", "write kind: Responsibility"),
        ),
        (
            {"kind": "Responsibility"},
            Problem(
                "apiVersion",
                "is missing",
                "write apiVersion: responsibility.2i2c.org/v1alpha1",
            ),
        ),
        (
            {**samples.record(), "metadata": {}},
            Problem("metadata.name", "missing", "add name"),
        ),
    ],
)
def test_other_documents_are_refused(raw: Any, problem: Problem) -> None:
    with pytest.raises(RecordError) as caught:
        parse_record(raw, strict=True)
    assert caught.value.problems == (problem,)


def test_reading_changes_nothing() -> None:
    raw: Manifest = samples.record()
    before = copy.deepcopy(raw)
    parse_record(raw, strict=True)
    assert raw == before


def test_shapes_are_values() -> None:
    assert parse_record(samples.record()) == parse_record(samples.record())
    assert len({Delegate(party="a"), Delegate(party="a")}) == 1


def test_placeholders_are_filled_in() -> None:
    values = {"namespace": "prod", "release": "leap", "prefix": "leap-"}
    assert expand("$(prefix)hub in $(namespace)", values) == "leap-hub in prod"
    assert expand("no placeholder, $5", values) == "no placeholder, $5"
