"""Who is an admin, by flags, roles and groups, and by way of others."""

from __future__ import annotations

import pytest

from responsibility.hub.admins.administrators import Administrators, Way
from responsibility.hub.admins.answers import GroupAnswer, Told, UserAnswer
from responsibility.hub.admins.search import administrators


def _user(name: str, *roles: str, admin: bool = False, kind: str = "user") -> UserAnswer:
    return UserAnswer.model_validate(
        {"kind": kind, "name": name, "admin": admin, "roles": ("user", *roles)}
    )


def _group(name: str, *users: str, roles: tuple[str, ...] = ()) -> GroupAnswer:
    return GroupAnswer.model_validate(
        {"kind": "group", "name": name, "users": users, "roles": roles}
    )


def _found(
    *of: UserAnswer | GroupAnswer,
    roles: dict[str, tuple[str, ...]] | None = None,
    configured: tuple[str, ...] = (),
    told: bool = True,
) -> Administrators:
    users = [each for each in of if isinstance(each, UserAnswer) and each.kind == "user"]
    services = [each for each in of if isinstance(each, UserAnswer) and each.kind == "service"]
    groups = [each for each in of if isinstance(each, GroupAnswer)]
    known = Told(roles or {}, "github", frozenset(configured)) if told else None
    return administrators(users, groups, services, known)


def _names(found: Administrators) -> list[str]:
    return [admin.name for admin in found.everybody]


def test_the_flag_is_seen_and_whether_a_list_names_it() -> None:
    found = _found(_user("ann", "admin", admin=True), _user("bo", admin=True), configured=("ann",))
    assert [(a.name, a.ways, a.configured) for a in found.everybody] == [
        ("ann", (Way(),), True),
        ("bo", (Way(),), False),
    ]


def test_a_role_with_the_scopes_of_one_makes_an_admin() -> None:
    found = _found(
        _user("ann", "boss"),
        _user("bo", "reader"),
        _group("leads", "cy", roles=("boss",)),
        _user("cy"),
        roles={"boss": ("read:users", "admin:users"), "reader": ("read:users",)},
    )
    assert {a.name: a.ways for a in found.everybody} == {
        "ann": (Way("boss", "", "admin:users"),),
        "cy": (Way("boss", "leads", "admin:users"),),
    }
    assert not found.untold


def test_a_service_is_one_as_well_and_never_the_user_of_its_name() -> None:
    found = _found(_user("health"), _user("health", admin=True, kind="service"))
    assert [(a.name, a.service) for a in found.everybody] == [("health", True)]


@pytest.mark.parametrize(
    ("scope", "is_admin"),
    [
        ("groups", True),
        ("groups!group=leads", True),
        ("groups!group=class", False),
        ("admin:groups!group=leads", True),
        ("access:servers!group=leads", True),
        ("access:servers!group=class", False),
        ("tokens!user=ann", True),
        ("tokens!user=bo", False),
        ("access:servers!server=ann/", True),
        ("tokens!group=nobody", False),
        ("users", False),
        ("delete:servers", False),
    ],
)
def test_who_can_act_as_an_admin_is_one(scope: str, is_admin: bool) -> None:
    found = _found(
        _user("ann", admin=True),
        _user("bo"),
        _user("tutor", "tutor"),
        _group("leads", "ann", roles=("boss",)),
        _group("class", "bo"),
        roles={"boss": ("admin:users",), "tutor": (scope,)},
    )
    assert ("tutor" in _names(found)) is is_admin


def test_it_goes_on_until_nobody_else_is() -> None:
    chain: dict[str, tuple[str, ...]] = {
        f"role{n}": (f"tokens!user=user{n + 1}",) for n in range(6)
    }
    found = _found(
        *(_user(f"user{n}", f"role{n}") for n in range(6)), _user("user6", admin=True), roles=chain
    )
    assert _names(found) == [f"user{n}" for n in range(7)]


def test_what_a_role_gives_is_unknown_unless_it_is_told() -> None:
    found = _found(_user("ann", "boss"), told=False)
    assert found.untold == ("boss", "user")
    assert _found(_user("ann", "boss"), roles={"other": ()}).untold == ("boss",)


def test_the_role_of_every_user_may_be_made_one() -> None:
    found = _found(_user("ann"), _user("bo"), roles={"user": ("self", "admin:users")})
    assert _names(found) == ["ann", "bo"]
