"""Guards: no plan leaves an item without a holder, or the operator without what it has to see."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

from responsibility.ownership.access.grant_masks import Holding
from responsibility.ownership.terms.entitlement import with_implied_groups
from responsibility.ownership.terms.permission_index import bits, mask_of
from responsibility.plans.change import Action, PlannedChange
from responsibility.plans.context import Pair, PlanContext
from responsibility.plans.scopes import EntitlementScope
from responsibility.plans.simulate import simulate
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.objects import Attributes, BindingKey, RoleKey, Truth

# Pairs that may not be cut: the reason, and the item that it is about.
HeldBack = dict[Pair, tuple[str, str]]


def guard(
    context: PlanContext,
    changes: Sequence[PlannedChange],
    required_permissions: Iterable[Attributes],
) -> HeldBack:
    """Return whom to leave in which binding, so that neither happens; mostly nobody.

    ``required_permissions`` are those that the operator itself needs.
    """
    after = simulate(context.graph, changes)
    cut = [
        (c.key, s)
        for c in changes
        if isinstance(c.key, BindingKey) and c.action is not Action.CREATE_BINDING
        for s in c.removes
    ]
    narrowed = [
        pair
        for c in changes
        if isinstance(c.key, RoleKey) and c.action is Action.NARROW_ROLE
        for pair in context.pairs(c.key)
    ]
    holder = _LastHolders(context, after)
    holder.look([*cut, *narrowed])
    return {
        **_what_the_operator_needs(context, after, cut, required_permissions),
        **holder.held_back(),
    }


@dataclass(slots=True)
class _LastHolders:
    """Looks for items that nobody at all could act on any more."""

    context: PlanContext
    after: AccessGraph
    _held: dict[Pair, None] = field(default_factory=dict)
    # What would be lost: the item, and which of it each pair gives; by each of these pairs.
    _needs: dict[Pair, list[tuple[str, dict[Pair, int]]]] = field(default_factory=dict)
    _grants: dict[tuple[str, Pair], tuple[Holding, int]] = field(default_factory=dict)

    def _alone(self, scope: EntitlementScope, pair: Pair) -> tuple[Holding, int]:
        """Return what one binding gives a subject, and what it may give, whatever the names are."""
        known = self._grants.get((scope.terms.name, pair))
        if known is None:
            bindings = self.context.graph.scope(pair[0].namespace)
            grants = [g for g in bindings.by_subject[pair[1]] if g.binding.key == pair[0]]
            granted = scope.permissions.granted(grants[0].rules)
            may = mask_of(partial.bit for partial in granted.symbolic) | granted.full
            known = Holding(granted.full, [(grants[0].binding, granted)]), may
            self._grants[scope.terms.name, pair] = known
        return known

    def look(self, pairs: Iterable[Pair]) -> None:
        """Hold back what is needed of the pairs."""
        by_namespace: dict[str, list[Pair]] = {}
        for pair in pairs:
            by_namespace.setdefault(pair[0].namespace, []).append(pair)
        for scope in self.context.scopes:
            here = [
                pair
                for namespace in dict.fromkeys(("", scope.namespace))
                for pair in by_namespace.get(namespace, ())
            ]
            if here:
                self._look_at(scope, here)

    def _look_at(self, scope: EntitlementScope, pairs: Sequence[Pair]) -> None:
        before = self._people(self.context.graph, scope)
        now = self._people(self.after, scope)
        if not before & ~now:
            return
        for item in scope.items:
            needs = (item.required or item.reserved) & scope.mask
            # What nothing asks for item by item is needed as a whole.
            lost = needs & before & ~now if item.required or not needs & now else 0
            if lost:
                self._hold(scope, lost, item.name, pairs)

    def _people(self, graph: AccessGraph, scope: EntitlementScope) -> int:
        """Return what anybody can do in a scope, also by the server's own word."""
        mask = self.context.reader.held_by_people(graph, scope)
        reviews = self.context.snapshot.reviews
        if reviews.answers:
            for subject in scope.declared():
                for bit in bits(scope.mask & ~mask):
                    asked = scope.permissions.by_bit[bit].attributes(scope.names)
                    if reviews.allows(subject, asked):
                        mask |= 1 << bit
        return mask

    def _hold(self, scope: EntitlementScope, lost: int, item: str, pairs: Iterable[Pair]) -> None:
        gives: dict[Pair, int] = {}
        for pair in pairs:
            holding, may = self._alone(scope, pair)
            mask = holding.mask(scope.permissions, scope.names) & lost if may & lost else 0
            if mask:
                gives[pair] = mask
        for pair in gives:
            self._needs.setdefault(pair, []).append((item, gives))
        lost &= ~_union(gives, self._held)
        # Rather somebody who is a party to it than a stranger.
        declared = set(scope.declared())
        for pair in sorted(gives, key=lambda p: (p[1] not in declared, p[1])):
            if gives[pair] & lost:
                self._held[pair] = None
                lost &= ~gives[pair]

    def held_back(self) -> HeldBack:
        """Return whom to hold back: as few as will do for everything that was looked at."""
        for pair in reversed([*self._held]):
            if self._needed_for(pair) is None:
                del self._held[pair]
        return {pair: ("last-holder", self._needed_for(pair) or "") for pair in self._held}

    def _needed_for(self, pair: Pair) -> str | None:
        """Return an item that needs a pair beside the others that are held; None if none does."""
        for item, gives in self._needs[pair]:
            if gives[pair] & ~_union(gives, self._held, but=pair):
                return item
        return None


def _union(gives: Mapping[Pair, int], pairs: Container[Pair], *, but: Pair | None = None) -> int:
    return reduce(or_, (gives[pair] for pair in gives if pair in pairs and pair != but), 0)


def _what_the_operator_needs(
    context: PlanContext,
    after: AccessGraph,
    cut: Sequence[Pair],
    required_permissions: Iterable[Attributes],
) -> HeldBack:
    operator = context.snapshot.operator
    found: HeldBack = {}
    for asked in required_permissions if operator is not None else ():
        assert operator is not None  # noqa: S101 - by the condition above
        if context.graph.holds(operator, asked)[0] is not Truth.YES:
            continue
        if after.holds(operator, asked)[0] is Truth.YES:
            continue
        found |= {pair: ("blind", "") for pair in cut if pair[1] in with_implied_groups(operator)}
    return found
