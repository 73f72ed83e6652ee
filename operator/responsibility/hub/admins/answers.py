"""Answers of a hub's REST API, checked as they come in: what is odd in them is no answer at all.

A hub is run by whoever has its namespace, so an answer may be anything. Every field that is read
has to be there: JupyterHub leaves out what a token's scopes don't cover, and what is left out is
not what isn't so. Errors name which answer it was and never what stood in it.
Source: ``jupyterhub/apihandlers/base.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from responsibility.hub.admins.registration import SERVICE

# A hub's database keeps 255 characters of a name (``jupyterhub/orm.py``).
_LONGEST: Final = 255
# The most that any hub has of each, with room: beyond it, an answer is there to take memory.
_MOST_ROLES: Final = 256
_MOST_MEMBERS: Final = 100_000
_MOST_ADMINS: Final = 10_000

# What Python takes for a text and can't be written (a lone surrogate) is in no database either.
_Name = Annotated[
    str, StringConstraints(min_length=1, max_length=_LONGEST, pattern="^[^\\x00-\\x1f\\x7f]+$")
]
_Roles = Annotated[tuple[_Name, ...], Field(max_length=_MOST_ROLES)]


class ImplausibleError(ValueError):
    """An answer that is not one of JupyterHub's; the message says of which it is."""


class _Answer(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class UserAnswer(_Answer):
    """A user, or a service, with the roles that it has itself."""

    kind: Literal["user", "service"]
    name: _Name
    admin: bool
    roles: _Roles


class _ServiceAnswer(UserAnswer):
    # Shown of our own service alone: see ``registration.SCOPES``.
    info: Any = None


class GroupAnswer(_Answer):
    """A group, its members, and the roles that they have by it."""

    kind: Literal["group"]
    name: _Name
    users: Annotated[tuple[_Name, ...], Field(max_length=_MOST_MEMBERS)]
    roles: _Roles


_Entry = TypeVar("_Entry", UserAnswer, GroupAnswer)


class _Told(_Answer):
    roles: Annotated[dict[_Name, _Roles], Field(max_length=_MOST_ROLES)]
    authenticator: Annotated[str, StringConstraints(max_length=_LONGEST)]
    admins: Annotated[tuple[str, ...], Field(max_length=_MOST_ADMINS)]


class _Self(_Answer):
    kind: str
    name: _Name
    scopes: Annotated[tuple[str, ...], Field(max_length=1000)]
    # JupyterHub 4 has an empty text here, and what is told in the list of services alone.
    info: dict[str, Any] | Literal[""] | None = None


class _Next(_Answer):
    offset: int


class _Pagination(_Answer):
    offset: int
    total: Annotated[int, Field(ge=0)]
    next: _Next | None


class _Page(_Answer, Generic[_Entry]):
    items: Annotated[tuple[_Entry, ...], Field(max_length=1000)]
    pagination: Annotated[_Pagination, Field(alias="_pagination")]


@dataclass(frozen=True, slots=True)
class Told:
    """What the hub's configuration tells our service: see ``registration.TELLING``."""

    roles: Mapping[str, tuple[str, ...]]
    authenticator: str
    admins: frozenset[str]


@dataclass(frozen=True, slots=True)
class Self:
    """Whose token it is, what it may do, and what the hub tells its owner, if it does."""

    kind: str
    name: str
    scopes: frozenset[str]
    told: Told | None


@dataclass(frozen=True, slots=True)
class Services:
    """All services, and what the hub tells our own one there, if it does."""

    every: tuple[UserAnswer, ...]
    told: Told | None


@dataclass(frozen=True, slots=True)
class Page(Generic[_Entry]):
    """A page of a list: what is on it, its offset, and that of the next one, if there is one."""

    items: tuple[_Entry, ...]
    offset: int
    following: int | None


_SERVICES: Final = TypeAdapter(Annotated[dict[str, _ServiceAnswer], Field(max_length=1000)])


def parse_self(raw: bytes) -> Self:
    """Return what ``/user`` answers. Raises ImplausibleError."""
    try:
        answer = _Self.model_validate_json(raw)
    except ValidationError:
        raise ImplausibleError("who the token belongs to") from None
    return Self(answer.kind, answer.name, frozenset(answer.scopes), _told(answer.info))


def parse_users(raw: bytes) -> Page[UserAnswer]:
    """Return a page of ``/users``. Raises ImplausibleError."""
    page = _page(raw, _Page[UserAnswer], "users")
    if any(each.kind != "user" for each in page.items):
        raise ImplausibleError("users")
    return page


def parse_groups(raw: bytes) -> Page[GroupAnswer]:
    """Return a page of ``/groups``. Raises ImplausibleError."""
    return _page(raw, _Page[GroupAnswer], "groups")


def parse_services(raw: bytes) -> Services:
    """Return what ``/services`` answers. Raises ImplausibleError."""
    try:
        found = _SERVICES.validate_json(raw, strict=True)
    except ValidationError:
        raise ImplausibleError("services") from None
    if any(each.name != name or each.kind != "service" for name, each in found.items()):
        raise ImplausibleError("services")
    own = found.get(SERVICE)
    return Services(
        tuple(map(_as_user, found.values())),
        _told(own.info) if own is not None else None,
    )


def _page(raw: bytes, shape: type[_Page[_Entry]], what: str) -> Page[_Entry]:
    try:
        page = shape.model_validate_json(raw)
    except ValidationError:
        raise ImplausibleError(what) from None
    following = page.pagination.next.offset if page.pagination.next else None
    reached = page.pagination.offset + len(page.items)
    # Each page ends where the next begins, and the last one at the end: nothing is left out.
    if reached != (page.pagination.total if following is None else following):
        raise ImplausibleError(what)
    return Page(page.items, page.pagination.offset, following)


def _as_user(service: _ServiceAnswer) -> UserAnswer:
    """Return it without what is told: that is of one service, and kept apart."""
    return UserAnswer(
        kind=service.kind, name=service.name, admin=service.admin, roles=service.roles
    )


def _told(info: object) -> Told | None:
    if not info:
        return None
    try:
        found = _Told.model_validate_json(_json(info))
    except ValidationError:
        raise ImplausibleError("what the configuration tells (info of our service)") from None
    return Told(found.roles, found.authenticator, frozenset(found.admins))


def _json(value: object) -> bytes:
    return TypeAdapter(object).dump_json(value)
