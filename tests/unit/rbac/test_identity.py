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
from responsibility.rbac.objects import GROUP, SERVICE_ACCOUNT, USER, Subject
from responsibility.subject_kinds import UnknownKind

ROBOT = UnknownKind("Robot")
HUB = Subject(SERVICE_ACCOUNT, "hub", "prod")


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (Subject(USER, "system:serviceaccount:prod:hub"), HUB),
        (Subject(USER, "ann"), Subject(USER, "ann")),
        (Subject(USER, "ann", "prod"), Subject(USER, "ann")),
        (Subject(GROUP, "engineers", "prod"), Subject(GROUP, "engineers")),
        (HUB, HUB),
        # Not what a ServiceAccount is called: these stay people.
        *(
            (Subject(USER, name), Subject(USER, name))
            for name in (
                "system:serviceaccount:prod",
                "system:serviceaccount:prod:",
                "system:serviceaccount::hub",
                "system:serviceaccount:prod:hub:x",
                "System:serviceaccount:prod:hub",
            )
        ),
        (
            Subject(SERVICE_ACCOUNT, "hub:x", "prod"),
            Subject(USER, "system:serviceaccount:prod:hub:x"),
        ),
        (Subject(SERVICE_ACCOUNT, "hub"), Subject(SERVICE_ACCOUNT, "hub")),
        (
            Subject(ROBOT, "hub", "prod"),
            Subject(ROBOT, "hub", "prod"),
        ),
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
            Subject(USER, "system:serviceaccount:prod:hub"),
            ("system:serviceaccounts", "system:serviceaccounts:prod", "system:authenticated"),
        ),
        (Subject(USER, "ann"), ("system:authenticated",)),
        (Subject(USER, "system:anonymous"), ("system:unauthenticated",)),
        (Subject(GROUP, "engineers"), ("system:authenticated",)),
        (Subject(GROUP, "system:masters"), ("system:authenticated",)),
        (Subject(GROUP, "system:serviceaccounts"), ("system:authenticated",)),
        (
            Subject(GROUP, "system:serviceaccounts:prod"),
            ("system:serviceaccounts", "system:authenticated"),
        ),
        (Subject(GROUP, "system:authenticated"), ()),
        (Subject(GROUP, "system:unauthenticated"), ()),
        (Subject(SERVICE_ACCOUNT, "hub"), ()),
        (Subject(ROBOT, "hub"), ()),
    ],
)
def test_some_groups_come_by_nature(subject: Subject, groups: tuple[str, ...]) -> None:
    assert implied_groups(subject) == groups


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (Subject(USER, "ann"), ("ann", ("system:authenticated",))),
        (Subject(GROUP, "engineers"), ("", ("engineers", "system:authenticated"))),
        (HUB, ("system:serviceaccount:prod:hub", implied_groups(HUB))),
        (Subject(ROBOT, "hub"), ("", ())),
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
        (Subject(USER, "ann"), True),
        (Subject(GROUP, "engineers"), True),
        (Subject(SERVICE_ACCOUNT, "hub"), False),
        (Subject(ROBOT, "hub"), False),
        (Subject(UnknownKind("user"), "ann"), False),
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
    assert is_node(Subject(USER, "system:node:n1"))
    assert is_node(Subject(GROUP, "system:nodes"))
    assert not is_node(Subject(USER, "system:nodes"))
    assert not is_node(Subject(SERVICE_ACCOUNT, "system:node:n1", "prod"))
