"""Who may read records and models, and not list RBAC, is told what the operator has published."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from responsibility.api.parse import parse_model, parse_record
from responsibility.cli.answers.published import published
from responsibility.cli.sources.agreements import add_live
from responsibility.cli.sources.cluster_view import ALL, ClusterView
from responsibility.cli.sources.options import Where
from responsibility.controller.status import model_status, record_status
from responsibility.hub.discovery import HubKey
from tests.unit.cli import small
from tests.unit.cli.conftest import Done, Run
from tests.unit.ownership import building

NOW = datetime.fromisoformat(small.AT).replace(tzinfo=UTC)
RBAC = ("clusterrolebindings", "clusterroles", "rolebindings", "roles")
OTHERS = ("deployments", "namespaces", "serviceaccounts")


def _published(folder: str) -> ClusterView:
    """Return what a viewer can read of the world in these files, the operator having been there."""
    whole = Where(files=(folder,)).load(ALL)
    assessed = whole.assess(NOW)
    view = ClusterView(live=True, denied=(*RBAC, *OTHERS))
    told: dict[str, Any] = {"before": (), "since": {}, "generation": 1}
    for name, record in whole.records.items():
        status = record_status(assessed.hubs[name], assessed, annotated=None, **told)
        raw = record.model_dump(mode="json", by_alias=True, exclude_none=True)
        raw["metadata"]["generation"] = 1
        raw["status"] = status.model_dump(mode="json", by_alias=True, exclude_none=True)
        view.records[name] = parse_record(raw)
    for name, model in whole.models.items():
        found = model_status(assessed.clusters[name], assessed, **told)
        raw = model.model_dump(mode="json", by_alias=True, exclude_none=True)
        raw["status"] = found.model_dump(mode="json", by_alias=True, exclude_none=True)
        view.models[name] = parse_model(raw)
    return view


@pytest.fixture
def view(files: Path, monkeypatch: pytest.MonkeyPatch) -> ClusterView:
    """Have the cluster that is asked be that one, as a viewer sees it."""
    found = _published(files.name)
    load = Where.load

    def loaded(where: Where, *arguments: Any, **options: Any) -> ClusterView:
        return load(where, *arguments, **options) if where.files else found

    monkeypatch.setattr(Where, "load", loaded)
    return found


def _both(run: Run, *command: str) -> tuple[Done, Done]:
    """Run a command as somebody who may list everything, and as a viewer."""
    at = ("--at", small.AT)
    return run(*command, "-f", "reef", *at), run(*command, *at)


@pytest.mark.parametrize("options", [(), ("-o", "wide"), ("--all",), ("-o", "json")])
def test_a_viewer_sees_the_matrix_that_all_others_see(
    view: ClusterView, run: Run, options: tuple[str, ...]
) -> None:
    assert view.denied
    whole, seen = (
        _both(run, "matrix", "reef", *options)
        if "--all" not in options
        else _both(run, "matrix", *options)
    )
    assert seen.code == 0
    assert seen.out == whole.out
    assert "you may not list RBAC here" in seen.err


def test_a_viewer_sees_the_page_that_all_others_see(view: ClusterView, run: Run) -> None:
    assert view.denied
    whole, seen = _both(run, "page")
    assert seen.out == whole.out
    told = _both(run, "page", "--findings")[1]
    for record in view.records.values():
        assert record.status is not None
        assert record.status.causes
        for cause in record.status.causes:
            assert cause.kind
    assert len(told.out) > len(seen.out)


def test_a_viewer_is_told_what_differs_by_its_causes(view: ClusterView, run: Run) -> None:
    assert view.denied
    whole, seen = _both(run, "drift", "-o", "json")
    findings = {each["id"]: each for each in json.loads(whole.out)}
    causes = json.loads(seen.out)
    assert causes
    for cause in causes:
        finding = findings[cause["id"]]
        assert set(cause) == set(finding)
        for key in ("kind", "severity", "drift", "hub", "subject", "party", "route"):
            assert cause[key] == finding[key], key
        # Of a cause as a whole, it tells of the places and rights of all its findings.
        assert cause["summary"].split(" can ")[0] == finding["summary"].split(" can ")[0]
        assert f"plainly:   {finding['summary']}" in _both(run, "explain", finding["id"])[0].out
    plain = _both(run, "drift")[1]
    assert [line.split()[0] for line in plain.out.splitlines()[1:-1]] == [c["id"] for c in causes]
    of_one = json.loads(_both(run, "drift", "reef", "-o", "json")[1].out)
    assert {c["id"] for c in of_one} <= {c["id"] for c in causes}


def test_what_the_operator_has_not_looked_at_yet_is_said(view: ClusterView, run: Run) -> None:
    record = view.records["reef"]
    newer = record.metadata.model_copy(update={"generation": 2})
    view.records["reef"] = record.model_copy(update={"metadata": newer})
    assert "of these records as they are now: reef" in _both(run, "matrix")[1].err
    view.records["reef"] = record.model_copy(update={"status": None})
    done = _both(run, "matrix", "-o", "json")[1]
    assert "of these records as they are now: reef" in done.err
    (hub,) = json.loads(done.out)
    assert {item["state"] for item in hub["items"]} == {"unknown"}


@pytest.mark.parametrize("command", ["matrix", "drift", "page"])
def test_who_may_not_read_records_either_is_told_what_to_ask_for(
    view: ClusterView, run: Run, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    none = replace(view, denied=(*view.denied, "responsibilities", "responsibilitymodels"))
    monkeypatch.setattr(Where, "load", lambda *_, **__: none)
    done = run(command)
    assert done.code == 2
    assert "you may not list clusterrolebindings" in done.err


def test_who_may_list_some_of_it_only_is_not_told_half(view: ClusterView, run: Run) -> None:
    """Some bindings without the others would be a wrong answer; the operator's is a whole one."""
    view.denied = ("roles",)
    assert "you may not list RBAC here" in _both(run, "matrix")[1].err


