"""The cloud identity of sessions, held against what is agreed."""

from __future__ import annotations

from typing import Any

import pytest

from responsibility.hub.discovery import HubKey
from responsibility.hub.values.agreed import HubValues, Setting, Unread, UnreadValues
from responsibility.ownership.results import wording
from responsibility.ownership.results.assessment import Assessment
from responsibility.ownership.results.findings import Finding
from tests.unit.ownership.building import KEEPERS, assess, of_kind, record
from tests.unit.ownership.identity_worlds import MODEL, OTHER, PLACE, ROLE, Known, has


def told(known: Known | None, *agreed: dict[str, Any]) -> Assessment:
    wanted = agreed or ({"path": "sessions.identity", "value": ROLE},)
    return assess(
        *KEEPERS,
        records=[record(items={"data": {"agreed": list(wanted)}})],
        models=[MODEL],
        identities=known,
    )


def found(assessment: Assessment) -> list[Finding]:
    return of_kind(assessment, "value-out-of-bounds", "values-unknown")


def test_as_agreed_nothing_is_said_and_it_was_looked_at() -> None:
    assessment = told(has(ROLE))
    assert found(assessment) == []
    [item] = [i for i in assessment.hubs["prod"].items if i.item.name == "data"]
    assert (item.state, item.checked) == ("ok", ("values",))


def test_another_role_is_told_to_the_owner() -> None:
    [finding] = found(told(has(OTHER)))
    assert (finding.item, finding.account) == ("data", "setting sessions.identity")
    assert wording.message(finding) == f"{PLACE} is {OTHER}, but {ROLE} is agreed: Data is Guests's"


@pytest.mark.parametrize("known", [{}, has(ROLE, namespace="dev"), has(ROLE, account="default")])
def test_none_is_not_what_is_agreed(known: Known) -> None:
    [finding] = found(told(known))
    assert "sessions.identity is not set" in wording.message(finding)


def test_where_accounts_are_not_known_nothing_is_said() -> None:
    assessment = told(None)
    assert found(assessment) == []
    assert assessment.hubs["prod"].identities is None
    [item] = [i for i in assessment.hubs["prod"].items if i.item.name == "data"]
    assert item.checked == ()


def test_it_is_not_looked_for_among_the_hubs_values() -> None:
    """They may be unknown, and this one not."""
    limit = {"path": "singleuser.memory.limit", "value": "2G"}
    assert [f.kind for f in found(told(has(ROLE), limit))] == []
    both = told(has(OTHER), limit, {"path": "sessions.identity", "value": ROLE})
    assert [f.account for f in found(both)] == ["setting sessions.identity"]


IMAGE_ITEM = {"path": "sessions.image", "within": "quay.io/coast"}


def sessions(*images: str, account: str = "user-sa") -> dict[str, tuple[Setting, ...]]:
    return {
        "sessions.image": tuple(Setting("sessions.image", image) for image in images),
        "sessions.digest": (),
        "sessions.serviceAccount": (Setting("sessions.serviceAccount", account),),
        "sessions.volume": (),
    }


def running(known: HubValues | None, *agreed: dict[str, Any], **more: Any) -> Assessment:
    return assess(
        *KEEPERS,
        records=[record(items={"data": {"agreed": list(agreed or (IMAGE_ITEM,))}})],
        models=[MODEL],
        hub_sessions={} if known is None else {HubKey("prod", "prod"): known},
        **more,
    )


def test_what_sessions_run_is_held_against_what_is_agreed() -> None:
    assert not found(running(sessions("quay.io/coast/env:1")))
    # Where none runs, none runs anything else.
    assert not found(running(sessions()))
    [finding] = found(running(sessions("evil.example/env", "quay.io/coast/env:1")))
    assert finding.account == "setting sessions.image"
    assert wording.message(finding) == (
        "sessions.image is evil.example/env, but an image of quay.io/coast is agreed: "
        "Data is Guests's"
    )


@pytest.mark.parametrize("why", Unread)
def test_sessions_that_are_not_seen_are_unknown_and_settings_are_not(why: Unread) -> None:
    assessment = running(UnreadValues(why))
    [finding] = found(assessment)
    assert (finding.kind, finding.account) == ("values-unknown", "setting sessions")
    assert "whether sessions are as agreed: " in wording.message(finding)
    [item] = [i for i in assessment.hubs["prod"].items if i.item.name == "data"]
    assert (item.state, item.checked) == ("unknown", ())
    limit = {"path": "singleuser.memory.limit", "value": "2G"}
    assert not found(running(UnreadValues(why), limit))


def test_of_too_many_what_is_seen_is_told_and_the_rest_is_unknown() -> None:
    held = sessions("evil.example/env", "quay.io/coast/env:1")
    fine = sessions("quay.io/coast/env:1")
    for known, kinds in ((held, ["value-out-of-bounds", "values-unknown"]), (fine, KINDS)):
        assessment = running(UnreadValues(Unread.TOO_MANY, known))
        assert sorted(each.kind for each in found(assessment)) == kinds
        assert assessment.hubs["prod"].images == known["sessions.image"]
    [item] = [i for i in assessment.hubs["prod"].items if i.item.name == "data"]
    assert (item.state, item.checked) == ("unknown", ())
    # The accounts by which identities are looked for are not all of them either.
    agreed = {"path": "sessions.identity", "value": ROLE}
    assessment = running(UnreadValues(Unread.TOO_MANY, fine), agreed, identities=has(ROLE))
    assert [each.kind for each in found(assessment)] == KINDS


KINDS = ["values-unknown"]


def test_the_account_that_sessions_really_run_as_is_looked_at_too() -> None:
    known = has(OTHER, account="chosen")
    agreed = {"path": "sessions.identity", "value": ROLE}
    [finding] = found(running(sessions("x", account="chosen"), agreed, identities=known))
    assert OTHER in wording.message(finding)
