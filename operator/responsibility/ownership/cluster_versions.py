"""Versions of Kubernetes, held against what fits together, for the item that nodes belong to.

Which item that is a model says by what it reserves: whoever may change nodes upgrades them. The
cluster has one version, so it is told once, with the cluster.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from responsibility.ownership.results.assessment import ClusterAssessment
from responsibility.ownership.results.facts import Facts, KubeletSkew, VersionsUnlisted
from responsibility.ownership.results.findings import VERSION_SKEW, VERSIONS_UNKNOWN, Finding
from responsibility.ownership.terms.agreement import ItemTerms, Terms
from responsibility.ownership.terms.fleet import Fleet
from responsibility.ownership.terms.permission_index import Permission
from responsibility.upgrades.versions import ClusterVersions, Version, skews

# What changing the nodes of a cluster takes.
_UPGRADE = Permission("patch", "", "nodes", namespace="")


def item_of_nodes(terms: Terms) -> ItemTerms | None:
    """Return the first item that reserves nodes; None in a model that says nothing of them."""
    bit = terms.permissions.index.get(_UPGRADE)
    if bit is None:
        return None
    return next((item for item in terms.items if item.reserved >> bit & 1), None)


def version_findings(fleet: Fleet, known: ClusterVersions | None) -> Iterator[Finding]:
    """Yield what does not fit; nothing where nobody looks (``known`` is None)."""
    item = item_of_nodes(fleet.terms)
    if known is None or item is None:
        return
    blank = Finding(
        kind=VERSIONS_UNKNOWN,
        item=item.name,
        number=item.number,
        hub=None,
        title=item.title,
        owners=tuple(dict.fromkeys(party.label for party, _ in fleet.owners(item))),
        model=fleet.terms.name,
        hubs=fleet.records,
    )
    if known.unknown is not None:
        yield replace(blank, facts=VersionsUnlisted(known.unknown))
    for skew in skews(known):
        facts: Facts = KubeletSkew(skew, str(known.server))
        yield replace(blank, kind=VERSION_SKEW, account=f"kubelet {skew.release}", facts=facts)


def upgrade_text(cluster: ClusterAssessment, before: Version, now: Version) -> str:
    """Return that the API server has another version, and whose that is."""
    item = item_of_nodes(cluster.terms)
    owners = {r.item.owner for r in cluster.items if item is not None and r.item.name == item.name}
    labels = [p.label for p in cluster.terms.parties.values() if p.name in owners]
    whose = f": {item.title} is {labels[0]}'s" if item is not None and labels else ""
    return f"Kubernetes {now} runs, where {before} did{whose}"
