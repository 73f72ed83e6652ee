"""Results of hubs and of the cluster: items with their states, made of findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from responsibility.hub.admins.administrators import Administrators, HubAdmins
from responsibility.ownership.assess_cluster import ClusterRbac
from responsibility.ownership.assess_hub import HubRbac
from responsibility.ownership.claims import Claim
from responsibility.ownership.cluster_versions import version_findings
from responsibility.ownership.duties import duties, vacancies
from responsibility.ownership.hub_admins import hub_admin_findings
from responsibility.ownership.hub_values import KnownSettings, hub_value_findings
from responsibility.ownership.past_end import past_end
from responsibility.ownership.results.assessment import ClusterAssessment, HubAssessment, ItemResult
from responsibility.ownership.results.findings import Finding, worst_first
from responsibility.ownership.results.states import item_result, kinds_by_item
from responsibility.ownership.terms.agreement import Agreement, Item
from responsibility.ownership.terms.fleet import Fleet
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.rbac.objects import Subject
from responsibility.upgrades.versions import ClusterVersions

_NONE: Counter[str] = Counter()
_NOT_LOOKED_AT = KnownSettings()


def hub_result(
    agreement: Agreement,
    claim: Claim,
    rbac: HubRbac,
    cluster: ClusterAssessment,
    cluster_kinds: Mapping[str, Counter[str]],
    *,
    snapshot: Snapshot,
    gone: frozenset[Subject],
    admins: HubAdmins | None = None,
    settings: KnownSettings = _NOT_LOOKED_AT,
) -> HubAssessment:
    """Return what is said of one hub.

    ``cluster_kinds`` are the kinds of the cluster's findings by item, ``gone`` the declared
    ServiceAccounts that do not exist, ``admins`` who administers the hub itself, where it is asked,
    ``settings`` what is set there of what is agreed, where that is looked at.
    """
    findings = (
        *rbac.findings,
        *duties(agreement, snapshot.now),
        *vacancies(agreement, gone, snapshot.now),
        *past_end(
            agreement,
            snapshot.graph.bindings.parts.get(agreement.hub.namespace, {}).values(),
            snapshot.now,
        ),
        *hub_admin_findings(agreement, admins, snapshot.now),
        *hub_value_findings(agreement, settings),
    )
    inside = isinstance(admins, Administrators)
    passing_by = cluster.passing_by(agreement.record)
    of_hub, apart = kinds_by_item(findings), kinds_by_item(passing_by)
    checked = claim.hub is not None and snapshot.rbac_enforced is True
    on_hub = agreement.terms.permissions.hub_mask
    items = []
    for item in agreement.items:
        kinds = of_hub.get(item.name, _NONE)
        touching = cluster_kinds.get(item.name, _NONE)
        if apart:
            # Not in place: all hubs share these counts.
            touching = touching - apart.get(item.name, _NONE)
        if (item.terms.required | item.terms.reserved) & ~on_hub:
            # The cluster has it as well: how it stands there is how it stands here.
            kinds, touching = kinds + touching, _NONE
        items.append(
            item_result(
                item,
                owner=agreement.parties.get(item.owner),
                kinds=kinds,
                checked=checked,
                inside=inside,
                values=settings.know(item),
                resolved=item.name not in agreement.unresolved,
                now=snapshot.now,
                cluster_findings=touching.total(),
            )
        )
    return HubAssessment(
        agreement=agreement,
        hub=claim.hub,
        hub_state=claim.state,
        items=tuple(items),
        findings=_ordered(findings),
        cluster_findings=len(cluster.findings) - len(passing_by),
        exempt=rbac.exempt,
        pending=snapshot.graph.scope(agreement.hub.namespace).dangling(),
        asks=rbac.asks,
        releases=claim.releases,
        identities=settings.identity,
        images=settings.images,
    )


def cluster_result(
    fleet: Fleet,
    rbac: ClusterRbac,
    *,
    checked: bool,
    now: datetime,
    versions: ClusterVersions | None = None,
) -> ClusterAssessment:
    """Return what is said of the cluster.

    ``checked`` is whether RBAC was held against it, ``versions`` what Kubernetes it runs, where
    that is looked at.
    """
    terms = fleet.terms
    findings = (*rbac.findings, *version_findings(fleet, versions))
    kinds = kinds_by_item(findings)
    outside = terms.permissions.all & ~terms.permissions.hub_mask
    results: list[ItemResult] = []
    for item in terms.items:
        if not (item.required | item.reserved) & outside:
            continue
        owners = [party for party, _ in fleet.owners(item)]
        named = owners[0].name if len(owners) == 1 else ""
        results.append(
            item_result(
                Item(item, named or item.owner, ()),
                owner=owners[0] if owners else None,
                kinds=kinds.get(item.name, {}),
                checked=checked,
                resolved=bool(owners),
                now=now,
            )
        )
    return ClusterAssessment(
        terms=terms,
        items=tuple(results),
        findings=_ordered(findings),
        break_glass=rbac.break_glass,
        exempt=rbac.exempt,
        asks=rbac.asks,
        records=fleet.records,
        versions=versions,
        untouched=rbac.untouched,
    )


def _ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=worst_first))
