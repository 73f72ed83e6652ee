"""Holders of a model's permissions, in one namespace or cluster-wide.

The binding side of ``rbac.graph``, put the other way round: not "who can do X" for every X,
but "which of all X" for every binding, so that a hub costs its own bindings only.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

from responsibility.ownership.terms.exemptions import Exemption
from responsibility.ownership.terms.permission_index import (
    GrantMask,
    Names,
    Partial,
    PermissionIndex,
    bits,
)
from responsibility.rbac.identity import MASTERS, implied_groups, is_joinable
from responsibility.rbac.objects import (
    GROUP,
    USER,
    Binding,
    Source,
    Subject,
)
from responsibility.rbac.scope import BindingScope


@dataclass(slots=True)
class Holding:
    """The permissions of one subject: bits in full, and grants that depend on a name."""

    full: int = 0
    grants: list[tuple[Binding, GrantMask]] = field(default_factory=list)
    # How many grants there were, and which of them depend on names: hardly any, where a subject
    # is bound thousands of times.
    _named: tuple[int, list[GrantMask]] = field(
        default=(0, []), init=False, repr=False, compare=False
    )

    def _by_name(self) -> list[GrantMask]:
        """Return the grants that depend on a name; the list of all only ever grows."""
        if self._named[0] != len(self.grants):
            named = [granted for _, granted in self.grants if granted.symbolic or granted.some]
            self._named = (len(self.grants), named)
        return self._named[1]

    def mask(self, permissions: PermissionIndex, names: Names) -> int:
        """Return the bits held on a hub whose objects have these ``names``."""
        mask = self.full
        for granted in self._by_name():
            for partial in granted.symbolic:
                if partial.fits(names.fill(permissions.by_bit[partial.bit].name)):
                    mask |= 1 << partial.bit
        return mask

    def within(self, scope: int) -> Holding:
        """Return the part that is about the permissions in ``scope``."""
        grants = [(binding, granted.within(scope)) for binding, granted in self.grants]
        return Holding(self.full & scope, [(b, r) for b, r in grants if r])

    def plus(self, other: Holding) -> Holding:
        """Return both together."""
        return Holding(self.full | other.full, [*self.grants, *other.grants])

    def beyond(
        self, exemptions: Iterable[Exemption], permissions: PermissionIndex, names: Names
    ) -> Holding:
        """Return the part that no exemption covers on a hub with these ``names``."""
        exemptions = tuple(exemptions)
        if not exemptions:
            return self
        left: list[tuple[Binding, GrantMask]] = []
        for binding, granted in self.grants:
            rest = granted
            for exemption in exemptions:
                rest = exemption.left(binding, rest, permissions, names)
            if rest:
                left.append((binding, rest))
        return Holding(reduce(or_, (granted.full for _, granted in left), 0), left)

    @property
    def symbolic(self) -> bool:
        """Whether the mask depends on the hub's names."""
        return any(granted.symbolic for granted in self._by_name())

    @property
    def partial(self) -> bool:
        """Whether any of it depends on names."""
        return bool(self._by_name())

    def some(self) -> Iterable[Partial]:
        """Yield the unnamed permissions that are held for some names only."""
        for granted in self._by_name():
            yield from granted.some

    def hits(self, wanted: int) -> Hashable:
        """Return what tells apart by which rules any bit of ``wanted`` is held."""
        if self._by_name():
            return wanted
        return tuple([granted.hits(wanted) for _, granted in self.grants])

    def sources(
        self, wanted: int, permissions: PermissionIndex, names: Names, *, entitled: int = 0
    ) -> list[Source]:
        """Return every binding, role and rule by which any bit of ``wanted`` is held.

        What is held for some names only is left out where ``entitled`` has all of them.
        """
        found: list[Source] = []
        for binding, granted in self.grants:
            hits = granted.hits(wanted)
            if not granted.symbolic and not granted.some:
                found += [Source(binding.key, binding.role, n, only) for n, only in hits]
                continue
            rules = dict(hits)
            for partial in granted.symbolic:
                name = permissions.by_bit[partial.bit].name
                if 1 << partial.bit & wanted and partial.fits(names.fill(name)):
                    rules[partial.rule] = partial.names
            for partial in granted.some:
                if 1 << partial.bit & wanted and _beyond(
                    partial, entitled, permissions=permissions, names=names
                ):
                    rules[partial.rule] = partial.names
            found.extend(Source(binding.key, binding.role, n, some) for n, some in rules.items())
        return found