@pytest.mark.parametrize("command", [("matrix", "reef"), ("drift",), ("page",)])
def test_what_the_operator_has_not_heard_of_for_long_is_told(
    view: ClusterView, run: Run, command: tuple[str, ...]
) -> None:
    assert "may be old" not in run(*command).err
    (name, *_) = view.records
    record = view.records[name]
    assert record.status is not None
    (first, *others) = record.status.conditions
    words = "not heard of: rolebindings since 2030-01-01T00:00:00Z (Forbidden)"
    old = first.model_copy(update={"status": "Unknown", "reason": "Stale", "message": words})
    status = record.status.model_copy(update={"conditions": (old, *others)})
    view.records[name] = record.model_copy(update={"status": status})
    done = run(*command)
    told = f"what follows may be old: the operator has {words}"
    assert told in done.err
    assert (f"W{told[1:]}." in done.out) == (command == ("page",))


def test_of_a_cluster_that_is_read_whole_nothing_is_old(files: Path, run: Run) -> None:
    assert "may be old" not in run("matrix", "-f", files.name).err


def test_a_viewer_sees_hubs_by_the_names_that_the_operator_knows_them_by() -> None:
    def raw(name: str, reason: str, **hub: str) -> dict[str, Any]:
        condition = {"type": "Ready", "status": "True", "reason": reason, "message": ""}
        condition["lastTransitionTime"] = NOW.isoformat()
        return {
            **building.record(name, "prod").model_dump(
                mode="json", by_alias=True, exclude_none=True
            ),
            "spec": {"hub": {"namespace": "prod", **hub}, "model": "garden"},
            "status": {"hub": "prod/spring", "conditions": [condition]},
        }

    view = ClusterView(live=True, denied=(*RBAC, *OTHERS))
    view.models["garden"] = building.garden()
    claims = [raw("first", "Assessed", release="spring"), raw("second", "HubClaimed")]
    add_live(view, [], claims)
    assert not view.broken_records
    found = published(view, NOW)
    assert list(found.hubs) == ["first"]
    assert found.refused_records["second"].hub == HubKey("prod", "spring")
