"""Rights that a subject may hold without being drift: listed, never hidden.

An exemption is for rights, not for a subject: it says which permissions it covers, or through
which bindings, and whatever its subject has beyond that is a finding. Everything at once (``*``
on ``*``) is covered by no exemption that doesn't say so of a binding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from responsibility.ownership.terms.permission_index import (
    HUB,
    GrantMask,
    Names,
    PermissionIndex,
)
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.identity import canonical
from responsibility.rbac.objects import (
    SERVICE_ACCOUNT,
    Binding,
    Rule,
    Source,
    Subject,
    chart_of,
)
from responsibility.rbac.rules import gives_everything, rule_covers, rules_digest
from responsibility.subject_kinds import AnyKind

ALL_ITEMS: Final = "*"
_ANY_NAMESPACE: Final = "*"


def _matches(pattern: str, text: str) -> bool:
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern


@dataclass(frozen=True, slots=True)
class CoveredRule:
    """Permissions that are covered, as a rule, and where.

    ``place`` is the hub's namespace (``$(namespace)``), a fixed one, or empty for what a
    ClusterRoleBinding gives.
    """

    place: str
    rule: Rule

    def fill(self, names: Names) -> CoveredRule:
        """Return it for one hub; of no hub in particular, placeholders match nothing."""
        if not names.namespace or not any("$(" in name for name in self.rule.resource_names):
            return self
        filled = tuple(map(names.fill, self.rule.resource_names))
        return CoveredRule(self.place, replace(self.rule, resource_names=filled))


@dataclass(frozen=True, slots=True)
class BindingPattern:
    """Bindings through which rights are covered; an empty text is any.

    ``namespace`` empty is a ClusterRoleBinding; ``digests`` are those of the role's rules.
    """

    name: str
    namespace: str = ""
    role: str = ""
    chart: str = ""
    digests: frozenset[str] = frozenset()
    everything: bool = False

    def fill(self, names: Names) -> BindingPattern:
        """Return it for one hub; of no hub in particular, placeholders match nothing."""
        if not names.namespace or "$(" not in f"{self.name}{self.namespace}{self.role}":
            return self
        return replace(
            self,
            name=names.fill(self.name),
            namespace=names.fill(self.namespace),
            role=names.fill(self.role),
        )

    def matches(self, binding: Binding, rules: tuple[Rule, ...]) -> bool:
        """Return whether a binding to a role with these rules is meant."""
        return (
            binding.key.namespace == self.namespace
            and _matches(self.name, binding.key.name)
            and (not self.role or _matches(self.role, binding.role.name))
            and (not self.chart or chart_of(binding.labels) == self.chart)
            and (not self.digests or rules_digest(rules) in self.digests)
        )


@dataclass(frozen=True, slots=True)
class CoveredPermissions:
    """Permissions that an exemption covers: bits in full, and unnamed ones for some names."""

    mask: int
    names: Mapping[int, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))

    def touches(self, mask: int) -> bool:
        """Return whether any bit of ``mask`` is covered, be it for some names only."""
        return bool(self.mask & mask) or any(mask >> bit & 1 for bit in self.names)


@dataclass(frozen=True, slots=True)
class Exemption:
    """Rights of one subject; names may end in ``*`` and hold the placeholders of a hub.

    Without ``rights`` it covers all that its items reserve, without ``bindings`` by any binding.
    ``any_hub`` is a part of each hub that has its work on all of them, such as a scheduler.
    """

    kind: AnyKind
    name: str
    namespace: str
    items: frozenset[str]
    reason: str
    rights: tuple[CoveredRule, ...] = ()
    bindings: tuple[BindingPattern, ...] = ()
    # Whether it was filled for one hub, and so is about a part of that.
    part: bool = False
    any_hub: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        """Note whether it is about any hub's part, before placeholders are filled."""
        wide = self.symbolic and self.namespace == _ANY_NAMESPACE
        object.__setattr__(self, "any_hub", wide)

    @property
    def symbolic(self) -> bool:
        """Whether it means something only for a given hub."""
        return "$(" in self.name or "$(" in self.namespace

    @property
    def subject(self) -> Subject | None:
        """The one subject that is meant; None for a pattern. Placeholders have been filled."""
        if self.name.endswith("*") or self.namespace.endswith("*"):
            return None
        return Subject(self.kind, self.name, self.namespace)

    @property
    def exact_namespace(self) -> str | None:
        """The one namespace whose ServiceAccounts are meant; None if there may be others."""
        exact = self.kind == SERVICE_ACCOUNT and not self.namespace.endswith("*")
        return self.namespace if exact else None

    @property
    def own_hub_only(self) -> bool:
        """Whether it is about a part of each hub, which to other hubs is a stranger."""
        return self.symbolic and not self.any_hub

    def fill(self, names: Names) -> Exemption:
        """Return it for one hub; a part of any hub is in that hub's namespace then."""
        if not self.symbolic:
            return self
        known = names.made.get(id(self))
        if known is None or known[0] is not self:
            filled = self._filled(names, HUB if self.any_hub else self.namespace)
            known = names.made[id(self)] = (self, filled)
        made: Exemption = known[1]
        return made

    def fill_names(self, names: Names) -> Exemption:
        """Return it for one hub, with a part of any hub still in any namespace.

        That is how a policy knows such a part, whose hub it can't look up.
        """
        return self._filled(names, self.namespace) if self.symbolic else self

    def _filled(self, names: Names, namespace: str) -> Exemption:
        return Exemption(
            kind=self.kind,
            name=names.fill(self.name),
            namespace=names.fill(namespace),
            items=self.items,
            reason=self.reason,
            rights=tuple(right.fill(names) for right in self.rights),
            bindings=tuple(binding.fill(names) for binding in self.bindings),
            part=True,
        )

    def elsewhere(self) -> Exemption | None:
        """Return what of a hub's own part holds on other hubs: what a ClusterRoleBinding gives."""
        wide = tuple(right for right in self.rights if not right.place)
        return replace(self, rights=wide) if wide else None

    def covers(self, subject: Subject) -> bool:
        """Return whether ``subject`` (in canonical form) is meant."""
        return (
            subject.kind == self.kind
            and _matches(self.name, subject.name)
            and (subject.kind != SERVICE_ACCOUNT or _matches(self.namespace, subject.namespace))
        )

    def for_item(self, item: str) -> bool:
        """Return whether it holds for ``item``."""
        return ALL_ITEMS in self.items or item in self.items

    def coverage(self, permissions: PermissionIndex, names: Names) -> CoveredPermissions:
        """Return what it covers of a model's permissions, but for which bindings.

        ``names`` are those of the hub for which it was filled.
        """
        return _coverage(self.rights, permissions, names)

    def covers_binding(self, binding: Binding, rules: tuple[Rule, ...], names: Names) -> bool:
        """Return whether it may be held by a binding to a role with these rules.

        Without ``rights``, a role that gives everything takes a binding of which that is said.
        """
        matching = [b for b in self.bindings if b.fill(names).matches(binding, rules)]
        if self.bindings and not matching:
            return False
        if self.rights or any(each.everything for each in matching):
            return True
        return not any(map(gives_everything, rules))

    def covers_everything(self, binding: Binding, rules: tuple[Rule, ...], names: Names) -> bool:
        """Return whether it says of a binding that it may give everything at once."""
        return any(b.everything and b.fill(names).matches(binding, rules) for b in self.bindings)

    def left(
        self, binding: Binding, granted: GrantMask, permissions: PermissionIndex, names: Names
    ) -> GrantMask:
        """Return what a binding grants beyond what this covers."""
        if not self.covers_binding(binding, granted.rules, names):
            return granted
        coverage = self.coverage(permissions, names)
        mask = coverage.mask
        if not self.covers_everything(binding, granted.rules, names):
            mask &= ~permissions.everything
        return granted.beyond(mask, coverage.names)

    def covers_source(self, source: Source, graph: AccessGraph, names: Names) -> bool:
        """Return whether all that one rule gives by a binding is covered, in the model or not.

        ``names`` are the hub's, empty for the cluster.
        """
        if source.binding is None or source.role is None:
            return not self.rights and not self.bindings
        binding, role = graph.bindings.get(source.binding), graph.roles.get(source.role)
        if binding is None or role is None or source.rule >= len(role.rules):
            return False
        if not self.covers_binding(binding, role.rules, names):
            return False
        if not self.rights:
            return True
        places = {"", source.binding.namespace}
        home = self.namespace if self.part and self.kind == SERVICE_ACCOUNT else names.namespace
        if source.binding.namespace and source.binding.namespace == home:
            places.add(HUB)
        rights = (right.fill(names).rule for right in self.rights if right.place in places)
        return rule_covers(rights, role.rules[source.rule])