def in_order(sources: Iterable[Source]) -> tuple[Source, ...]:
    """Return sources by binding, those of the cluster first, and then by rule."""
    found = tuple(sources)
    return tuple(sorted(found, key=_place)) if len(found) > 1 else found


def _place(source: Source) -> tuple[str, str, int]:
    if source.binding is None:
        return ("", "", source.rule)
    return (source.binding.namespace, source.binding.name, source.rule)


class Holdings(dict[Subject, Holding]):
    """The permissions that each subject holds; not changed any more once they are made."""

    _joinable: list[Holding] | None = None

    def of_joinable(self, permissions: PermissionIndex, names: Names) -> int:
        """Return what is held by groups that any person may be in."""
        if self._joinable is None:
            held = [h for s, h in self.items() if s.kind == GROUP and is_joinable(s.name)]
            full = Holding(reduce(or_, (holding.full for holding in held), 0))
            self._joinable = [full, *(holding for holding in held if holding.symbolic)]
        return reduce(or_, (holding.mask(permissions, names) for holding in self._joinable))


NOTHING = Holding()


def collect(scope: BindingScope, permissions: PermissionIndex) -> Holdings:
    """Return what each subject bound in ``scope`` holds of the permissions."""
    held = Holdings()
    for bundle in scope.by_rule_set.values():
        granted = permissions.granted(bundle.rules)
        if not granted:
            continue
        for grant in bundle.grants:
            for subject in grant.subjects:
                holding = held.get(subject)
                if holding is None:
                    holding = held[subject] = Holding()
                holding.full |= granted.full
                holding.grants.append((grant.binding, granted))
    return held


def excess(
    holding: Holding,
    *,
    entitled: int,
    reserved: int,
    permissions: PermissionIndex,
    names: Names,
) -> int:
    """Return the reserved bits that a holding has beyond ``entitled``.

    An unnamed permission held for some names counts, unless every one of these names is covered
    by a named permission to which the subject is entitled.
    """
    beyond = holding.mask(permissions, names) & reserved & ~entitled
    for partial in holding.some():
        flag = 1 << partial.bit
        if (
            flag & reserved
            and not flag & (entitled | beyond)
            and _beyond(partial, entitled, permissions=permissions, names=names)
        ):
            beyond |= flag
    return beyond


def _beyond(partial: Partial, entitled: int, *, permissions: PermissionIndex, names: Names) -> bool:
    """Return whether some of the names are not those of a named permission in ``entitled``."""
    if not entitled:
        return True
    allowed = {
        names.fill(permissions.by_bit[bit].name)
        for bit in bits(permissions.narrower(partial.bit) & entitled)
    }
    return not allowed.issuperset(partial.names)


@dataclass(frozen=True, slots=True)
class Ability:
    """The abilities of a declared subject: ``sure`` bits, and bits that a group may bring it."""

    sure: int
    perhaps: int


def ability(
    subject: Subject,
    layers: Iterable[Holdings],
    permissions: PermissionIndex,
    names: Names,
) -> Ability:
    """Return what ``subject`` can do by RBAC, as far as RBAC can tell.

    ``layers`` are the holdings that count together (cluster-wide, and the namespace's). A
    user's groups are known to the identity provider only, so what any such group holds is a
    *perhaps* for every user.
    """
    if subject == Subject(GROUP, MASTERS):
        return Ability(permissions.all, 0)
    sure = perhaps = 0
    groups = implied_groups(subject)
    for holdings in layers:
        for key in (subject, *(Subject(GROUP, g) for g in groups)):
            sure |= holdings.get(key, NOTHING).mask(permissions, names)
        if subject.kind == USER:
            perhaps |= holdings.of_joinable(permissions, names)
    return Ability(sure, perhaps & ~sure)
