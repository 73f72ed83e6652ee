"""What was changed outside Helm, as findings of whom it belongs to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from responsibility.hub.discovery import HubKey
from responsibility.hub.release.changes import (
    Act,
    Change,
    HubRelease,
    ObjectName,
    ReleaseDrift,
    ReleaseUnread,
    UnreadObject,
    UnreadRelease,
)
from responsibility.ownership.results import release_wording, wording
from responsibility.ownership.results.assessment import Assessment
from responsibility.ownership.results.findings import Finding
from tests.unit.ownership.building import KEEPERS, assess, of_kind, record, states
from tests.unit.ownership.value_worlds import MODEL

PROD = HubKey("prod", "prod")
HUB = ObjectName("Deployment", "hub", "prod", "apps", "deployments")
AT = "2026-03-02T09:30:00Z"
CHANGE = Change(
    HUB,
    "spec.replicas",
    Act.CHANGED,
    ("spec", "replicas"),
    "kubectl",
    AT,
    "1",
    "3",
    ("limits",),
)


def told(known: HubRelease | None) -> Assessment:
    more = {} if known is None else {PROD: known}
    return assess(*KEEPERS, records=[record()], models=[MODEL], hub_release=more)


def found(assessment: Assessment) -> list[Finding]:
    return of_kind(assessment, "changed-out-of-band", "release-unknown")


def drift(*changes: Change, more: int = 0, unread: tuple[UnreadObject, ...] = ()) -> ReleaseDrift:
    return ReleaseDrift(3, changes, more, unread)


@pytest.mark.parametrize("known", [None, drift(), UnreadRelease(ReleaseUnread.NOT_YET)])
def test_where_nothing_is_found_or_nobody_looks_nothing_is_said(known: HubRelease | None) -> None:
    assert not found(told(known))


def test_a_change_is_told_with_what_when_and_whose() -> None:
    assessment = told(drift(CHANGE))
    [finding] = found(assessment)
    assert (finding.kind, finding.item, finding.account, finding.severity.name) == (
        "changed-out-of-band",
        "limits",
        "object Deployment/hub spec.replicas",
        "MEDIUM",
    )
    assert wording.message(finding) == (
        f"spec.replicas of Deployment/hub was changed from 1 to 3 by kubectl at {AT}, outside "
        "Helm: Limits is Guests's"
    )
    assert "Deploy the hub again" in wording.remedy(finding)
    assert states(assessment)["limits"] == "drift"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            replace(CHANGE, wanted="", found=""),
            f"spec.replicas of Deployment/hub was changed by kubectl at {AT}, outside Helm",
        ),
        (
            replace(CHANGE, act=Act.ADDED, wanted="", manager="", at=""),
            "spec.replicas of Deployment/hub was added (3), outside Helm",
        ),
        (replace(CHANGE, act=Act.DELETED, path=""), "Deployment/hub was deleted, outside Helm"),
    ],
)
def test_what_is_not_known_is_left_out(change: Change, message: str) -> None:
    [finding] = found(told(drift(change)))
    assert wording.message(finding).startswith(message)


def test_each_change_is_a_cause_of_its_own_and_keeps_its_id_whatever_it_changes_to() -> None:
    other = replace(CHANGE, path="spec.paused", steps=("spec", "paused"), items=("image",))
    both, one = told(drift(CHANGE, other)), told(drift(replace(CHANGE, found="5")))
    assert len(both.hubs["prod"].causes) == len(one.hubs["prod"].causes) + 1
    assert {f.id for f in found(one)} < {f.id for f in found(both)}


def test_what_belongs_to_several_names_all_and_what_to_nobody_goes_to_the_first_item() -> None:
    [finding] = found(told(drift(replace(CHANGE, items=("image", "limits")))))
    assert {finding.item, *finding.items} == {"image", "limits"}
    [finding] = found(told(drift(replace(CHANGE, items=("no-more",)))))
    assert finding.item == "record"


def test_changes_that_are_not_listed_are_counted() -> None:
    assert [wording.message(f) for f in found(told(drift(CHANGE, more=7)))][1] == (
        "7 more changes outside Helm, beyond those listed"
    )


def test_changes_that_are_not_listed_are_of_all_items_that_any_is_of() -> None:
    last = replace(CHANGE, path="z", items=("image",))
    [more] = [f for f in found(told(drift(CHANGE, last, more=7))) if not f.account]
    assert {more.item, *more.items} == {"image", "limits"}


@pytest.mark.parametrize("why", [w for w in ReleaseUnread if w is not ReleaseUnread.NOT_YET])
def test_what_is_not_known_is_said_and_the_item_is_unknown(why: ReleaseUnread) -> None:
    assessment = told(UnreadRelease(why, ("limits",)))
    [finding] = found(assessment)
    assert finding.kind == "release-unknown"
    assert release_wording.UNREAD[why] in wording.message(finding)
    assert states(assessment)["limits"] == "unknown"


def test_objects_that_were_not_read_are_told_beside_the_changes() -> None:
    unread = UnreadObject(ObjectName("Thing", "x"), ReleaseUnread.FORBIDDEN, ("image",))
    changed, unknown = sorted(found(told(drift(CHANGE, unread=(unread,)))), key=lambda f: f.kind)
    assert changed.item == "limits"
    assert "whether Thing/x was changed outside Helm: the operator may not" in wording.message(
        unknown
    )


def test_every_reason_has_words() -> None:
    assert {*release_wording.UNREAD} == {*ReleaseUnread}