def covering(
    exemptions: Sequence[Exemption], mask: int, permissions: PermissionIndex, names: Names
) -> Exemption:
    """Return the first exemption that covers any bit of ``mask``; one of them does."""
    return next(
        (e for e in exemptions if e.coverage(permissions, names).touches(mask)), exemptions[0]
    )


@lru_cache(maxsize=4_096)
def _coverage(
    rights: tuple[CoveredRule, ...], permissions: PermissionIndex, names: Names
) -> CoveredPermissions:
    if not rights:
        return CoveredPermissions(permissions.all)
    mask = 0
    some: dict[int, set[str]] = {}
    for right in rights:
        granted = permissions.granted_by((right.fill(names).rule,)).within(
            _scope(right.place, permissions)
        )
        mask |= granted.full
        for partial in granted.symbolic:
            if partial.fits(names.fill(permissions.by_bit[partial.bit].name)):
                mask |= 1 << partial.bit
        for partial in granted.some:
            some.setdefault(partial.bit, set()).update(partial.names)
    return CoveredPermissions(mask, {bit: frozenset(found) for bit, found in some.items()})


def _scope(place: str, permissions: PermissionIndex) -> int:
    if not place:
        return permissions.all
    return permissions.hub_mask if place == HUB else permissions.in_namespace(place)


def exempt_operator(operator: Subject | None) -> tuple[Exemption, ...]:
    """Return the exemption of the identity that this operator itself runs as."""
    if operator is None:
        return ()
    operator = canonical(operator)
    reason = "this operator: it writes statuses and annotations"
    return (
        Exemption(operator.kind, operator.name, operator.namespace, frozenset({ALL_ITEMS}), reason),
    )
