"""Administrators of a hub: who is one and by what, or why that is not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Unseen(StrEnum):
    """Why it is not known who administers a hub: for programs, and for metrics."""

    NOT_YET = "not-yet"
    NO_TOKEN = "no-token"  # noqa: S105 - no token is what it says
    SHARED_TOKEN = "shared-token"  # noqa: S105 - the same
    UNREACHABLE = "unreachable"
    ADDRESS = "address-refused"
    SLOW = "slow"
    TOO_LARGE = "too-large"
    REDIRECTED = "redirected"
    NO_HUB = "not-a-hub"
    TOKEN_REFUSED = "token-refused"  # noqa: S105 - the same
    NO_SERVICE = "not-a-service"
    SCOPES_MISSING = "scopes-missing"
    SCOPES_WIDE = "scopes-too-wide"
    REFUSED = "refused"
    IMPLAUSIBLE = "implausible"
    CHANGING = "changing"


@dataclass(frozen=True, slots=True)
class Unknown:
    """Unknown admins: the reason why nobody can be named, and ``detail`` in words of our own."""

    why: Unseen
    detail: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Way:
    """One way in which somebody is an admin: a flag, or a role, its own or that of a group."""

    role: str = ""
    group: str = ""
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Administrator:
    """A user, or a service, that is an admin of the hub.

    ``configured`` is whether a list of the configuration names it, None where that is not told.
    """

    name: str
    service: bool
    ways: tuple[Way, ...]
    configured: bool | None = None


@dataclass(frozen=True, slots=True)
class Administrators:
    """Who administers a hub.

    ``members`` are the groups' members. ``untold`` are the roles that somebody has of which it is
    not known what they give. ``authenticator`` is empty where it is not told, and ``capitals``
    says whether some user's name has any.
    """

    everybody: tuple[Administrator, ...]
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    untold: tuple[str, ...] = ()
    authenticator: str = ""
    capitals: bool = False


# What is known of a hub.
HubAdmins = Administrators | Unknown
