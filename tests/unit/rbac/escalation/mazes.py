"""Random worlds that are full of ways from one identity into another."""

from __future__ import annotations

import random

from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.objects import (
    GROUP,
    SERVICE_ACCOUNT,
    USER,
    Binding,
    BindingKey,
    Role,
    RoleKey,
    Rule,
    Subject,
)

NAMESPACES = ("ns-a", "ns-b", "ns-c")
_RBAC = "rbac.authorization.k8s.io"
_AS = "authentication.k8s.io"
SUBJECTS = (
    *(Subject(SERVICE_ACCOUNT, name, ns) for ns in NAMESPACES for name in ("hub", "robot")),
    *(Subject(USER, name) for name in ("ann", "bob", "system:node:n")),
    *(Subject(GROUP, name) for name in ("crew", "system:nodes", "system:serviceaccounts")),
    *(Subject(GROUP, f"system:serviceaccounts:{ns}") for ns in NAMESPACES[:2]),
)
_PERMISSIONS = (
    ("impersonate", "", "serviceaccounts"),
    ("impersonate", "", "users"),
    ("impersonate", "", "groups"),
    ("impersonate:serviceaccount", _AS, "serviceaccounts"),
    ("impersonate-on:serviceaccount:delete", "", "pods"),
    ("create", "", "serviceaccounts/token"),
    ("create", "", "pods"),
    ("create", "", "pods/exec"),
    ("create", "", "secrets"),
    ("get", "", "secrets"),
    ("create", _RBAC, "rolebindings"),
    ("bind", _RBAC, "roles"),
    ("bind", _RBAC, "clusterroles"),
    ("patch", _RBAC, "roles"),
    ("escalate", _RBAC, "roles"),
    *(("delete", "", thing) for thing in ("pods", "secrets", "services", "configmaps")),
    *(("update", "", thing) for thing in ("pods", "secrets", "services", "configmaps")),
)


class Maze:
    """Draws the objects of a world, one after the other."""

    def __init__(self, seed: int, *, constrained: bool = False) -> None:
        self.draw = random.Random(seed)
        self._permissions = [p for p in _PERMISSIONS if constrained or ":" not in p[0]]

    def rule(self) -> Rule:
        """Return a rule of one permission, now and then for one name only."""
        verb, group, resource = self.draw.choice(self._permissions)
        names = {"serviceaccounts": "hub", "users": "ann", "groups": "crew", "roles": "r1"}
        named = self.draw.random() < 0.4 and resource in names
        return Rule((verb,), (group,), (resource,), (names[resource],) if named else ())

    def binding(self, number: int) -> tuple[Role, Binding]:
        """Return a role and a binding of it."""
        place = self.draw.choice(("", *NAMESPACES, *NAMESPACES))
        home = place if place and self.draw.random() < 0.5 else ""
        role = Role(
            RoleKey(home, f"r{number}"),
            tuple(self.rule() for _ in range(self.draw.choice((1, 2, 3)))),
        )
        who = tuple(self.draw.sample(SUBJECTS, self.draw.choice((1, 1, 2))))
        return role, Binding(BindingKey(place, f"b{number}"), role.key, who)

    def graph(self, size: int) -> AccessGraph:
        """Return a world of so many bindings."""
        drawn = [self.binding(number) for number in range(size)]
        return AccessGraph.build([role for role, _ in drawn], [binding for _, binding in drawn])
