"""The permissions of a model, numbered, and sets of them as bit masks.

One permission is one (verb, API group, resource, name, namespace) that an item requires or
reserves; people write many of them at once, as an `api.permission.PermissionRule`. A model
has a few hundred of them, the same for every hub but for the names that hold a placeholder.
So what a role grants of a model is worked out once per distinct list of rules, as an integer
with one bit a permission, and everything after that (what a party is entitled to, what a subject
holds beyond it) is arithmetic on integers.

The masks say exactly what ``rbac.rules.rule_allows`` says of each; a property test holds
the two against each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from responsibility.api.placeholders import expand
from responsibility.rbac.index import RuleSet, remember
from responsibility.rbac.objects import Attributes, Rule
from responsibility.rbac.rules import gives_everything

# A request with this verb never carries a name, so a rule with names never allows it. All others
# may carry one, see `rbac.rules`: even `create`, in an apply that turns out to create the object.
_NAMELESS = "deletecollection"

# Rule lists remembered at a time, so that a cluster whose roles keep changing costs no memory.
_MOST_REACHES = 50_000

HUB = "$(namespace)"
_NONE: frozenset[str] = frozenset()


# A tuple, since it is hashed all the time.
class Permission(NamedTuple):
    """One permission of a model, before it is asked about on a hub.

    ``namespace`` is ``$(namespace)`` for one in the hub's namespace, empty for
    cluster scope, else a fixed namespace. ``name`` empty means any name; it may hold
    placeholders.
    """

    verb: str
    group: str
    resource: str
    subresource: str = ""
    name: str = ""
    namespace: str = HUB

    @property
    def full_resource(self) -> str:
        """Return ``pods/exec`` for a subresource, else the resource."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource

    @property
    def is_hub(self) -> bool:
        """Whether it is asked in the hub's own namespace (else once for the cluster)."""
        return self.namespace == HUB

    @property
    def symbolic(self) -> bool:
        """Whether its name is known only when the hub is."""
        return "$(" in self.name

    def named(self, names: Names) -> Permission:
        """Return it with its name filled in; that it is in the hub's namespace stays said."""
        return self._replace(name=names.fill(self.name)) if self.symbolic else self

    def attributes(self, names: Names) -> Attributes:
        """Return it as the API server is asked about it, for one hub."""
        return Attributes(
            verb=self.verb,
            group=self.group,
            resource=self.resource,
            subresource=self.subresource,
            name=names.fill(self.name),
            namespace=names.fill(self.namespace),
        )


EVERYTHING = Permission("*", "*", "*", namespace="")


