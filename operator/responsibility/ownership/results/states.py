"""The state of each item, from findings: ``ok`` is said only of what was really checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from responsibility.api.status import CheckedIn, ItemKind, ItemState
from responsibility.ownership.results.assessment import ItemResult
from responsibility.ownership.results.findings import (
    ADMINS_UNKNOWN,
    KINDS,
    RELEASE_UNKNOWN,
    VALUES_UNKNOWN,
    VERSIONS_UNKNOWN,
    Finding,
)
from responsibility.ownership.terms.agreement import Item, Party

KUBERNETES = "kubernetes"
ATTESTED = "attested"
JUPYTERHUB = ItemKind.JUPYTERHUB.value
VALUES = CheckedIn.VALUES.value

# The kinds of finding by which an item's state is not known.
_UNKNOWN = frozenset({"unknown", ADMINS_UNKNOWN, VALUES_UNKNOWN, RELEASE_UNKNOWN, VERSIONS_UNKNOWN})

# How many findings of each kind there are about an item: what its state is made from.
Kinds = Mapping[str, int]


def kinds_by_item(findings: Iterable[Finding]) -> dict[str, Counter[str]]:
    """Return how many findings of each kind are about each item."""
    kinds: dict[str, Counter[str]] = {}
    for finding in findings:
        about = dict.fromkeys((finding.item, *finding.items)) if finding.items else (finding.item,)
        for item in about:
            counts = kinds.get(item)
            if counts is None:
                counts = kinds[item] = Counter()
            counts[finding.kind] += 1
    return kinds


def item_result(
    item: Item,
    *,
    owner: Party | None,
    kinds: Kinds,
    checked: bool,
    resolved: bool,
    now: datetime,
    inside: bool = False,
    values: bool = False,
    cluster_findings: int = 0,
) -> ItemResult:
    """Return an item's state.

    ``kinds`` are those of the findings about it; ``cluster_findings`` of the cluster touch it as
    well, and don't count. ``checked`` is whether RBAC was really held against it, ``inside``
    whether the hub itself was asked, ``values`` whether its settings were looked at; ``resolved``
    is False where its line of the record could not be followed.
    """
    where = []
    if item.terms.checkable and checked and resolved:
        where.append(KUBERNETES)
    inside = inside and JUPYTERHUB in item.terms.kinds and resolved
    if inside:
        where.append(JUPYTERHUB)
    values = values and bool(item.agreed) and resolved
    if values:
        where.append(VALUES)
    if ATTESTED in item.terms.kinds and owner is not None and owner.contact:
        where.append(ATTESTED)
    return ItemResult(
        item=item,
        state=_state(
            item, owner, kinds, checked=checked, inside=inside or values, resolved=resolved
        ),
        checked=tuple(where),
        delegates=item.parties(now)[1:],
        findings=sum(kinds.values()),
        cluster_findings=cluster_findings,
    )


def agreed_result(item: Item, owner: Party | None, now: datetime) -> ItemResult:
    """Return an item's state where all that its terms name was checked, and nothing differs."""
    return item_result(item, owner=owner, kinds={}, checked=True, resolved=True, now=now)


def _state(
    item: Item,
    owner: Party | None,
    kinds: Kinds,
    *,
    checked: bool,
    inside: bool,
    resolved: bool,
) -> ItemState:
    if any(KINDS[kind].drift for kind in kinds):
        return ItemState.DRIFT
    if "attestation-overdue" in kinds:
        return ItemState.OVERDUE
    if not resolved or not _UNKNOWN.isdisjoint(kinds):
        return ItemState.UNKNOWN
    # An owner without subjects acts outside Kubernetes: nothing to hold against RBAC here.
    if not item.terms.checkable or owner is None or not owner.subjects:
        return ItemState.OK if inside else ItemState.RECORDED
    return ItemState.OK if checked else ItemState.UNKNOWN
