"""Excess, the other direction of drift, for rights that come from ClusterRoleBindings.

Such a right holds in every hub's namespace at once, so it is one finding that counts the hubs it
touches. Who can do everything is one finding as well: under the item that reserves just that, or
else under the first item that it exceeds, which then speaks for all the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import or_

from responsibility.ownership.access.cluster_rights import NO_LETS, ClusterRights, Lets
from responsibility.ownership.access.grant_masks import Holding, excess, in_order
from responsibility.ownership.results.assessment import Exempt
from responsibility.ownership.results.findings import Finding
from responsibility.ownership.terms.agreement import Agreement, ItemTerms
from responsibility.ownership.terms.entitlement import ExemptionBook, with_implied_groups
from responsibility.ownership.terms.exemptions import Exemption, covering
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
    held: Holding = field(default_factory=Holding)


@dataclass(frozen=True, slots=True)
class _Excess:
    """What one subject has beyond its due, as masks, and what of.

    ``cluster``: at cluster scope and in the model's fixed namespaces. ``everywhere``: on every
    hub that is not in ``special``. ``due`` is what it may do in the cluster, ``wide`` what it
    therefore may do on every hub, whatever that hub's record says.
    """

    cluster: int
    everywhere: int
    due: int
    wide: int
    special: tuple[_OnHub, ...]
    at_cluster: Holding
    on_any: Holding

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
    over: _Excess
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
class _Standing:
    """How a subject stands to the agreements: to which it is not like any other, and what is let.

    ``declared`` says that some agreement names it among a party's.
    """

    special: list[Agreement]
    lets: Lets
    declared: bool
    _by_item: dict[str, Lets] = field(default_factory=dict)

    def for_item(self, item: str) -> Lets:
        """Return what is let for an item: one object for all items for which it is the same."""
        if not self.lets:
            return NO_LETS
        known = self._by_item.get(item)
        if known is None:
            found = self.lets.for_item(item)
            known = next((each for each in self._by_item.values() if each == found), found)
            self._by_item[item] = known
        return known


@dataclass(frozen=True, slots=True)
class ClusterExcess:
    """Looks for cluster-wide excess, one subject at a time.

    ``shared`` are the exemptions that hold for all hubs and the cluster, ``parts`` those of the
    hubs' own parts, which on other hubs are strangers. Whoever is let through is added to
    ``exempt``.
    """

    fleet: Fleet
    shared: ExemptionBook
    parts: ExemptionBook
    exempt: list[Exempt] = field(default_factory=list)
    # What is known of subjects, and of all subjects of whom nothing is said that can obtain the
    # same: neither depends on what anybody holds.
    standings: dict[Subject, _Standing] = field(default_factory=dict)
    strangers: dict[int, tuple[_Line, ...]] = field(default_factory=dict)

    def findings(
        self, subject: Subject, rights: ClusterRights
    ) -> Iterator[tuple[Finding, frozenset[str]]]:
        """Yield the findings about ``subject``, each with the records it does not touch."""
        agreements = self._special(subject, rights)
        standing = self._standing(subject)
        held = rights.beyond((), CLUSTER_NAMES)
        if agreements or standing.lets or held.grants:
            lines = self._lines(subject, rights, agreements, standing)
        else:
            known = self.strangers.get(held.full)
            if known is None:
                known = self._lines(subject, rights, agreements, standing)
                self.strangers[held.full] = known
            lines = known
        for line in lines:
            yield self._finding(subject, line), line.untouched

    def _lines(
        self,
        subject: Subject,
        rights: ClusterRights,
        agreements: Sequence[Agreement],
        standing: _Standing,
    ) -> tuple[_Line, ...]:
        over = self.beyond_due(subject, rights, agreements, NO_LETS)
        if not over.all:
            return ()
        search = _Search(self, subject, rights, agreements, over, standing)
        lines = tuple(search.lines())
        self.exempt.extend(
            Exempt(subject, tuple(items), reason) for reason, items in search.let_through.items()
        )
        return lines

    def exemptions(self, subject: Subject, item: str) -> Iterator[tuple[Exemption, ...]]:
        """Yield the exemptions of a subject for an item, wherever; on any hub; for the cluster."""
        lets = self._standing(subject).for_item(item)
        by_record = (e for mine in lets.own.values() for e in mine)
        yield tuple(dict.fromkeys((*lets.at_cluster, *by_record)))
        yield lets.on_any
        yield lets.at_cluster

    def _standing(self, subject: Subject) -> _Standing:
        known = self.standings.get(subject)
        if known is None:
            special = self.fleet.special(subject)
            by_record = {
                agreement.record: mine
                for agreement in special
                if (mine := tuple(e for e in agreement.own_exemptions if e.covers(subject)))
            }
            lets = Lets(self.shared.of_subject(subject), self.parts.of_subject(subject), by_record)
            known = self.standings[subject] = _Standing(
                special, lets, declared=any(map(self.fleet.declares, with_implied_groups(subject)))
            )
        return known

    def _special(self, subject: Subject, rights: ClusterRights) -> list[Agreement]:
        """Return the agreements to which a subject is not like to any other; mostly none."""
        permissions, fleet = self.fleet.terms.permissions, self.fleet
        agreements = self._standing(subject).special
        holding = rights.beyond((), CLUSTER_NAMES)
        if holding.symbolic:
            usual = holding.mask(permissions, CLUSTER_NAMES)
            others = [a for a in fleet.agreements if holding.mask(permissions, a.names) != usual]
            agreements = list({a.record: a for a in (*agreements, *others)}.values())
        if rights.records:
            others = [a for a in fleet.agreements if a.record in rights.records]
            agreements = list({a.record: a for a in (*agreements, *others)}.values())
        return agreements

    def beyond_due(
        self, subject: Subject, rights: ClusterRights, agreements: Sequence[Agreement], lets: Lets
    ) -> _Excess:
        """Return what a subject has beyond its due, and beyond what is exempt."""
        permissions, fleet = self.fleet.terms.permissions, self.fleet
        due = fleet.entitled(subject, agreements)
        wide = permissions.wide(due)

        def beyond(
            held: Holding, reserved: int, entitled: int, names: Names = CLUSTER_NAMES
        ) -> int:
            return excess(
                held, entitled=entitled, reserved=reserved, permissions=permissions, names=names
            )

        reserved = fleet.terms.reserved
        on_hub = reserved & permissions.hub_mask
        special = []
        for agreement in agreements:
            if agreement.record:
                due_here = fleet.entitled(subject, (agreement,)) | wide
                mine = lets.on(agreement.record)
                held = rights.beyond(mine, agreement.names)
                if more := rights.on_hub(agreement.record, mine):
                    held = held.plus(Holding(more))
                mask = beyond(held, on_hub, due_here, agreement.names)
                special.append(_OnHub(agreement, due_here, mask, held))
        at_cluster = rights.beyond(lets.at_cluster, CLUSTER_NAMES)
        on_any = rights.beyond(lets.on_any, CLUSTER_NAMES)
        return _Excess(
            cluster=beyond(
                at_cluster, (reserved | permissions.everything) & ~permissions.hub_mask, due
            ),
            everywhere=beyond(on_any, on_hub, wide),
            due=due,
            wide=wide,
            special=tuple(special),
            at_cluster=at_cluster,
            on_any=on_any,
        )

    def under(self, finding: Finding, item: ItemTerms) -> Finding:
        """Return a finding as one about another item."""
        return replace(
            finding,
            item=item.name,
            number=item.number,
            title=item.title,
            owners=self._owners(item),
        )

    def _owners(self, item: ItemTerms) -> tuple[str, ...]:
        return tuple(sorted({party.label for party, _ in self.fleet.owners(item)}))

    def _finding(self, subject: Subject, line: _Line) -> Finding:
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
            owners=self._owners(item),
            declared=self._standing(subject).declared,
            permissions=terms.permissions.select(everything or mask, names),
            sources=in_order(self._sources(line)),
            hubs=line.hubs,
            items=line.items,
        )

    def _sources(self, line: _Line) -> Iterable[Source]:
        permissions, over = self.fleet.terms.permissions, line.over
        found = over.at_cluster.sources(line.cluster, permissions, CLUSTER_NAMES, entitled=over.due)
        found += over.on_any.sources(
            line.everywhere, permissions, CLUSTER_NAMES, entitled=over.wide
        )
        for on in line.touched:
            found += on.held.sources(on.beyond, permissions, on.agreement.names, entitled=on.due)
        return set(found)


@dataclass(slots=True)
class _Search:
    """The search for what one subject has too much of, item by item.

    ``over`` is what it has beyond its due, whatever is exempt.
    """

    seeker: ClusterExcess
    subject: Subject
    rights: ClusterRights
    agreements: Sequence[Agreement]
    over: _Excess
    standing: _Standing
    let_through: dict[str, dict[str, None]] = field(default_factory=dict)
    # By the identity of what is let, which the standing keeps.
    _rests: dict[int, _Excess] = field(default_factory=dict)

    def lines(self) -> list[_Line]:
        """Return what it has too much of; who can do everything has one line, or a few."""
        terms = self.seeker.fleet.terms
        everything = terms.permissions.everything
        if not self.over.cluster & everything:
            return [line for i in terms.items if (line := self._line(i, self._rest(i)))]
        rests = {item.name: self._rest(item) for item in terms.items}
        # Who can do everything: where items reserve just that, only they are asked.
        named = [item for item in terms.items if item.reserved & everything]
        concerned = [i for i in named or terms.items if rests[i.name].cluster & everything]
        if not concerned:
            return [line for i in terms.items if (line := self._line(i, rests[i.name]))]
        if not named:
            return _as_one(
                [line for i in concerned if (line := self._line(i, self.over))], everything
            )
        return [
            replace(
                line,
                cluster=everything,
                everywhere=0,
                others=self.seeker.fleet.records,
                touched=(),
            )
            for i in concerned
            if (line := self._line(i, rests[i.name])) and line.cluster
        ]

    def _rest(self, item: ItemTerms) -> _Excess:
        """Return what is left of an item when what is exempt has been taken off."""
        lets = self.standing.for_item(item.name)
        if not lets or not self._concerns(item):
            return self.over
        rest = self._rests.get(id(lets))
        if rest is None:
            rest = self.seeker.beyond_due(self.subject, self.rights, self.agreements, lets)
            self._rests[id(lets)] = rest
        before, after = self.over.all & item.reserved, rest.all & item.reserved
        if before & ~after or self._fewer(rest, item):
            exemptions = next(self.seeker.exemptions(self.subject, item.name))
            permissions = self.seeker.fleet.terms.permissions
            mask = before & ~after or before
            reason = covering(exemptions, mask, permissions, CLUSTER_NAMES).reason
            self.let_through.setdefault(reason, {})[item.name] = None
        return rest

    def _concerns(self, item: ItemTerms) -> bool:
        return bool(
            self.over.all & (item.reserved | self.seeker.fleet.terms.permissions.everything)
        )

    def _fewer(self, rest: _Excess, item: ItemTerms) -> bool:
        """Return whether it is let through on some hubs, or for the cluster."""
        return any(
            before & ~after & item.reserved
            for before, after in (
                (self.over.cluster, rest.cluster),
                (self.over.everywhere, rest.everywhere),
                *(
                    (b.beyond, a.beyond)
                    for b, a in zip(self.over.special, rest.special, strict=True)
                ),
            )
        )

    def _line(self, item: ItemTerms, over: _Excess) -> _Line | None:
        if not over.all & item.reserved:
            return None
        fleet = self.seeker.fleet
        at_cluster = over.cluster & item.reserved
        touched = tuple(
            replace(on, beyond=on.beyond & item.reserved)
            for on in over.special
            if on.beyond & item.reserved and item.name not in on.agreement.unresolved
        )
        everywhere = over.everywhere & item.reserved
        others = fleet.records - len(over.special) if everywhere else 0
        if not at_cluster and not others and not touched:
            return None
        untouched: frozenset[str] = frozenset()
        if not at_cluster:
            apart = over.special if others else [_OnHub(a, 0, 0) for a in fleet.agreements]
            untouched = frozenset({on.agreement.record for on in apart}) - {
                on.agreement.record for on in touched
            }
        return _Line(
            item, at_cluster, everywhere if others else 0, others, touched, untouched, over
        )


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
            over=lines[0].over,
            items=tuple(line.item.name for line in lines[1:]),
        )
    ]
