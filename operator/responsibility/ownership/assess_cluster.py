"""Assessment of what the cluster has once: cluster-wide rights, for all records of a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from responsibility.ownership.access.cluster_rights import DirectRights, ObtainableRights
from responsibility.ownership.access.escalation_findings import (
    ClusterGains,
    ExemptWays,
    further,
    with_route,
)
from responsibility.ownership.access.grant_masks import NOTHING, Holding, Holdings, in_order
from responsibility.ownership.access.hub_service_accounts import TOGETHER, escalates_within_hub
from responsibility.ownership.access.shortfall import CheckedScope, shortfalls, split_asks
from responsibility.ownership.cluster_excess import (
    CLUSTER_NAMES,
    ClusterExcess,
)
from responsibility.ownership.duties import is_vacant
from responsibility.ownership.results.assessment import BreakGlassHolder, Exempt
from responsibility.ownership.results.facts import Disagreement
from responsibility.ownership.results.findings import Finding
from responsibility.ownership.terms.access_reviews import Ask, Reviews
from responsibility.ownership.terms.agreement import Agreement, Item, ItemTerms, Terms
from responsibility.ownership.terms.entitlement import ExemptionBook, is_break_glass
from responsibility.ownership.terms.exemptions import Exemption, exempt_operator
from responsibility.ownership.terms.fleet import Fleet
from responsibility.ownership.terms.permission_index import EVERYTHING, Names, PermissionIndex
from responsibility.rbac.graph import MASTERS_SUBJECT, AccessGraph
from responsibility.rbac.objects import Subject


@dataclass(frozen=True, slots=True)
class ClusterRbac:
    """Findings of RBAC about the cluster; ``untouched`` maps a finding's id to records."""

    findings: tuple[Finding, ...]
    break_glass: tuple[BreakGlassHolder, ...]
    exempt: tuple[Exempt, ...]
    asks: tuple[Ask, ...]
    untouched: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True, eq=False)
class ClusterDirect:
    """Findings of the cluster whatever subjects can obtain; ``reported`` is of whom and what."""

    fleet: Fleet
    holdings: Holdings
    break_glass: tuple[BreakGlassHolder, ...]
    disagreements: tuple[Finding, ...]
    # Not there where nothing is said of subjects.
    seeker: ClusterExcess | None = None
    excess: tuple[tuple[Finding, frozenset[str]], ...] = ()
    reported: frozenset[tuple[Subject | None, str]] = frozenset()
    missing: tuple[Finding, ...] = ()
    asks: tuple[Ask, ...] = ()


def assess_direct(
    fleet: Fleet,
    *,
    cluster: Holdings,
    fixed: Mapping[str, Holdings],
    own_names: Sequence[Names],
    gone: frozenset[Subject],
    reviews: Reviews,
    operator: Subject | None,
    checked: bool,
) -> ClusterDirect:
    """Return what holds for the cluster as a whole, but for what subjects can obtain.

    ``cluster`` are the holdings by ClusterRoleBindings, ``fixed`` those in the namespaces that
    the model names, ``own_names`` the names of all hubs there are: a hub's own ServiceAccounts
    are exempt from what the cluster has one of; on other hubs their rights do count. Without
    ``checked``, nothing is said of subjects but who may do everything.
    """
    terms = fleet.terms
    holdings = _with_fixed(cluster, fixed, terms.permissions)
    break_glass = _break_glass(terms, holdings)
    disagreements = tuple(_disagreements(fleet))
    if not checked:
        return ClusterDirect(fleet, holdings, break_glass, disagreements)
    shared, parts = _books(terms.exemptions, tuple(own_names), operator)
    seeker = ClusterExcess(fleet, shared=shared, parts=parts)
    permissions = terms.permissions
    excess = tuple(
        found
        for subject, holding in holdings.items()
        if not is_break_glass(terms, subject)
        for found in seeker.findings(subject, DirectRights(holding, permissions))
    )
    missing, asks = split_asks(_missing(fleet, holdings, gone, reviews))
    return ClusterDirect(
        fleet,
        holdings,
        break_glass,
        disagreements,
        seeker,
        excess,
        frozenset((finding.subject, finding.item) for finding, _ in excess),
        tuple(missing),
        tuple(asks),
    )


