"""Assessment of one hub: its RBAC, held against its record.

Findings of the hub are about rights that RoleBindings in its own namespace give. What somebody
can do here because of a ClusterRoleBinding is found once, for the cluster, in
``assess_cluster``; here it counts for what owners can do, and as a further source.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_

from responsibility.ownership.access.escalation_findings import (
    Gains,
    as_holdings,
    further,
    with_routes,
)
from responsibility.ownership.access.grant_masks import NOTHING, Holding, Holdings, excess, in_order
from responsibility.ownership.access.policy_bypass import enforcement_bypasses
from responsibility.ownership.access.shortfall import (
    CheckedScope,
    shortfalls,
    split_asks,
)
from responsibility.ownership.duties import is_vacant
from responsibility.ownership.results.assessment import Exempt
from responsibility.ownership.results.findings import Finding
from responsibility.ownership.terms.access_reviews import Ask, Reviews
from responsibility.ownership.terms.agreement import Agreement, Item
from responsibility.ownership.terms.entitlement import (
    Entitlement,
    ExemptionBook,
    is_break_glass,
    with_implied_groups,
)
from responsibility.ownership.terms.exemptions import exempt_operator
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
    policies: Set[str] = frozenset(),
    gone: frozenset[Subject],
    reviews: Reviews,
    own: Subject | None,
    now: datetime,
) -> HubRbac:
    """Return findings in both directions, for the permissions asked in the hub's namespace.

    ``gains`` are what subjects can obtain here by escalation, and not because of what they can
    obtain cluster-wide: that is a finding of the cluster. With ``rights``, it is also said who
    can end what is enforced, see `endings`.
    """
    exempt: list[Exempt] = []
    book = ExemptionBook.of((*agreement.exemptions, *exempt_operator(own)))
    entitlement = Entitlement.of(agreement, now)
    findings = list(_excesses(entitlement, book, namespace, cluster, exempt))
    aside: list[Exempt] = []
    indirect = list(_excesses(entitlement, book, as_holdings(gains), {}, aside))
    exempt.extend(further(exempt, aside))
    reserved = {item.name: item.terms.reserved for item in agreement.items}
    direct = {(finding.subject, finding.item) for finding in findings}
    findings.extend(with_routes(indirect, gains.__getitem__, reserved, direct))
    if rights is not None:
        told = {(finding.subject, finding.item) for finding in findings}
        ends = enforcement_bypasses(agreement, entitlement, rights, policies=policies)
        findings.extend(
            _held_back(
                entitlement,
                ends,
                layers=(namespace, cluster),
                told=told,
                book=book,
                exempt=exempt,
                now=now,
            )
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
    )
    missing, asks = split_asks(_missing(agreement, where, gone))
    return HubRbac((*findings, *missing), tuple(exempt), tuple(asks))


def _excesses(
    entitlement: Entitlement,
    book: ExemptionBook,
    namespace: Mapping[Subject, Holding],
    cluster: Mapping[Subject, Holding],
    exempt: list[Exempt],
) -> Iterator[Finding]:
    agreement = entitlement.agreement
    terms = agreement.terms
    reserved = terms.reserved & terms.permissions.hub_mask
    lines = [(i, i.terms.reserved) for i in agreement.items if i.name not in agreement.unresolved]
    for subject, holding in namespace.items():
        if is_break_glass(terms, subject):
            continue
        entitled = entitlement.of_subject(subject)
        beyond = excess(
            holding,
            entitled=entitled,
            reserved=reserved,
            permissions=terms.permissions,
            names=agreement.names,
        )
        if not beyond:
            continue
        exemptions = book.of_subject(subject)
        held = (holding, cluster.get(subject, NOTHING))
        known: dict[int, tuple[Source, ...]] = {}
        let_through: dict[str, list[str]] = {}
        for item, reserved_by_it in lines:
            wanted = beyond & reserved_by_it
            if not wanted:
                continue
            reason = next((e.reason for e in exemptions if e.for_item(item.name)), None)
            if reason is None:
                if wanted not in known:
                    known[wanted] = _sources(wanted, held, entitled, agreement)
                yield _excess_finding(agreement, item, subject, wanted, known[wanted])
            else:
                let_through.setdefault(reason, []).append(item.name)
        exempt.extend(
            Exempt(subject, tuple(items), reason) for reason, items in let_through.items()
        )


def _held_back(
    entitlement: Entitlement,
    ends: Mapping[str, Mapping[Subject, Step]],
    *,
    layers: Sequence[Mapping[Subject, Holding]],
    told: Collection[tuple[Subject | None, str]],
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
            if (subject, item.name) in told or is_break_glass(agreement.terms, subject):
                continue
            mine = {
                p for who in with_implied_groups(subject) for p in agreement.members.get(who, ())
            }
            if mine & parties or entitlement.of_subject(subject) & permissions.everything:
                continue
            held = reduce(
                or_,
                (
                    layer[who].mask(permissions, agreement.names)
                    for who in with_implied_groups(subject)
                    for layer in layers
                    if who in layer
                ),
                0,
            )
            wanted = held & reserved[item.name] & permissions.hub_mask
            if not wanted or item.name in agreement.unresolved:
                continue
            reason = next(
                (e.reason for e in book.of_subject(subject) if e.for_item(item.name)), None
            )
            if reason is not None:
                exempt.extend(further(exempt, [Exempt(subject, (item.name,), reason)]))
                continue
            finding = _excess_finding(agreement, item, subject, wanted, ())
            ways = {subject: [RoutePart(wanted, (step,))]}
            yield from with_routes([finding], ways.__getitem__, reserved, ())


def _sources(
    wanted: int, held: Iterable[Holding], entitled: int, agreement: Agreement
) -> tuple[Source, ...]:
    permissions, names = agreement.terms.permissions, agreement.names
    return in_order(
        source
        for holding in held
        for source in holding.sources(wanted, permissions, names, entitled=entitled)
    )


def _excess_finding(
    agreement: Agreement,
    item: Item,
    subject: Subject,
    wanted: int,
    sources: tuple[Source, ...],
) -> Finding:
    return Finding(
        kind="excess-access",
        item=item.name,
        number=item.terms.number,
        hub=agreement.hub,
        title=item.terms.title,
        subject=subject,
        owners=(agreement.parties[item.owner].label,),
        declared=any(who in agreement.members for who in with_implied_groups(subject)),
        permissions=agreement.terms.permissions.select(wanted, agreement.names),
        sources=sources,
    )


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
