"""What a subject is owed and would lose with the rest: it is given that alone, beforehand.

A binding can't give a part of its role. So where somebody is taken out of a binding that also
gave it what it is owed, a role with just that, and a binding to it, come first.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, repeat
from operator import itemgetter

from responsibility.ownership.entitlement import selves
from responsibility.ownership.plans.change import Action, Change, rule_json
from responsibility.ownership.plans.places import Held, Ledger, Place
from responsibility.ownership.plans.simulate import simulate
from responsibility.ownership.questions import bits, mask_of
from responsibility.rbac.graph import MASTERS_SUBJECT, AccessGraph
from responsibility.rbac.identity import is_joinable
from responsibility.rbac.objects import GROUP, BindingKey, RoleKey, Rule, Subject

PREFIX = "responsibility-keeps-"


def keep(
    before: AccessGraph,
    after: AccessGraph,
    where: Sequence[Place],
    *,
    touched: Mapping[str, Collection[Subject]],
    ledger: Ledger,
    gone: Collection[Subject] = (),
) -> list[Change]:
    """Return what to create so that nobody loses what it is owed.

    Who is given anything keeps what nobody reserves as well, such as reading.
    ``touched`` are the subjects that lose something from ``before`` to ``after``, by namespace.
    Accounts that are ``gone`` need nothing.
    """
    made: list[Change] = []
    first = after
    shared = Counter(place.namespace for place in where)
    everybody = before.subjects()
    helped: set[tuple[str, Subject]] = set()
    # What is given everywhere need not be given again in a namespace.
    inner = sorted(where, key=lambda place: bool(place.namespace))
    for everywhere, place in (*zip(repeat(True), where), *zip(repeat(False), inner)):
        losing = {*touched.get("", ()), *touched.get(place.namespace, ())}
        # A group that comes by nature has members that other bindings name.
        wide = any(each.kind == GROUP and not is_joinable(each.name) for each in losing)
        affected = {*place.declared(), *(everybody if wide else losing)} - {MASTERS_SUBJECT, *gone}
        # Nor to members what a group gets back.
        for level in _groups_first(affected):
            lost: dict[tuple[Rule, ...], list[Subject]] = {}
            for subject in level:
                if not place.owed(subject, wide=True):
                    continue
                if not any(who in losing for who in selves(subject)):
                    continue
                missing = losses_owed(before, after, place, subject, ledger)
                if everywhere:
                    # What it held everywhere and is owed as that, it gets back as that: a
                    # RoleBinding would be held against the hub's record.
                    missing = missing.within(place.wide(subject) & ~place.owed(subject))
                    if missing:
                        helped.add((place.namespace, subject))
                elif missing or (place.namespace, subject) in helped:
                    # Where another hub has a say, what this one leaves free may be reserved.
                    if shared[place.namespace] == 1:
                        missing = missing.plus(unreserved(before, after, place, subject, ledger))
                if missing:
                    lost.setdefault(rules_for(missing, place), []).append(subject)
            namespace = "" if everywhere else place.namespace
            new = [
                each
                for rules, who in lost.items()
                for each in grant(namespace, rules, who, after)
            ]
            if new:
                after = simulate(after, new)
                made.extend(new)
    return _needed(before, first, where, made, ledger)


def _groups_first(subjects: Iterable[Subject]) -> Iterator[list[Subject]]:
    """Yield subjects, each after the groups that it is in by nature, and else in order."""
    depths = sorted((len(selves(subject)), subject) for subject in subjects)
    for _, level in groupby(depths, key=itemgetter(0)):
        yield [subject for _, subject in level]


def _needed(
    before: AccessGraph,
    after: AccessGraph,
    where: Sequence[Place],
    made: list[Change],
    ledger: Ledger,
) -> list[Change]:
    """Return the changes without those that later ones made superfluous."""
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
            losses_owed(before, without, place, subject, ledger)
            for place in where
            if change.key.namespace in ("", place.namespace)
            for subject in change.after
        ):
            made, everything = rest, without
    return made


def _is_covered(change: Change, others: Sequence[Change]) -> bool:
    """Return whether all whom a binding was made for may have it by others."""
    where = {"", change.key.namespace}
    bound = {who for other in others if other.key.namespace in where for who in other.after}
    return all(not bound.isdisjoint(selves(subject)) for subject in change.after)


def losses_owed(
    before: AccessGraph, after: AccessGraph, place: Place, subject: Subject, ledger: Ledger
) -> Held:
    """Return what a subject is owed in a place, held before and doesn't hold after."""
    owed, more = place.owed(subject), place.wide(subject)
    if not owed | more:
        return Held()
    held = ledger.held(before, place, subject).within(owed)
    if more & ~owed:
        held = held.plus(ledger.held_wide(before, place, subject).within(more))
    return held.beyond(ledger.held(after, place, subject)) if held else held


def unreserved(
    before: AccessGraph, after: AccessGraph, place: Place, subject: Subject, ledger: Ledger
) -> Held:
    """Return what a subject would lose of what the model asks about and reserves to nobody."""
    taken = place.terms.reserved & ~place.owed(subject)
    covers = place.questions.covers
    free = mask_of(
        bit for bit in bits(place.scope & ~place.terms.reserved) if not covers[bit] & taken
    )
    held = ledger.held(before, place, subject).within(free)
    return held.beyond(ledger.held(after, place, subject))


def rules_for(held: Held, place: Place) -> tuple[Rule, ...]:
    """Return rules that give exactly this, as few as is simple."""
    atoms = place.questions.atoms
    wanted = [(bit, place.names.fill(atoms[bit].name)) for bit in bits(held.mask)]
    verbs: dict[tuple[str, str, str], set[str]] = {}
    for bit, name in (*wanted, *held.some):
        atom = atoms[bit]
        verbs.setdefault((atom.group, atom.full_resource, name), set()).add(atom.verb)
    names: dict[tuple[str, str, tuple[str, ...], bool], list[str]] = {}
    for (group, resource, name), words in sorted(verbs.items()):
        names.setdefault((group, resource, tuple(sorted(words)), bool(name)), []).append(name)
    resources: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for (group, resource, allowed, named), called in names.items():
        only = tuple(called) if named else ()
        resources.setdefault((group, allowed, only), []).append(resource)
    return tuple(
        Rule(allowed, (group,), tuple(kinds), only)
        for (group, allowed, only), kinds in sorted(resources.items())
    )


def grant(
    namespace: str, rules: tuple[Rule, ...], subjects: Iterable[Subject], graph: AccessGraph
) -> Iterable[Change]:
    """Yield a role with these rules, unless it is there, and its binding to the subjects."""
    role = RoleKey(namespace, PREFIX + _hash([rule_json(rule) for rule in rules]))
    known = graph.roles.get(role)
    if known is None or known.rules != rules:
        if known is not None:
            # Somebody has changed a role of ours: it is left alone, and another one made.
            role = RoleKey(role.namespace, f"{role.name}-{_hash([known.uid])}")
        yield Change(Action.CREATE_ROLE, role, rules_after=rules)
    who = tuple(sorted(subjects))
    key = BindingKey(namespace, f"{role.name}-{_hash(list(map(str, who)))}")
    if key in graph.bindings:
        key = BindingKey(key.namespace, f"{key.name}-{_hash([graph.bindings[key].uid])}")
    yield Change(Action.CREATE_BINDING, key, role=role, after=who)


def _hash(content: object) -> str:
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]
