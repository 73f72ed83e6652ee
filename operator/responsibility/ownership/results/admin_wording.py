"""Sentences about admins of the hub itself: what `wording` says of these findings."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from shlex import quote
from typing import TYPE_CHECKING, Any

from responsibility.api.foreign_text import plain_name
from responsibility.hub.admins.administrators import Administrator, Unseen, Way
from responsibility.ownership.results.facts import (
    AdminFacts,
    AdminsUnknown,
    NobodyInside,
    NotAdmin,
    RolesUntold,
    SignInOfAnybody,
    StrangeAdmin,
)
from responsibility.phrases import counted, some

if TYPE_CHECKING:
    from responsibility.ownership.results.findings import Finding

# Names in a sentence; more help nobody.
_MOST_NAMED = 3
# Characters of a name: as many as JupyterHub keeps of one (jupyterhub/orm.py).
_LONGEST_NAME = 255
# Not to be had in a path: a client goes up by them.
_NO_PATH = frozenset({".", ".."})


def sentence(finding: Finding, facts: AdminFacts) -> str:
    """Return what is found, without a full stop."""
    return _SENTENCES[type(facts)](finding, facts)


def remedy(facts: AdminFacts) -> str:
    """Return what ends just this, as a sentence; empty where its kind says it."""
    if isinstance(facts, StrangeAdmin) and not facts.others:
        return _ending(facts.admin)
    return _REMEDIES.get(type(facts), "")


def _strange(finding: Finding, facts: StrangeAdmin) -> str:
    owners = _owners(finding)
    if facts.others:
        many = counted(facts.others, "further admin")
        return f"The hub has {many}, but {finding.title} is {owners}'s"
    admin = facts.admin
    who = f"{_name(admin.name)}, a {'service' if admin.service else 'user'} of the hub,"
    in_database = admin.configured is False and Way() in admin.ways
    only = " (in its database only: no list of its configuration names it)" if in_database else ""
    return f"{who} is an admin there{_by(admin.ways)}{only}, but {finding.title} is {owners}'s"


def _by(ways: Sequence[Way]) -> str:
    """Return by what somebody is an admin; nothing for the flag that the page of admins shows."""
    if Way() in ways or not ways:
        return ""
    way = ways[0]
    group = f" of group {_name(way.group)}" if way.group else ""
    scope = f" ({way.scope})" if way.scope else ""
    return f" by role {_name(way.role)}{group}{scope}"


def _name(name: str) -> str:
    """Return a name that can't be read as ours: admins of a hub choose those of its users."""
    return plain_name(name, _LONGEST_NAME)


def ending_command(admin: Administrator) -> str:
    """Return the command by which an admin of the hub ends it; empty where only files do."""
    way = next(iter(admin.ways), Way())
    if admin.service or (way.role and not way.group) or {admin.name, way.group} & _NO_PATH:
        return ""
    return _out_of(way.group, admin.name) if way.group else _demoting(admin.name)


def _ending(admin: Administrator) -> str:
    name, way = _name(admin.name), next(iter(admin.ways), Way())
    command = f" ({found})" if (found := ending_command(admin)) else ""
    if admin.service:
        how = f"Take admin and the roles of an admin from {name} in hub.services and hub.loadRoles"
    elif way.group:
        how = f"Take {name} out of group {_name(way.group)} of the hub{command}"
    elif way.role:
        how = f"Take {name} out of role {_name(way.role)} in hub.loadRoles"
    elif admin.configured is False:
        how = f"Edit {name} on the hub's admin page and take Admin away{command}"
    else:
        how = (
            f"Take {name} out of admin_users in the hub's configuration, which makes admins at "
            "each start and ends none; then edit it on the hub's admin page and take Admin away"
            f"{command}"
        )
    field = "hubServices" if admin.service else "hubUsers"
    return f"{how}; or name it in {field} of the party that it acts for."


# By JupyterHub's REST API (docs/source/_static/rest-api.yml), as an admin of it: ``$HUB`` is where
# its home page is, ``$TOKEN`` a token of theirs.
_API = 'curl -fsS -H "Authorization: token $TOKEN"'


