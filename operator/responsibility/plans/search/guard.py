"""What must not happen by a plan: an item left to nobody, or this operator left blind."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

from responsibility.ownership.access.grant_masks import Holding
from responsibility.ownership.terms.entitlement import with_implied_groups
from responsibility.ownership.terms.permission_index import bits, mask_of
from responsibility.plans.change import Action, Change
from responsibility.plans.context import Basis, Pair
from responsibility.plans.scopes import Place
from responsibility.plans.simulate import simulate
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.objects import Attributes, BindingKey, RoleKey, Truth

# Pairs that may not be cut: the reason, and the item that it is about.
HeldBack = dict[Pair, tuple[str, str]]


def guard(basis: Basis, changes: Sequence[Change], sees: Iterable[Attributes]) -> HeldBack:
    """Return whom to leave in which binding, so that neither happens; mostly nobody.

    ``sees`` are the rights without which the operator would be blind.
    """
    after = simulate(basis.graph, changes)
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
        for pair in basis.pairs(c.key)
    ]
    holder = _LastHolders(basis, after)
    holder.look([*cut, *narrowed])
    return {**_sight(basis, after, cut, sees), **holder.held_back()}


@dataclass(slots=True)
class _LastHolders:
    """Looks for items that nobody at all could act on any more."""

    basis: Basis
    after: AccessGraph
    _held: dict[Pair, None] = field(default_factory=dict)
    # What would be lost: the item, and which of it each pair gives; by each of these pairs.
    _needs: dict[Pair, list[tuple[str, dict[Pair, int]]]] = field(default_factory=dict)
    _given: dict[tuple[str, Pair], tuple[Holding, int]] = field(default_factory=dict)

    def _alone(self, place: Place, pair: Pair) -> tuple[Holding, int]:
        """Return what one binding gives a subject, and what it may give, whatever the names are."""
        known = self._given.get((place.terms.name, pair))
        if known is None:
            scope = self.basis.graph.scope(pair[0].namespace)
            grants = [g for g in scope.by_subject[pair[1]] if g.binding.key == pair[0]]
            granted = place.permissions.granted(grants[0].rules)
            may = mask_of(partial.bit for partial in granted.symbolic) | granted.full
            known = Holding(granted.full, [(grants[0].binding, granted)]), may
            self._given[place.terms.name, pair] = known
        return known

    def look(self, pairs: Iterable[Pair]) -> None:
        """Hold back what is needed of the pairs."""
        by_namespace: dict[str, list[Pair]] = {}
        for pair in pairs:
            by_namespace.setdefault(pair[0].namespace, []).append(pair)
        for place in self.basis.places:
            here = [
                pair
                for namespace in dict.fromkeys(("", place.namespace))
                for pair in by_namespace.get(namespace, ())
            ]
            if here:
                self._look_at(place, here)

    def _look_at(self, place: Place, pairs: Sequence[Pair]) -> None:
        before = self._people(self.basis.graph, place)
        now = self._people(self.after, place)
        if not before & ~now:
            return
        for item in place.items:
            needs = (item.required or item.reserved) & place.scope
            # What nothing asks for item by item is needed as a whole.
            lost = needs & before & ~now if item.required or not needs & now else 0
            if lost:
                self._hold(place, lost, item.name, pairs)

    def _people(self, graph: AccessGraph, place: Place) -> int:
        """Return what anybody can do in a place, also by the server's own word."""
        mask = self.basis.ledger.people(graph, place)
        reviews = self.basis.snapshot.reviews
        if reviews.answers:
            for subject in place.declared():
                for bit in bits(place.scope & ~mask):
                    asked = place.permissions.by_bit[bit].attributes(place.names)
                    if reviews.allows(subject, asked):
                        mask |= 1 << bit
        return mask

    def _hold(self, place: Place, lost: int, item: str, pairs: Iterable[Pair]) -> None:
        gives: dict[Pair, int] = {}
        for pair in pairs:
            holding, may = self._alone(place, pair)
            mask = holding.mask(place.permissions, place.names) & lost if may & lost else 0
            if mask:
                gives[pair] = mask
        for pair in gives:
            self._needs.setdefault(pair, []).append((item, gives))
        lost &= ~_union(gives, self._held)
        # Rather somebody who is a party to it than a stranger.
        declared = set(place.declared())
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


def _sight(
    basis: Basis, after: AccessGraph, cut: Sequence[Pair], sees: Iterable[Attributes]
) -> HeldBack:
    own = basis.snapshot.own
    found: HeldBack = {}
    for asked in sees if own is not None else ():
        assert own is not None  # noqa: S101 - by the condition above
        if basis.graph.holds(own, asked)[0] is not Truth.YES:
            continue
        if after.holds(own, asked)[0] is Truth.YES:
            continue
        found |= {pair: ("blind", "") for pair in cut if pair[1] in with_implied_groups(own)}
    return found
