"""What the operator has found inside a hub is told by commands that can't ask it."""

from __future__ import annotations

from typing import Any

import pytest

from responsibility.api.model import ResponsibilityModel
from responsibility.api.parse import parse_model, parse_record
from responsibility.api.record import Responsibility
from responsibility.cli.answers import published
from responsibility.cli.sources.cluster_view import ClusterView
from responsibility.controller.status import model_status, record_status
from responsibility.hub.admins.administrators import HubAdmins, Unknown, Unseen, Way
from responsibility.ownership.results import wording
from responsibility.ownership.results.assessment import Assessment
from responsibility.upgrades.versions import ClusterVersions, Unlisted, Version, grouped
from tests.unit.ownership.admin_worlds import DOOR, PROD, admin, agreed, inside, known
from tests.unit.ownership.building import KEEPERS, assess, garden, garden_with, record, states

# Of a model in which it is beside what RBAC says as well.
BOTH = {
    **DOOR,
    "kinds": ["jupyterhub", "kubernetes"],
    "reserved": [{"verbs": ["update"], "apiGroups": [""], "resources": ["endpoints"]}],
}
WORLDS: dict[str, HubAdmins] = {
    "as agreed": known(admin("ann")),
    "a leaver": known(admin("ann"), admin("bo", configured=False)),
    "a service and a role": known(
        admin("ann"), admin("x", service=True), admin("bo", Way("boss", "leads", "tokens"))
    ),
    "nobody": known(),
    "anybody": known(admin("ann"), authenticator="dummy"),
    "unknown": Unknown(Unseen.SLOW),
    "roles": known(admin("ann"), untold=("boss",)),
}


def _world(item: dict[str, Any], **more: Any) -> Assessment:
    return assess(*KEEPERS, records=[agreed()], models=[garden_with(item)], **more)


def _published(found: Assessment, *, generation: int = 1) -> Responsibility:
    """Return the record with what the operator says of it, as the API server has it."""
    status = record_status(
        found.hubs["prod"], found, generation=generation, before=(), since={}, annotated=None
    )
    raw = agreed().model_dump(mode="json", by_alias=True, exclude_none=True)
    raw["status"] = status.model_dump(mode="json", by_alias=True, exclude_none=True)
    return parse_record(raw)


@pytest.mark.parametrize("item", [DOOR, BOTH], ids=["inside", "both"])
@pytest.mark.parametrize("what", WORLDS)
def test_the_same_is_said(what: str, item: dict[str, Any]) -> None:
    whole = _world(item, hub_admins={PROD: WORLDS[what]})
    view = ClusterView(live=True)
    view.records["prod"] = _published(whole)
    told = published.with_insides(_world(item), view)
    assert states(told) == states(whole)
    assert [f.id for f in inside(told)] == [f.id for f in inside(whole)]
    assert list(map(wording.message, inside(told))) == list(map(wording.message, inside(whole)))
    assert list(map(wording.remedy, inside(told))) == list(map(wording.remedy, inside(whole)))
    checked = [[item.checked for item in each.hubs["prod"].items] for each in (told, whole)]
    assert [set(c) for c in checked[0]] == [set(c) for c in checked[1]]


def test_what_was_said_of_an_earlier_record_is_left_out() -> None:
    whole = _world(DOOR, hub_admins={PROD: WORLDS["a leaver"]})
    view = ClusterView(live=True)
    view.records["prod"] = _published(whole, generation=0)
    plain = _world(DOOR)
    assert published.with_insides(plain, view).hubs == plain.hubs


def test_without_any_of_it_all_stays_as_it_is() -> None:
    plain = _world(BOTH)
    view = ClusterView(live=True)
    view.records["prod"] = _published(plain)
    told = published.with_insides(plain, view)
    assert told.hubs["prod"] is plain.hubs["prod"]


VERSIONS = {
    "old": ClusterVersions(Version(1, 33), grouped({"a": "v1.28.1", "b": "v1.29.1"})),
    "fit": ClusterVersions(Version(1, 33), grouped({"a": "v1.33.1"})),
    "no-server-version": ClusterVersions(None, grouped({"a": "v1.33.1"})),
    "no-node-version": ClusterVersions(Version(1, 33), grouped({"a": "v1.28.1", "b": "junk"})),
    "unlisted": ClusterVersions(Version(1, 33), (), Unlisted.FORBIDDEN),
}


def _published_model(found: Assessment) -> ResponsibilityModel:
    cluster = found.clusters["garden"]
    status = model_status(cluster, found, generation=1, before=(), since={})
    raw = garden().model_dump(mode="json", by_alias=True, exclude_none=True)
    raw["status"] = status.model_dump(mode="json", by_alias=True, exclude_none=True)
    return parse_model(raw)


@pytest.mark.parametrize("what", VERSIONS)
def test_the_same_is_said_of_versions(what: str) -> None:
    def world(**more: Any) -> Assessment:
        return assess(*KEEPERS, records=[record()], **more)

    whole, view = world(versions=VERSIONS[what]), ClusterView(live=True)
    view.models["garden"] = _published_model(whole)
    told = published.with_insides(world(), view)
    cluster = [each.clusters["garden"] for each in (told, whole)]
    assert [i.state for i in cluster[0].items] == [i.state for i in cluster[1].items]
    assert [i.findings for i in cluster[0].items] == [i.findings for i in cluster[1].items]
    assert len(cluster[0].findings) == len(cluster[1].findings)
    said = [{wording.message(finding) for finding in each.findings} for each in cluster]
    assert said[0] == said[1]
