"""Aggregated ClusterRoles, filled as the controller manager fills them.

The controller replaces the rules of *every* ClusterRole that has an ``aggregationRule`` by those of
the ClusterRoles that its selectors match, in the order of their names, whatever stood there before
(``pkg/controller/clusterroleaggregation`` in Kubernetes). A role filled that way may be matched by
the next, so this goes on until nothing changes. Where they match no rule at all, the role keeps its
own: the controller applies server-side, and applying no rules claims none. A live cluster says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from responsibility.rbac.escalation.selectors import selects
from responsibility.rbac.objects import Role, RoleKey, Rule


@dataclass(frozen=True, slots=True)
class Aggregated:
    """All roles, aggregates filled; ``of`` are the roles that each aggregate took rules from."""

    roles: list[Role]
    of: Mapping[RoleKey, frozenset[RoleKey]]

    def depending_on(self, some: Collection[RoleKey]) -> frozenset[RoleKey]:
        """Return the aggregates that took rules from some roles, directly or by others."""
        found: set[RoleKey] = set()
        while more := {
            key for key, parts in self.of.items() if key not in found and parts & {*some, *found}
        }:
            found |= more
        return frozenset(found)


def aggregate(roles: Iterable[Role]) -> Aggregated:
    """Return the roles with every aggregate filled."""
    by_key = {role.key: role for role in roles}
    whole = sorted(key for key, role in by_key.items() if role.aggregation and not key.namespace)
    clusterwide = sorted(key for key in by_key if not key.namespace) if whole else []
    parts = {key: _parts(by_key[key], clusterwide, by_key) for key in whole}
    # Each round completes one more level; roles that aggregate each other settle as well, since
    # rules are only ever taken over.
    for _ in range(len(whole) + 1):
        changed = False
        for key in whole:
            rules: dict[Rule, None] = {}
            for part in parts[key]:
                rules.update(dict.fromkeys(by_key[part].rules))
            if rules and tuple(rules) != by_key[key].rules:
                by_key[key] = replace(by_key[key], rules=tuple(rules))
                changed = True
        if not changed:
            break
    return Aggregated(list(by_key.values()), {key: frozenset(parts[key]) for key in whole})


def _parts(
    role: Role, clusterwide: Iterable[RoleKey], roles: Mapping[RoleKey, Role]
) -> list[RoleKey]:
    """Return the roles that an aggregate takes rules from, in the controller's order."""
    found: dict[RoleKey, None] = {}
    for selector in role.aggregation:
        found.update(
            (key, None)
            for key in clusterwide
            if key != role.key and selects(selector, roles[key].labels)
        )
    return list(found)
