"""Cluster-wide rights of one subject, but for what is exempt.

They are looked at with and without what exemptions cover, which differs from hub to hub: those of
a hub's own part hold on that hub, and for what the cluster has one of.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Protocol

from responsibility.ownership.access.escalation_findings import (
    ClusterGains,
    Escalation,
    ExemptWays,
    total,
)
from responsibility.ownership.access.grant_masks import Holding
from responsibility.ownership.terms.exemptions import Exemption
from responsibility.ownership.terms.permission_index import Names, PermissionIndex
from responsibility.rbac.objects import Subject


class ClusterRights(Protocol):
    """Rights of one subject, cluster-wide and on some hubs only, but for what is exempt."""

    @property
    def records(self) -> Collection[str]:
        """The records of hubs on which it has more than everywhere."""

    def beyond(self, exemptions: Sequence[Exemption], names: Names) -> Holding:
        """Return what it has everywhere that no exemption covers."""

    def on_hub(self, record: str, exemptions: Sequence[Exemption]) -> int:
        """Return what more it has on a hub that no exemption covers."""


@dataclass(frozen=True, slots=True)
class DirectRights:
    """Rights by ClusterRoleBindings."""

    holding: Holding
    permissions: PermissionIndex
    records: Collection[str] = ()

    def beyond(self, exemptions: Sequence[Exemption], names: Names) -> Holding:
        """Return what no exemption covers."""
        return self.holding.beyond(exemptions, self.permissions, names)

    def on_hub(self, record: str, exemptions: Sequence[Exemption]) -> int:  # noqa: ARG002 - of ClusterRights
        """Return nothing: what is bound cluster-wide is the same on all hubs."""
        return 0


@dataclass(frozen=True, slots=True)
class ObtainableRights:
    """Rights that a subject can obtain, and does not hold."""

    subject: Subject
    gains: ClusterGains
    let: ExemptWays
    # What counts, and is not held already.
    mask: int

    @property
    def records(self) -> Collection[str]:
        """The records of hubs on which it can obtain more than everywhere."""
        return self.gains.on_hubs.get(self.subject, {})

    def beyond(self, exemptions: Sequence[Exemption], names: Names) -> Holding:  # noqa: ARG002 - of ClusterRights
        """Return what it can obtain everywhere by a way that no exemption covers."""
        ways = self.gains.everywhere.get(self.subject, ())
        return Holding(total(self.let.beyond(ways, exemptions)) & self.mask)

    def on_hub(self, record: str, exemptions: Sequence[Exemption]) -> int:
        """Return what more it can obtain on a hub by a way that no exemption covers."""
        ways = self.gains.on_hubs.get(self.subject, {}).get(record, ())
        return total(self.let.beyond(ways, exemptions))

    def ways(self, exemptions: Sequence[Exemption]) -> list[Escalation]:
        """Return the ways that no exemption covers, those to everywhere first."""
        return self.let.beyond(self.gains.ways(self.subject), exemptions)


@dataclass(frozen=True, slots=True)
class Lets:
    """Exemptions of a subject for an item: of all hubs, and as parts of their own hub only."""

    shared: tuple[Exemption, ...] = ()
    parts: tuple[Exemption, ...] = ()
    # Those of each hub.
    own: Mapping[str, tuple[Exemption, ...]] = field(
        default_factory=lambda: MappingProxyType({}), hash=False
    )

    @property
    def at_cluster(self) -> tuple[Exemption, ...]:
        """Those for what the cluster has one of."""
        return (*self.shared, *self.parts)

    @property
    def on_any(self) -> tuple[Exemption, ...]:
        """Those that hold on every hub."""
        return (*self.shared, *filter(None, (part.elsewhere() for part in self.parts)))

    def on(self, record: str) -> tuple[Exemption, ...]:
        """Return those that hold on one hub."""
        return (*self.on_any, *self.own.get(record, ()))

    def for_item(self, item: str) -> Lets:
        """Return those that hold for an item."""
        return Lets(
            tuple(e for e in self.shared if e.for_item(item)),
            tuple(e for e in self.parts if e.for_item(item)),
            {
                record: mine
                for record, own in self.own.items()
                if (mine := tuple(e for e in own if e.for_item(item)))
            },
        )

    def __bool__(self) -> bool:
        return bool(self.shared or self.parts or self.own)


NO_LETS: Final = Lets()
