"""Assessment of one hub: its RBAC, held against its record.

Findings of the hub are about rights that RoleBindings in its own namespace give. What somebody
can do here because of a ClusterRoleBinding is found once, for the cluster, in
``assess_cluster``; here it counts for what owners can do, and as a further source.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import or_

from responsibility.ownership.access.escalation_findings import (
    ExemptWays,
    Gains,
    as_holdings,
    further,
    total,
    with_route,
)
from responsibility.ownership.access.grant_masks import NOTHING, Holding, Holdings, excess, in_order
from responsibility.ownership.access.hollow import hollow_findings
from responsibility.ownership.access.policy_bypass import enforcement_bypasses
from responsibility.ownership.access.refusals import RefusalTables
from responsibility.ownership.access.shortfall import (
    CheckedScope,
    shortfalls,
    split_asks,
)
from responsibility.ownership.duties import is_vacant
from responsibility.ownership.results.assessment import Exempt
from responsibility.ownership.results.findings import EXCESS, Finding
from responsibility.ownership.terms.access_reviews import Ask, Reviews
from responsibility.ownership.terms.agreement import Agreement, Item
from responsibility.ownership.terms.entitlement import (
    Entitlement,
    ExemptionBook,
    is_break_glass,
    with_implied_groups,
)
from responsibility.ownership.terms.exemptions import Exemption, covering, exempt_operator
from responsibility.rbac.escalation.permissions import Permissions
from responsibility.rbac.escalation.shortest_paths import RoutePart
from responsibility.rbac.escalation.steps import Step
from responsibility.rbac.objects import Source, Subject


@dataclass(frozen=True, slots=True)
class HubRbac:
    """Findings of RBAC about one hub."""

    findings: tuple[Finding, ...]
    exempt: tuple[Exempt, ...]
    asks: tuple[Ask, ...]


def assess_hub(
    agreement: Agreement,
    *,
    namespace: Holdings,
    cluster: Holdings,
    gains: Gains,
    rights: Permissions | None = None,
    enforcing: Permissions | None = None,
    policies: Set[str] = frozenset(),
    gone: frozenset[Subject],
    reviews: Reviews,
    operator: Subject | None,
    now: datetime,
    tables: RefusalTables,
) -> HubRbac:
    """Return findings in both directions, for the permissions asked in the hub's namespace.

    ``gains`` are what subjects can obtain here by escalation, and not because of what they can
    obtain cluster-wide: that is a finding of the cluster. With ``rights``, it is also said who
    can end what is enforced; with ``enforcing``, the same, what of it is hollow; ``tables`` are
    what other hubs have in common with it for that.
    """
    exempt: list[Exempt] = []
    book = ExemptionBook.of((*agreement.exemptions, *exempt_operator(operator)))
    entitlement = Entitlement.of(agreement, now)
    permissions, names = agreement.terms.permissions, agreement.names

    def held(subject: Subject, exemptions: Sequence[Exemption]) -> Holding:
        return namespace[subject].beyond(exemptions, permissions, names)

    findings = list(_Search(entitlement, book, held, exempt).findings(namespace, cluster))
    if gains and rights is not None:
        told = {(finding.subject, finding.item) for finding in findings}
        let = ExemptWays(rights.graph, permissions.everything, names)
        indirect, through = _indirect(entitlement, book, gains, let)
        findings.extend(f for f in indirect if (f.subject, f.item) not in told)
        exempt.extend(further(exempt, through))
    if rights is not None:
        reported = {(finding.subject, finding.item) for finding in findings}
        ends = enforcement_bypasses(agreement, entitlement, rights, policies=policies)
        findings.extend(
            _held_back(
                entitlement,
                ends,
                layers=(namespace, cluster),
                reported=reported,
                book=book,
                exempt=exempt,
                now=now,
            )
        )
    if enforcing is not None:
        layers = (namespace, cluster)
        findings.extend(
            hollow_findings(agreement, book, enforcing, layers=layers, now=now, tables=tables)
        )
    where = CheckedScope(
        hub=agreement.hub,
        model=agreement.terms.name,
        permissions=agreement.terms.permissions,
        names=agreement.names,
        scope=agreement.terms.required & agreement.terms.permissions.hub_mask,
        layers=(cluster, namespace),
        reviews=reviews,
        gone=gone,
        by_use=agreement.terms.by_use,
    )
    missing, asks = split_asks(_missing(agreement, where, gone))
    return HubRbac((*findings, *missing), tuple(exempt), tuple(asks))


@dataclass(frozen=True, slots=True)
class _Search:
    """The search for excess of subjects in the hub's namespace.

    ``left`` says what a subject has beyond what exemptions cover; whoever is let through is added
    to ``exempt``.
    """

    entitlement: Entitlement
    book: ExemptionBook
    left: Callable[[Subject, Sequence[Exemption]], Holding]
    exempt: list[Exempt] = field(default_factory=list)
    _owners: dict[str, tuple[str, ...]] = field(init=False, default_factory=dict)

    def findings(
        self, held: Mapping[Subject, Holding], wide: Mapping[Subject, Holding]
    ) -> Iterator[Finding]:
        """Yield findings about what is ``held``; ``wide`` is what else gives it, cluster-wide."""
        agreement = self.entitlement.agreement
        terms = agreement.terms
        self._owners.update((item.name, _owners(agreement, item)) for item in agreement.items)
        for subject, holding in held.items():
            if not is_break_glass(terms, subject):
                yield from self._of(subject, holding, wide.get(subject, NOTHING))

    def _of(self, subject: Subject, holding: Holding, wide: Holding) -> Iterator[Finding]:
        agreement = self.entitlement.agreement
        permissions, names = agreement.terms.permissions, agreement.names
        entitled = self.entitlement.of_subject(subject)
        reserved = agreement.terms.reserved & permissions.hub_mask

        def beyond(held: Holding) -> int:
            return excess(
                held, entitled=entitled, reserved=reserved, permissions=permissions, names=names
            )

        whole = beyond(holding)
        if not whole:
            return
        exemptions = self.book.of_subject(subject)
        # By the exemptions that hold for an item: what is left, and its sources.
        rests: dict[tuple[Exemption, ...], tuple[int, _Sources]] = {
            (): (whole, _Sources((holding, wide), entitled, agreement))
        }
        let_through: dict[str, list[str]] = {}
        declared = _declared(agreement, subject)
        for place, reserving in agreement.terms.reserving(whole):
            item, wanted = agreement.items[place], reserving
            if item.name in agreement.unresolved:
                continue
            lets = tuple(e for e in exemptions if e.for_item(item.name)) if exemptions else ()
            if lets not in rests:
                rest = self.left(subject, lets)
                layers = (rest, wide.beyond(lets, permissions, names))
                rests[lets] = (beyond(rest), _Sources(layers, entitled, agreement))
            mask, sources = rests[lets]
            if wanted & ~mask:
                reason = covering(lets, wanted & ~mask, permissions, names).reason
                let_through.setdefault(reason, []).append(item.name)
            wanted &= mask
            if wanted:
                yield Finding(
                    kind=EXCESS,
                    item=item.name,
                    number=item.terms.number,
                    hub=agreement.hub,
                    title=item.terms.title,
                    subject=subject,
                    owners=self._owners[item.name],
                    declared=declared,
                    permissions=permissions.select(wanted, names),
                    sources=sources.of(wanted),
                )
        self.exempt.extend(
            Exempt(subject, tuple(items), reason) for reason, items in let_through.items()
        )


def _indirect(
    entitlement: Entitlement, book: ExemptionBook, gains: Gains, let: ExemptWays
) -> tuple[list[Finding], list[Exempt]]:
    """Return what subjects can obtain, and who is let through."""
    reserved = {item.name: item.terms.reserved for item in entitlement.agreement.items}

    def left(subject: Subject, exemptions: Sequence[Exemption]) -> Holding:
        return Holding(total(let.beyond(gains[subject], exemptions)))

    search = _Search(entitlement, book, left)
    found: list[Finding] = []
    for finding in search.findings(as_holdings(gains), {}):
        assert finding.subject is not None  # noqa: S101 - excess is somebody's
        ways = let.beyond(gains[finding.subject], book.for_item(finding.subject, finding.item))
        found.extend(filter(None, [with_route(finding, ways, reserved)]))
    return found, search.exempt


def _held_back(
    entitlement: Entitlement,
    ends: Mapping[str, Mapping[Subject, Step]],
    *,
    layers: Sequence[Mapping[Subject, Holding]],
    reported: Collection[tuple[Subject | None, str]],
    book: ExemptionBook,
    exempt: list[Exempt],
    now: datetime,
) -> Iterator[Finding]:
    """Yield who holds what an item reserves, is kept from it by a policy, and can end that.

    Such a subject has it by RBAC because another item of its own needs it too; of all others the
    direct finding tells. Who is entitled to everything is left everything.
    """
    agreement = entitlement.agreement
    permissions = agreement.terms.permissions
    reserved = {item.name: item.terms.reserved for item in agreement.items}
    for item in agreement.items:
        parties = set(item.parties(now))
        for subject, step in ends.get(item.name, {}).items():
            if (subject, item.name) in reported or is_break_glass(agreement.terms, subject):
                continue
            mine = {
                p for who in with_implied_groups(subject) for p in agreement.members.get(who, ())
            }
            if mine & parties or entitlement.of_subject(subject) & permissions.everything:
                continue
            if item.name in agreement.unresolved:
                continue
            lets = book.for_item(subject, item.name)
            held, left = (
                reduce(
                    or_,
                    (
                        layer[who]
                        .beyond(covered, permissions, agreement.names)
                        .mask(permissions, agreement.names)
                        for who in with_implied_groups(subject)
                        for layer in layers
                        if who in layer
                    ),
                    0,
                )
                & reserved[item.name]
                & permissions.hub_mask
                for covered in ((), lets)
            )
            if held & ~left:
                reason = covering(lets, held & ~left, permissions, agreement.names).reason
                exempt.extend(further(exempt, [Exempt(subject, (item.name,), reason)]))
            wanted = left
            if not wanted:
                continue
            finding = Finding(
                kind=EXCESS,
                item=item.name,
                number=item.terms.number,
                hub=agreement.hub,
                title=item.terms.title,
                subject=subject,
                owners=_owners(agreement, item),
                declared=_declared(agreement, subject),
                permissions=permissions.select(wanted, agreement.names),
            )
            told_with_route = with_route(finding, [RoutePart(wanted, (step,))], reserved)
            if told_with_route is not None:
                yield told_with_route


@dataclass(slots=True)
class _Sources:
    """The sources of a subject's rights, the same object for all that the same rules give."""

    held: Sequence[Holding]
    entitled: int
    agreement: Agreement
    _by_rules: dict[Hashable, tuple[Source, ...]] = field(init=False, default_factory=dict)

    def of(self, wanted: int) -> tuple[Source, ...]:
        """Return the sources of any bit of ``wanted``, in order."""
        by: Hashable = tuple([holding.hits(wanted) for holding in self.held])
        known = self._by_rules.get(by)
        if known is None:
            permissions, names = self.agreement.terms.permissions, self.agreement.names
            known = self._by_rules[by] = in_order(
                source
                for holding in self.held
                for source in holding.sources(wanted, permissions, names, entitled=self.entitled)
            )
        return known


def _owners(agreement: Agreement, item: Item) -> tuple[str, ...]:
    party = agreement.parties.get(item.owner)
    return (party.label,) if party is not None else ()


def _declared(agreement: Agreement, subject: Subject) -> bool:
    return any(who in agreement.members for who in with_implied_groups(subject))


def _missing(
    agreement: Agreement,
    where: CheckedScope,
    gone: frozenset[Subject],
) -> Iterator[Finding | Ask]:
    known = {}
    for item in agreement.items:
        owner = agreement.parties.get(item.owner)
        if owner is None or not owner.subjects or item.name in agreement.unresolved:
            continue
        if not item.terms.required & where.scope or is_vacant(owner, gone):
            continue
        if owner.name not in known:
            known[owner.name] = where.abilities(owner)
        yield from shortfalls(item, owner, known[owner.name], where)
