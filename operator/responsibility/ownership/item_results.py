"""Results of hubs and of the cluster: items with their states, made of findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from responsibility.hub.admins.administrators import Administrators, HubAdmins
from responsibility.hub.release.changes import HubRelease
from responsibility.ownership.assess_cluster import ClusterRbac
from responsibility.ownership.assess_hub import HubRbac
from responsibility.ownership.claims import Claim
from responsibility.ownership.cluster_versions import version_findings
from responsibility.ownership.duties import duties, vacancies
from responsibility.ownership.hub_admins import hub_admin_findings
from responsibility.ownership.hub_release import hub_release_findings
from responsibility.ownership.hub_values import KnownSettings, hub_value_findings
from responsibility.ownership.past_end import past_end
from responsibility.ownership.removed_apis import removed_api_findings
from responsibility.ownership.results.assessment import ClusterAssessment, HubAssessment, ItemResult
from responsibility.ownership.results.findings import Finding, worst_first
from responsibility.ownership.results.states import Kinds, item_result, kinds_by_item
from responsibility.ownership.terms.agreement import Agreement, Item
from responsibility.ownership.terms.fleet import Fleet
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.rbac.objects import BindingKey, Subject
from responsibility.upgrades.versions import ClusterVersions

_NONE: Counter[str] = Counter()
_NOT_LOOKED_AT = KnownSettings()


@dataclass(frozen=True, slots=True, eq=False)
class HubOwn:
    """What is said of one hub whatever is found of the cluster.

    ``checked``, ``inside`` and ``settings`` say what was looked at. ``results`` are the items' by
    number of findings of the cluster, as they are asked for.
    """

    findings: tuple[Finding, ...]
    kinds: Mapping[str, Counter[str]]
    pending: tuple[BindingKey, ...]
    checked: bool
    inside: bool
    settings: KnownSettings
    results: dict[tuple[str, int], ItemResult] = field(default_factory=dict)


def hub_own(
    agreement: Agreement,
    claim: Claim,
    rbac: HubRbac,
    *,
    snapshot: Snapshot,
    gone: frozenset[Subject],
    admins: HubAdmins | None = None,
    settings: KnownSettings = _NOT_LOOKED_AT,
    release: HubRelease | None = None,
) -> HubOwn:
    """Return what is said of one hub by itself.

    ``gone`` are the declared ServiceAccounts that do not exist, ``admins`` who administers the hub
    itself, where it is asked, ``settings`` what is set there of what is agreed, where that is
    looked at, ``release`` what was changed outside Helm, likewise.
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
        *hub_release_findings(agreement, release),
        *removed_api_findings(agreement, release, snapshot.versions),
    )
    return HubOwn(
        findings=_ordered(findings),
        kinds=kinds_by_item(findings),
        pending=snapshot.graph.scope(agreement.hub.namespace).dangling(),
        checked=claim.hub is not None and snapshot.rbac_enforced is True,
        inside=isinstance(admins, Administrators),
        settings=settings,
    )


def hub_result(
    agreement: Agreement,
    claim: Claim,
    rbac: HubRbac,
    own: HubOwn,
    *,
    cluster: ClusterAssessment,
    cluster_kinds: Mapping[str, Counter[str]],
    now: datetime,
) -> HubAssessment:
    """Return what is said of one hub; ``cluster_kinds`` are those of the cluster's by item."""
    passing_by = cluster.passing_by(agreement.record)
    apart = kinds_by_item(passing_by)
    on_hub = agreement.terms.permissions.hub_mask
    items = []
    for item in agreement.items:
        kinds = own.kinds.get(item.name, _NONE)
        touching = cluster_kinds.get(item.name, _NONE)
        if apart:
            # Not in place: all hubs share these counts.
            touching = touching - apart.get(item.name, _NONE)
        if (item.terms.required | item.terms.reserved) & ~on_hub:
            # The cluster has it as well: how it stands there is how it stands here.
            kinds = kinds + touching
            items.append(_item_result(item, agreement, own, kinds, now=now))
            continue
        number = touching.total()
        known = own.results.get((item.name, number))
        if known is None:
            known = _item_result(item, agreement, own, kinds, now=now, cluster_findings=number)
            own.results[item.name, number] = known
        items.append(known)
    return HubAssessment(
        agreement=agreement,
        hub=claim.hub,
        hub_state=claim.state,
        items=tuple(items),
        findings=own.findings,
        cluster_findings=len(cluster.findings) - len(passing_by),
        exempt=rbac.exempt,
        pending=own.pending,
        asks=rbac.asks,
        releases=claim.releases,
        identities=own.settings.identity,
        images=own.settings.images,
    )


def _item_result(
    item: Item,
    agreement: Agreement,
    own: HubOwn,
    kinds: Kinds,
    *,
    now: datetime,
    cluster_findings: int = 0,
) -> ItemResult:
    return item_result(
        item,
        owner=agreement.parties.get(item.owner),
        kinds=kinds,
        checked=own.checked,
        inside=own.inside,
        values=own.settings.know(item),
        resolved=item.name not in agreement.unresolved,
        now=now,
        cluster_findings=cluster_findings,
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
