"""Releases that share a namespace: which of their records speak for it, and how they differ.

That a release is there, and what its objects are called, its Deployments say, and others than those
who write records make and delete these. So what is in force rests on the records for which it was
put in force.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from datetime import datetime

from responsibility.admission.stages.namespace_annotations import ItemKeys, item_keys
from responsibility.admission.stages.namespace_keys import NamespaceKeys
from responsibility.api.names import CONTACT_ANNOTATION, RELEASE_ANNOTATION
from responsibility.ownership.cache import PassCache
from responsibility.ownership.results.assessment import HubAssessment
from responsibility.ownership.terms.agreement import Agreement, Item


def keys_of_item(agreement: Agreement, item: Item, now: datetime, cache: PassCache) -> ItemKeys:
    """Return what the Namespace says of an item."""
    return cache.get(
        ("item", agreement.record, item.name),
        (agreement, cache.epoch),
        lambda: item_keys(agreement, item, now),
    )


def who_speak(
    group: Sequence[HubAssessment], present: NamespaceKeys, since: Container[str]
) -> list[HubAssessment]:
    """Return the hubs that speak for a Namespace.

    A record of a release that is not there does not speak for one that is. But that a release is
    there, and what its objects are called, Deployments say, and others than those who write records
    make and delete these. So while anything is in force, only those speak for which it was put in
    force (the records ``since``), be their hubs there or not, and which are called as it was made
    for.
    """
    there = [hub for hub in group if hub.hub is not None] or list(group)
    if not present.stages():
        return there
    first = present.annotations.get(RELEASE_ANNOTATION)
    holders = [hub for hub in group if hub.agreement.record in since]
    holders = holders or [hub for hub in there if hub.agreement.hub.release == first]
    holders = [hub for hub in holders if hub.hub is not None] or holders or there
    lead = next((hub for hub in holders if hub.agreement.hub.release == first), holders[0])
    prefix = lead.agreement.names.prefix
    return [lead, *(h for h in holders if h is not lead and h.agreement.names.prefix == prefix)]


def apart(
    speaking: Sequence[HubAssessment],
    hub: HubAssessment,
    *,
    present: NamespaceKeys,
    now: datetime,
    cache: PassCache,
) -> str:
    """Return why a hub that does not speak can't come to: what is in force is not as it asks."""
    if hub.hub is None:
        return ""
    if differs := differences([speaking[0], hub], now, cache):
        return differs
    in_force = present.stages()
    less = [i.name for i in hub.agreement.items if i.admission < in_force.get(i.name, i.admission)]
    if not less:
        return ""
    return (
        f"namespace {hub.agreement.hub.namespace} holds release "
        f"{speaking[0].agreement.hub.release} too, for which more is in force (items "
        f"{', '.join(less)})"
    )


def differences(hubs: Sequence[HubAssessment], now: datetime, cache: PassCache) -> str:
    """Return how hubs in one namespace differ, so that no policy can tell them apart."""
    if len(hubs) < 2:  # noqa: PLR2004 - a pair is the least that can differ
        return ""
    first, *others = (hub.agreement for hub in hubs)
    for other in others:
        where = f"namespace {first.hub.namespace} holds releases {first.hub.release} and "
        where += f"{other.hub.release}"
        if first.terms is not other.terms:
            return f"{where}, whose records build on different models"
        if first.names.prefix != other.names.prefix:
            return f"{where}, whose objects are named differently; policies know one prefix"
        differing = [
            item.name
            for item in first.items
            if _owners(first, item.name, now, cache) != _owners(other, item.name, now, cache)
        ]
        if differing:
            return (
                f"{where}, whose records name different owners of {', '.join(differing[:3])}: "
                "admission knows one set of owners for a namespace; move one of the two"
            )
    return ""


def _owners(agreement: Agreement, name: str, now: datetime, cache: PassCache) -> dict[str, str]:
    found = keys_of_item(agreement, agreement.item(name), now, cache).annotations
    return {key: text for key, text in found.items() if not key.startswith(CONTACT_ANNOTATION)}
