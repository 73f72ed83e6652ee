"""What a subject is as a user."""

import pytest

from responsibility.rbac.identity import (
    canonical,
    implied_groups,
    is_joinable,
    is_node,
    is_somebody,
    user_and_groups,
    user_subject,
)
from responsibility.rbac.objects import Subject

HUB = Subject("ServiceAccount", "hub", "prod")


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (Subject("User", "system:serviceaccount:prod:hub"), HUB),
        (Subject("User", "ann"), Subject("User", "ann")),
        (Subject("User", "ann", "prod"), Subject("User", "ann")),
        (Subject("Group", "engineers", "prod"), Subject("Group", "engineers")),
        (HUB, HUB),
        # Not what a ServiceAccount is called: these stay people.
        *(
            (Subject("User", name), Subject("User", name))
            for name in (
                "system:serviceaccount:prod",
                "system:serviceaccount:prod:",
                "system:serviceaccount::hub",
                "system:serviceaccount:prod:hub:x",
                "System:serviceaccount:prod:hub",
            )
        ),
        (
            Subject("ServiceAccount", "hub:x", "prod"),
            Subject("User", "system:serviceaccount:prod:hub:x"),
        ),
        (Subject("ServiceAccount", "hub"), Subject("ServiceAccount", "hub")),
        (Subject("Robot", "hub", "prod"), Subject("Robot", "hub", "prod")),
    ],
)
def test_an_identity_has_one_form(subject: Subject, expected: Subject) -> None:
    assert canonical(subject) == expected
    assert canonical(canonical(subject)) == canonical(subject)


@pytest.mark.parametrize(
    ("subject", "groups"),
    [
        (HUB, ("system:serviceaccounts", "system:serviceaccounts:prod", "system:authenticated")),
        (
            Subject("User", "system:serviceaccount:prod:hub"),
            ("system:serviceaccounts", "system:serviceaccounts:prod", "system:authenticated"),
        ),
        (Subject("User", "ann"), ("system:authenticated",)),
        (Subject("User", "system:anonymous"), ("system:unauthenticated",)),
        (Subject("Group", "engineers"), ("system:authenticated",)),
        (Subject("Group", "system:masters"), ("system:authenticated",)),
        (Subject("Group", "system:serviceaccounts"), ("system:authenticated",)),
        (
            Subject("Group", "system:serviceaccounts:prod"),
            ("system:serviceaccounts", "system:authenticated"),
        ),
        (Subject("Group", "system:authenticated"), ()),
        (Subject("Group", "system:unauthenticated"), ()),
        (Subject("ServiceAccount", "hub"), ()),
        (Subject("Robot", "hub"), ()),
    ],
)
def test_some_groups_come_by_nature(subject: Subject, groups: tuple[str, ...]) -> None:
    assert implied_groups(subject) == groups


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (Subject("User", "ann"), ("ann", ("system:authenticated",))),
        (Subject("Group", "engineers"), ("", ("engineers", "system:authenticated"))),
        (HUB, ("system:serviceaccount:prod:hub", implied_groups(HUB))),
        (Subject("Robot", "hub"), ("", ())),
    ],
)
def test_a_subject_can_be_asked_about(
    subject: Subject, expected: tuple[str, tuple[str, ...]]
) -> None:
    assert user_and_groups(subject) == expected


def test_a_user_name_gives_back_its_service_account() -> None:
    assert user_subject(user_and_groups(HUB)[0]) == HUB


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (HUB, True),
        (Subject("User", "ann"), True),
        (Subject("Group", "engineers"), True),
        (Subject("ServiceAccount", "hub"), False),
        (Subject("Robot", "hub"), False),
        (Subject("user", "ann"), False),
    ],
)
def test_who_is_somebody(subject: Subject, expected: bool) -> None:
    assert is_somebody(subject) is expected


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("engineers", True),
        ("system:monitoring", True),
        ("system:serviceaccountsx", True),
        ("system:authenticated", False),
        ("system:unauthenticated", False),
        ("system:serviceaccounts", False),
        ("system:serviceaccounts:prod", False),
        ("system:masters", False),
        ("system:nodes", False),
        ("system:bootstrappers:kubeadm:default-node-token", False),
    ],
)
def test_only_some_groups_may_have_a_person_added(group: str, expected: bool) -> None:
    assert is_joinable(group) is expected


def test_nodes_have_an_authorizer_of_their_own() -> None:
    assert is_node(Subject("User", "system:node:n1"))
    assert is_node(Subject("Group", "system:nodes"))
    assert not is_node(Subject("User", "system:nodes"))
    assert not is_node(Subject("ServiceAccount", "system:node:n1", "prod"))
