"""Changes of a release's objects that Helm has not made, and the reasons why they aren't known."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from responsibility.upgrades.removals import RemovedApi

# What a change of a field says of a value; a longer one is cut.
LONGEST = 253


class Act(StrEnum):
    """What was done to a field, or to a whole object."""

    CHANGED = "changed"
    REMOVED = "removed"
    ADDED = "added"
    DELETED = "deleted"


class ReleaseUnread(StrEnum):
    """Why it is not known what was changed: for programs, and for metrics."""

    NOT_YET = "not-yet"
    FORBIDDEN = "forbidden"
    NO_RELEASE = "no-release"
    NOT_DEPLOYED = "not-deployed"
    AT_WORK = "helm-at-work"
    UNREADABLE = "unreadable"
    TOO_COSTLY = "too-costly"
    NOT_SERVED = "not-served"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, order=True)
class ObjectName:
    """An object of a release; ``group`` and ``resource`` are as RBAC has them.

    ``resource`` is empty where the API server doesn't serve the kind.
    """

    kind: str
    name: str
    namespace: str = ""
    group: str = ""
    resource: str = ""

    def __str__(self) -> str:
        """Return it for people: ``Deployment/hub``."""
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One field, or a whole object, that is not as Helm deployed it.

    ``steps`` lead to the field: keys, and ``[*]`` into lists; ``path`` is the same for people, with
    the entries' names. ``manager`` and ``at`` are who wrote it by ``metadata.managedFields``, which
    is what a client calls itself, and when; empty where nobody can tell. ``wanted`` and ``found``
    are empty but for values of fields that hold no secrets. ``items`` are those of the model that
    it belongs to.
    """

    object: ObjectName
    path: str
    act: Act
    steps: tuple[str, ...] = ()
    manager: str = ""
    at: str = ""
    wanted: str = ""
    found: str = ""
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class UnreadObject:
    """An object of which it is not known whether it was changed, and why."""

    object: ObjectName
    why: ReleaseUnread
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReleaseDrift:
    """What differs from a revision of a release; ``more`` counts changes that are not listed.

    Of each item that has any, ``changes`` and ``unread`` list one (`listing`).
    ``apis`` are those that it was deployed by and that Kubernetes removes, or has removed.
    """

    revision: int
    changes: tuple[Change, ...] = ()
    more: int = 0
    unread: tuple[UnreadObject, ...] = ()
    apis: tuple[RemovedApi, ...] = ()


@dataclass(frozen=True, slots=True)
class UnreadRelease:
    """That it is not known what a hub's release deployed, and why."""

    why: ReleaseUnread
    items: tuple[str, ...] = ()


HubRelease = ReleaseDrift | UnreadRelease
