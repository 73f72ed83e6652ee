"""Settings of a hub, held against what the record says that they are agreed to be."""

from __future__ import annotations

from typing import Any

import pytest

from responsibility.hub.discovery import HubKey
from responsibility.hub.sessions.aspects import ACCOUNT, IDENTITY
from responsibility.hub.values.agreed import HubValues, Setting, Unread, UnreadValues
from responsibility.ownership.hub_values import KnownSettings
from responsibility.ownership.results import value_wording, wording
from responsibility.ownership.results.assessment import Assessment
from responsibility.ownership.results.findings import Finding
from tests.unit.ownership.building import (
    KEEPERS,
    assess,
    of_kind,
    record,
    states,
)
from tests.unit.ownership.value_worlds import LIMIT, MODEL

PROD = HubKey("prod", "prod")
GUARANTEE = "singleuser.memory.guarantee"
TAG = "singleuser.image.tag"


def told(values: HubValues | None, *agreed: dict[str, Any], item: str = "limits") -> Assessment:
    return assess(
        *KEEPERS,
        records=[record(items={item: {"agreed": list(agreed)}})],
        models=[MODEL],
        hub_values={} if values is None else {PROD: values},
    )


def found(assessment: Assessment) -> list[Finding]:
    return of_kind(assessment, "value-out-of-bounds", "values-unknown")


def at(path: str, *texts: str) -> dict[str, tuple[Setting, ...]]:
    return {path: tuple(Setting(path, text) for text in texts)}


def item(assessment: Assessment, name: str = "limits") -> tuple[str, tuple[str, ...]]:
    [result] = [i for i in assessment.hubs["prod"].items if i.item.name == name]
    return result.state, result.checked


def test_as_agreed_the_item_is_ok_and_was_really_checked() -> None:
    assessment = told(at(LIMIT, "2G"), {"path": LIMIT, "value": "2G"})
    assert not found(assessment)
    assert item(assessment) == ("ok", ("values",))


def test_where_nobody_looks_nothing_is_said() -> None:
    assessment = told(None, {"path": LIMIT, "value": "2G"})
    assert not found(assessment)
    assert item(assessment) == ("recorded", ())


def test_a_limit_that_nobody_remembers() -> None:
    assessment = told(at(LIMIT, "1G"), {"path": LIMIT, "value": "2G"})
    [finding] = found(assessment)
    assert (finding.kind, finding.account, finding.severity.name) == (
        "value-out-of-bounds",
        f"setting {LIMIT}",
        "MEDIUM",
    )
    assert wording.message(finding) == (f"{LIMIT} is 1G, but 2G is agreed: Limits is Guests's")
    assert "Set it as agreed" in wording.remedy(finding)
    assert states(assessment)["limits"] == "drift"


@pytest.mark.parametrize(
    ("agreed", "values", "message"),
    [
        ({"value": "2G"}, at(LIMIT), f"{LIMIT} is not set, but 2G is agreed"),
        ({"min": "2G"}, at(LIMIT, "1G"), f"{LIMIT} is 1G, but at least 2G is agreed"),
        (
            {"min": "1G", "max": "2G"},
            at(LIMIT, "4G"),
            f"{LIMIT} is 4G, but at least 1G and at most 2G is agreed",
        ),
        ({"max": "2G"}, at(LIMIT, "3G", "1G", "4G"), "is 3G, as is 1 other place, but at most"),
        (
            {"value": "2G"},
            {LIMIT: (Setting(LIMIT, "", plain=False),)},
            f"{LIMIT} is no single value, but 2G is agreed",
        ),
    ],
)
def test_what_differs_is_told(agreed: dict[str, str], values: HubValues, message: str) -> None:
    [finding] = found(told(values, {"path": LIMIT, **agreed}))
    assert message in wording.message(finding)


def test_each_setting_is_a_cause_of_its_own_and_keeps_its_id() -> None:
    both = {**at(LIMIT, "1G"), **at(GUARANTEE, "1G")}
    agreed = [{"path": LIMIT, "value": "2G"}, {"path": GUARANTEE, "value": "2G"}]
    before, after = told(both, *agreed), told({**both, **at(LIMIT, "2G")}, *agreed)
    assert len(found(before)) == 2
    assert len(before.hubs["prod"].causes) == len(after.hubs["prod"].causes) + 1
    assert {f.id for f in found(after)} < {f.id for f in found(before)}


@pytest.mark.parametrize("why", Unread)
def test_what_is_not_known_is_said_and_the_item_is_unknown(why: Unread) -> None:
    assessment = told(UnreadValues(why), {"path": LIMIT, "value": "2G"})
    [finding] = found(assessment)
    assert finding.kind == "values-unknown"
    assert "It can't be told whether settings are as agreed: " in wording.message(finding)
    assert item(assessment) == ("unknown", ())


def test_what_is_agreed_since_the_last_look_is_told_after_the_next() -> None:
    assert not found(told(at(GUARANTEE, "1G"), {"path": LIMIT, "value": "2G"}))


@pytest.mark.parametrize(
    ("path", "item_name", "problem"),
    [
        ("hub.config.Auth.client_secret", "limits", "is not looked at"),
        ("singleuser.*.limit", "limits", "is not looked at"),
        (LIMIT, "image", "belongs to limits"),
        (TAG, "limits", "belongs to image"),
        (TAG, "image", ""),
        ("cull.timeout", "limits", ""),
    ],
)
def test_a_setting_stands_where_it_belongs_and_is_no_secret(
    path: str, item_name: str, problem: str
) -> None:
    agreement = told({}, {"path": path, "value": "x"}, item=item_name).hubs["prod"].agreement
    told_ = [f"{p}" for p in agreement.problems]
    assert (problem in "".join(told_)) if problem else not told_
    if problem:
        assert f"spec.items[{item_name}].agreed[{path}]" in told_[0]


def test_every_reason_has_words() -> None:
    assert {*value_wording.UNREAD} == {*Unread}


IMAGES = "singleuser.profileList[*].kubespawner_override.image"
COAST = {"path": IMAGES, "within": "quay.io/coast"}


def test_images_of_a_communitys_own_repository_are_as_agreed_whatever_their_tags() -> None:
    own = at(IMAGES, "quay.io/coast/env:1", "quay.io/coast/env:2")
    assert not found(told(own, COAST, item="image"))


def test_an_image_from_elsewhere_is_told() -> None:
    images = at(IMAGES, "quay.io/coast/env:1", "quay.io/coastal/env:1")
    [finding] = found(told(images, COAST, item="image"))
    assert wording.message(finding) == (
        f"{IMAGES} is quay.io/coastal/env:1, but an image of quay.io/coast is agreed: "
        "Image is Guests's"
    )


def test_only_an_image_lies_anywhere() -> None:
    agreement = told({}, {"path": TAG, "within": "quay.io/coast"}, item="image")
    [problem] = agreement.hubs["prod"].agreement.problems
    assert "no image's name" in str(problem)


@pytest.mark.parametrize(("whole", "known"), [(frozenset(), False), (frozenset({ACCOUNT}), True)])
def test_identities_are_known_where_all_accounts_are(whole: frozenset[str], known: bool) -> None:
    """What else is not known of sessions, such as their claims, is nothing about these."""
    sessions = UnreadValues(
        Unread.FORBIDDEN, seen={ACCOUNT: (Setting("pods", "coast"),)}, whole=whole
    )
    identity = {IDENTITY: (Setting("role-arn", "arn"),)}
    settings = KnownSettings(sessions=sessions, identities=identity)
    assert (settings.unread(IDENTITY) is None) is known
