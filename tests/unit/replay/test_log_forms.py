"""Logs are read in the forms in which clouds hand them out, and what can't be is named."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responsibility.cli.sources.audit_log import AuditLog
from responsibility.replay import log_forms
from responsibility.replay.audit_event import Request, read
from tests.unit.replay.events import event

Json = dict[str, Any]
COLUMNS = {field: name for name, field in log_forms._COLUMNS.items()}
TIME = "2026-11-01T00:00:00Z"


def _row(each: Json, *, as_text: bool = False) -> Json:
    """Return an event as a row of AKSAudit: what has no column is lost."""
    found = {COLUMNS[field]: value for field, value in each.items() if field in COLUMNS}
    if as_text:
        found = {k: v if isinstance(v, str) else json.dumps(v) for k, v in found.items()}
    return {"TimeGenerated": TIME, "Type": "AKSAudit", **found}


def _diagnostics(each: Json) -> Json:
    return {"Category": "kube-audit", "log_s": json.dumps(each), "TimeGenerated": TIME}


def _table(rows: list[Json]) -> Json:
    names = list(rows[0])
    columns = [{"name": name, "type": "string"} for name in names]
    values = [[row[name] for name in names] for row in rows]
    return {"tables": [{"name": "PrimaryResult", "columns": columns, "rows": values}]}


def _record(each: Json) -> Json:
    return {"category": "kube-audit", "properties": {"log": json.dumps(each), "pod": "p"}}


def _watched(each: Json) -> Json:
    return {"timestamp": 1, "message": json.dumps(each)}


def _pairs(each: Json) -> list[Json]:
    return [{"field": "@ptr", "value": "x"}, {"field": "@message", "value": json.dumps(each)}]


def _lines(values: list[Any]) -> str:
    return "".join(f"{json.dumps(value)}\n" for value in values)


def _followed(each: Json, indent: int | None = None) -> str:
    return f"2026-11-01T00:00:00.1+00:00 kube-apiserver-audit-a {json.dumps(each, indent=indent)}\n"


# How each form writes some events.
FORMS: dict[str, Callable[[list[Json]], str]] = {
    "as the API server writes them": _lines,
    "in one value each, over several lines": lambda events: "\n".join(
        json.dumps(each, indent=2) for each in events
    ),
    "without anything between them": lambda events: "".join(map(json.dumps, events)),
    "aws logs tail": lambda events: "".join(map(_followed, events)),
    "aws logs tail --format json": lambda events: "".join(_followed(e, 4) for e in events),
    "aws logs filter-log-events": lambda events: json.dumps(
        {"events": [*map(_watched, events)], "searchedLogStreams": []}, indent=4
    ),
    "aws logs get-query-results": lambda events: json.dumps(
        {"results": [*map(_pairs, events)], "status": "Complete"}, indent=4
    ),
    "the console of Logs Insights": lambda events: json.dumps(
        [{"@timestamp": TIME, "@message": json.dumps(each)} for each in events]
    ),
    "the same, with objects": lambda events: json.dumps(
        [{"@timestamp": TIME, "@message": each} for each in events], indent=2
    ),
    "a subscription": lambda events: (
        json.dumps({"messageType": "DATA_MESSAGE", "logEvents": [*map(_watched, events)]}) * 1
    ),
    "an event hub": lambda events: json.dumps({"records": [*map(_record, events)]}),
    "a storage account": lambda events: _lines([*map(_record, events)]),
    "properties as a text": lambda events: _lines(
        [{**_record(e), "properties": json.dumps(_record(e)["properties"])} for e in events]
    ),
    "az monitor log-analytics query AzureDiagnostics": lambda events: json.dumps(
        [*map(_diagnostics, events)], indent=2
    ),
    "the API of Log Analytics": lambda events: json.dumps(_table([*map(_diagnostics, events)])),
    "AKSAudit": lambda events: json.dumps([_row(each, as_text=True) for each in events], indent=2),
    "AKSAudit, with objects": lambda events: json.dumps(_table([*map(_row, events)])),
}


def _events() -> list[Json]:
    return [event("a"), event("b", verb="delete"), event("c", userAgent="kubectl/v1.37.2")]


@pytest.mark.parametrize("form", FORMS)
def test_the_same_requests_are_read_in_every_form(form: str, tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.write_text(FORMS[form](_events()), encoding="utf-8")
    log = AuditLog(lambda _: True)
    found = [read(each) for _, each in log.events([str(path)])]
    assert found == [read(each) for each in _events()]
    assert all(isinstance(each, Request) for each in found)
    assert (log.counts.events, log.counts.broken_total) == (len(found), 0)
    assert not log.counts.foreign
    assert log.counts.columns == (len(found) if form.startswith("AKSAudit") else 0)


# Texts, and what is said of them.
UNREAD = {
    "cut off": (json.dumps([{"log_s": json.dumps(event())[:-30]}]), log_forms.CUT),
    "of another part": (_lines([{"message": "I0101 scheduler.go:1] x"}]), log_forms.TEXT),
    "Google's": (json.dumps([{"protoPayload": {"a": 1}}], indent=2), log_forms.GOOGLE),
    "CSV of Azure": ('TenantId,"TimeGenerated [UTC]",log_s\n"x","y","{}"\n', log_forms.CSV),
    "CSV of CloudWatch": ("@timestamp,@message\n1,{}\n", log_forms.CSV),
    "a table of something else": (
        json.dumps({"tables": [{"columns": [{"name": "a"}], "rows": [["x"]]}]}),
        log_forms.OTHER,
    ),
    "no table": (json.dumps({"tables": [1, {"rows": 5}, {"rows": [1]}]}), None),
    "no results": (json.dumps({"results": [1, [2], [{"field": "@message"}]]}), None),
}


@pytest.mark.parametrize("name", UNREAD)
def test_what_cannot_be_read_is_named(name: str, tmp_path: Path) -> None:
    text, told = UNREAD[name]
    path = tmp_path / "audit.log"
    path.write_text(text, encoding="utf-8")
    log = AuditLog(lambda _: True)
    assert not list(log.events([str(path)]))
    assert log.counts.foreign or log.counts.broken_total
    if told is not None:
        assert list(log.counts.foreign) == [told]


# Small values of each kind that JSON has, and such as begin like a structure in a text.
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, -1, 1.5, 1e300, "", "x", "{", "[1]", '{"log": 5}', "\ud800", [], {}, [[]], [{}]]
) | st.dictionaries(
    st.sampled_from(["field", "name", "rows", "columns", "log", "message", "items", "stage"]),
    st.sampled_from([None, 5, "x", [], {}, [5], [None]]),
    max_size=2,
)
ODD_ONCE: list[Any] = [None, 5, "x", "{", [], {}, [5], True]
SHAPES: dict[str, Any] = {
    "lines": event(),
    "columns as texts": _row(event(), as_text=True),
    "columns": _row(event()),
    "diagnostics": _diagnostics(event()),
    "a table": _table([_diagnostics(event())]),
    "a table of columns": _table([_row(event())]),
    "no rows": {"tables": [{"columns": [], "rows": []}]},
    "records": {"records": [_record(event())]},
    "a record with an object": {"properties": {"log": event()}},
    "events": {"events": [_watched(event())]},
    "a subscription": {"logEvents": [_watched(event())]},
    "results": {"results": [_pairs(event())]},
    "a list": {"apiVersion": "audit.k8s.io/v1", "kind": "EventList", "items": [event()]},
    "an object in a line": {"log": event()},
    "Google's": {"protoPayload": {"a": 1}},
}


def _places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return where there is anything in a value, the value itself first."""
    if isinstance(value, list):
        value = dict(enumerate(value))
    below = value.items() if isinstance(value, dict) else ()
    return [place, *(each for key, v in below for each in _places(v, (*place, key)))]


