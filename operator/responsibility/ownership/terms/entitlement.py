"""Entitlements on a hub: of party members, exempt subjects, break-glass holders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from responsibility.ownership.terms.agreement import Agreement, Terms
from responsibility.ownership.terms.exemptions import Exemption
from responsibility.rbac.graph import MASTERS_SUBJECT
from responsibility.rbac.identity import implied_groups
from responsibility.rbac.objects import GROUP, Subject
from responsibility.subject_kinds import AnyKind


@lru_cache(maxsize=65_536)
def with_implied_groups(subject: Subject) -> tuple[Subject, ...]:
    """Return a subject, and the groups that Kubernetes itself puts it in.

    Whoever declares such a group (all ServiceAccounts of a namespace) declares its members.
    """
    return (subject, *(Subject(GROUP, name) for name in implied_groups(subject)))


def is_break_glass(terms: Terms, subject: Subject) -> bool:
    """Return whether a subject may pass every check: always listed, never a finding.

    So may ``system:masters`` under any model: it passes before RBAC is asked, and removing its
    bindings would not change that.
    """
    return subject == MASTERS_SUBJECT or subject in terms.break_glass


@dataclass(slots=True)
class ExemptionBook:
    """Exemptions made quick to look up, since most of them name one exact subject."""

    _exact: dict[Subject, list[Exemption]] = field(default_factory=dict)
    # By the kind of subject that they cover.
    _patterns: dict[AnyKind, dict[Exemption, None]] = field(default_factory=dict)

    @classmethod
    def of(cls, exemptions: Iterable[Exemption]) -> ExemptionBook:
        """Return the book of these exemptions, whose placeholders have been filled."""
        book = cls()
        for exemption in exemptions:
            if exemption.subject is None:
                book._patterns.setdefault(exemption.kind, {})[exemption] = None
            else:
                entries = book._exact.setdefault(exemption.subject, [])
                if exemption not in entries:
                    entries.append(exemption)
        return book

    def of_subject(self, subject: Subject) -> tuple[Exemption, ...]:
        """Return the exemptions that cover a subject (in canonical form)."""
        return (
            *self._exact.get(subject, ()),
            *(p for p in self._patterns.get(subject.kind, ()) if p.covers(subject)),
        )

    def exact(self) -> Iterable[Subject]:
        """Return the subjects that are exempt by their full names."""
        return self._exact.keys()

    def for_item(self, subject: Subject, item: str) -> tuple[Exemption, ...]:
        """Return the exemptions that cover anything of an item for a subject."""
        return tuple(e for e in self.of_subject(subject) if e.for_item(item))


@dataclass(frozen=True, slots=True)
class Entitlement:
    """The entitlements of each party of one agreement at a given time."""

    agreement: Agreement
    by_party: dict[str, int]

    @classmethod
    def of(cls, agreement: Agreement, now: datetime) -> Entitlement:
        """Return the entitlements of an agreement at ``now``."""
        return cls(agreement, agreement.entitlements(now))

    def of_subject(self, subject: Subject) -> int:
        """Return what a subject may do: the union over the parties that declare it."""
        mask = 0
        for who in with_implied_groups(subject):
            for party in self.agreement.members.get(who, ()):
                mask |= self.by_party.get(party, 0)
        return mask
