"""The search for a hub's administrators in the answers of its REST API.

The page of admins shows a flag. Whoever has a role with the scopes of one, itself or by a group,
is an admin as well; and who may put itself into such a group, or act as somebody who is in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from responsibility.hub.admins.administrators import Administrator, Administrators, Way
from responsibility.hub.admins.answers import GroupAnswer, Told, UserAnswer
from responsibility.hub.admins.scopes import (
    ADMIN_ROLE,
    ADMIN_SCOPES,
    DEFAULT_ROLES,
    GROUP_SCOPES,
    AdminScope,
    reaches,
)


def administrators(
    users: Iterable[UserAnswer],
    groups: Iterable[GroupAnswer],
    services: Iterable[UserAnswer],
    told: Told | None,
) -> Administrators:
    """Return who is an admin. Without ``told``, nothing is known of what any role gives."""
    users, groups, services = tuple(users), tuple(groups), tuple(services)
    given = {**DEFAULT_ROLES, **(told.roles if told is not None else {})}
    search = _Search(
        accounts={(each.kind, each.name): each for each in (*users, *services)},
        groups={group.name: group for group in groups},
        reach={role: tuple(reaches(scopes)) for role, scopes in given.items()},
    )
    search.run()
    holders: tuple[UserAnswer | GroupAnswer, ...] = (*users, *services, *groups)
    held = {role for each in holders for role in each.roles}
    # What is in no configuration may be in one that overrides a role of JupyterHub's own.
    untold = held - {ADMIN_ROLE} if told is None else held - given.keys()
    return Administrators(
        everybody=tuple(
            Administrator(
                name,
                service=kind == "service",
                ways=tuple(sorted(ways)),
                configured=None if told is None or kind == "service" else name in told.admins,
            )
            for (kind, name), ways in sorted(search.found.items())
        ),
        members={group.name: frozenset(group.users) for group in groups},
        untold=tuple(sorted(untold)),
        authenticator=told.authenticator if told is not None else "",
        capitals=any(user.name != user.name.lower() for user in users),
    )


@dataclass(slots=True)
class _Search:
    """Who is an admin, again and again until nobody else is: one may be by way of another."""

    accounts: Mapping[tuple[str, str], UserAnswer]
    groups: Mapping[str, GroupAnswer]
    reach: Mapping[str, tuple[AdminScope, ...]]
    found: dict[tuple[str, str], set[Way]] = field(default_factory=dict)
    # The roles that make an admin, with the scope that does, and those that do so by way of others.
    admin_roles: dict[str, str] = field(default_factory=dict)

    def run(self) -> None:
        for key, account in self.accounts.items():
            if account.admin:
                self.found.setdefault(key, set()).add(Way())
        known = -1
        while known != len(self.admin_roles) + len(self.found):
            known = len(self.admin_roles) + len(self.found)
            self._roles()
            self._holders()

    def _roles(self) -> None:
        self.admin_roles.setdefault(ADMIN_ROLE, "")
        for role, scopes in self.reach.items():
            if role not in self.admin_roles:
                for each in scopes:
                    if self._makes_admin(each):
                        self.admin_roles[role] = each.scope
                        break

    def _holders(self) -> None:
        for key, account in self.accounts.items():
            for role in account.roles:
                # The flag says as much as the role of its name, which goes with it.
                if role in self.admin_roles and not (role == ADMIN_ROLE and account.admin):
                    self.found.setdefault(key, set()).add(Way(role, "", self.admin_roles[role]))
        for group in self.groups.values():
            for role in group.roles:
                if role in self.admin_roles:
                    for name in group.users:
                        way = Way(role, group.name, self.admin_roles[role])
                        self.found.setdefault(("user", name), set()).add(way)

    def _makes_admin(self, reach: AdminScope) -> bool:
        if reach.scope in GROUP_SCOPES:
            into = (
                self.groups.values()
                if reach.everywhere
                else filter(None, [self.groups.get(reach.group)])
            )
            return any(role in self.admin_roles for group in into for role in group.roles)
        if reach.everywhere:
            return reach.scope in ADMIN_SCOPES
        if reach.user:
            return ("user", reach.user) in self.found
        group = self.groups.get(reach.group)
        return group is not None and any(("user", name) in self.found for name in group.users)
