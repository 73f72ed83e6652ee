"""Excess, the other direction of drift, for rights that come from ClusterRoleBindings.

Such a right holds in every hub's namespace at once, so it is one finding that counts the hubs it
touches. Who can do everything is one finding as well: under the item that reserves just that, or
else under the first item that it exceeds, which then speaks for all the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import or_
from types import MappingProxyType

from responsibility.ownership.access.grant_masks import Holding, excess, in_order
from responsibility.ownership.results.assessment import Exempt
from responsibility.ownership.results.findings import Finding
from responsibility.ownership.terms.agreement import Agreement, ItemTerms
from responsibility.ownership.terms.entitlement import ExemptionBook, with_implied_groups
from responsibility.ownership.terms.exemptions import Exemption
from responsibility.ownership.terms.fleet import Fleet
from responsibility.ownership.terms.permission_index import Names
from responsibility.rbac.objects import Source, Subject

CLUSTER_NAMES = Names()

# How a permission is written that is about every hub: with what differs left open.
EVERY_HUB = Names("<namespace>", "<release>", "")


@dataclass(frozen=True, slots=True)
class _OnHub:
    """What a subject is due, and has beyond it, on a hub to which it is not like any other."""

    agreement: Agreement
    due: int
    beyond: int
    exemptions: tuple[Exemption, ...] = ()

    def reason(self, item: str) -> str | None:
        """Return why the subject is let through here for an item, None if it is not."""
        return next((e.reason for e in self.exemptions if e.for_item(item)), None)


@dataclass(frozen=True, slots=True)
class _Excess:
    """What one subject has beyond its due, as masks.

    ``cluster``: at cluster scope and in the model's fixed namespaces. ``everywhere``: on every
    hub that is not in ``special``. ``due`` is what it may do in the cluster, ``wide`` what it
    therefore may do on every hub, whatever that hub's record says.
    """

    cluster: int
    everywhere: int
    due: int
    wide: int
    special: tuple[_OnHub, ...]

    @property
    def all(self) -> int:
        """Everything it has beyond its due, anywhere."""
        return reduce(or_, (on.beyond for on in self.special), self.cluster | self.everywhere)


@dataclass(frozen=True, slots=True)
class _Line:
    """What a subject has beyond its due of one item, and where.

    ``others`` counts the hubs that are not in ``touched``, where it has ``everywhere``;
    ``untouched`` are the records of those where it has nothing too many.
    """

    item: ItemTerms
    cluster: int
    everywhere: int
    others: int
    touched: tuple[_OnHub, ...]
    untouched: frozenset[str]
    items: tuple[str, ...] = ()

    @property
    def mask(self) -> int:
        """All of it."""
        return reduce(or_, (on.beyond for on in self.touched), self.cluster | self.everywhere)

    @property
    def hubs(self) -> int:
        """On how many hubs that is so."""
        return self.others + len(self.touched)


@dataclass(frozen=True, slots=True)
class ClusterExcess:
    """Looks for cluster-wide excess, one subject at a time.

    ``shared`` are the exemptions that hold for all hubs and the cluster, ``parts`` those of the
    hubs' own parts, which on other hubs are strangers. Whoever is let through is added to
    ``exempt``. ``of_everything`` are the exemptions that also let through who can do everything:
    no part of any hub needs that, so whoever is exempt as one is told all the same.
    """

    fleet: Fleet
    shared: ExemptionBook
    parts: ExemptionBook
    of_everything: ExemptionBook
    exempt: list[Exempt] = field(default_factory=list)

    def findings(
        self, subject: Subject, holding: Holding, on_hubs: Mapping[str, int] = MappingProxyType({})
    ) -> Iterator[tuple[Finding, frozenset[str]]]:
        """Yield the findings about ``subject``, each with the records it does not touch.

        ``on_hubs`` is what it has beyond that, by record, on some hubs only.
        """
        over = self._excess(subject, holding, on_hubs)
        if not over.all:
            return
        let_through: dict[str, dict[str, None]] = {}
        for line in self._lines(subject, over, let_through):
            yield self._finding(subject, holding, over, line), line.untouched
        self.exempt.extend(
            Exempt(subject, tuple(items), reason) for reason, items in let_through.items()
        )

    def _excess(self, subject: Subject, holding: Holding, on_hubs: Mapping[str, int]) -> _Excess:
        permissions, fleet = self.fleet.terms.permissions, self.fleet
        # Most subjects are in no record, and the same to every hub.
        agreements = fleet.special(subject)
        if holding.symbolic:
            usual = holding.mask(permissions, CLUSTER_NAMES)
            others = [a for a in fleet.agreements if holding.mask(permissions, a.names) != usual]
            agreements = list({a.record: a for a in (*agreements, *others)}.values())
        if on_hubs:
            others = [a for a in fleet.agreements if a.record in on_hubs]
            agreements = list({a.record: a for a in (*agreements, *others)}.values())
        due = fleet.entitled(subject, agreements)
        wide = permissions.wide(due)

        def beyond(
            reserved: int, entitled: int, names: Names = CLUSTER_NAMES, held: Holding = holding
        ) -> int:
            return excess(
                held, entitled=entitled, reserved=reserved, permissions=permissions, names=names
            )

        reserved = fleet.terms.reserved
        on_hub = reserved & permissions.hub_mask
        special = []
        for agreement in agreements:
            if agreement.record:
                own = fleet.entitled(subject, (agreement,)) | wide
                more = on_hubs.get(agreement.record, 0)
                held = holding.plus(Holding(more)) if more else holding
                mask = beyond(on_hub, own, agreement.names, held)
                let = [e for e in agreement.own_exemptions if e.covers(subject)] if mask else ()
                special.append(_OnHub(agreement, own, mask, tuple(let)))
        return _Excess(
            cluster=beyond((reserved | permissions.everything) & ~permissions.hub_mask, due),
            everywhere=beyond(on_hub, wide),
            due=due,
            wide=wide,
            special=tuple(special),
        )

    def _lines(
        self, subject: Subject, over: _Excess, let_through: dict[str, dict[str, None]]
    ) -> list[_Line]:
        everything = self.fleet.terms.permissions.everything
        items = self.fleet.terms.items
        if not over.cluster & everything:
            return [line for i in items if (line := self._line(subject, over, i, let_through))]
        # Who can do everything: where items reserve just that, only they are asked.
        named = [item for item in items if item.reserved & everything]
        if not named:
            return _as_one(
                [line for i in items if (line := self._line(subject, over, i, let_through))],
                everything,
            )
        return [
            replace(line, cluster=everything, everywhere=0, others=self.fleet.records, touched=())
            for item in named
            if (line := self._line(subject, over, item, let_through)) and line.cluster
        ]

    def _line(
        self,
        subject: Subject,
        over: _Excess,
        item: ItemTerms,
        let_through: dict[str, dict[str, None]],
    ) -> _Line | None:
        def passed(reason: str | None) -> bool:
            if reason is not None:
                let_through.setdefault(reason, {})[item.name] = None
            return reason is not None

        if not over.all & item.reserved:
            return None
        everything = over.cluster & item.reserved & self.fleet.terms.permissions.everything
        book = self.of_everything if everything else self.shared
        if passed(book.reason(subject, item.name)):
            return None
        at_cluster = over.cluster & item.reserved
        if at_cluster and not everything and passed(self.parts.reason(subject, item.name)):
            at_cluster = 0
        touched = tuple(
            replace(on, beyond=on.beyond & item.reserved)
            for on in over.special
            if on.beyond & item.reserved
            and item.name not in on.agreement.unresolved
            and not passed(on.reason(item.name))
        )
        everywhere = over.everywhere & item.reserved
        others = self.fleet.records - len(over.special) if everywhere else 0
        if not at_cluster and not others and not touched:
            return None
        untouched: frozenset[str] = frozenset()
        if not at_cluster:
            apart = over.special if others else [_OnHub(a, 0, 0) for a in self.fleet.agreements]
            untouched = frozenset({on.agreement.record for on in apart}) - {
                on.agreement.record for on in touched
            }
        return _Line(item, at_cluster, everywhere if others else 0, others, touched, untouched)

    def _finding(self, subject: Subject, holding: Holding, over: _Excess, line: _Line) -> Finding:
        terms, item = self.fleet.terms, line.item
        mask = line.mask
        names = EVERY_HUB
        if self.fleet.records == 1:
            names = self.fleet.agreements[0].names
        elif line.hubs == 1 and line.touched:
            names = line.touched[0].agreement.names
        # Everything is said by one permission.
        everything = mask & terms.permissions.everything
        return Finding(
            kind="excess-access",
            item=item.name,
            number=item.number,
            hub=None,
            model=terms.name,
            title=item.title,
            subject=subject,
            owners=tuple(sorted({party.label for party, _ in self.fleet.owners(item)})),
            declared=any(map(self.fleet.declares, with_implied_groups(subject))),
            permissions=terms.permissions.select(everything or mask, names),
            sources=in_order(self._sources(holding, over, line)),
            hubs=line.hubs,
            items=line.items,
        )

    def _sources(self, holding: Holding, over: _Excess, line: _Line) -> Iterable[Source]:
        permissions = self.fleet.terms.permissions
        if not holding.partial:
            return holding.sources(line.mask, permissions, CLUSTER_NAMES)
        found = holding.sources(line.cluster, permissions, CLUSTER_NAMES, entitled=over.due)
        found += holding.sources(line.everywhere, permissions, CLUSTER_NAMES, entitled=over.wide)
        for on in line.touched:
            found += holding.sources(on.beyond, permissions, on.agreement.names, entitled=on.due)
        return set(found)


def _as_one(lines: list[_Line], everything: int) -> list[_Line]:
    """Return the line that speaks for all of them: what they are about is all the same."""
    if not lines:
        return []
    touched: dict[str, _OnHub] = {}
    for line in lines:
        for on in line.touched:
            known = touched.setdefault(on.agreement.record, on)
            touched[on.agreement.record] = replace(on, beyond=on.beyond | known.beyond)
    return [
        _Line(
            item=lines[0].item,
            cluster=reduce(or_, (line.cluster for line in lines), everything),
            everywhere=reduce(or_, (line.everywhere for line in lines)),
            others=max(line.others for line in lines),
            touched=tuple(touched.values()),
            untouched=frozenset(),
            items=tuple(line.item.name for line in lines[1:]),
        )
    ]
