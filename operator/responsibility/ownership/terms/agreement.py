"""Agreement of one hub, resolved: parties, items, owners, and what each is entitled to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from responsibility.api.parse import Problem
from responsibility.api.stages import AdmissionStage, RbacMode
from responsibility.hub.discovery import HubKey
from responsibility.hub.values.agreed import AgreedValue
from responsibility.ownership.terms.exemptions import Exemption
from responsibility.ownership.terms.permission_index import Names, PermissionIndex, bits
from responsibility.rbac.index import remember
from responsibility.rbac.objects import Subject


@dataclass(frozen=True, slots=True)
class Party:
    """A side of the agreement, with the identities it acts through and how to reach it."""

    name: str
    display_name: str = ""
    email: str = ""
    url: str = ""
    subjects: tuple[Subject, ...] = ()
    hub_users: tuple[str, ...] = ()
    hub_groups: tuple[str, ...] = ()
    hub_services: tuple[str, ...] = ()

    @property
    def contact(self) -> str:
        """Return the address to write to or, failing that, to open; empty if there is none."""
        return self.email or self.url

    @property
    def label(self) -> str:
        """Return the name for people."""
        return self.display_name or self.name


@dataclass(frozen=True, slots=True)
class Bound:
    """A range for one value, as quantities; an empty text is no end."""

    path: str
    minimum: str = ""
    maximum: str = ""


@dataclass(frozen=True, slots=True)
class Delegation:
    """A party that may act on an item beside its owner, for good or until a moment (UTC).

    Inside ``bounds``, its own or else those of the item, it may change values.
    """

    party: str
    until: datetime | None = None
    reason: str = ""
    bounds: tuple[Bound, ...] = ()

    def active(self, now: datetime) -> bool:
        """Return whether it holds at ``now``; at its very end it no longer does."""
        return self.until is None or now < self.until


# How long before the end of a delegation it is told.
_NOTICE = timedelta(days=14)


def notice(until: datetime) -> datetime:
    """Return from when on it is told that a delegation ends ``until`` then."""
    try:
        return until - _NOTICE
    except OverflowError:
        return until


@dataclass(frozen=True, slots=True)
class ItemTerms:
    """The terms of an item by its model, the same for all its hubs.

    ``required`` and ``reserved`` are masks over the model's permissions; ``covered`` is what an
    owner is entitled to by this item: both of them, and all that these include. ``field_kinds``
    are the kinds of object in which it has fields, ``values_paths`` patterns of its settings, and
    ``identity_accounts`` the ServiceAccounts whose cloud identities are its.
    """

    name: str
    number: int
    title: str
    description: str
    kinds: frozenset[str]
    owner: str
    delegates: tuple[Delegation, ...]
    required: int
    reserved: int
    covered: int
    minimum_holders: int = 1
    bounds: tuple[Bound, ...] = ()
    field_kinds: frozenset[str] = frozenset()
    values_paths: tuple[str, ...] = ()
    identity_accounts: tuple[str, ...] = ()

    @property
    def checkable(self) -> bool:
        """Whether RBAC can be held against it."""
        return bool(self.required or self.reserved)


@dataclass(frozen=True, slots=True)
class Item:
    """One line of one hub's agreement: the model's terms, and who has it here."""

    terms: ItemTerms
    owner: str
    delegates: tuple[Delegation, ...]
    minimum_holders: int = 1
    review_after: date | None = None
    agreed: tuple[AgreedValue, ...] = ()
    admission: AdmissionStage = AdmissionStage.OBSERVE
    rbac: RbacMode = RbacMode.AUDIT
    force: bool = False

    @property
    def name(self) -> str:
        """Return the item's name in the model."""
        return self.terms.name

    @property
    def enforced(self) -> bool:
        """Whether anything more than looking was asked for."""
        return self.admission is not AdmissionStage.OBSERVE or self.rbac is not RbacMode.AUDIT

    @property
    def overdue_from(self) -> datetime | None:
        """Return the moment from which its review is overdue: the end of the day agreed on."""
        # On the last day there is, nothing comes after.
        if self.review_after is None or self.review_after == date.max:
            return None
        return datetime.combine(self.review_after + timedelta(days=1), time(), UTC)

    def parties(self, now: datetime) -> tuple[str, ...]:
        """Return the owner and the parties it is delegated to at ``now``."""
        active = tuple(d.party for d in self.delegates if d.active(now))
        return (self.owner, *active)


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """A model, resolved: its permissions, items, parties and who is let through."""

    name: str
    display_name: str
    permissions: PermissionIndex
    items: tuple[ItemTerms, ...]
    parties: Mapping[str, Party]
    exemptions: tuple[Exemption, ...] = ()
    break_glass: tuple[Subject, ...] = ()
    required: int = field(init=False, default=0)
    reserved: int = field(init=False, default=0)
    # The bits that are required, those first which most items require.
    by_use: tuple[int, ...] = field(init=False, default=())
    _reserving: dict[int, tuple[tuple[int, int], ...]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Put the items' masks together."""
        for item in self.items:
            object.__setattr__(self, "required", self.required | item.required)
            object.__setattr__(self, "reserved", self.reserved | item.reserved)
        used = Counter(bit for item in self.items for bit in bits(item.required))
        by_use = tuple(sorted(used, key=lambda bit: (-used[bit], bit)))
        object.__setattr__(self, "by_use", by_use)

    def reserving(self, mask: int) -> tuple[tuple[int, int], ...]:
        """Return the items that reserve any bit of ``mask``, by their place, each with these bits.

        Subjects with equal rights are many, so each mask is looked at once.
        """
        known = self._reserving.get(mask)
        if known is None:
            known = tuple(
                (place, mask & item.reserved)
                for place, item in enumerate(self.items)
                if mask & item.reserved
            )
            remember(self._reserving, mask, known)
        return known


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """One hub's record on top of its model, ready to be held against a cluster.

    ``names`` fills the model's placeholders; ``names_release`` is whether the record itself says
    which release it is about, and not the Deployments. ``problems`` are the lines that could not be
    followed; ``unresolved`` are the items they touch, of which nothing may be said.
    ``exemptions`` are the model's and the record's, with their placeholders filled; of these,
    ``own_exemptions`` hold on this hub alone. ``neighbours`` are the parts of other hubs that
    have their work here as well, whichever hubs these are.
    """

    record: str
    hub: HubKey
    display_name: str
    terms: Terms
    names: Names
    parties: Mapping[str, Party]
    items: tuple[Item, ...]
    names_release: bool = False
    exemptions: tuple[Exemption, ...] = ()
    own_exemptions: tuple[Exemption, ...] = ()
    neighbours: tuple[Exemption, ...] = ()
    problems: tuple[Problem, ...] = ()
    unresolved: frozenset[str] = frozenset()
    members: Mapping[Subject, tuple[str, ...]] = field(default_factory=dict)
    _by_name: dict[str, Item] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Index the items."""
        self._by_name.update((item.name, item) for item in self.items)

    def item(self, name: str) -> Item:
        """Return one line; the model has it, so it is there."""
        return self._by_name[name]

    def owner(self, name: str) -> str:
        """Return the party that owns an item; empty if there is no such item."""
        item = self._by_name.get(name)
        return "" if item is None else item.owner

    def entitlements(self, now: datetime) -> dict[str, int]:
        """Return what each party may do at ``now``: the union over all its items."""
        entitled: dict[str, int] = dict.fromkeys(self.parties, 0)
        for item in self.items:
            for party in item.parties(now):
                entitled[party] = entitled.get(party, 0) | item.terms.covered
        return entitled

    def deadlines(self) -> list[datetime]:
        """Return the moments at which the agreement changes by itself."""
        ends = [d.until for i in self.items for d in i.delegates if d.until is not None]
        reviews = [i.overdue_from for i in self.items if i.overdue_from is not None]
        return [*ends, *map(notice, ends), *reviews]
