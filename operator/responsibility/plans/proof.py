"""Questions to the API server after a plan: what must have ended, and what must hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from responsibility.ownership.results.assessment import Assessment
from responsibility.ownership.terms.entitlement import with_implied_groups
from responsibility.ownership.terms.permission_index import bits
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.plans.change import Plan
from responsibility.plans.scopes import (
    EntitlementScope,
    HeldPermissions,
    HoldingsReader,
    entitlement_scopes,
)
from responsibility.plans.simulate import simulate
from responsibility.rbac.graph import MASTERS_SUBJECT
from responsibility.rbac.identity import is_node
from responsibility.rbac.objects import Attributes, Subject, Truth


@dataclass(frozen=True, slots=True)
class Expectation:
    """One question to the server, and the answer that is expected of it."""

    subject: Subject
    asked: Attributes
    allowed: bool


def expectations(snapshot: Snapshot, assessment: Assessment, plan: Plan) -> list[Expectation]:
    """Return what each subject that a plan touches must and must no longer be allowed."""
    after = simulate(snapshot.graph, plan)
    reader = HoldingsReader()
    touched = {s for change in plan for s in (*change.removes, *change.after) if change.role}
    touched |= {loss.subject for change in plan for loss in change.losses}
    found: dict[Expectation, None] = {}
    for scope in entitlement_scopes(snapshot, assessment):
        declared = [
            d for d in scope.declared() if any(who in touched for who in with_implied_groups(d))
        ]
        for subject in sorted({*touched, *declared}):
            if subject == MASTERS_SUBJECT or is_node(subject):
                continue
            before = reader.held(snapshot.graph, scope, subject)
            now = reader.held(after, scope, subject)
            ended = before.within(scope.terms.reserved).beyond(now)
            for asked in _questions(ended, scope):
                # Cut into names, the right to some of them may be kept.
                if after.holds(subject, asked)[0] is not Truth.YES:
                    found[Expectation(subject, asked, allowed=False)] = None
            for asked in _questions(now.within(scope.entitled(subject)), scope):
                found[Expectation(subject, asked, allowed=True)] = None
    return list(found)


def _questions(held: HeldPermissions, scope: EntitlementScope) -> Iterator[Attributes]:
    by_bit = scope.permissions.by_bit
    for bit in bits(held.mask):
        yield by_bit[bit].attributes(scope.names)
    for bit, name in sorted(held.some):
        yield replace(by_bit[bit].attributes(scope.names), name=name)
