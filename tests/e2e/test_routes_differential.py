"""Routes in worlds that nobody has thought of: the API server has the last word.

Each seed draws roles and bindings that are full of ways to more, and creates them. For whom we
claim a route, it is gone with real requests, from its first credential to the last request. For
whom we claim none, the API server is asked about every single step to whoever has the right or a
route to it, and must refuse one of the permissions of each. A failure names the seed: to see it
again, ``SEED=… ROUTES_WORLDS=1``; more worlds: ``ROUTES_WORLDS=50``.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest

from responsibility.rbac.escalation.graph import EscalationGraph, routes_to
from responsibility.rbac.escalation.permissions import Permissions
from responsibility.rbac.escalation.shortest_paths import MAX_STEPS
from responsibility.rbac.escalation.steps import Route, describe
from responsibility.rbac.escalation.technique import IMPERSONATE, Requirement, Technique
from responsibility.rbac.escalation.techniques_into import techniques_into
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.identity import user_and_groups
from responsibility.rbac.objects import GROUP, SERVICE_ACCOUNT, USER, Attributes, RoleKey, Subject
from responsibility.rbac.rules import rule_allows
from tests.e2e.lab import lifetime
from tests.e2e.lab.cluster import Cluster
from tests.e2e.routes.people import Object, Person, Refused, administrator
from tests.e2e.routes.play import ACCOUNTS, Player, token_of, user_of
from tests.e2e.routes.world import RBAC, access_graph
from tests.e2e.seeds import seeds

SEEDS = seeds("ROUTES_WORLDS", usually=2)
MOST_PLAYED = 8
_RBAC = "rbac.authorization.k8s.io"

# What leads somewhere, what it is all about, and what leads nowhere.
_PERMISSIONS = (
    ("impersonate", "", "serviceaccounts"),
    ("impersonate", "", "users"),
    ("impersonate", "", "groups"),
    ("create", "", "serviceaccounts/token"),
    ("create", "", "serviceaccounts/token"),
    ("create", "", "pods"),
    ("create", "apps", "deployments"),
    ("create", "batch", "jobs"),
    ("create", "", "secrets"),
    ("get", "", "secrets"),
    ("create", _RBAC, "rolebindings"),
    ("create", _RBAC, "rolebindings"),
    ("create", _RBAC, "clusterrolebindings"),
    ("patch", _RBAC, "rolebindings"),
    ("bind", _RBAC, "roles"),
    ("bind", _RBAC, "clusterroles"),
    ("patch", _RBAC, "roles"),
    ("escalate", _RBAC, "roles"),
    ("delete", "", "configmaps"),
    ("patch", "", "configmaps"),
    ("get", "", "pods"),
)


@dataclass(slots=True)
class _World:
    """Who there is, and what they were given."""

    run: str
    draw: random.Random
    admin: Person
    objects: list[tuple[str, Object]] = field(default_factory=list)

    @property
    def namespaces(self) -> tuple[str, str]:
        return f"{self.run}-a", f"{self.run}-b"

    @property
    def accounts(self) -> list[Subject]:
        return [
            Subject(SERVICE_ACCOUNT, f"s{number}", namespace)
            for namespace in self.namespaces
            for number in range(ACCOUNTS)
        ]

    @property
    def subjects(self) -> list[Subject]:
        others = [Subject(USER, f"{self.run}-u"), Subject(GROUP, f"{self.run}-g")]
        group = Subject(GROUP, f"system:serviceaccounts:{self.namespaces[1]}")
        return [*self.accounts, *others, group]

    @property
    def target(self) -> Attributes:
        return Attributes("delete", "", "configmaps", name="precious", namespace=self.namespaces[0])

    def add(self, path: str, kind: str, name: str, **fields: object) -> None:
        version = f"{_RBAC}/v1" if "rbac" in path else "v1"
        body = {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **fields}
        self.objects.append((path, body))

    def fill(self) -> None:
        """Draw everything."""
        for namespace in self.namespaces:
            self.add("/api/v1/namespaces", "Namespace", namespace)
        for account in self.accounts:
            path = f"/api/v1/namespaces/{account.namespace}/serviceaccounts"
            self.add(path, "ServiceAccount", account.name)
        core = f"/api/v1/namespaces/{self.namespaces[0]}"
        self.add(f"{core}/configmaps", "ConfigMap", "precious")
        for number in range(16):
            self._role(number)
        self._bind(99, "Role", "mighty", self.namespaces[0], self.draw.sample(self.subjects, 1))

    def _role(self, number: int) -> None:
        draw = self.draw
        kind, place = draw.choice((("ClusterRole", ""), *(("Role", n) for n in self.namespaces)))
        name = f"{self.run}-r{number}" if kind == "ClusterRole" else f"r{number}"
        path = f"{RBAC}/namespaces/{place}/roles" if place else f"{RBAC}/clusterroles"
        rules = [self._rule() for _ in range(draw.choice((1, 2, 2, 3)))]
        self.add(path, kind, name, rules=rules)
        somebody = draw.sample(self.subjects, draw.choice((1, 1, 2)))
        wide = kind == "ClusterRole" and draw.random() < 0.4
        self._bind(
            number, kind, name, "" if wide else place or draw.choice(self.namespaces), somebody
        )

    def _bind(
        self, number: int, kind: str, name: str, namespace: str, subjects: Iterable[Subject]
    ) -> None:
        if number == 99:
            rule = {"verbs": ["delete"], "apiGroups": [""], "resources": ["configmaps"]}
            self.add(f"{RBAC}/namespaces/{namespace}/roles", kind, name, rules=[rule])
        place = f"{RBAC}/namespaces/{namespace}/rolebindings"
        self.add(
            place if namespace else f"{RBAC}/clusterrolebindings",
            "RoleBinding" if namespace else "ClusterRoleBinding",
            f"b{number}" if namespace else f"{self.run}-b{number}",
            roleRef={"apiGroup": _RBAC, "kind": kind, "name": name},
            subjects=[
                {"kind": s.kind, "name": s.name}
                | ({"namespace": s.namespace} if s.namespace else {"apiGroup": _RBAC})
                for s in subjects
            ],
        )

    def _rule(self) -> Object:
        verb, group, resource = self.draw.choice(_PERMISSIONS)
        rule: Object = {"verbs": [verb], "apiGroups": [group], "resources": [resource]}
        if (self.draw.random() < 0.35 and verb != "create") or resource.endswith("token"):
            names = {
                "serviceaccounts": ["s0", "s1"],
                "serviceaccounts/token": ["s1", "s2"],
                "users": [f"{self.run}-u"],
                "groups": [f"{self.run}-g"],
                "configmaps": ["precious"],
                "roles": ["mighty", "r1", "r2", "r3"],
                "clusterroles": [f"{self.run}-r{number}" for number in range(4)],
            }.get(resource)
            if names:
                rule["resourceNames"] = [self.draw.choice(names)]
        return rule

    async def create(self) -> None:
        """Create all of it, and wait until the authorizer has seen the last object."""
        sentinel = Attributes("see", self.run, "sentinels")
        rule = {"verbs": ["see"], "apiGroups": [self.run], "resources": ["sentinels"]}
        self.add(f"{RBAC}/clusterroles", "ClusterRole", self.run, rules=[rule])
        self._bind(100, "ClusterRole", self.run, "", [Subject(USER, self.run)])
        for namespace in self.namespaces:
            path = f"{RBAC}/namespaces/{namespace}/roles"
            self.add(path, "Role", "sentinel", rules=[{**rule, "verbs": ["look"]}])
            self._bind(101, "Role", "sentinel", namespace, [Subject(USER, self.run)])
        for _, some in itertools.groupby(self.objects, key=lambda o: o[1]["kind"] == "Namespace"):
            await asyncio.gather(*(self.admin.ask("POST", path, body) for path, body in some))

        async def arrived() -> bool:
            places = [
                Attributes("look", self.run, "sentinels", namespace=namespace)
                for namespace in self.namespaces
            ]
            me = Subject(USER, self.run)
            return all([await _allows(self.admin, me, a) for a in (sentinel, *places)])

        await self.admin.until(arrived, "the authorizer to see the sentinels")

    async def remove(self) -> None:
        for path, body in self.objects:
            if body["kind"] in ("Namespace", "ClusterRole", "ClusterRoleBinding"):
                await self.admin.ask("DELETE", f"{path}/{body['metadata']['name']}")


@asynccontextmanager
async def _drawn(admin: Person, seed: int) -> AsyncIterator[_World]:
    world = _World(f"rd-{seed}-{os.getpid()}", random.Random(seed), admin)
    world.fill()
    try:
        await world.create()
        yield world
    finally:
        await world.remove()


async def _allows(admin: Person, subject: Subject, asked: Attributes) -> bool:
    user, groups = user_and_groups(subject)
    if subject.kind == GROUP:
        user, groups = "somebody", (subject.name, "system:authenticated")
    attributes = {
        "verb": asked.verb,
        "group": asked.group,
        "resource": asked.resource,
        "subresource": asked.subresource,
        "name": asked.name,
        "namespace": asked.namespace,
    }
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "groups": list(groups), "resourceAttributes": attributes},
    }
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    return bool((await admin.ask("POST", path, review))["status"]["allowed"])


@pytest.mark.parametrize("seed", SEEDS)
async def test_routes_are_gone_and_where_there_is_none_no_step_is_open(
    cluster: Cluster, seed: int
) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64)) as http:
        admin = administrator(cluster, http)
        async with _drawn(admin, seed) as world:
            graph = await access_graph(admin)
            accounts = frozenset((a.namespace, a.name) for a in world.accounts)
            found = routes_to(EscalationGraph(graph, accounts, frozenset()), world.target)
            # What a group of Kubernetes' own can come by, its members can.
            without = [
                s
                for s in world.subjects
                if found.keys().isdisjoint(Permissions.with_implied_groups_of(s))
            ]
            holes = await asyncio.gather(*(_holes(world, graph, found, s) for s in without))
            assert not any(holes), f"seed {seed}: " + "; ".join(itertools.chain(*holes))
            claimed = [s for s in world.subjects if found.get(s)]
            for subject in claimed[:MOST_PLAYED]:
                await _is_gone(world, subject, found[subject], f"seed {seed}")
            lifetime.say(f"seed {seed}: {len(claimed)} with a route, {len(without)} without")


async def _is_gone(world: _World, subject: Subject, route: Route, where: str) -> None:
    if subject.kind == SERVICE_ACCOUNT:
        start = world.admin.with_token(await token_of(world.admin, subject))
    elif any(step.route == IMPERSONATE for step in route):
        # Only who has a credential can impersonate, and here these are played by impersonation.
        return
    elif subject.kind == GROUP:
        user, group = "somebody", subject.name
        if subject.name.startswith("system:serviceaccounts:"):
            user, group = user_of(Subject(SERVICE_ACCOUNT, "s0", world.namespaces[1])), ""
        start = world.admin.impersonating(user, group)
    else:
        start = world.admin.impersonating(subject.name)
    player = Player(world.run, world.admin, world.namespaces)
    path = f"/api/v1/namespaces/{world.namespaces[0]}/configmaps/precious?dryRun=All"
    try:
        async with player.go(start, route) as person:

            async def done() -> bool:
                try:
                    await person.ask("DELETE", path)
                except Refused:
                    return False
                return True

            await world.admin.until(done, f"{where}: {describe(route)}")
    except Refused as error:
        pytest.fail(f"{where}: {describe(route)}: {error}")


async def _holes(
    world: _World, graph: AccessGraph, found: dict[Subject, Route], subject: Subject
) -> list[str]:
    """Return every step that would lead a subject to the right, and that we do not know of."""
    known: dict[Attributes, bool] = {}

    async def may(asked: Attributes) -> bool:
        if asked not in known:
            known[asked] = await _allows(world.admin, subject, asked)
        return known[asked]

    holes = []
    for target in world.subjects:
        rest = found.get(target)
        if rest is None or len(rest) >= MAX_STEPS or target == subject:
            continue
        for technique in _ways(target):
            again = bool(rest) and rest[0].route == IMPERSONATE
            if technique.mode or technique.pods or (again and technique.route == IMPERSONATE):
                continue
            if await _is_open(technique, target, world, may):
                holes.append(f"{subject}: {technique.words.format(target=target)}")
    holes += [
        f"{subject}: bind {key}"
        for key in _granting(graph, world)
        if await _can_take(key, graph, world, may)
    ]
    if filled := await _can_fill(graph, subject, world, may):
        holes.append(f"{subject}: edit {filled}")
    return holes


def _ways(target: Subject) -> Iterator[Technique]:
    yield from techniques_into(target)
    if target.name.startswith("system:serviceaccounts:"):
        yield from techniques_into(Subject(SERVICE_ACCOUNT, "s0", "any"))


_May = Callable[[Attributes], Awaitable[bool]]


async def _is_open(technique: Technique, target: Subject, world: _World, may: _May) -> bool:
    for requirement in technique.requirements:
        if not await _first_of(_requests(requirement, target, world), may):
            return False
    return True


async def _first_of(requests: Iterable[Attributes], may: _May) -> bool:
    for each in requests:
        if await may(each):
            return True
    return False


def _requests(requirement: Requirement, target: Subject, world: _World) -> Iterator[Attributes]:
    """Yield everything that is as good for a need."""
    home = target.namespace or target.name.removeprefix("system:serviceaccounts:")
    places = [requirement.namespace or ("" if requirement.everywhere else home)]
    if requirement.anywhere:
        places = list(world.namespaces)
    names = [target.name] if requirement.named else list(requirement.names)
    if target.kind == GROUP and requirement.named and requirement.resource == "serviceaccounts":
        names = [f"s{number}" for number in range(ACCOUNTS)]
    if not names:
        names = ["", f"{world.run}-u", "s0", "s1"] if "create" not in requirement.verbs else [""]
    for verb, place, name in itertools.product(requirement.verbs, places, names):
        nameless = verb == "create" and not requirement.subresource
        yield Attributes(
            verb,
            requirement.group,
            requirement.resource,
            requirement.subresource,
            "" if nameless else name,
            place,
        )


def _granting(graph: AccessGraph, world: _World) -> list[RoleKey]:
    """Return the roles that have the right, and can be bound where it counts."""
    return [
        key
        for key, role in graph.roles.items()
        if key.namespace in ("", world.namespaces[0])
        and any(rule_allows(rule, world.target) for rule in role.rules)
    ]


async def _can_take(key: RoleKey, graph: AccessGraph, world: _World, may: _May) -> bool:
    """Return whether a subject may bind a role that has the right, or join a binding of it."""
    kind = "roles" if key.namespace else "clusterroles"
    here = world.namespaces[0]
    for place, bindings in ((here, "rolebindings"), ("", "clusterrolebindings")):
        if key.namespace and not place:
            continue
        if not await may(Attributes("bind", _RBAC, kind, name=key.name, namespace=place)):
            continue
        if await may(Attributes("create", _RBAC, bindings, namespace=place)):
            return True
        for each in graph.bindings.parts.get(place, {}).values():
            asked = Attributes("patch", _RBAC, bindings, name=each.key.name, namespace=place)
            if each.role == key and await may(asked):
                return True
    return False


async def _can_fill(graph: AccessGraph, subject: Subject, world: _World, may: _May) -> str:
    """Return a role that a subject is bound to here, and may put anything into."""
    for grant in graph.scope(world.namespaces[0]).by_subject.get(subject, ()):
        key = grant.binding.role
        kind = "roles" if key.namespace else "clusterroles"
        asked = [
            Attributes(verb, _RBAC, kind, name=key.name, namespace=key.namespace)
            for verb in ("patch", "escalate")
        ]
        if all([await may(each) for each in asked]):
            return str(key)
    return ""
