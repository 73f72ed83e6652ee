"""The reference world: as many RBAC objects as a large production cluster has.

The default figures are those that one such cluster published. Everything is drawn from a
seed, so two runs on two machines are about the same objects.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from responsibility import api_groups
from responsibility.rbac.objects import (
    GROUP,
    SERVICE_ACCOUNT,
    USER,
    Attributes,
    Binding,
    BindingKey,
    Role,
    RoleKey,
    Rule,
    Subject,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many of everything."""

    hubs: int = 100
    other_namespaces: int = 120
    role_bindings: int = 4_491
    cluster_role_bindings: int = 676
    roles: int = 1_374
    cluster_roles: int = 721
    users: int = 800
    groups: int = 260


REFERENCE = Size()
LARGE = Size(
    hubs=2_000,
    other_namespaces=400,
    role_bindings=50_000,
    cluster_role_bindings=1_000,
    roles=15_000,
    cluster_roles=1_000,
    users=4_000,
    groups=1_000,
)


@dataclass(frozen=True, slots=True)
class PlanningWorld:
    """The objects, and the namespaces that have a hub."""

    roles: tuple[Role, ...]
    bindings: tuple[Binding, ...]
    hubs: tuple[str, ...]


# What roles are about: some resources of each group that clusters are full of.
_RESOURCES = {
    "": (
        "pods",
        "pods/log",
        "pods/exec",
        "services",
        "secrets",
        "configmaps",
        "persistentvolumeclaims",
        "serviceaccounts",
        "serviceaccounts/token",
        "events",
        "nodes",
        "namespaces",
        "persistentvolumes",
        "resourcequotas",
    ),
    api_groups.APPS: (
        "deployments",
        "deployments/scale",
        "statefulsets",
        "daemonsets",
        "replicasets",
    ),
    api_groups.BATCH: ("jobs", "cronjobs"),
    api_groups.NETWORKING: ("ingresses", "networkpolicies"),
    api_groups.RBAC: ("roles", "rolebindings", "clusterroles", "clusterrolebindings"),
    "storage.k8s.io": ("storageclasses", "csidrivers"),
    api_groups.API_EXTENSIONS: ("customresourcedefinitions",),
    "policy": ("poddisruptionbudgets",),
}
_READ = ("get", "list", "watch")
_WRITE = ("create", "update", "patch", "delete")
_VERBS = (_READ, ("get",), ("list", "watch"), (*_READ, *_WRITE), _WRITE, ("*",))

# The Roles of a hub are its chart's, the same in every namespace.
_CHART_ROLES = (
    (
        "hub",
        (
            Rule((*_READ, "create", "delete"), ("",), ("pods", "persistentvolumeclaims")),
            Rule((*_READ, "create", "delete"), ("",), ("secrets", "services")),
            Rule(_READ, ("",), ("events",)),
        ),
    ),
    (
        "user-scheduler",
        (Rule(("get", "update"), (api_groups.COORDINATION,), ("leases",), ("hub",)),),
    ),
    ("proxy", (Rule(_READ, ("",), ("secrets",), ("proxy-public-tls-acme",)),)),
)
_COMMON_ROLES = ("admin", "edit", "view")


def build(size: Size = REFERENCE, *, seed: int = 0) -> PlanningWorld:
    """Return the world of that size."""
    draw = random.Random(seed)
    hubs = tuple(f"hub-{number:04}" for number in range(size.hubs))
    others = tuple(f"team-{number:04}" for number in range(size.other_namespaces))
    namespaces = hubs + others
    roles = (*_cluster_roles(draw, size), *_roles(draw, size, namespaces))
    people = [
        *(Subject(USER, f"user-{number}@example.org") for number in range(size.users)),
        *(Subject(GROUP, f"group-{number}") for number in range(size.groups)),
    ]
    bindings = (
        *_cluster_role_bindings(draw, size, people, namespaces),
        *_role_bindings(draw, size, people, namespaces, roles),
    )
    return PlanningWorld(roles, bindings, hubs)


def questions(world: PlanningWorld) -> Iterator[Attributes]:
    """Yield, hub by hub, the 160 permissions of its 20 items of 8 permissions each."""
    permissions = _permissions()
    for hub in world.hubs:
        for verb, group, resource, subresource in permissions:
            yield Attributes(verb, group, resource, subresource, namespace=hub)


