"""Facts of a finding: what differs from kind to kind, as values from which words are made.

A finding of excess access has none: its subject, permissions and owners say it all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from responsibility.hub.admins.administrators import Administrator, Unseen
from responsibility.hub.release.changes import Change, ReleaseUnread, UnreadObject
from responsibility.hub.values.agreed import AgreedValue, Setting, Unread
from responsibility.rbac.objects import BindingKey, RoleKey, Subject
from responsibility.upgrades.removals import RemovedApi
from responsibility.upgrades.versions import Skew, Unlisted, Version


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


class AdminFacts:
    """What is found about admins of the hub itself; ``admin_wording`` has the words."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class StrangeAdmin(AdminFacts):
    """An admin of the hub itself that acts for nobody who may be one.

    ``others`` counts those of which no finding of their own tells.
    """

    admin: Administrator
    others: int = 0


@dataclass(frozen=True, slots=True)
class NotAdmin(AdminFacts):
    """Those of an owner's users inside the hub that are no admins there, and how many are."""

    names: tuple[str, ...]
    admins: int
    wanted: int


@dataclass(frozen=True, slots=True)
class SignInOfAnybody(AdminFacts):
    """An authenticator that proves nothing, of a hub that has admins."""

    authenticator: str
    admins: int


@dataclass(frozen=True, slots=True)
class AdminsUnknown(AdminFacts):
    """Unknown admins of the hub: the reason, and ``detail`` in words of ours."""

    why: Unseen
    detail: str


@dataclass(frozen=True, slots=True)
class RolesUntold(AdminFacts):
    """Roles of the hub of which it is not known what they give."""

    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PublishedByOperator:
    """What the operator has found and published, for those who can't ask the hub themselves."""

    message: str
    remedy: str


class ValueFacts:
    """What is found about settings that were agreed on; ``value_wording`` has the words."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class OutOfBounds(ValueFacts):
    """A setting that is not as agreed; ``found`` is None where it is not set.

    ``others`` counts further places of the same path that are not.
    """

    agreed: AgreedValue
    found: Setting | None
    others: int = 0


@dataclass(frozen=True, slots=True)
class ValuesUnread(ValueFacts):
    """That it is not known whether settings are as agreed, or what sessions run, and why."""

    why: Unread
    sessions: bool = False


class VersionFacts:
    """What is found about versions of Kubernetes; ``version_wording`` has the words."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class KubeletSkew(VersionFacts):
    """Kubelets that don't fit the API server, and the version of that."""

    skew: Skew
    server: str


@dataclass(frozen=True, slots=True)
class VersionsUnlisted(VersionFacts):
    """That it is not known of all nodes whether they fit the API server, and why."""

    why: Unlisted


class ReleaseFacts:
    """What is found about changes outside Helm; ``release_wording`` has the words."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class OutOfBand(ReleaseFacts):
    """A field, or an object, that is not as Helm deployed it."""

    change: Change


@dataclass(frozen=True, slots=True)
class MoreOutOfBand(ReleaseFacts):
    """A number of such changes of which no finding of their own tells."""

    changes: int


@dataclass(frozen=True, slots=True)
class ReleaseNotRead(ReleaseFacts):
    """That it is not known what was changed outside Helm, and why."""

    why: ReleaseUnread


@dataclass(frozen=True, slots=True)
class ObjectsUnread(ReleaseFacts):
    """Objects of a release of which that is not known; there is one at least."""

    objects: tuple[UnreadObject, ...]


@dataclass(frozen=True, slots=True)
class ApisRemoved(VersionFacts):
    """An API version that a hub was deployed by, which went first, and how many others there are.

    ``server`` is what runs, where that is known.
    """

    first: RemovedApi
    others: int
    server: Version | None


@dataclass(frozen=True, slots=True)
class NobodyInside(AdminFacts):
    """An owner that has named none of its users inside the hub, while that has admins."""

    admins: int


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
    | StrangeAdmin
    | NotAdmin
    | SignInOfAnybody
    | AdminsUnknown
    | RolesUntold
    | NobodyInside
    | OutOfBounds
    | ValuesUnread
    | OutOfBand
    | MoreOutOfBand
    | ReleaseNotRead
    | ObjectsUnread
    | KubeletSkew
    | VersionsUnlisted
    | ApisRemoved
    | PublishedByOperator
)
