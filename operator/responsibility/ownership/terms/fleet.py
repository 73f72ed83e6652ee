"""All agreements on one model, seen together: who owns what of the things there is one of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from responsibility.ownership.terms.agreement import Agreement, ItemTerms, Party, Terms
from responsibility.ownership.terms.entitlement import Entitlement, with_implied_groups
from responsibility.ownership.terms.exemptions import Exemption
from responsibility.rbac.objects import Subject


@dataclass(slots=True)
class Fleet:
    """The agreements of one model, indexed by the subjects they speak of.

    ``agreements`` has at least one: without any record, the model's own defaults stand in as an
    agreement without a record. ``records`` counts the real ones.
    """

    terms: Terms
    agreements: Sequence[Agreement]
    now: datetime
    entitlements: dict[str, Entitlement] = field(init=False)
    records: int = field(init=False)
    _declared: dict[Subject, list[Agreement]] = field(init=False, default_factory=dict)
    _exempting: dict[Subject, list[Agreement]] = field(init=False, default_factory=dict)
    # By the namespace of ServiceAccounts; None for all others.
    _patterns: dict[str | None, dict[Exemption, list[Agreement]]] = field(
        init=False, default_factory=dict
    )
    _unresolved: list[Agreement] = field(init=False, default_factory=list)
    _owners: dict[str, list[tuple[Party, list[Agreement]]]] = field(
        init=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        """Index the agreements."""
        self.entitlements = {a.record: Entitlement.of(a, self.now) for a in self.agreements}
        self.records = sum(bool(a.record) for a in self.agreements)
        for agreement in self.agreements:
            for subject in agreement.members:
                self._declared.setdefault(subject, []).append(agreement)
            for exemption in agreement.own_exemptions:
                if exemption.subject is None:
                    here = self._patterns.setdefault(exemption.exact_namespace, {})
                    here.setdefault(exemption, []).append(agreement)
                else:
                    self._exempting.setdefault(exemption.subject, []).append(agreement)
            if agreement.unresolved:
                self._unresolved.append(agreement)

    def declares(self, subject: Subject) -> bool:
        """Return whether some agreement names a subject among a party's."""
        return subject in self._declared

    def declared(self, namespace: str) -> list[Subject]:
        """Return the ServiceAccounts of a namespace that some agreement names."""
        return [subject for subject in self._declared if subject.namespace == namespace]

    def special(self, subject: Subject) -> list[Agreement]:
        """Return the agreements to which ``subject`` is not like any other; most often few.

        They declare or exempt it, or have lines of which nothing may be said.
        """
        found = {
            a.record: a for who in with_implied_groups(subject) for a in self._declared.get(who, ())
        }
        found.update((a.record, a) for a in self._exempting.get(subject, ()))
        for place in (None, subject.namespace):
            for exemption, agreements in self._patterns.get(place, {}).items():
                if exemption.covers(subject):
                    found.update((a.record, a) for a in agreements)
        found.update((a.record, a) for a in self._unresolved)
        return list(found.values())

    def entitled(self, subject: Subject, agreements: Iterable[Agreement]) -> int:
        """Return what ``subject`` may do by any of ``agreements``."""
        mask = 0
        for agreement in agreements:
            mask |= self.entitlements[agreement.record].of_subject(subject)
        return mask

    def owners(self, item: ItemTerms) -> list[tuple[Party, list[Agreement]]]:
        """Return the distinct owners of an item, each with the agreements that name it.

        Two records mean the same party by a name if they give it the same subjects.
        """
        known = self._owners.get(item.name)
        if known is None:
            known = self._owners[item.name] = self._find_owners(item)
        return known

    def _find_owners(self, item: ItemTerms) -> list[tuple[Party, list[Agreement]]]:
        found: dict[tuple[str, frozenset[Subject]], tuple[Party, list[Agreement]]] = {}
        for agreement in self.agreements:
            if item.name in agreement.unresolved:
                continue
            party = agreement.parties.get(agreement.item(item.name).owner)
            if party is not None:
                key = (party.name, frozenset(party.subjects))
                found.setdefault(key, (party, []))[1].append(agreement)
        return list(found.values())
