"""Who may hold what on a hub: party members, exempt subjects, break-glass holders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from responsibility.ownership.agreement import Agreement
from responsibility.ownership.exemptions import Exemption
from responsibility.rbac.objects import Subject


@dataclass(slots=True)
class ExemptionBook:
    """Exemptions made quick to look up, since most of them name one exact subject."""

    _exact: dict[Subject, list[Exemption]] = field(default_factory=dict)
    _patterns: dict[Exemption, None] = field(default_factory=dict)

    @classmethod
    def of(cls, exemptions: Iterable[Exemption]) -> ExemptionBook:
        """Return the book of these exemptions, whose placeholders have been filled."""
        book = cls()
        for exemption in exemptions:
            if exemption.name.endswith("*") or exemption.namespace.endswith("*"):
                book._patterns[exemption] = None
            else:
                subject = Subject(exemption.kind, exemption.name, exemption.namespace)
                entries = book._exact.setdefault(subject, [])
                if exemption not in entries:
                    entries.append(exemption)
        return book

    def of_subject(self, subject: Subject) -> tuple[Exemption, ...]:
        """Return the exemptions that cover a subject (in canonical form)."""
        return (
            *self._exact.get(subject, ()),
            *(pattern for pattern in self._patterns if pattern.covers(subject)),
        )


@dataclass(frozen=True, slots=True)
class Entitlement:
    """What each party of one agreement may do at a given time."""

    agreement: Agreement
    by_party: dict[str, int]

    @classmethod
    def of(cls, agreement: Agreement, now: datetime) -> Entitlement:
        """Return the entitlements of an agreement at ``now``."""
        return cls(agreement, agreement.entitlements(now))

    def of_subject(self, subject: Subject) -> int:
        """Return what a subject may do: the union over the parties that declare it."""
        mask = 0
        for party in self.agreement.members.get(subject, ()):
            mask |= self.by_party.get(party, 0)
        return mask
