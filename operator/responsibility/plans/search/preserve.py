"""What a subject is owed and would lose with the rest: it is given that alone, beforehand.

A binding can't give a part of its role. So where somebody is taken out of a binding that also
gave it what it is owed, a role with just that, and a binding to it, come first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import itemgetter

from responsibility.ownership.terms.entitlement import with_implied_groups
from responsibility.ownership.terms.permission_index import bits, mask_of
from responsibility.plans.change import Action, Change
from responsibility.plans.context import Basis
from responsibility.plans.scopes import Held, Place
from responsibility.plans.search.new_grants import grant, rules_for
from responsibility.plans.simulate import simulate
from responsibility.rbac.graph import MASTERS_SUBJECT, AccessGraph
from responsibility.rbac.identity import is_joinable
from responsibility.rbac.objects import GROUP, Rule, Subject, Truth

# What no object is called, so no rule names it.
_NO_NAME = "*no name*"


def keep(
    basis: Basis,
    after: AccessGraph,
    where: Sequence[Place],
    *,
    touched: Mapping[str, Collection[Subject]],
) -> list[Change]:
    """Return what to create so that nobody loses what it is owed.

    Who is given anything keeps what nobody reserves as well, such as reading.
    ``touched`` are the subjects that lose something from now to ``after``, by namespace.
    Accounts that do not exist need nothing.
    """
    giving = _Giving(basis, after)
    shared = Counter(place.namespace for place in where)
    concerned = [(place, _concerned(basis, place, touched)) for place in where]
    helped: set[tuple[str, Subject]] = set()
    # What is given everywhere need not be given again in a namespace.
    for place, subjects in concerned:
        for level in _groups_first(s for s in subjects if place.wide(s) & ~place.owed(s)):
            lost = {}
            for subject in level:
                # What it held everywhere and is owed as that, it gets back as that: a RoleBinding
                # would be held against the hub's record.
                missing = losses_owed(basis, giving.after, place, subject)
                lost[subject] = missing.within(place.wide(subject) & ~place.owed(subject))
            helped.update((place.namespace, subject) for subject, held in lost.items() if held)
            giving.give(place, "", lost)
    for place, subjects in sorted(concerned, key=lambda entry: bool(entry[0].namespace)):
        for level in _groups_first(subjects):
            lost = {}
            for subject in level:
                missing = losses_owed(basis, giving.after, place, subject)
                needs_it = missing or (place.namespace, subject) in helped
                # Where another hub has a say, what this one leaves free may be reserved.
                if needs_it and shared[place.namespace] == 1:
                    missing = missing.plus(_unreserved(basis, giving.after, place, subject))
                lost[subject] = missing
            giving.give(place, place.namespace, lost)
    return needed(basis, after, where, giving.made)


@dataclass(slots=True)
class _Giving:
    """What is given back by now, and the cluster after it."""

    basis: Basis
    after: AccessGraph
    made: list[Change] = field(default_factory=list)

    def give(self, place: Place, namespace: str, lost: Mapping[Subject, Held]) -> None:
        """Give everybody just what it lost in a place; with no namespace, everywhere."""
        who: dict[tuple[Rule, ...], list[Subject]] = {}
        for subject, held in lost.items():
            if held:
                nameless = _nameless(self.basis, place, namespace, subject, held)
                who.setdefault(rules_for(held, place, nameless=nameless), []).append(subject)
        new = [
            change
            for rules, subjects in who.items()
            for change in grant(namespace, rules, subjects, self.after, now=self.basis.graph)
        ]
        if new:
            self.after = simulate(self.after, new)
            self.made.extend(new)


def _concerned(
    basis: Basis, place: Place, touched: Mapping[str, Collection[Subject]]
) -> list[Subject]:
    """Return who is owed anything in a place and may lose it."""
    losing = {*touched.get("", ()), *touched.get(place.namespace, ())}
    found = {*place.declared(), *losing}
    # A group that comes by nature has members that other bindings name, or none.
    if any(each.kind == GROUP and not is_joinable(each.name) for each in losing):
        found |= basis.everybody | basis.let_through(place)
    return [
        subject
        for subject in found - {MASTERS_SUBJECT, *basis.gone}
        if place.owed(subject, wide=True) and not losing.isdisjoint(with_implied_groups(subject))
    ]


def _groups_first(subjects: Iterable[Subject]) -> Iterator[list[Subject]]:
    """Yield subjects, each after the groups that it is in by nature, and else in order."""
    depths = sorted((len(with_implied_groups(subject)), subject) for subject in subjects)
    for _, level in groupby(depths, key=itemgetter(0)):
        yield [subject for _, subject in level]


def needed(
    basis: Basis, after: AccessGraph, where: Sequence[Place], made: Iterable[Change]
) -> list[Change]:
    """Return what is ``made``, without what gives nobody anything that others of it don't give.

    ``after`` is the cluster without any of it.
    """
    made, ledger = list(made), basis.ledger
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
            ledger.held(everything, place, subject).beyond(ledger.held(without, place, subject))
            for place in where
            if change.key.namespace in ("", place.namespace)
            for subject in change.after
        ):
            made, everything = rest, without
    return made


def _is_covered(change: Change, others: Sequence[Change]) -> bool:
    """Return whether all whom a binding was made for may have it by others."""
    where = {"", change.key.namespace}
    bound = {
        who
        for other in others
        if not change.key.namespace or other.key.namespace in where
        for who in other.after
    }
    return all(not bound.isdisjoint(with_implied_groups(subject)) for subject in change.after)


def losses_owed(basis: Basis, after: AccessGraph, place: Place, subject: Subject) -> Held:
    """Return what a subject is owed in a place, holds now, and wouldn't hold after."""
    owed, more = place.owed(subject), place.wide(subject)
    if not owed | more:
        return Held()
    before, ledger = basis.graph, basis.ledger
    held = ledger.held(before, place, subject).within(owed)
    if more & ~owed:
        held = held.plus(ledger.held_wide(before, place, subject).within(more))
    return held.beyond(ledger.held(after, place, subject)) if held else held


def _unreserved(basis: Basis, after: AccessGraph, place: Place, subject: Subject) -> Held:
    """Return what a subject would lose of what the model asks about and reserves to nobody."""
    taken = place.terms.reserved & ~place.owed(subject)
    covers = place.permissions.covers
    free = mask_of(
        bit for bit in bits(place.scope & ~place.terms.reserved) if not covers[bit] & taken
    )
    held = basis.ledger.held(basis.graph, place, subject).within(free)
    return held.beyond(basis.ledger.held(after, place, subject))


def _nameless(basis: Basis, place: Place, namespace: str, subject: Subject, held: Held) -> int:
    """Return the bits without a name that a subject holds for no name, and not for all."""
    if not basis.has_blank:
        return 0
    by_bit = place.permissions.by_bit
    return mask_of(
        bit
        for bit in bits(held.mask)
        if not by_bit[bit].name
        and basis.graph.holds(
            subject,
            replace(by_bit[bit].attributes(place.names), name=_NO_NAME, namespace=namespace),
        )[0]
        is not Truth.YES
    )
