"""Compensating grants: bindings that preserve entitlements which a removal would cost.

A binding can't give a part of its role. So where somebody is taken out of a binding that also
gave it what it is entitled to, a role with just that, and a binding to it, come first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import itemgetter

from responsibility.ownership.terms.entitlement import with_implied_groups
from responsibility.ownership.terms.permission_index import bits, mask_of
from responsibility.plans.change import Action, PlannedChange
from responsibility.plans.context import PlanContext
from responsibility.plans.scopes import EntitlementScope, HeldPermissions
from responsibility.plans.search.new_grants import grant, rules_for
from responsibility.plans.simulate import simulate
from responsibility.rbac.graph import MASTERS_SUBJECT, AccessGraph
from responsibility.rbac.identity import is_joinable
from responsibility.rbac.objects import GROUP, Rule, Subject, Truth

# What no object is called, so no rule names it.
_NO_NAME = "*no name*"


def preserve(
    context: PlanContext,
    after: AccessGraph,
    scopes: Sequence[EntitlementScope],
    *,
    touched: Mapping[str, Collection[Subject]],
) -> list[PlannedChange]:
    """Return what to create so that nobody loses what it is entitled to.

    Who is given anything keeps what nobody reserves as well, such as reading.
    ``touched`` are the subjects that lose something from now to ``after``, by namespace.
    Accounts that do not exist need nothing.
    """
    compensation = _Compensation(context, after)
    shared = Counter(scope.namespace for scope in scopes)
    concerned = [(scope, _concerned(context, scope, touched)) for scope in scopes]
    helped: set[tuple[str, Subject]] = set()
    # What is given everywhere need not be given again in a namespace.
    for scope, subjects in concerned:
        for level in _groups_first(
            s for s in subjects if scope.entitled_cluster_wide(s) & ~scope.entitled(s)
        ):
            lost = {}
            for subject in level:
                # What it held everywhere and is owed as that, it gets back as that: a RoleBinding
                # would be held against the hub's record.
                missing = lost_entitlements(context, compensation.after, scope, subject)
                lost[subject] = missing.within(
                    scope.entitled_cluster_wide(subject) & ~scope.entitled(subject)
                )
            helped.update((scope.namespace, subject) for subject, held in lost.items() if held)
            compensation.give(scope, "", lost)
    for scope, subjects in sorted(concerned, key=lambda entry: bool(entry[0].namespace)):
        for level in _groups_first(subjects):
            lost = {}
            for subject in level:
                missing = lost_entitlements(context, compensation.after, scope, subject)
                needs_it = missing or (scope.namespace, subject) in helped
                # Where another hub has a say, what this one leaves free may be reserved.
                if needs_it and shared[scope.namespace] == 1:
                    missing = missing.plus(_unreserved(context, compensation.after, scope, subject))
                lost[subject] = missing
            compensation.give(scope, scope.namespace, lost)
    return needed(context, after, scopes, compensation.made)


@dataclass(slots=True)
class _Compensation:
    """What is given back by now, and the cluster after it."""

    context: PlanContext
    after: AccessGraph
    made: list[PlannedChange] = field(default_factory=list)

    def give(
        self, scope: EntitlementScope, namespace: str, lost: Mapping[Subject, HeldPermissions]
    ) -> None:
        """Give everybody just what it lost in a scope; with no namespace, everywhere."""
        who: dict[tuple[Rule, ...], list[Subject]] = {}
        for subject, held in lost.items():
            if held:
                nameless = _nameless(self.context, scope, namespace, subject, held)
                who.setdefault(rules_for(held, scope, nameless=nameless), []).append(subject)
        new = [
            change
            for rules, subjects in who.items()
            for change in grant(namespace, rules, subjects, self.after, now=self.context.graph)
        ]
        if new:
            self.after = simulate(self.after, new)
            self.made.extend(new)


def _concerned(
    context: PlanContext, scope: EntitlementScope, touched: Mapping[str, Collection[Subject]]
) -> list[Subject]:
    """Return who is entitled to anything in a scope and may lose it."""
    losing = {*touched.get("", ()), *touched.get(scope.namespace, ())}
    found = {*scope.declared(), *losing}
    # A group that comes by nature has members that other bindings name, or none.
    if any(each.kind == GROUP and not is_joinable(each.name) for each in losing):
        found |= context.bound_subjects | context.exempt_subjects(scope)
    return [
        subject
        for subject in found - {MASTERS_SUBJECT, *context.missing_accounts}
        if scope.entitled(subject, cluster_wide=True)
        and not losing.isdisjoint(with_implied_groups(subject))
    ]


def _groups_first(subjects: Iterable[Subject]) -> Iterator[list[Subject]]:
    """Yield subjects, each after the groups that it is in by nature, and else in order."""
    depths = sorted((len(with_implied_groups(subject)), subject) for subject in subjects)
    for _, level in groupby(depths, key=itemgetter(0)):
        yield [subject for _, subject in level]


def needed(
    context: PlanContext,
    after: AccessGraph,
    scopes: Sequence[EntitlementScope],
    made: Iterable[PlannedChange],
) -> list[PlannedChange]:
    """Return what is ``made``, without what gives nobody anything that others of it don't give.

    ``after`` is the cluster without any of it.
    """
    made, reader = list(made), context.reader
    bindings = [c for c in made if c.action is Action.CREATE_BINDING]
    doubtful = [c for c in bindings if _is_covered(c, [x for x in bindings if x is not c])]
    everything = simulate(after, made) if doubtful else after
    for change in doubtful:
        rest = [c for c in made if c is not change]
        still = {c.role for c in rest if c.action is Action.CREATE_BINDING}
        rest = [c for c in rest if c.action is not Action.CREATE_ROLE or c.key in still]
        # A role that nobody is bound to makes no difference.
        without = simulate(everything, [replace(change, action=Action.DELETE_BINDING)])
        if not any(
            reader.held(everything, scope, subject).beyond(reader.held(without, scope, subject))
            for scope in scopes
            if change.key.namespace in ("", scope.namespace)
            for subject in change.after
        ):
            made, everything = rest, without
    return made


def _is_covered(change: PlannedChange, others: Sequence[PlannedChange]) -> bool:
    """Return whether all whom a binding was made for may have it by others."""
    namespaces = {"", change.key.namespace}
    bound = {
        who
        for other in others
        if not change.key.namespace or other.key.namespace in namespaces
        for who in other.after
    }
    return all(not bound.isdisjoint(with_implied_groups(subject)) for subject in change.after)


def lost_entitlements(
    context: PlanContext, after: AccessGraph, scope: EntitlementScope, subject: Subject
) -> HeldPermissions:
    """Return what a subject is entitled to in a scope, holds now, and wouldn't hold after."""
    entitled, more = scope.entitled(subject), scope.entitled_cluster_wide(subject)
    if not entitled | more:
        return HeldPermissions()
    before, reader = context.graph, context.reader
    held = reader.held(before, scope, subject).within(entitled)
    if more & ~entitled:
        held = held.plus(reader.held_cluster_wide(before, scope, subject).within(more))
    return held.beyond(reader.held(after, scope, subject)) if held else held


def _unreserved(
    context: PlanContext, after: AccessGraph, scope: EntitlementScope, subject: Subject
) -> HeldPermissions:
    """Return what a subject would lose of what the model asks about and reserves to nobody."""
    taken = scope.terms.reserved & ~scope.entitled(subject)
    covers = scope.permissions.covers
    free = mask_of(
        bit for bit in bits(scope.mask & ~scope.terms.reserved) if not covers[bit] & taken
    )
    held = context.reader.held(context.graph, scope, subject).within(free)
    return held.beyond(context.reader.held(after, scope, subject))


def _nameless(
    context: PlanContext,
    scope: EntitlementScope,
    namespace: str,
    subject: Subject,
    held: HeldPermissions,
) -> int:
    """Return the bits without a name that a subject holds for no name, and not for all."""
    if not context.has_blank:
        return 0
    by_bit = scope.permissions.by_bit
    return mask_of(
        bit
        for bit in bits(held.mask)
        if not by_bit[bit].name
        and context.graph.holds(
            subject,
            replace(by_bit[bit].attributes(scope.names), name=_NO_NAME, namespace=namespace),
        )[0]
        is not Truth.YES
    )
