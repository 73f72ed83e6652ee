"""API versions that a hub was deployed by and that upgrades remove, for the item of upgrades.

Nothing breaks at the upgrade itself: what is there is served by newer versions. The next time that
somebody deploys the hub, Helm reads what it deployed last, and fails. So it is told to those who
upgrade, beforehand, and not to those who deploy, afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator

from responsibility.hub.release.changes import HubRelease, ReleaseDrift
from responsibility.ownership.cluster_versions import item_of_nodes
from responsibility.ownership.results.facts import ApisRemoved
from responsibility.ownership.results.findings import API_REMOVED, Finding
from responsibility.ownership.terms.agreement import Agreement
from responsibility.upgrades.versions import ClusterVersions


def removed_api_findings(
    agreement: Agreement, release: HubRelease | None, versions: ClusterVersions | None
) -> Iterator[Finding]:
    """Yield that a release was deployed by API versions that are no more, or soon won't be."""
    terms = item_of_nodes(agreement.terms)
    if not isinstance(release, ReleaseDrift) or not release.apis or terms is None:
        return
    first, *others = release.apis
    owner = agreement.parties.get(agreement.owner(terms.name))
    yield Finding(
        kind=API_REMOVED,
        item=terms.name,
        number=terms.number,
        hub=agreement.hub,
        title=terms.title,
        owners=(owner.label,) if owner is not None else (),
        facts=ApisRemoved(first, len(others), versions.server if versions is not None else None),
    )