def _demoting(user: str) -> str:
    """Return the command that takes the flag of an admin from a user."""
    return f"""{_API} -X PATCH --data '{{"admin": false}}' "$HUB/hub/api/users/{_in_path(user)}\""""


def _out_of(group: str, user: str) -> str:
    """Return the command that takes a user out of a group of the hub."""
    data = quote(json.dumps({"users": [user]}))
    return f'{_API} -X DELETE --data {data} "$HUB/hub/api/groups/{_in_path(group)}/users"'


def _in_path(name: str) -> str:
    """Return a name for a path in double quotes: letters, digits and ``%`` are all that is left."""
    return urllib.parse.quote(name, safe="")


def _missing(finding: Finding, facts: NotAdmin) -> str:
    wanted = f" of {facts.wanted} that it needs" if facts.wanted > 1 else ""
    are = "is none" if len(facts.names) == 1 else "are none"
    return (
        f"{_owners(finding)} owns {finding.title} and has {facts.admins or 'no'} "
        f"{'admin' if facts.admins == 1 else 'admins'}{wanted} inside the hub: "
        f"{some([_name(each) for each in facts.names], _MOST_NAMED)} {are}"
    )


def _open(_: Finding, facts: SignInOfAnybody) -> str:
    return (
        f"The hub signs people in by {facts.authenticator}, which doesn't prove who they are, and "
        f"has {counted(facts.admins, 'admin')}"
    )


def _unknown(_: Finding, facts: AdminsUnknown) -> str:
    detail = f" ({facts.detail})" if facts.detail else ""
    return f"It can't be told who administers the hub: {_UNSEEN[facts.why]}{detail}"


def _untold(_: Finding, facts: RolesUntold) -> str:
    roles = some([_name(each) for each in facts.roles], _MOST_NAMED)
    return (
        f"It can't be told of all whether they administer the hub: it doesn't say what "
        f"{'role' if len(facts.roles) == 1 else 'roles'} {roles} may do"
    )


def _nobody(finding: Finding, facts: NobodyInside) -> str:
    return (
        f"{_owners(finding)} owns {finding.title} and names neither hubUsers nor hubGroups: who of "
        f"{counted(facts.admins, 'admin')} of the hub acts for it can't be told"
    )


def _owners(finding: Finding) -> str:
    return " and ".join(finding.owners) or "nobody"


_SENTENCES: Mapping[type[AdminFacts], Callable[[Finding, Any], str]] = {
    StrangeAdmin: _strange,
    NotAdmin: _missing,
    SignInOfAnybody: _open,
    AdminsUnknown: _unknown,
    RolesUntold: _untold,
    NobodyInside: _nobody,
}

_REMEDIES: Mapping[type[AdminFacts], str] = {
    NobodyInside: "Name the owner's users inside the hub in hubUsers or hubGroups of the party.",
    RolesUntold: "Give the hub the extraConfig that `kubectl responsibility render hub-service` "
    "writes: by it, the hub tells what its roles give.",
}

# Why it is not known, after "It can't be told who administers the hub:".
_UNSEEN: Mapping[Unseen, str] = {
    Unseen.NOT_YET: "it has not been asked yet",
    Unseen.NO_TOKEN: "there is no token for it",
    Unseen.SHARED_TOKEN: "its token is another hub's as well, so neither is asked",
    Unseen.UNREACHABLE: "it can't be reached",
    Unseen.ADDRESS: "its Service leads to an address that is no hub's",
    Unseen.SLOW: "it takes too long to answer",
    Unseen.TOO_LARGE: "its answers are larger than those of any hub",
    Unseen.REDIRECTED: "it sends the question elsewhere, which is not followed",
    Unseen.NO_HUB: "what answers is no JupyterHub",
    Unseen.TOKEN_REFUSED: "it doesn't accept the token",
    Unseen.NO_SERVICE: "the token is not that of the service that it should be",
    Unseen.SCOPES_MISSING: "the token may not read all that it takes",
    Unseen.SCOPES_WIDE: "the token may do more than read, so it is not used",
    Unseen.REFUSED: "it answers with an error",
    Unseen.IMPLAUSIBLE: "its answer contradicts itself, or is none of JupyterHub's",
    Unseen.CHANGING: "its lists changed while they were read",
}
