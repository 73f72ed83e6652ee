"""Whose a setting is, and what comes of it in sessions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from responsibility.api.parse import load_shipped_model
from responsibility.hub.sessions.aspects import ACCOUNT, ASPECTS, IDENTITY, SETTINGS
from responsibility.hub.sessions.identities import ANNOTATIONS
from responsibility.hub.values.paths import most_precise
from tests.unit.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("files")


def _owners(run: Run, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        run("who-owns", "--path", path, "-f", "reef", "-o", "json").out
    )["owners"]
    return found


@pytest.mark.parametrize("aspect", sorted(SETTINGS))
def test_what_sessions_run_is_whose_the_setting_is_that_it_comes_of(run: Run, aspect: str) -> None:
    assert _owners(run, aspect) == _owners(run, SETTINGS[aspect])


def test_the_cloud_identity_is_whose_the_account_s_annotation_is(run: Run, files: Path) -> None:
    assert _owners(run, IDENTITY) == []
    [model] = [p for p in files.rglob("*.yaml") if "kind: ResponsibilityModel" in p.read_text()]
    paths = "    valuesPaths: [singleuser.memory"
    place = f'metadata.annotations["{ANNOTATIONS[0]}"]'
    field = f"    fields: [{{kind: ServiceAccount, name: user-sa, path: '{place}'}}]\n"
    text = model.read_text(encoding="utf-8")
    assert text.count(paths) == 1
    model.write_text(text.replace(paths, field + paths), encoding="utf-8")
    [found] = _owners(run, IDENTITY)
    assert (found["item"], found["owner"]) == ("settings", "provider")
    assert found["why"] == ["ServiceAccount user-sa"]
    assert _owners(run, ACCOUNT) == [found]


def test_each_aspect_comes_of_a_setting_that_the_shipped_model_has_as_somebodys() -> None:
    paths = {item.name: item.values_paths for item in load_shipped_model().spec.items}
    assert SETTINGS.keys() == ASPECTS.keys() - {IDENTITY, ACCOUNT}
    assert [path for path in SETTINGS.values() if not most_precise(path, paths)] == []
