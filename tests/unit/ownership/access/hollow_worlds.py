"""Clusters drawn at random in which much is refused, and much of that can be got round.

Hubs of the shipped model, as their charts make them, some with names of their own; roles of few
words, all of which open ways, also by name; people, groups and accounts of the hubs, bound in
namespaces and everywhere.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from responsibility.ownership.terms.snapshot import Snapshot
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
from tests.unit.ownership.building import NOW, exempt, hub, people, record
from tests.unit.ownership.shipped import model

HUBS = (hub("ns-a", "one"), hub("ns-b", "two", "two-"), hub("ns-c", "three"), hub("ns-d", "hub"))
_MODEL = model()
ITEMS = tuple(item.name for item in _MODEL.spec.items)
_WORDS = (
    ("", "pods"),
    ("", "pods/exec"),
    ("", "pods/ephemeralcontainers"),
    ("", "secrets"),
    ("", "serviceaccounts/token"),
    ("", "persistentvolumeclaims"),
    ("", "resourcequotas"),
    ("", "*"),
    ("apps", "deployments"),
    ("apps", "deployments/scale"),
    ("apps", "statefulsets"),
    ("batch", "jobs"),
    ("rbac.authorization.k8s.io", "rolebindings"),
    ("networking.k8s.io", "networkpolicies"),
)
_VERBS = ("create", "update", "patch", "delete", "get", "deletecollection", "*")
_NAMES = ("hub", "two-hub", "proxy", "default", "ns-a", "")
_ROLES = tuple(f"role-{number}" for number in range(7))
_PEOPLE = (
    *(Subject(USER, name) for name in ("ann", "bob", "cem", "system:node:n1")),
    *(Subject(GROUP, name) for name in ("engineers", "students", "system:authenticated")),
    *(Subject(GROUP, f"system:serviceaccounts:ns-{letter}") for letter in "ab"),
    *(Subject(SERVICE_ACCOUNT, name, "other") for name in ("hub", "default")),
)


def _rule(draw: random.Random) -> Rule:
    words = draw.sample(_WORDS, draw.randint(1, 4))
    names = tuple(draw.sample(_NAMES, draw.randint(1, 2))) if draw.random() < 0.15 else ()
    return Rule(
        tuple(draw.sample(_VERBS, draw.randint(1, 4))),
        tuple({group for group, _ in words}),
        tuple(resource for _, resource in words),
        names,
    )


def _role(draw: random.Random, key: RoleKey) -> Role:
    return Role(key, tuple(_rule(draw) for _ in range(draw.randint(0, 3))))


def _binding(draw: random.Random, number: int) -> Binding:
    namespace = draw.choice(("", *(each.key.namespace for each in HUBS), "ns-a"))
    subjects = [
        draw.choice(_PEOPLE)
        if draw.random() < 0.6
        else Subject(
            SERVICE_ACCOUNT,
            draw.choice(("hub", "two-hub", "default", "user-scheduler")),
            draw.choice(HUBS).key.namespace,
        )
        for _ in range(draw.choice((1, 1, 2)))
    ]
    role = RoleKey(draw.choice(("", namespace)), draw.choice(_ROLES))
    return Binding(BindingKey(namespace, f"b{number}"), role, tuple(subjects))


def _record(draw: random.Random, namespace: str, release: str) -> Any:
    share = draw.choice((0.05, 0.2, 0.5, 0.95))
    items: dict[str, dict[str, Any]] = {
        name: {"enforcement": {"admission": "deny"}} for name in ITEMS if draw.random() < share
    }
    for name in draw.sample(ITEMS, draw.randint(0, 3)):
        items.setdefault(name, {})["owner"] = draw.choice(("community", "nobody"))
    for name in draw.sample(ITEMS, draw.randint(0, 2)):
        items.setdefault(name, {})["delegates"] = [
            {
                "party": "crew",
                "until": draw.choice(("2030-01-01T00:00:00Z", "2031-01-01T00:00:00Z")),
            }
        ]
    parties = {
        "community": people(draw.choice(("User ann", "Group students"))),
        "crew": people(draw.choice(("User bob", f"ServiceAccount {namespace}/default"))),
    }
    exemptions = [
        exempt(who, draw.choice(("*", draw.choice(ITEMS))))
        for who in ("User cem", f"ServiceAccount {namespace}/default")
        if draw.random() < 0.2
    ]
    return record(
        namespace,
        release=release,
        model="2i2c",
        items=items,
        parties=parties,
        exemptions=exemptions,
    )


def drawn(seed: int, *, changes: int = 2) -> Iterator[Snapshot]:
    """Yield a cluster, and what becomes of it by a few changes, one after the other."""
    draw = random.Random(seed)
    roles = [_role(draw, RoleKey("", name)) for name in _ROLES]
    roles += [
        _role(draw, RoleKey(each.key.namespace, name)) for each in HUBS for name in _ROLES[:3]
    ]
    bindings = [_binding(draw, number) for number in range(draw.randint(3, 25))]
    # The chart's own account can make pods, and what else its hub needs.
    own = Rule(("create", "delete", "get"), ("",), ("pods", "persistentvolumeclaims", "secrets"))
    for each in HUBS:
        key = RoleKey(each.key.namespace, "hub")
        account = Subject(SERVICE_ACCOUNT, f"{each.prefix}hub", each.key.namespace)
        roles.append(Role(key, (own,)))
        bindings.append(Binding(BindingKey(key.namespace, key.name), key, (account,)))
    records = {
        each.key.namespace: _record(draw, each.key.namespace, each.key.release) for each in HUBS
    }
    snapshot = Snapshot(
        graph=AccessGraph.build(roles, bindings),
        now=NOW,
        hubs={each.key: each for each in HUBS},
        models={_MODEL.name: _MODEL},
        records=records,
        namespaces={each.key.namespace: False for each in HUBS},
        routes=draw.random() < 0.1,
    )
    yield snapshot
    for _ in range(changes):
        graph, _ = snapshot.graph.replace(
            put_bindings=[_binding(draw, draw.randrange(30))],
            put_roles=[_role(draw, draw.choice(roles).key)] if draw.random() < 0.3 else [],
        )
        snapshot = replace(snapshot, graph=graph)
        yield snapshot
