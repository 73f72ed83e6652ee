"""Who may act is what the policies say it is: owners, delegates until a date, inside bounds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from responsibility.admission import annotation_entries
from responsibility.admission.webhooks.requester import (
    Range,
    RequesterEntitlement,
    UserInfo,
    breaks_the_glass,
    entitlement,
)
from responsibility.api.names import API_GROUP, BREAK_GLASS_ANNOTATION, OWNERS_ANNOTATION
from tests.unit.admission.webhooks.values_case import NOW

ITEM = "kubernetes-configuration"
DEE = UserInfo("dee", ("helpers",))
UNTIL = annotation_entries.marker(NOW + timedelta(days=1))
OVER = annotation_entries.marker(NOW - timedelta(seconds=1))
BOUND = "singleuser.memory.limit\t1G\t8Gi"
RANGE = Range("singleuser.memory.limit", "1G", "8Gi")
YES, NO = RequesterEntitlement(may=True), RequesterEntitlement(may=False)
INSIDE = RequesterEntitlement(may=True, ranges=(RANGE,))

CASES = {
    "an owner": ({"owners": "user:a\nuser:dee"}, YES),
    "by a group": ({"owners": "group:helpers"}, YES),
    "a user is no group": ({"owners": "group:dee\nuser:helpers"}, NO),
    "like one": ({"owners": "like:^d.*$"}, YES),
    "in a group like one": ({"owners": "like-group:^help.*$"}, YES),
    "not quite like one": ({"owners": "like:d\nlike-group:helper\nlike:["}, NO),
    "until a date": ({"delegates": f"{UNTIL} user:dee"}, YES),
    "after that date": ({"delegates": f"{OVER} user:dee"}, NO),
    "until no date at all": ({"delegates": "someday user:dee"}, NO),
    "inside of a range": ({"owners": "user:dee", "bounds": f"user:dee\t\t{BOUND}"}, INSIDE),
    "until a date, inside of a range": (
        {"delegates": f"{UNTIL} user:dee", "bounds": f"user:dee\t\t{BOUND}"},
        INSIDE,
    ),
    "after that, inside of a range": (
        {"delegates": f"{OVER} user:dee", "bounds": f"user:dee\t\t{BOUND}"},
        NO,
    ),
    "free as one of a group": (
        {"owners": "group:helpers\nuser:dee", "bounds": f"user:dee\t\t{BOUND}"},
        YES,
    ),
    "bound, though free until yesterday": (
        {
            "owners": "user:dee",
            "delegates": f"{OVER} group:helpers",
            "bounds": f"user:dee\t\t{BOUND}",
        },
        INSIDE,
    ),
    "a range of an object's field": (
        {"owners": "user:dee", "bounds": "user:dee\tDeployment\tspec.replicas\t1\t3"},
        RequesterEntitlement(
            may=True, of_objects=(Range("spec.replicas", "1", "3", kind="Deployment"),)
        ),
    ),
    "somebody else's range": ({"owners": "user:dee", "bounds": f"user:x\t\t{BOUND}"}, YES),
    "nobody": ({}, NO),
}


@pytest.mark.parametrize("name", CASES)
def test_standing(name: str) -> None:
    notes, expected = CASES[name]
    said = {f"{key}.{API_GROUP}/{ITEM}": text for key, text in notes.items()}
    assert entitlement(said, ITEM, DEE, NOW) == expected
    assert entitlement(said, "another", DEE, NOW) == NO


def test_somebody_without_a_name_is_not_an_empty_line() -> None:
    assert entitlement({OWNERS_ANNOTATION + ITEM: ""}, ITEM, UserInfo("", ()), NOW) == NO


def test_the_glass_is_for_those_who_are_named() -> None:
    notes = {BREAK_GLASS_ANNOTATION: "user:dee\ngroup:rescuers"}
    assert breaks_the_glass(notes, DEE)
    assert breaks_the_glass(notes, UserInfo("x", ("rescuers",)))
    assert breaks_the_glass({}, UserInfo("x", ("system:masters",)))
    assert not breaks_the_glass(notes, UserInfo("x", ("dee",)))


ACCOUNT = "system:serviceaccount:coast:hub"
OWN = ("system:serviceaccounts", "system:serviceaccounts:coast", "helpers")


@pytest.mark.parametrize(
    ("owners", "by_token", "acted_as"),
    [
        (f"user:{ACCOUNT}", YES, NO),
        ("like:^system:serviceaccount:[^:]*:hub$", YES, NO),
        ("like:^.*$", YES, NO),
        ("group:system:serviceaccounts:coast", YES, NO),
        ("like-group:^system:serviceaccounts.*$", YES, NO),
        ("like:^.*$\nlike-group:^helpers$", YES, YES),
        ("group:helpers", YES, YES),
    ],
)
def test_an_account_of_the_namespace_counts_by_its_token_only(
    owners: str, by_token: RequesterEntitlement, acted_as: RequesterEntitlement
) -> None:
    notes = {OWNERS_ANNOTATION + ITEM: owners, BREAK_GLASS_ANNOTATION: f"user:{ACCOUNT}"}
    info = {"username": ACCOUNT, "groups": list(OWN)}
    token = UserInfo.of({**info, "uid": "1"}, "coast")
    assert entitlement(notes, ITEM, token, NOW) == by_token
    assert breaks_the_glass(notes, token)
    actor = UserInfo.of(info, "coast")
    assert entitlement(notes, ITEM, actor, NOW) == acted_as
    assert not breaks_the_glass(notes, actor)
    # To act as an account of another namespace takes a right there.
    assert entitlement(notes, ITEM, UserInfo.of(info, "reef"), NOW) == by_token
    assert not UserInfo.of({"username": ACCOUNT + ":x"}, "coas").impersonates


def test_people_have_no_uid_and_act_for_themselves() -> None:
    person = UserInfo.of({"username": "dee", "groups": ["helpers"]}, "coast")
    assert person == DEE