def _permissions() -> list[tuple[str, str, str, str]]:
    every = [
        (verb, group, *resource.partition("/")[::2])
        for verb in ("get", "list", "watch", *_WRITE)
        for group, resources in _RESOURCES.items()
        for resource in resources
    ]
    return random.Random(1).sample(every, 160)


def _rules(draw: random.Random) -> tuple[Rule, ...]:
    rules = []
    for _ in range(draw.randint(1, 7)):
        group = draw.choice(list(_RESOURCES))
        resources = _RESOURCES[group]
        some = tuple(draw.sample(resources, draw.randint(1, min(4, len(resources)))))
        names = (f"name-{draw.randrange(50)}",) if draw.random() < 0.1 else ()
        rules.append(Rule(draw.choice(_VERBS), (group,), some, names))
    return tuple(rules)


def _cluster_roles(draw: random.Random, size: Size) -> list[Role]:
    everything = Rule(("*",), ("*",), ("*",))
    rules = {
        "cluster-admin": (everything, Rule(("*",), non_resource_urls=("*",))),
        "admin": tuple(
            Rule((*_READ, *_WRITE), (group,), names) for group, names in _RESOURCES.items()
        ),
        "edit": tuple(
            Rule((*_READ, *_WRITE), (group,), _RESOURCES[group])
            for group in ("", api_groups.APPS, api_groups.BATCH)
        ),
        "view": tuple(
            Rule(_READ, (group,), _RESOURCES[group])
            for group in (api_groups.APPS, api_groups.BATCH)
        ),
    }
    for number in range(size.cluster_roles - len(rules)):
        rules[f"operator-{number}"] = _rules(draw)
    return [Role(RoleKey("", name), its) for name, its in rules.items()]


def _roles(draw: random.Random, size: Size, namespaces: tuple[str, ...]) -> list[Role]:
    roles = [
        Role(RoleKey(namespace, name), rules)
        for namespace in namespaces[: size.hubs]
        for name, rules in _CHART_ROLES
    ]
    # Most of the others come from charts as well, so their rules are seen more than once.
    stock = [_rules(draw) for _ in range(400)]
    for number in range(size.roles - len(roles)):
        rules = draw.choice(stock) if draw.random() < 0.7 else _rules(draw)
        roles.append(Role(RoleKey(draw.choice(namespaces), f"role-{number}"), rules))
    return roles[: size.roles]


def _service_account(draw: random.Random, namespaces: tuple[str, ...]) -> Subject:
    name = draw.choice(("default", "hub", "deployer"))
    return Subject(SERVICE_ACCOUNT, name, draw.choice(namespaces))


def _cluster_role_bindings(
    draw: random.Random, size: Size, people: list[Subject], namespaces: tuple[str, ...]
) -> Iterator[Binding]:
    for number in range(size.cluster_role_bindings):
        # An operator's own ServiceAccount to its own ClusterRole, as a rule.
        subject = Subject(SERVICE_ACCOUNT, f"operator-{number}", draw.choice(namespaces))
        role = f"operator-{draw.randrange(size.cluster_roles)}"
        if number < 6:
            subject, role = draw.choice(people), "cluster-admin"
        elif draw.random() < 0.1:
            subject, role = draw.choice(people), draw.choice(_COMMON_ROLES)
        yield Binding(BindingKey("", f"binding-{number}"), RoleKey("", role), (subject,))


def _role_bindings(
    draw: random.Random,
    size: Size,
    people: list[Subject],
    namespaces: tuple[str, ...],
    roles: tuple[Role, ...],
) -> Iterator[Binding]:
    local = [role.key for role in roles if role.key.namespace]
    for number in range(size.role_bindings):
        if number < len(local):
            role = local[number]
            namespace = role.namespace
            subjects: tuple[Subject, ...] = (_service_account(draw, (namespace,)),)
        else:
            namespace = draw.choice(namespaces)
            common = draw.random() < 0.7
            name = draw.choice(_COMMON_ROLES) if common else f"operator-{draw.randrange(700)}"
            role = RoleKey("", name)
            subjects = tuple(draw.sample(people, draw.choice((1, 1, 2, 3))))
        yield Binding(BindingKey(namespace, f"binding-{number}"), role, subjects)
