"""Three models compared: what the chart changed, what the organisation did, and what both did."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from responsibility.api.models.changes import model_changes
from responsibility.api.models.versions import (
    current_shipped_model,
    find_shipped_model,
    shipped_models,
)
from responsibility.api.names import SHIPPED_MODEL_ANNOTATION
from responsibility.api.parse import parse_model
from tests.unit.cli.conftest import Run

Spec = dict[str, Any]
Edit = Callable[[Spec], object]
SHIPPED = current_shipped_model()
BASE = SHIPPED.manifest()


def _item(spec: Spec, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(i for i in spec["items"] if i["name"] == name)
    return found


def _paths(spec: Spec) -> list[str]:
    found: list[str] = _item(spec, "user-access")["valuesPaths"]
    return found


def _edited(*edits: Edit, mark: str = "") -> dict[str, Any]:
    model = copy.deepcopy(BASE)
    for edit in edits:
        edit(model["spec"])
    if mark:
        model["metadata"]["annotations"] = {SHIPPED_MODEL_ANNOTATION: mark}
    return model


# What can be edited, by the place at which it shows.
EDITS: dict[str, Edit] = {
    "displayName": lambda s: s.update(displayName="Ours"),
    "parties[provider].contact.email": lambda s: s["parties"][0].update(contact={"email": "a@b.c"}),
    "parties[auditor]": lambda s: s["parties"].append({"name": "auditor"}),
    "items[data].title": lambda s: _item(s, "data").update(title="Our data"),
    "items[data].owner": lambda s: _item(s, "data").update(owner="community"),
    "items[data].delegates[community]": lambda s: _item(s, "data").pop("delegates"),
    "items[domain-software]": lambda s: s["items"].remove(_item(s, "domain-software")),
    "items[user-access].valuesPaths[]": lambda s: _paths(s).append("x"),
    "items[user-access].reserved[]": lambda s: _item(s, "user-access")["reserved"].pop(),
    "record.minimumHolders": lambda s: s.setdefault("record", {}).update(minimumHolders=3),
}


def _changes(then: Spec | None, now: Spec, yours: Spec) -> list[tuple[str, str]]:
    old = None if then is None else parse_model(then)
    found = model_changes(old, parse_model(now), parse_model(yours))
    return [(change.path, change.by.value) for change in found]


@pytest.mark.parametrize("path", EDITS)
def test_a_change_shows_at_its_place_as_that_of_who_made_it(path: str) -> None:
    old, new = _edited(), _edited(EDITS[path])
    assert _changes(old, new, old) == [(path, "shipped")]
    assert _changes(old, old, new) == [(path, "yours")]
    assert _changes(None, old, new) == [(path, "unknown")]
    assert _changes(old, new, new) == [], "taken over"


def test_a_place_that_both_changed_is_to_be_decided() -> None:
    now = _edited(lambda s: _item(s, "data").update(title="Theirs"))
    yours = _edited(EDITS["items[data].title"], EDITS["items[data].owner"])
    assert dict(_changes(_edited(), now, yours)) == {
        "items[data].title": "both",
        "items[data].owner": "yours",
    }
    # What one side has taken out and the other one changed.
    gone = _edited(EDITS["items[domain-software]"])
    other = _edited(lambda s: _item(s, "domain-software").update(title="Theirs"))
    assert _changes(_edited(), other, gone) == [("items[domain-software]", "both")]


def test_neither_order_nor_what_is_filled_in_is_a_difference() -> None:
    def shuffle(spec: Spec) -> None:
        spec["items"].reverse()
        for item in spec["items"]:
            for rule in item.get("reserved", ()):
                rule["verbs"].reverse()
            item.get("reserved", []).reverse()

    filled = {**_edited(shuffle), "spec": None}
    parsed = parse_model(_edited(shuffle)).spec
    filled["spec"] = parsed.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert _changes(_edited(), _edited(), filled) == []


@settings(max_examples=30)
@given(st.sets(st.sampled_from(sorted(EDITS))), st.sets(st.sampled_from(sorted(EDITS))))
def test_each_place_is_told_once_and_as_its_editor_s(shipped: set[str], yours: set[str]) -> None:
    """All edits write the same, so what both have made is no difference any more."""
    now, own = (_edited(*(EDITS[p] for p in sorted(part))) for part in (shipped, yours))
    expected = dict.fromkeys(shipped - yours, "shipped") | dict.fromkeys(yours - shipped, "yours")
    found = _changes(_edited(), now, own)
    assert dict(found) == expected
    assert len(found) == len(expected)


def test_a_model_names_the_one_that_it_was_made_from() -> None:
    assert SHIPPED.version, "run make generate"
    assert find_shipped_model(SHIPPED.version) == find_shipped_model(SHIPPED.reference) == SHIPPED
    wrong = SHIPPED.reference[:-1] + ("0" if SHIPPED.reference[-1] != "0" else "1")
    for unknown in (wrong, "9.9.9", "", "x y", f"../{SHIPPED.version}", SHIPPED.version + "@"):
        assert find_shipped_model(unknown) is None


def test_every_shipped_model_is_one() -> None:
    found = {model.version: model for model in shipped_models()}
    assert len({model.digest for model in found.values()}) == len(found)
    for model in found.values():
        assert parse_model(model.manifest()).name == "2i2c"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Write a model into a file of the current directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))

    def call(name: str, model: object) -> str:
        Path(name).write_text(yaml.safe_dump(model), encoding="utf-8")
        return name

    return call


def test_only_what_waits_to_be_taken_over_ends_with_1(run: Run, write: Callable[..., str]) -> None:
    ours = write("ours.yaml", _edited(EDITS["items[data].owner"], mark=SHIPPED.version))
    done = run("model", "diff", "-f", ours)
    assert (done.code, done.err) == (0, "")
    assert "yours        items[data].owner" in done.out
    newer = write("newer.yaml", _edited(EDITS["items[data].title"]))
    done = run("model", "diff", "-f", ours, "--now", newer)
    assert done.code == 1
    assert "shipped      items[data].title" in done.out
    assert f"shipped then: {SHIPPED.version}; shipped now: newer.yaml; 2 differences" in done.out
    same = write("same.yaml", _edited(mark=SHIPPED.version))
    assert run("model", "diff", "-f", same).out.startswith("yours is the shipped model\n")


def test_formats_for_programs_say_the_same(run: Run, write: Callable[..., str]) -> None:
    ours = write("ours.yaml", _edited(EDITS["items[data].owner"], mark=SHIPPED.reference))
    newer = write("newer.yaml", _edited(EDITS["items[user-access].valuesPaths[]"]))
    asked = ("model", "diff", "-f", ours, "--now", newer, "-o")
    told = json.loads(run(*asked, "json").out)
    assert yaml.safe_load(run(*asked, "yaml").out) == told
    assert told == {
        "model": "2i2c",
        "then": SHIPPED.version,
        "now": "newer.yaml",
        "yours": SHIPPED.reference,
        "changes": [
            {
                "by": "shipped",
                "path": "items[user-access].valuesPaths[]",
                "then": None,
                "now": "x",
                "yours": None,
            },
            {
                "by": "yours",
                "path": "items[data].owner",
                "then": "provider",
                "now": "provider",
                "yours": "community",
            },
        ],
    }


def test_who_doesn_t_know_where_it_came_from_is_told_what_to_do(
    run: Run, write: Callable[..., str]
) -> None:
    for mark, why in (("", "it has no annotation"), ("0.0.1", "it says 0.0.1, which this version")):
        ours = write("ours.yaml", _edited(EDITS["items[data].title"], mark=mark))
        done = run("model", "diff", "-f", ours)
        assert done.code == 1
        assert "unknown      items[data].title" in done.out
        assert why in done.err
        assert "--then FILE" in done.err
        assert f"{SHIPPED_MODEL_ANNOTATION}: {SHIPPED.reference}" in done.err
    old = write("old.yaml", _edited())
    done = run("model", "diff", "-f", ours, "--then", old)
    assert (done.code, done.err) == (0, "")


def test_an_addition_is_part_of_the_model_that_it_adds_to(
    run: Run, write: Callable[..., str]
) -> None:
    part = _edited(mark=SHIPPED.version)
    part["spec"] = {"parties": [{"name": "provider", "contact": {"email": "a@b.c"}}]}
    done = run("model", "diff", "-f", write("part.yaml", part), "-o", "json")
    (change,) = json.loads(done.out)["changes"]
    assert (change["by"], change["path"]) == ("yours", "parties[provider].contact.email")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("-f", "none.yaml"), "there is no such file"),
        (("-f", "role.yaml"), "role.yaml: there is no ResponsibilityModel"),
        (("other", "-f", "ours.yaml"), "there is no ResponsibilityModel other in it"),
        (("-f", "ours.yaml", "-f", "second.yaml"), "these are several, 2i2c, second: name one"),
        (("-f", "ours.yaml", "--now", "role.yaml"), "has 0 ResponsibilityModels: give the file"),
        (("-f", "ours.yaml", "--then", "broken.yaml"), "broken.yaml: ResponsibilityModel 2i2c"),
        ((), "or read files with -f"),
    ],
)
def test_what_can_not_be_compared_is_an_error_and_no_difference(
    run: Run, write: Callable[..., str], arguments: tuple[str, ...], told: str
) -> None:
    write("ours.yaml", _edited())
    write("second.yaml", {**_edited(), "metadata": {"name": "second"}})
    write("broken.yaml", _edited(lambda s: s.update(parties=[])))
    write("role.yaml", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}})
    done = run("model", "diff", *arguments)
    assert done.code == 2
    assert told in done.err
