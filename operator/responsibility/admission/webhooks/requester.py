"""The requester in Python: a hub's Namespace held against the user of a request.

The same as ``policies.requester`` and ``policies.bounds`` say in CEL, of the same lists (see
``api.names``). Only dates differ: a policy asks the authorizer for a marker, since it has no clock;
here the time is given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from responsibility.admission import annotation_entries
from responsibility.api.names import (
    BOUNDS_ANNOTATION,
    BREAK_GLASS_ANNOTATION,
    DELEGATES_ANNOTATION,
    OWNERS_ANNOTATION,
)
from responsibility.rbac.identity import MASTERS, SERVICE_ACCOUNT_USER, SERVICE_ACCOUNTS

_LIKE, _LIKE_GROUP = "like:", "like-group:"
_PARTS_OF_A_BOUND = 5


@dataclass(frozen=True, slots=True)
class UserInfo:
    """The user who asks, as the API server knows them."""

    user: str
    groups: tuple[str, ...]
    # Whether somebody acts as a ServiceAccount of the namespace, without a token of it.
    impersonates: bool = False

    @classmethod
    def of(cls, info: Mapping[str, Any], namespace: str) -> UserInfo:
        """Return who a review's ``userInfo`` is, where a request is about a namespace."""
        user = str(info.get("username") or "")
        own = user.startswith(f"{SERVICE_ACCOUNT_USER}{namespace}:")
        groups = tuple(str(group) for group in info.get("groups") or ())
        return cls(user, groups, impersonates=own and not info.get("uid"))

    @property
    def listed_groups(self) -> tuple[str, ...]:
        """The groups that lists may name."""
        if not self.impersonates:
            return self.groups
        return tuple(g for g in self.groups if not g.startswith(SERVICE_ACCOUNTS))

    @property
    def lines(self) -> frozenset[str]:
        """How lists name them."""
        user = () if self.impersonates else (f"user:{self.user}",)
        return frozenset({*user, *(f"group:{group}" for group in self.listed_groups)})


@dataclass(frozen=True, slots=True)
class Range:
    """The range of a value that somebody may move only inside; an empty text is no end.

    ``kind`` is that of the objects that the value is in, empty for the chart's values.
    """

    path: str
    minimum: str
    maximum: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class RequesterEntitlement:
    """Whether somebody may act on an item now, and inside which ranges of the chart's values.

    ``of_objects`` are ranges of values in objects, which policies see to.
    """

    may: bool
    ranges: tuple[Range, ...] = ()
    of_objects: tuple[Range, ...] = ()

    @property
    def is_free(self) -> bool:
        """Whether they may do with it as they like."""
        return self.may and not self.ranges

    @property
    def has_no_range(self) -> bool:
        """Whether they may act on objects of it as a whole, too."""
        return self.is_free and not self.of_objects


def entitlement(
    notes: Mapping[str, str], item: str, person: UserInfo, now: datetime
) -> RequesterEntitlement:
    """Return what a Namespace's annotations say of somebody and an item."""
    owners = _lines(notes, OWNERS_ANNOTATION + item)
    mine = person.lines
    entries = {line for line in owners if line in mine}
    for line in _lines(notes, DELEGATES_ANNOTATION + item):
        marker, _, entry = line.partition(" ")
        end = annotation_entries.marker_date(marker)
        if entry in mine and end is not None and now < end:
            entries.add(entry)
    if is_like(owners, person):
        return RequesterEntitlement(may=True)
    bounds = [line.split("\t") for line in _lines(notes, BOUNDS_ANNOTATION + item)]
    bounds = [b for b in bounds if len(b) == _PARTS_OF_A_BOUND and b[0] in entries]
    if entries - {bound[0] for bound in bounds}:
        return RequesterEntitlement(may=True)
    # A path in the chart's values has no kind.
    ranges = [Range(path, least, most, kind) for _, kind, path, least, most in bounds]
    return RequesterEntitlement(
        bool(entries),
        tuple(each for each in ranges if not each.kind),
        tuple(each for each in ranges if each.kind),
    )


def breaks_the_glass(notes: Mapping[str, str], person: UserInfo) -> bool:
    """Return whether somebody passes with a warning where others are refused."""
    if person.impersonates:
        return False
    return MASTERS in person.groups or bool(
        person.lines & set(_lines(notes, BREAK_GLASS_ANNOTATION))
    )


def is_like(lines: Iterable[str], person: UserInfo) -> bool:
    """Return whether a pattern among the lines is of somebody."""
    for line in lines:
        named = line.startswith(_LIKE) and not person.impersonates
        if named and _fits(line.removeprefix(_LIKE), person.user):
            return True
        if line.startswith(_LIKE_GROUP):
            pattern = line.removeprefix(_LIKE_GROUP)
            if any(_fits(pattern, group) for group in person.listed_groups):
                return True
    return False


def _lines(notes: Mapping[str, str], key: str) -> list[str]:
    return [line for line in notes.get(key, "").split("\n") if line]


def _fits(pattern: str, text: str) -> bool:
    try:
        return re.fullmatch(pattern, text) is not None
    except re.error:
        return False
