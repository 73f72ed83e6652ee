"""The table of scopes against JupyterHub's own."""

from __future__ import annotations

import pytest
from jupyterhub.roles import get_default_roles
from jupyterhub.scopes import scope_definitions

from responsibility.hub.admins.registration import SCOPES, changing, lacking
from responsibility.hub.admins.scopes import (
    ADMIN_SCOPES,
    DEFAULT_ROLES,
    GROUP_SCOPES,
    HARMLESS_SCOPES,
    READING,
    AdminScope,
    reaches,
)

_BY_NAME = {role["name"]: role for role in get_default_roles()}


def test_each_scope_of_an_admin_is_told_of_or_known_to_be_harmless() -> None:
    told = {*ADMIN_SCOPES, *GROUP_SCOPES, *HARMLESS_SCOPES}
    left = {scope for scope in _BY_NAME["admin"]["scopes"] if scope not in told}
    assert {scope for scope in left if not scope.startswith(READING)} == set()


def test_every_scope_that_is_named_exists() -> None:
    assert {*ADMIN_SCOPES, *GROUP_SCOPES, *HARMLESS_SCOPES} <= scope_definitions.keys()


# What they do is about others, and makes nobody an admin.
_LESSER = {
    *("(no_scope)", "self", "inherit", "users", "delete:users", "users:activity", "servers"),
    *("delete:servers", "delete:groups", "users:shares", "groups:shares"),
}


def test_a_scope_that_is_new_in_jupyterhub_is_looked_at() -> None:
    known = {*ADMIN_SCOPES, *GROUP_SCOPES, *HARMLESS_SCOPES, *_LESSER}
    assert {s for s in scope_definitions if not s.startswith(READING)} == known


@pytest.mark.parametrize("name", sorted(DEFAULT_ROLES.keys() - {"admin"}))
def test_the_roles_of_jupyterhub_itself_are_as_it_defines_them(name: str) -> None:
    assert list(DEFAULT_ROLES[name]) == _BY_NAME[name]["scopes"]


def test_there_is_no_other_role_of_its_own() -> None:
    assert DEFAULT_ROLES.keys() == _BY_NAME.keys()


@pytest.mark.parametrize(
    ("scope", "found"),
    [
        ("admin:users", [AdminScope("admin:users")]),
        ("tokens!group=staff", [AdminScope("tokens", group="staff")]),
        ("access:servers!user=ann", [AdminScope("access:servers", user="ann")]),
        ("access:servers!server=ann/lab", [AdminScope("access:servers", user="ann")]),
        ("access:servers!server", []),
        ("tokens!user", []),
        ("read:users", []),
        ("self", []),
        ("groups!group=staff", [AdminScope("groups", group="staff")]),
    ],
)
def test_whom_a_scope_reaches(scope: str, found: list[AdminScope]) -> None:
    assert list(reaches((scope,))) == found


def test_our_own_scopes_are_enough_and_read_only() -> None:
    assert not lacking(frozenset(SCOPES))
    assert not changing(frozenset(SCOPES))
    for scope in SCOPES:
        assert lacking(frozenset(SCOPES) - {scope}) == (scope,)
        narrowed = {*SCOPES} - {scope} | {f"{scope.partition('!')[0]}!user=ann"}
        assert lacking(frozenset(narrowed)) == (scope,)


@pytest.mark.parametrize("scope", sorted({*ADMIN_SCOPES, *GROUP_SCOPES, *_LESSER}))
def test_what_changes_anything_is_too_wide(scope: str) -> None:
    assert changing(frozenset({*SCOPES, scope})) == (scope,)
    assert changing(frozenset({*SCOPES, f"{scope}!group=staff"})) == (f"{scope}!group=staff",)
