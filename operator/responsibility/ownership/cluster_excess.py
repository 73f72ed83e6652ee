"""The other direction of drift, for rights that come from ClusterRoleBindings.

Such a right holds in every hub's namespace at once, so it is one finding that counts the hubs it
touches. Who can do everything is one finding as well, under the item that reserves just that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from responsibility.ownership.agreement import Agreement, ItemTerms
from responsibility.ownership.assessment import Exempt
from responsibility.ownership.entitlement import ExemptionBook
from responsibility.ownership.findings import Finding
from responsibility.ownership.fleet import Fleet
from responsibility.ownership.holdings import Holding, excess
from responsibility.ownership.questions import Names
from responsibility.ownership.shortfall import permission_texts, summarise
from responsibility.rbac.objects import Subject

CLUSTER_NAMES = Names()


@dataclass(frozen=True, slots=True)
class _Excess:
    """What one subject has beyond its due, as masks.

    ``cluster``: at cluster scope. ``everywhere``: on every hub whose record does not speak of
    the subject. ``by_record``: on the others.
    """

    cluster: int
    everywhere: int
    by_record: Mapping[str, int]

    @property
    def all(self) -> int:
        """Everything it has beyond its due, anywhere."""
        mask = self.cluster | self.everywhere
        for own in self.by_record.values():
            mask |= own
        return mask

    def hubs(self, reserved: int, records: int) -> int:
        """Return on how many hubs it has any of ``reserved`` beyond its due."""
        others = records - len(self.by_record) if self.everywhere & reserved else 0
        return others + sum(bool(mask & reserved) for mask in self.by_record.values())

    def untouched(self, reserved: int) -> frozenset[str]:
        """Return the records on whose hubs it has nothing of ``reserved`` beyond its due."""
        return frozenset(record for record, mask in self.by_record.items() if not mask & reserved)


@dataclass(frozen=True, slots=True)
class ClusterExcess:
    """Looks for cluster-wide excess, one subject at a time."""

    fleet: Fleet
    book: ExemptionBook
    wildcard: int
    reserved: int

    @classmethod
    def of(cls, fleet: Fleet, book: ExemptionBook) -> ClusterExcess:
        """Return it for all agreements of a model."""
        questions = fleet.terms.questions
        wildcard = reserved = 0
        for bit, cover in enumerate(questions.covers):
            wildcard |= (1 << bit) if cover == questions.all else 0
        for item in fleet.terms.items:
            reserved |= item.reserved
        return cls(fleet, book, wildcard, reserved)

    def findings(
        self, subject: Subject, holding: Holding, exempt: list[Exempt]
    ) -> Iterator[tuple[Finding, frozenset[str]]]:
        """Yield the findings about ``subject``, each with the records it does not touch."""
        over = self._excess(subject, holding)
        if not over.all:
            return
        top = over.cluster & self.wildcard
        exemptions = self.book.of_subject(subject)
        let_through: dict[str, list[str]] = {}
        for item in self.fleet.terms.items:
            wanted = item.reserved & (top or over.all)
            if not wanted:
                continue
            reason = next((e.reason for e in exemptions if e.for_item(item.name)), None)
            if reason is not None:
                let_through.setdefault(reason, []).append(item.name)
                continue
            at_cluster = over.cluster & item.reserved
            hubs = self.fleet.records if top else over.hubs(item.reserved, self.fleet.records)
            if at_cluster or hubs:
                untouched = frozenset() if at_cluster else over.untouched(item.reserved)
                yield self._finding(subject, holding, item, wanted, hubs), untouched
        exempt.extend(
            Exempt(subject, tuple(items), reason) for reason, items in let_through.items()
        )

    def _excess(self, subject: Subject, holding: Holding) -> _Excess:
        questions, fleet = self.fleet.terms.questions, self.fleet
        # Most subjects are in no record, and the same to every hub.
        special = fleet.agreements if holding.symbolic else fleet.special(subject)
        return _Excess(
            cluster=excess(
                holding,
                entitled=fleet.entitled(subject, special),
                reserved=self.reserved & ~questions.hub_mask,
                questions=questions,
                names=CLUSTER_NAMES,
            ),
            everywhere=0
            if holding.symbolic
            else excess(
                holding,
                entitled=0,
                reserved=self.reserved & questions.hub_mask,
                questions=questions,
                names=CLUSTER_NAMES,
            ),
            by_record={a.record: self._on_hub(subject, holding, a) for a in special if a.record},
        )

    def _on_hub(self, subject: Subject, holding: Holding, agreement: Agreement) -> int:
        questions = self.fleet.terms.questions
        beyond = excess(
            holding,
            entitled=self.fleet.entitled(subject, (agreement,)),
            reserved=self.reserved & questions.hub_mask,
            questions=questions,
            names=agreement.names,
        )
        for exemption in agreement.own_exemptions:
            if exemption.covers(subject):
                for item in self.fleet.terms.items:
                    if exemption.for_item(item.name):
                        beyond &= ~item.reserved
        return beyond

    def _finding(
        self, subject: Subject, holding: Holding, item: ItemTerms, wanted: int, hubs: int
    ) -> Finding:
        questions = self.fleet.terms.questions
        texts = permission_texts(wanted, questions, CLUSTER_NAMES)
        owners = " and ".join(sorted({p.label for p, _ in self.fleet.owners(item)}))
        only_hubs = not wanted & ~questions.hub_mask
        where = f" on {hubs} hub{'s' * (hubs != 1)}" if only_hubs else ""
        return Finding(
            kind="excess-access",
            item=item.name,
            number=item.number,
            hub=None,
            model=self.fleet.terms.name,
            subject=subject,
            permissions=texts,
            sources=tuple(sorted(holding.sources(wanted, questions, CLUSTER_NAMES), key=str)),
            hubs=hubs,
            message=f"{subject} can {summarise(texts)} cluster-wide{where}, "
            f"but {item.name} is {owners or 'nobody'}'s",
        )
