"""The ClusterRoles that items are granted by: each holds what its item requires, and no more.

They are static, rendered from a model and applied with the chart or by an administrator. The
operator binds people to them and can't write them: so what it can hand out is limited to what
stands here. An item has one role for the namespace of a hub, one for what it requires of the
cluster as a whole, and one for each other namespace that it names.

A name such as ``$(prefix)hub`` differs from hub to hub, which a role can't follow. So there is one
role more for each prefix that releases put before their names; none grants in one hub what another
is called by.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from responsibility import api_groups
from responsibility.api.crd import to_yaml
from responsibility.api.item import RECORD_ITEM, ItemDefinition
from responsibility.api.model import ResponsibilityModel
from responsibility.api.names import DESCRIPTION_ANNOTATION, ITEM_LABEL, ITEM_ROLE_PREFIX
from responsibility.api.permission import PermissionRule, Scope
from responsibility.api.placeholders import expand
from responsibility.ownership.terms.agreement import ItemTerms, Terms
from responsibility.ownership.terms.permission_index import HUB, bits
from responsibility.rbac.objects import Rule

PREFIX = "$(prefix)"

# Whoever holds one of these can obtain rights that stand in no role of ours.
_WIDENING = ("bind", "escalate", "impersonate")
_NEVER = (
    "the right to write records and models decides over everything else, so it is given by hand"
)


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """One verb on one resource: what a rule comes down to."""

    verb: str
    group: str
    resource: str
    name: str = ""

    def __str__(self) -> str:
        """Return ``patch deployments.apps/hub``, as people write it."""
        plural, slash, sub = self.resource.partition("/")
        group = f".{self.group}" if self.group else ""
        return f"{self.verb} {plural}{group}{slash}{sub}" + (f" {self.name}" if self.name else "")


@dataclass(frozen=True, slots=True)
class ItemRole:
    """One ClusterRole: where it is to be bound, and its rules.

    ``place`` is ``$(namespace)`` for a hub's namespace, empty for the whole cluster, else a fixed
    namespace.
    """

    name: str
    item: str
    place: str
    rules: tuple[Rule, ...]

    def manifest(self) -> dict[str, Any]:
        """Return it as it is applied."""
        return {
            "apiVersion": f"{api_groups.RBAC}/v1",
            "kind": "ClusterRole",
            "metadata": {
                "name": self.name,
                "labels": {
                    ITEM_LABEL: self.item,
                    "app.kubernetes.io/part-of": "hub-responsibility",
                },
                "annotations": {DESCRIPTION_ANNOTATION: self._description()},
            },
            "rules": [_rule(rule) for rule in self.rules],
        }

    def _description(self) -> str:
        where = {HUB: "a hub's namespace", "": "the whole cluster"}.get(
            self.place, f"namespace {self.place}"
        )
        return f"What item {self.item} requires in {where}. Rendered from the model."


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reason why a part of an item can't be granted by a static role."""

    item: str
    place: str
    reason: str

    def __str__(self) -> str:
        """Return a line for people."""
        where = {HUB: "", "": " (cluster)"}.get(self.place, f" (namespace {self.place})")
        return f"{self.item}{where}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Rendered:
    """The roles of a model, and the parts of items for which there is none."""

    roles: tuple[ItemRole, ...]
    refusals: tuple[Refusal, ...]


def role_name(item: str, place: str = HUB, prefix: str = "") -> str:
    """Return the name of an item's role; ``prefix`` only if its rules depend on it.

    A colon is in no name of an item, so no two roles have the same name.
    """
    if place == HUB:
        return (
            f"{ITEM_ROLE_PREFIX}{item}:prefix:{prefix}" if prefix else f"{ITEM_ROLE_PREFIX}{item}"
        )
    return (
        f"{ITEM_ROLE_PREFIX}{item}:namespace:{place}"
        if place
        else f"{ITEM_ROLE_PREFIX}{item}:cluster"
    )


def to_text(roles: Iterable[ItemRole]) -> str:
    """Return roles as the documents of one file."""
    return "---\n".join(to_yaml(role.manifest()) for role in roles)