@lru_cache(maxsize=4)
def _books(
    exemptions: tuple[Exemption, ...], own_names: tuple[Names, ...], operator: Subject | None
) -> tuple[ExemptionBook, ExemptionBook]:
    """Return the exemptions of all hubs, and those of parts of each, filled for all there are.

    A plan tries hundreds of changes of bindings, none of which changes what hubs there are: filling
    this for hundreds of hubs took more than half of the time of all plans.
    """
    return (
        ExemptionBook.of(
            (
                *(e for e in exemptions if not e.symbolic),
                *(e.fill(n) for e in exemptions if e.any_hub for n in own_names),
                *exempt_operator(operator),
            )
        ),
        ExemptionBook.of(e.fill(n) for e in exemptions if e.symbolic for n in own_names),
    )


def assess_cluster(
    direct: ClusterDirect,
    *,
    gains: ClusterGains,
    graph: AccessGraph,
    bound_at_home: frozenset[Subject],
) -> ClusterRbac:
    """Return what holds for the cluster as a whole.

    ``gains`` is what subjects can obtain by escalation in this ``graph``.
    ``bound_at_home`` are those of the hubs'
    own ServiceAccounts that stand together, see ``access.hub_service_accounts``.
    """
    if direct.seeker is None:
        return ClusterRbac(direct.disagreements, direct.break_glass, (), (), {})
    seeker = replace(direct.seeker, exempt=list(direct.seeker.exempt))
    excess = (*direct.excess, *_indirect(direct, seeker, gains, graph, bound_at_home))
    return ClusterRbac(
        findings=(*direct.disagreements, *(finding for finding, _ in excess), *direct.missing),
        break_glass=direct.break_glass,
        exempt=tuple(seeker.exempt),
        asks=direct.asks,
        untouched={finding.id: records for finding, records in excess if records},
    )


def _indirect(
    direct: ClusterDirect,
    seeker: ClusterExcess,
    gains: ClusterGains,
    graph: AccessGraph,
    bound_at_home: frozenset[Subject],
) -> Iterator[tuple[Finding, frozenset[str]]]:
    """Yield what subjects can obtain cluster-wide, each with the records it does not touch.

    Who holds everything already can obtain nothing more.
    """
    holdings, terms = direct.holdings, direct.fleet.terms
    permissions = terms.permissions
    reserved = {item.name: item.reserved | permissions.everything for item in terms.items}
    excluded = replace(seeker, exempt=[])
    let = ExemptWays(graph, permissions.everything, CLUSTER_NAMES)
    for subject in gains.subjects():
        held = holdings.get(subject, NOTHING).mask(permissions, CLUSTER_NAMES)
        if held & permissions.everything or is_break_glass(terms, subject):
            continue
        rights = ObtainableRights(subject, gains, let, permissions.all & ~held)
        if not rights.beyond((), CLUSTER_NAMES).full and not rights.records:
            continue
        found = list(excluded.findings(subject, rights))
        together = found and subject in bound_at_home and seeker.parts.of_subject(subject)
        if together and escalates_within_hub(subject, direct.fleet, holdings, gains):
            items = tuple(dict.fromkeys(finding.item for finding, _ in found))
            excluded.exempt.append(Exempt(subject, items, TOGETHER))
            continue
        for finding, records in found:
            # What is let through on its own hub may be told of the others.
            ways = (
                way
                for lets in excluded.exemptions(subject, finding.item)
                for way in rights.ways(lets)
            )
            routed = with_route(finding, ways, reserved)
            if routed is not None and (subject, finding.item) in direct.reported:
                taken = {finding.item for finding, _ in found}
                free = (i for i in terms.items if i.name not in taken)
                free = (i for i in free if (subject, i.name) not in direct.reported)
                routed = _told_elsewhere(routed, excluded, next(free, None))
            if routed is not None:
                yield routed, records
    seeker.exempt.extend(further(seeker.exempt, excluded.exempt))