@dataclass(frozen=True, slots=True)
class Names:
    """The values of a model's placeholders on one hub."""

    namespace: str = ""
    release: str = ""
    prefix: str = ""
    # A hub's few texts are asked for again and again.
    _filled: dict[str, str] = field(init=False, repr=False, compare=False, default_factory=dict)
    # What was made of things that are the same for all hubs, by their identity.
    made: dict[int, tuple[Any, Any]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def fill(self, text: str) -> str:
        """Return ``text`` with ``$(namespace)``, ``$(release)`` and ``$(prefix)`` replaced."""
        if "$(" not in text:
            return text
        known = self._filled.get(text)
        if known is None:
            values = {"namespace": self.namespace, "release": self.release, "prefix": self.prefix}
            known = expand(text, values)
            remember(self._filled, text, known)
        return known


@dataclass(frozen=True, slots=True)
class Partial:
    """A rule that grants permission ``bit`` for some names only."""

    bit: int
    rule: int
    names: tuple[str, ...]

    def fits(self, name: str) -> bool:
        """Return whether the rule names an object; a name that is not known yet is empty."""
        return bool(name) and name in self.names


@dataclass(frozen=True, slots=True)
class GrantMask:
    """The permissions of a model that a list of rules grants, as masks.

    ``full``: bits granted as asked (any name where the permission says any). ``by_rule``: the same
    for each rule, with the rule's names, for sources. ``symbolic``: granted if the hub's resolved
    name is among the rule's. ``some``: those that say any name, granted for some.
    """

    full: int
    by_rule: tuple[tuple[int, tuple[str, ...], int], ...] = ()
    symbolic: tuple[Partial, ...] = ()
    some: tuple[Partial, ...] = ()
    # What was held against the model.
    rules: tuple[Rule, ...] = field(default=(), compare=False, repr=False)
    _hits: dict[int, tuple[tuple[int, tuple[str, ...]], ...]] = field(
        init=False, default_factory=dict, compare=False, repr=False
    )

    def hits(self, wanted: int) -> tuple[tuple[int, tuple[str, ...]], ...]:
        """Return the rules that grant any bit of ``wanted`` in full, with their names."""
        known = self._hits.get(wanted)
        if known is None:
            known = tuple((n, only) for n, only, mask in self.by_rule if mask & wanted)
            remember(self._hits, wanted, known)
        return known

    def within(self, scope: int) -> GrantMask:
        """Return what is granted of the permissions in ``scope``."""
        return GrantMask(
            full=self.full & scope,
            by_rule=tuple((n, o, mask & scope) for n, o, mask in self.by_rule if mask & scope),
            symbolic=tuple(p for p in self.symbolic if 1 << p.bit & scope),
            some=tuple(p for p in self.some if 1 << p.bit & scope),
            rules=self.rules,
        )

    def beyond(self, mask: int, names: Mapping[int, frozenset[str]]) -> GrantMask:
        """Return what is granted beyond a mask, and beyond bits for some names."""
        left = self.within(~mask)
        if not names:
            return left
        return replace(
            left,
            some=tuple(p for p in left.some if not names.get(p.bit, _NONE).issuperset(p.names)),
        )

    @property
    def everything(self) -> bool:
        """Whether it is everything at once, in the namespace or the cluster."""
        return any(map(gives_everything, self.rules))

    def __bool__(self) -> bool:
        """Return whether anything at all is granted."""
        return bool(self.full or self.symbolic or self.some)


def bits(mask: int) -> Iterator[int]:
    """Yield the positions of the set bits, lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def mask_of(positions: Iterable[int]) -> int:
    """Return the mask with these bits set."""
    mask = 0
    for position in positions:
        mask |= 1 << position
    return mask


@dataclass(slots=True, eq=False)
class PermissionIndex:
    """The permissions of one model, with the masks that make rules quick to hold against them.

    The last of them may be in no item: it asks for everything there is, so that whoever holds
    that is known under any model. Immutable but for its memory of what was worked out already.
    """

    by_bit: tuple[Permission, ...]
    index: Mapping[Permission, int] = field(init=False)
    hub_mask: int = field(init=False)
    cluster_mask: int = field(init=False)
    everything: int = field(init=False)
    covers: tuple[int, ...] = field(init=False)
    _verbs: dict[str, int] = field(init=False, default_factory=dict)
    _groups: dict[str, int] = field(init=False, default_factory=dict)
    _resources: dict[str, int] = field(init=False, default_factory=dict)
    _names: dict[str, int] = field(init=False, default_factory=dict)
    _namespaces: dict[str, int] = field(init=False, default_factory=dict)
    all: int = field(init=False)
    _reaches: dict[RuleSet, GrantMask] = field(init=False, default_factory=dict)
    _narrower: dict[int, int] = field(init=False, default_factory=dict)
    _named_for: Names | None = field(init=False, default=None)
    _named: list[Permission] = field(init=False, default_factory=list)
    _symbolic: int = field(init=False)
    _positions: dict[int, tuple[int, ...]] = field(init=False, default_factory=dict)
    # By mask: those without a placeholder, which all hubs share, and those of one hub.
    _shared: dict[int, tuple[Permission, ...]] = field(init=False, default_factory=dict)
    _selected: dict[int, tuple[Permission, ...]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Work out the masks."""
        self.by_bit = tuple(dict.fromkeys((*self.by_bit, EVERYTHING)))
        self.index = {permission: bit for bit, permission in enumerate(self.by_bit)}
        self.all = (1 << len(self.by_bit)) - 1
        self._verbs["*"] = self._groups["*"] = self._resources["*"] = self.all
        for bit, permission in enumerate(self.by_bit):
            flag = 1 << bit
            for table, key in (
                (self._verbs, permission.verb),
                (self._groups, permission.group),
                (self._resources, permission.full_resource),
                (self._names, permission.name),
                (self._namespaces, permission.namespace),
            ):
                table[key] = table.get(key, 0) | flag
            if permission.subresource:
                glob = f"*/{permission.subresource}"
                self._resources[glob] = self._resources.get(glob, 0) | flag
        self.hub_mask = mask_of(b for b, a in enumerate(self.by_bit) if a.is_hub)
        self._symbolic = mask_of(b for b, a in enumerate(self.by_bit) if a.symbolic)
        self.cluster_mask = self.in_namespace("")
        self.everything = 1 << self.index[EVERYTHING]
        self.covers = tuple(self._cover(permission) for permission in self.by_bit)

    def select(self, mask: int, names: Names) -> tuple[Permission, ...]:
        """Return the permissions of a mask, with the names that they have on one hub."""
        if not mask & self._symbolic:
            known = self._shared.get(mask)
            if known is None:
                known = tuple(map(self.by_bit.__getitem__, bits(mask)))
                remember(self._shared, mask, known)
            return known
        if names != self._named_for:
            # A hub's permissions are asked for one after the other.
            self._named_for, self._selected = names, {}
            self._named = list(self.by_bit)
            for bit in bits(self._symbolic):
                self._named[bit] = self.by_bit[bit].named(names)
        known = self._selected.get(mask)
        if known is None:
            positions = self._positions.get(mask)
            if positions is None:
                positions = tuple(bits(mask))
                remember(self._positions, mask, positions)
            known = self._selected[mask] = tuple(map(self._named.__getitem__, positions))
        return known

    def in_namespace(self, namespace: str) -> int:
        """Return the permissions asked about in one fixed namespace (empty: at cluster scope)."""
        return self._namespaces.get(namespace, 0)

    def fixed_namespaces(self) -> tuple[str, ...]:
        """Return the namespaces, other than the hub's, that the model asks about."""
        return tuple(sorted({a.namespace for a in self.by_bit} - {HUB, ""}))

    def narrower(self, bit: int) -> int:
        """Return the named permissions that would include ``bit`` if they were not named."""
        known = self._narrower.get(bit)
        if known is None:
            known = self._narrower[bit] = mask_of(
                other
                for other, permission in enumerate(self.by_bit)
                if permission.name and self._cover(permission._replace(name="")) >> bit & 1
            )
        return known

    def wide(self, mask: int) -> int:
        """Return what comes, in all namespaces, with those of ``mask`` at cluster scope."""
        covered = 0
        for bit in bits(mask & self.cluster_mask):
            covered |= self.covers[bit]
        return covered

    def granted(self, rules: RuleSet) -> GrantMask:
        """Return what a role with these rules grants; equal rules are worked out once."""
        known = self._reaches.get(rules)
        if known is None:
            if len(self._reaches) >= _MOST_REACHES:
                self._reaches.clear()
            known = self._reaches[rules] = self.granted_by(rules.rules)
        return known

    def _candidates(self, rule: Rule) -> int:
        """Return the permissions that a rule grants as far as verb, group and resource go."""
        verbs = groups = resources = 0
        for verb in rule.verbs:
            verbs |= self._verbs.get(verb, 0)
        for group in rule.api_groups:
            groups |= self._groups.get(group, 0)
        for resource in rule.resources:
            resources |= self._resources.get(resource, 0)
        return verbs & groups & resources

    def granted_by(self, rules: tuple[Rule, ...]) -> GrantMask:
        """Return what these rules grant."""
        full = 0
        by_rule: list[tuple[int, tuple[str, ...], int]] = []
        symbolic: list[Partial] = []
        some: list[Partial] = []
        for number, rule in enumerate(rules):
            candidates = self._candidates(rule)
            if not candidates:
                continue
            granted = candidates
            if rule.resource_names:
                granted = 0
                for bit in bits(candidates):
                    permission = self.by_bit[bit]
                    if not permission.name and "" in rule.resource_names:
                        # The empty name is one that can be written, and requests without one have.
                        granted |= 1 << bit
                    elif not permission.name:
                        if permission.verb != _NAMELESS:
                            some.append(Partial(bit, number, rule.resource_names))
                    elif permission.symbolic:
                        symbolic.append(Partial(bit, number, rule.resource_names))
                    elif permission.name in rule.resource_names:
                        granted |= 1 << bit
            if granted:
                full |= granted
                by_rule.append((number, rule.resource_names, granted))
        return GrantMask(full, tuple(by_rule), tuple(symbolic), tuple(some), rules)

    def _cover(self, permission: Permission) -> int:
        """Return what whoever may do ``permission`` may do as well (itself among them)."""
        rule = Rule((permission.verb,), (permission.group,), (permission.full_resource,))
        mask = self._candidates(rule)
        if permission.name:
            mask &= self._names[permission.name]
        if permission.namespace:
            mask &= self.in_namespace(permission.namespace)
        return mask