def render(model: ResponsibilityModel, prefixes: Iterable[str] = ("",)) -> Rendered:
    """Return the roles of all items, in the model's order.

    ``prefixes`` are those of the releases; an item that names nothing by it has one role for all.
    """
    roles: dict[str, ItemRole] = {}
    refusals: list[Refusal] = []
    wanted = tuple(dict.fromkeys(prefixes))
    for definition in model.spec.all_items:
        for place, permissions in _places(definition).items():
            reason = refused(definition.name, _parts(permissions))
            if reason:
                refusals.append(Refusal(definition.name, place, reason))
                continue
            symbolic = any(PREFIX in n for p in permissions for n in p.resource_names)
            for prefix in wanted if symbolic else ("",):
                role = _role(definition.name, place, permissions, prefix)
                roles[role.name] = role
    return Rendered(tuple(roles.values()), tuple(refusals))


def refused(item: str, parts: Iterable[Part]) -> str:
    """Return why these permissions are never granted; an empty text if they may be."""
    if item == RECORD_ITEM:
        return _NEVER
    for part in parts:
        if "*" in (part.verb, part.group, part.resource) or part.resource.startswith("*/"):
            return f"it requires a wildcard ({part}): list what is meant"
        if part.verb.startswith(_WIDENING):
            return f"it requires {part.verb}, which leads to any right at all: grant it by hand"
        if "$(" in part.name.replace(PREFIX, ""):
            return (
                f"it names {part.name}, which differs from hub to hub: of the placeholders, only "
                f"{PREFIX} can be rendered"
            )
    return ""


def parts_of(rules: Iterable[Rule]) -> frozenset[Part]:
    """Return what rules come down to; two roles grant the same if this is equal."""
    return frozenset(
        Part(verb, group, resource, name)
        for rule in rules
        for verb in rule.verbs
        for group in rule.api_groups
        for resource in rule.resources
        for name in rule.resource_names or ("",)
    )


def required(terms: Terms, item: ItemTerms) -> dict[str, frozenset[Part]]:
    """Return what an item requires, by place, with the placeholders left as they are."""
    found: dict[str, set[Part]] = {}
    for bit in bits(item.required):
        atom = terms.permissions.by_bit[bit]
        part = Part(atom.verb, atom.group, atom.full_resource, atom.name)
        found.setdefault(atom.namespace, set()).add(part)
    return {place: frozenset(parts) for place, parts in sorted(found.items())}


def is_symbolic(parts: Iterable[Part]) -> bool:
    """Return whether what is required depends on how a release names its objects."""
    return any(PREFIX in part.name for part in parts)


def filled(parts: Iterable[Part], prefix: str) -> frozenset[Part]:
    """Return what is required of a release with this prefix."""
    return frozenset(
        Part(p.verb, p.group, p.resource, expand(p.name, {"prefix": prefix})) for p in parts
    )


def _places(definition: ItemDefinition) -> Mapping[str, list[PermissionRule]]:
    found: dict[str, list[PermissionRule]] = {}
    for permission in definition.required:
        place = "" if permission.scope is Scope.CLUSTER else permission.namespace or HUB
        found.setdefault(place, []).append(permission)
    return dict(sorted(found.items()))


def _parts(permissions: Iterable[PermissionRule]) -> frozenset[Part]:
    return parts_of(_as_rule(permission, None) for permission in permissions)


def _role(item: str, place: str, permissions: Iterable[PermissionRule], prefix: str) -> ItemRole:
    rules = tuple(dict.fromkeys(_as_rule(permission, prefix) for permission in permissions))
    return ItemRole(role_name(item, place, prefix), item, place, rules)


def _as_rule(permission: PermissionRule, prefix: str | None) -> Rule:
    names = permission.resource_names
    if prefix is not None:
        names = tuple(expand(name, {"prefix": prefix}) for name in names)
    return Rule(permission.verbs, permission.api_groups, permission.resources, names)


def _rule(rule: Rule) -> dict[str, Any]:
    lists = {"apiGroups": rule.api_groups, "resources": rule.resources, "verbs": rule.verbs}
    if rule.resource_names:
        lists["resourceNames"] = rule.resource_names
    return {field: list(values) for field, values in lists.items()}