def _told_elsewhere(
    finding: Finding, seeker: ClusterExcess, free: ItemTerms | None
) -> Finding | None:
    """Return what an item can't tell, of which its subject has something already by a binding.

    A way to everything is told under another one, so that nothing smaller hides it.
    """
    if free is None or EVERYTHING not in finding.permissions:
        return None
    return seeker.under(finding, free)


def _with_fixed(
    cluster: Holdings, fixed: Mapping[str, Holdings], permissions: PermissionIndex
) -> Holdings:
    """Return cluster-wide holdings, and with them those in the model's fixed namespaces."""
    merged = Holdings(cluster)
    for namespace, holdings in fixed.items():
        scope = permissions.in_namespace(namespace)
        for subject, holding in holdings.items():
            local = holding.within(scope)
            if local.grants:
                merged[subject] = merged.get(subject, NOTHING).plus(local)
    return merged


def _break_glass(terms: Terms, holdings: Holdings) -> tuple[BreakGlassHolder, ...]:
    """Return who can do everything, and whom the model lets pass, whether it is bound or not."""
    wildcard = terms.permissions.everything
    subjects = dict.fromkeys((*terms.break_glass, MASTERS_SUBJECT))
    subjects.update((s, None) for s, h in sorted(holdings.items(), key=_who) if h.full & wildcard)
    return tuple(
        BreakGlassHolder(
            subject,
            in_order(
                holdings.get(subject, NOTHING).sources(wildcard, terms.permissions, CLUSTER_NAMES)
            ),
            declared=subject in terms.break_glass,
        )
        for subject in subjects
    )


def _who(entry: tuple[Subject, Holding]) -> Subject:
    return entry[0]


def _missing(
    fleet: Fleet,
    holdings: Holdings,
    gone: frozenset[Subject],
    reviews: Reviews,
) -> Iterator[Finding | Ask]:
    terms = fleet.terms
    where = CheckedScope(
        hub=None,
        model=terms.name,
        permissions=terms.permissions,
        names=CLUSTER_NAMES,
        scope=terms.required & ~terms.permissions.hub_mask,
        layers=(holdings,),
        reviews=reviews,
        gone=gone,
    )
    for item in terms.items:
        if not item.required & where.scope:
            continue
        owners = fleet.owners(item)
        for party, agreements in owners:
            if party.subjects and not is_vacant(party, gone):
                line = Item(item, party.name, (), _minimum(item, agreements))
                namesakes = sum(other.name == party.name for other, _ in owners)
                record = min(a.record for a in agreements) if namesakes > 1 else ""
                here = replace(where, record=record)
                yield from shortfalls(line, party, here.abilities(party), here)


def _minimum(item: ItemTerms, agreements: Sequence[Agreement]) -> int:
    return max(agreement.item(item.name).minimum_holders for agreement in agreements)


def _disagreements(fleet: Fleet) -> Iterator[Finding]:
    """Yield items about the whole cluster for which records name different owners."""
    outside = fleet.terms.permissions.all & ~fleet.terms.permissions.hub_mask
    for item in fleet.terms.items:
        if not (item.required | item.reserved) & outside:
            continue
        owners = fleet.owners(item)
        if len(owners) > 1:
            named = tuple(
                (party.label, tuple(sorted(a.record for a in agreements)))
                for party, agreements in sorted(owners, key=lambda o: (-len(o[1]), o[0].name))
            )
            yield Finding(
                kind="owners-disagree",
                item=item.name,
                number=item.number,
                hub=None,
                model=fleet.terms.name,
                hubs=fleet.records,
                title=item.title,
                facts=Disagreement(named),
            )