def _with(value: Any, place: tuple[Any, ...], odd: Any) -> Any:
    if not place:
        return odd
    copied = value.copy()
    copied[place[0]] = _with(value[place[0]], place[1:], odd)
    return copied


def _told(value: Any, path: Path) -> AuditLog:
    """Read a value as a log, and each event of it: raises but for what says that it is none."""
    path.write_text(f"{json.dumps(value)}\n", encoding="utf-8")
    log = AuditLog(lambda _: True)
    found = [each for _, each in log.events([str(path)])]
    assert log.counts.events == len(found)
    for each in found:
        try:
            read(each)
        except ValueError as error:
            assert str(error)  # noqa: PT017 - it may be none as well
    return log


@pytest.mark.parametrize("shape", SHAPES)
def test_whatever_stands_in_place_of_a_field_breaks_nothing(shape: str, tmp_path: Path) -> None:
    assert _told(SHAPES[shape], tmp_path / "l").counts.broken_total == 0
    for place in _places(SHAPES[shape]):
        for odd in ODD_ONCE:
            _told(_with(SHAPES[shape], place, odd), tmp_path / "l")


@given(data=st.data(), shape=st.sampled_from(sorted(SHAPES)))
def test_whatever_stands_in_place_of_two_fields_breaks_nothing(
    data: st.DataObject, shape: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    value = SHAPES[shape]
    for _ in range(2):
        value = _with(value, data.draw(st.sampled_from(_places(value))), data.draw(ODD))
    _told(value, tmp_path_factory.getbasetemp() / "odd.log")


def test_a_table_of_an_odd_form_is_named(tmp_path: Path) -> None:
    for columns in ODD_ONCE:
        table = {"tables": [{"rows": [["x"]], "columns": columns}]}
        assert list(_told(table, tmp_path / "l").counts.foreign) == [log_forms.OTHER]


def test_a_value_that_never_ends_is_broken_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.write_text("{\n" + ' "a": 1,\n' * 500, encoding="utf-8")
    log = AuditLog(lambda _: True, longest=1_000)
    assert not list(log.events([str(path)]))
    assert log.counts.broken_total
