"""Facts of a finding: what differs from kind to kind, as values from which words are made.

A finding of excess access has none: its subject, permissions and owners say it all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from responsibility.rbac.objects import BindingKey, RoleKey, Subject


@dataclass(frozen=True, slots=True)
class Shortfall:
    """The number of holders that an owner lacks, and whether it is certain.

    ``by_group``: a group membership may bring what RBAC does not show. ``unless`` is a role that
    was not read, and the binding to it that would grant what is missing. ``unnamed`` are the
    owner's subjects where nothing of what was read names any of them.
    """

    holders: int = 1
    by_group: bool = False
    unless: tuple[RoleKey, BindingKey] | None = None
    unnamed: tuple[Subject, ...] = ()


@dataclass(frozen=True, slots=True)
class Vacancy:
    """The declared subjects of an owner, none of which exists."""

    absent: tuple[Subject, ...]


@dataclass(frozen=True, slots=True)
class NobodyDeclared:
    """An owner without a subject, whose items are to be enforced."""


@dataclass(frozen=True, slots=True)
class Absent:
    """Those of a party's subjects that do not exist, while others do."""

    absent: tuple[Subject, ...]


@dataclass(frozen=True, slots=True)
class NoContact:
    """A party that cannot be reached."""


@dataclass(frozen=True, slots=True)
class Expired:
    """A delegation that has ended, and where it is still written."""

    until: datetime
    reason: str
    in_model: bool


@dataclass(frozen=True, slots=True)
class Expiring:
    """A delegation that ends soon."""

    until: datetime


@dataclass(frozen=True, slots=True)
class StillGranted:
    """A delegation that has ended, while the finding's sources still grant it."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Overdue:
    """The last day on which an item should have been reviewed."""

    review_after: date


@dataclass(frozen=True, slots=True)
class Disagreement:
    """The owners that records name for one thing, each with the records."""

    owners: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class SideDoor:
    """A way around an item at ``deny``: the finding's route, and how it is closed.

    Each of ``closed_by`` would close it; ``together`` are all items of the hub that have to be
    raised so that nothing that is enforced is hollow. ``others`` counts
    further subjects that have one.
    """

    closed_by: tuple[str, ...]
    together: tuple[str, ...]
    others: int


Facts = (
    Shortfall
    | Vacancy
    | NobodyDeclared
    | Absent
    | NoContact
    | Expired
    | Expiring
    | StillGranted
    | Overdue
    | Disagreement
    | SideDoor
)
