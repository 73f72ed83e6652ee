"""Status of grants as it is told: a condition, a stage for each item, and numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from responsibility import api_groups
from responsibility.api.stages import RbacMode
from responsibility.controller.reporting.conditions import ConditionDraft
from responsibility.grants.binding import RECORD, Owner
from responsibility.grants.desired import GrantTrouble
from responsibility.grants.diff import GrantCounts, GrantDiff, conflict
from responsibility.kube import errors
from responsibility.ownership.terms.agreement import Agreement
from responsibility.phrases import counted, some
from responsibility.rbac.objects import BindingKey

TYPE = "Granted"
_MOST_TOLD = 3
_NO_BIND = "attempting to grant RBAC permissions not currently held"


@dataclass(frozen=True, slots=True)
class Failure:
    """A write that failed, and when (loop time) to try again; nothing is told of a quiet one."""

    until: float
    trouble: GrantTrouble | None = None


Failures = Mapping[BindingKey, Failure]


@dataclass(frozen=True, slots=True)
class ItemGrant:
    """One item: the stage that is in force, why it is not another, and numbers."""

    name: str
    stage: RbacMode
    note: str
    bindings: int
    conflicts: int


@dataclass(frozen=True, slots=True)
class OwnerReport:
    """The report on one record or model."""

    claim: ConditionDraft
    items: Mapping[str, ItemGrant] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GrantReport:
    """The state of all grants; without ``enabled`` nothing is granted, whatever records ask for.

    ``cluster`` is whether that includes what the cluster has only one of. ``owners`` are those of
    which something is asked, by kind and name.
    """

    enabled: bool = False
    cluster: bool = False
    owners: Mapping[tuple[str, str], OwnerReport] = field(default_factory=dict)

    def of_record(self, agreement: Agreement) -> OwnerReport | None:
        """Return what is told of a record; None if there is nothing to tell."""
        known = self.owners.get((RECORD, agreement.record))
        if known is not None or not any(item.rbac >= RbacMode.GRANT for item in agreement.items):
            return known
        return _NOT_YET if self.enabled else OwnerReport(_SWITCHED_OFF)


_SWITCHED_OFF = ConditionDraft(
    TYPE,
    False,
    "SwitchedOff",
    "the record asks for grants, which this operator was installed without: set the chart's "
    "grants.enabled",
)
_NOT_YET = OwnerReport(ConditionDraft(TYPE, None, "NotLookedAt", "nothing has been granted yet"))


def report(before: GrantReport, found: GrantDiff, failed: Failures) -> GrantReport:
    """Return how everything stands, before what is found to be done has been done."""
    ending: dict[Owner, list[GrantTrouble]] = {}
    for change in found.changes:
        for each in change.end:
            failure = failed.get(each.present.key)
            if each.owner is not None and failure is not None and failure.trouble is not None:
                ending.setdefault(each.owner, []).append(failure.trouble)
    owners = {
        (owner.kind, owner.name): _owner(counts, failed, ending.get(owner, ()))
        for owner, counts in found.counts.items()
        if counts or owner in ending
    }
    return GrantReport(before.enabled, before.cluster, owners)


def _owner(
    counts: Iterable[GrantCounts], failed: Failures, ending: Iterable[GrantTrouble]
) -> OwnerReport:
    troubles: list[GrantTrouble] = []
    items: dict[str, ItemGrant] = {}
    wanted = there = 0
    for each in counts:
        own_troubles = _troubles(each, failed)
        troubles.extend(own_troubles)
        wanted, there = wanted + each.wanted, there + each.there
        items[each.item.item] = _add(items.get(each.item.item), each, own_troubles)
    troubles.extend(ending)
    return OwnerReport(_claim(troubles, wanted, there), items)


def _troubles(counts: GrantCounts, failed: Failures) -> list[GrantTrouble]:
    item = counts.item
    found = [item.trouble] if item.trouble is not None else []
    if item.frozen:
        found.append(
            GrantTrouble("Unresolved", f"what is agreed on {item.item} can't be told: see Resolved")
        )
    if item.refused:
        found.append(
            GrantTrouble("SubjectRefused", f"{item.item} is not granted to {item.refused}")
        )
    if counts.conflicts:
        found.append(conflict(counts.conflicts))
    failures = (failed.get(wanted.key) for wanted in item.wanted)
    found.extend(f.trouble for f in failures if f is not None and f.trouble is not None)
    return found


def _add(before: ItemGrant | None, counts: GrantCounts, troubles: list[GrantTrouble]) -> ItemGrant:
    """Return how an item stands, with what is known of it from other places."""
    item = counts.item
    full = counts.wanted > 0 and counts.there == counts.wanted and not troubles
    note = "; ".join(trouble.message for trouble in troubles) or item.note
    bindings, conflicts = counts.there, len(counts.conflicts)
    if before is not None:
        full = full and before.stage is RbacMode.GRANT
        note = "; ".join(filter(None, (before.note, note)))
        bindings, conflicts = bindings + before.bindings, conflicts + before.conflicts
    return ItemGrant(
        item.item, RbacMode.GRANT if full else RbacMode.AUDIT, note, bindings, conflicts
    )


def _claim(troubles: list[GrantTrouble], wanted: int, there: int) -> ConditionDraft:
    if troubles:
        messages = list(dict.fromkeys(trouble.message for trouble in troubles))
        text = some(messages, _MOST_TOLD, between="; ", last="; and ")
        return ConditionDraft(TYPE, False, troubles[0].reason, text)
    if there < wanted:
        return ConditionDraft(TYPE, None, "Granting", f"{wanted - there} bindings are not made yet")
    if not wanted:
        return ConditionDraft(TYPE, True, "NothingToGrant", "nobody is to be granted anything")
    return ConditionDraft(TYPE, True, "Granted", f"{counted(there, 'binding')} in force")


def failure(error: errors.ApiError, key: BindingKey, role: str, until: float) -> Failure:
    """Return what to say of a write that failed: the rule to add, where a right is missing."""
    resource = "rolebindings" if key.namespace else "clusterrolebindings"
    if not isinstance(error, errors.ForbiddenError):
        return Failure(until, GrantTrouble("Failed", f"{key}: {error.message or error}"))
    if _NO_BIND in error.message:
        rule = (
            f'{{apiGroups: ["{api_groups.RBAC}"], resources: ["clusterroles"], '
            f'verbs: ["bind"], resourceNames: ["{role}"]}}'
        )
        return Failure(
            until,
            GrantTrouble(
                "Forbidden",
                f"the operator may not bind ClusterRole {role}: add it to the chart's "
                f"grants.roles, or to its ClusterRole: - {rule}",
            ),
        )
    if f'cannot {_verb(error)} resource "{resource}"' in error.message:
        switch = "grants.enabled" if key.namespace else "grants.cluster"
        rule = (
            f'{{apiGroups: ["{api_groups.RBAC}"], resources: ["{resource}"], '
            f'verbs: ["{_verb(error)}"]}}'
        )
        return Failure(
            until,
            GrantTrouble(
                "Forbidden",
                f"the operator may not {_verb(error)} {resource}: set the chart's {switch}, or add "
                f"to its ClusterRole: - {rule}",
            ),
        )
    return Failure(until, GrantTrouble("Refused", f"{key}: {error.message}"))


def _verb(error: errors.ApiError) -> str:
    return {"POST": "create", "PATCH": "patch", "DELETE": "delete"}.get(error.verb, "write")
