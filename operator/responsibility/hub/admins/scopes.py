"""Scopes that make an admin of whoever holds them, and those that do so for some users only.

JupyterHub's role ``admin`` is a list of scopes, and any other role may have the same. The table
says of each what its holder can do; a scope without it only reads, or is about its holder.
Source: ``jupyterhub/scopes.py`` and ``jupyterhub/roles.py``; a test holds the table against both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

# By which it acts as any user it likes, admins as well, or as the hub.
ADMIN_SCOPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "admin:users": "makes and changes users",
        "admin:auth_state": "reads what everybody signs in with",
        "admin:servers": "starts and stops everybody's sessions, and reads their state",
        "admin:server_state": "reads and writes the state of everybody's sessions",
        "tokens": "makes itself a token of anybody",
        "access:servers": "enters everybody's sessions",
        "shares": "lets itself into everybody's sessions",
        "admin:services": "makes services",
        "proxy": "names the proxy that everybody's requests are sent to",
        "shutdown": "ends the hub",
    }
)
# By which it puts users into groups: as much as the mightiest group gives.
GROUP_SCOPES: Final = frozenset({"groups", "admin:groups"})
# Of the role `admin`, and of use to nobody who has no other of its scopes.
HARMLESS_SCOPES: Final = frozenset({"admin-ui", "access:services"})
# They only read, or are about their holder: all that begin so.
READING: Final = ("read:", "list:")

# Who has the role is admin by its name, whatever it is configured to give: it can't be less.
ADMIN_ROLE: Final = "admin"
# The roles that JupyterHub itself defines, where its configuration doesn't.
DEFAULT_ROLES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "user": ("self",),
        ADMIN_ROLE: tuple(ADMIN_SCOPES),
        "server": ("users:activity!user", "access:servers!server"),
        "token": ("inherit",),
    }
)


@dataclass(frozen=True, slots=True)
class AdminScope:
    """A scope that makes an admin, of all or only for one group or user (``group=staff``)."""

    scope: str
    group: str = ""
    user: str = ""

    @property
    def everywhere(self) -> bool:
        """Whether it holds for everybody."""
        return not self.group and not self.user


def reaches(scopes: tuple[str, ...]) -> Iterator[AdminScope]:
    """Yield those of a role's scopes that are in the table, with whom each of them reaches.

    ``!user`` and ``!server`` without a name are whoever holds it.
    """
    for each in scopes:
        scope, _, narrowed = each.partition("!")
        if scope not in ADMIN_SCOPES and scope not in GROUP_SCOPES:
            continue
        by, _, name = narrowed.partition("=")
        if not narrowed:
            yield AdminScope(scope)
        elif by == "group" and name:
            yield AdminScope(scope, group=name)
        elif by == "user" and name:
            yield AdminScope(scope, user=name)
        elif by == "server" and name:
            yield AdminScope(scope, user=name.partition("/")[0])
