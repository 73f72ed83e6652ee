"""Records matched with the hubs that they speak for, and records that speak for none.

A record that finds its hub claimed does not wait for the other one to go: who writes the other anew
would otherwise hand the hub over to whoever was waiting. It stays without a say, remembered in its
own status, until people create it anew. Nor does a record that doesn't say which release it is
about lose its hub to a second one in the namespace: whoever may make Deployments could end what it
says. It speaks on for the one that its status names, as long as that is there.

Whoever doesn't know which hubs there are goes by what the operator wrote into the statuses: a
guess would have a record speak for another hub than it does, or stand in another's way.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from responsibility.api.record import Responsibility
from responsibility.hub.discovery import Hub, HubKey
from responsibility.ownership.results.assessment import HubState, Refused
from responsibility.ownership.terms.snapshot import Snapshot

# The reason of a record's condition.
HUB_CLAIMED = "HubClaimed"
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Claim:
    """A record, and the hub it was found to be about."""

    record: Responsibility
    key: HubKey
    hub: Hub | None
    state: HubState
    releases: tuple[str, ...] = ()


def waiting(statuses: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, str]:
    """Return the records that wait, by name, with their hub, as their statuses say."""
    return {
        name: str(status.get("hub") or "")
        for name, status in statuses
        for condition in status.get("conditions") or ()
        if condition.get("type") == "Ready" and condition.get("reason") == HUB_CLAIMED
    }


def holding(statuses: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, str]:
    """Return the hubs that records speak for, by record, as their statuses say."""
    known = [(name, status) for name, status in statuses if status.get("hub")]
    waits = waiting(known)
    return {name: str(status["hub"]) for name, status in known if name not in waits}


def claims(snapshot: Snapshot) -> tuple[dict[str, Claim], dict[str, Refused]]:
    """Return the accepted claims and the refused records, by record name and in its order.

    Where two records are about one hub, the older one keeps it, and the other one is none to come
    after it.
    """
    accepted: dict[str, Claim] = {}
    refused: dict[str, Refused] = {
        name: Refused(name, "Malformed", broken.message, broken.generation)
        for name, broken in snapshot.broken_records.items()
    }
    holders: dict[HubKey, str] = {}
    releases = _releases(snapshot.hubs)
    named = {
        HubKey(record.spec.hub.namespace, record.spec.hub.release)
        for record in snapshot.records.values()
        if record.spec.hub.release is not None
    }
    found = [
        _claim(record, snapshot, releases, named)
        for record in sorted(snapshot.records.values(), key=_seniority)
    ]
    for claim in found:
        if not _waits(claim, snapshot):
            holders.setdefault(claim.key, claim.record.name)
    for claim in found:
        record = claim.record
        holder = holders.get(claim.key)
        missing = _missing_model(record, snapshot)
        if holder != record.name:
            refused[record.name] = _claimed(claim, holder, snapshot)
        elif missing is not None:
            refused[record.name] = missing
        else:
            accepted[record.name] = claim
    return dict(sorted(accepted.items())), refused


def _waits(claim: Claim, snapshot: Snapshot) -> bool:
    return snapshot.waiting.get(claim.record.name) == str(claim.key)


def _claimed(claim: Claim, holder: str | None, snapshot: Snapshot) -> Refused:
    if holder is not None:
        older = _seniority(snapshot.records[holder]) < _seniority(claim.record)
        message = (
            f"record {holder} {'is older and ' * older}already speaks for hub {claim.key}: delete "
            "one of the two, or set spec.hub.release to another release in a new record"
        )
    else:
        message = (
            f"another record spoke for hub {claim.key} when this one came, and its end does not "
            "hand the hub to this one: to have it speak, delete it and create it anew"
        )
    return Refused(
        claim.record.name, HUB_CLAIMED, message, claim.record.metadata.generation, claim.key
    )


def _seniority(record: Responsibility) -> tuple[datetime, str]:
    return (record.metadata.creation_timestamp or _EPOCH, record.name)


def _releases(hubs: Iterable[HubKey]) -> Mapping[str, list[HubKey]]:
    found: dict[str, list[HubKey]] = {}
    for key in sorted(hubs):
        found.setdefault(key.namespace, []).append(key)
    return found


def _in_words(hub: str, namespace: str) -> HubKey | None:
    """Return the hub that a status says, if its release is known and it is in this namespace."""
    where, _, release = hub.partition("/")
    return HubKey(namespace, release) if where == namespace and release else None


def _claim(
    record: Responsibility,
    snapshot: Snapshot,
    releases: Mapping[str, list[HubKey]],
    named: Container[HubKey],
) -> Claim:
    """Return what a record is about; ``named`` are the hubs that records name."""
    where = record.spec.hub
    here = releases.get(where.namespace, [])
    key = HubKey(where.namespace, where.release or where.namespace)
    held = _in_words(snapshot.holding.get(record.name, ""), where.namespace)
    if where.release is None and not snapshot.hubs_known:
        waits = _in_words(snapshot.waiting.get(record.name, ""), where.namespace)
        key = held or waits or HubKey(where.namespace, "")
    elif where.release is None and len(here) == 1:
        # Not one that another record names: whoever deploys that would have this record wait.
        key = held if held and held != here[0] and here[0] in named else here[0]
    elif where.release is None and len(here) > 1:
        # Which of them is anybody's guess, but for the one it has spoken for so far; a guess must
        # not stand in the way of a record that says.
        key = held if held in here else HubKey(where.namespace, "")
    hub = snapshot.hubs.get(key)
    if snapshot.namespaces.get(where.namespace):
        state, hub = HubState.DELETING, None
    elif hub is not None:
        state = HubState.FOUND
    elif not key.release and snapshot.hubs_known:
        state = HubState.AMBIGUOUS
    elif where.namespace not in snapshot.namespaces:
        state = HubState.NO_NAMESPACE
    else:
        state = HubState.MISSING
    return Claim(record, key, hub, state, tuple(k.release for k in here))


def _missing_model(record: Responsibility, snapshot: Snapshot) -> Refused | None:
    name = record.spec.model
    if name in snapshot.models:
        return None
    broken = snapshot.broken_models.get(name)
    if broken is not None:
        reason, message = "ModelMalformed", f"model {name} cannot be read: {broken.message}"
    else:
        there = ", ".join(sorted(snapshot.models)) or "none"
        reason = "ModelMissing"
        message = f"there is no model {name}: apply it, or set spec.model to one of: {there}"
    return Refused(record.name, reason, message, record.metadata.generation)
