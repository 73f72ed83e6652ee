"""Deletions: the part of a plan that the operator can carry out itself, RoleBindings as a whole.

Kubernetes lets nobody write a binding to a role that they neither hold nor may bind, not even to
take a subject out of it, and nobody write a role with rules that they don't hold. To be able to do
that the operator would have to be able to give anything to anybody. A deletion is asked no such
question. So it deletes, in the hub's own namespace, and all else stays with people.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from responsibility.api.stages import RbacMode
from responsibility.api.status import MAX_REVOCATIONS
from responsibility.ownership.results.assessment import Assessment, HubAssessment
from responsibility.ownership.results.findings import Finding
from responsibility.ownership.terms.agreement import Agreement
from responsibility.ownership.terms.entitlement import with_implied_groups
from responsibility.ownership.terms.managed_namespaces import PROTECTED
from responsibility.plans.aim import EXCESS, Aim
from responsibility.plans.change import Action, Plan, PlannedChange, canonical
from responsibility.rbac.objects import BindingKey

# Each is a plan of its own; what is not found by then is not looked for.
_ROUNDS = 5

# From findings (by id) to the plan that ends them; without any, all of the hub's.
MakePlan = Callable[[tuple[str, ...]], Plan]


@dataclass(frozen=True, slots=True)
class Proposal:
    """The plan for one hub, and the part of it that the operator may carry out.

    ``part`` is None where there is no such part, or none is asked for.
    """

    whole: Plan
    part: Plan | None = None

    @property
    def left(self) -> tuple[PlannedChange, ...]:
        """The changes that a person has to make."""
        part = {str(change.key) for change in self.part or ()}
        return tuple(change for change in self.whole if str(change.key) not in part)


def revocable_items(agreement: Agreement) -> frozenset[str]:
    """Return the items for which the record asks that rights be taken away."""
    return frozenset(item.name for item in agreement.items if item.rbac is RbacMode.REVOKE)


def excess(hub: HubAssessment) -> list[Finding]:
    """Return what a plan for the hub is to end."""
    return [finding for finding in hub.findings if finding.kind == EXCESS]


def propose(hub: HubAssessment, plan: MakePlan, *, revoking: bool) -> Proposal:
    """Return the plan that ends a hub's excess rights, and what of it may be carried out."""
    whole = plan(())
    items = revocable_items(hub.agreement) if revoking else frozenset()
    return Proposal(whole, _part(hub, whole, plan, items) if items and whole.changes else None)


def _part(hub: HubAssessment, whole: Plan, plan: MakePlan, items: frozenset[str]) -> Plan | None:
    """Return the plan that ends as many findings as deletions can, or None.

    What is in the way of that is taken out of the aim, and it is planned again.
    """
    asked = {f.id for f in excess(hub) if f.item in items}
    candidate = whole if all(f.item in items for f in excess(hub)) else None
    for _ in range(_ROUNDS):
        if not asked:
            return None
        if candidate is None:
            candidate = plan(tuple(sorted(asked)))
        foreign = [change for change in candidate if not is_revocation(change, hub)]
        if not foreign:
            fits = 0 < len(candidate.changes) <= MAX_REVOCATIONS
            return candidate if fits else None
        blamed = _blamed(candidate, foreign) & asked
        asked = asked - blamed if blamed else set()
        candidate = None
    return None


def is_revocation(change: PlannedChange, hub: HubAssessment) -> bool:
    """Return whether a change is one that the operator may make for a hub."""
    return (
        change.action is Action.DELETE_BINDING
        and isinstance(change.key, BindingKey)
        and change.key.namespace == hub.agreement.hub.namespace
        # Nor would the policy that confines the operator let it.
        and not change.key.namespace.startswith(PROTECTED)
    )


def _blamed(plan: Plan, foreign: Sequence[PlannedChange]) -> set[str]:
    """Return the findings for which these changes are needed."""
    direct = {key for change in foreign for key in change.ends}
    # A right that is held by several bindings ends with the last of them.
    pairs = {(f.subject, f.item) for f in plan.ended if f.id in direct}
    compensated = {
        who
        for change in foreign
        if change.action is Action.CREATE_BINDING
        for subject in change.after
        for who in with_implied_groups(subject)
    }
    return {
        f.id
        for f in plan.ended
        if f.id in direct or (f.subject, f.item) in pairs or f.subject in compensated
    }


def aim(record: str, ids: Iterable[str] = ()) -> Aim:
    """Return the aim of a plan for a record; with ``ids``, for these findings of it."""
    return Aim(record=record, ids=tuple(sorted(ids)))


def hub_of(assessment: Assessment, record: str) -> HubAssessment | None:
    """Return a record's hub, if it was found and RBAC means anything."""
    hub = assessment.hubs.get(record)
    return hub if hub is not None and hub.hub is not None and assessment.rbac_enforced else None


# --- what was approved, on paper ------------------------------------------------------------------


def is_paper_of(text: str, digest: str) -> bool:
    """Return whether a text is what the digest stands for."""
    return bool(digest) and hashlib.sha256(text.encode()).hexdigest()[: len(digest)] == digest


def approved(text: str, changes: Iterable[PlannedChange]) -> bool:
    """Return whether all of these changes are among those of a paper."""
    document: Mapping[str, Any] = json.loads(text)
    known = [_essence(entry) for entry in document["changes"]]
    return all(_essence(canonical(change)) in known for change in changes)


def _essence(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what a change does to its object, which alone is compared.

    What it ends, and who loses what by it, may have become less since it was approved.
    """
    return tuple(entry.get(key) for key in ("action", "object", "role", "before", "after"))
