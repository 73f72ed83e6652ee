"""The live API server is the oracle: it and we must answer every question alike.

Each seed draws a world, creates it through the API, reads back *all* RBAC objects of the
cluster, and puts the same questions to both. A failure names the seed. To see it again:
``SEED=… DIFFERENTIAL_WORLDS=1``; more worlds: ``DIFFERENTIAL_WORLDS=50``.
"""

import asyncio
import json
import os
import random
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import kubernetes
import pytest

from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.identity import service_account_user
from responsibility.rbac.objects import Attributes, Binding, Role, RoleKey, Rule, Source
from responsibility.rbac.parse import parse_binding, parse_role
from tests.e2e.lab import waiting
from tests.e2e.lab.cluster import Cluster
from tests.e2e.seeds import seeds
from tests.unit.rbac import near, worlds

SEEDS = seeds("DIFFERENTIAL_WORLDS", usually=2)
QUESTIONS = 2_000

RBAC = "/apis/rbac.authorization.k8s.io/v1"
KINDS = ("clusterroles", "roles", "clusterrolebindings", "rolebindings")
DEADLINE = 30.0
LABEL = "differential-test"
PARTS = ("alpha", "beta")
PART = "differential-test/part-of-delta"

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """What a SubjectAccessReview says."""

    user: str
    groups: tuple[str, ...]
    attributes: Attributes

    def review(self) -> Manifest:
        asked = self.attributes
        spec: Manifest = {"user": self.user, "groups": list(self.groups)}
        if asked.path:
            spec["nonResourceAttributes"] = {"verb": asked.verb, "path": asked.path}
        else:
            fields = ("verb", "group", "resource", "subresource", "name", "namespace")
            spec["resourceAttributes"] = {field: getattr(asked, field) for field in fields}
        return {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": spec,
        }


class Api:
    """The few requests of this test."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def request(self, method: str, path: str, body: object = None, **query: str) -> Any:
        async with self._session.request(method, path, json=body, params=query) as response:
            text = await response.text()
            assert response.ok, f"{method} {path} {json.dumps(body)}: {response.status} {text}"
            return json.loads(text)

    async def allows(self, question: Question) -> bool:
        path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        answer = await self.request("POST", path, question.review())
        return bool(answer["status"].get("allowed"))

    async def snapshot(self) -> tuple[list[Role], list[Binding]]:
        """Return every RBAC object of the cluster, through our parser."""
        lists = await asyncio.gather(*(self.request("GET", f"{RBAC}/{kind}") for kind in KINDS))
        items = {kind: each["items"] for kind, each in zip(KINDS, lists, strict=True)}
        return (
            [parse_role(raw) for kind in KINDS[:2] for raw in items[kind]],
            [parse_binding(raw) for kind in KINDS[2:] for raw in items[kind]],
        )

    async def until(self, condition: Callable[[], Awaitable[bool]], what: str) -> None:
        await waiting.until(condition, DEADLINE, what)


@asynccontextmanager
async def connect(kubeconfig: Path) -> AsyncIterator[Api]:
    configuration = kubernetes.client.Configuration()
    kubernetes.config.load_kube_config(str(kubeconfig), client_configuration=configuration)
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    token = configuration.api_key.get("authorization")
    async with aiohttp.ClientSession(
        configuration.host,
        connector=aiohttp.TCPConnector(limit=24, ssl=context),
        headers={"Authorization": token} if token else {},
    ) as session:
        yield Api(session)


class Manifests:
    """A drawn world as the API wants it: names made unique to the run, and labelled."""

    def __init__(self, run: str, world: worlds.World) -> None:
        self.run = run
        self.world = world

    def cluster_role(self, name: str) -> str:
        return f"{RBAC}/clusterroles/{self.run}-{name}"

    def namespaces(self) -> list[Manifest]:
        return [self._object("v1", "Namespace", "", each) for each in worlds.NAMESPACES]

    def roles(self) -> Iterator[Manifest]:
        for role in self.world.roles:
            namespace, name = role.key.namespace, role.key.name
            manifest = self._rbac("Role" if namespace else "ClusterRole", namespace, name)
            manifest["rules"] = [_rule(rule) for rule in role.rules]
            if namespace or name not in (*PARTS, "delta"):
                yield manifest
        # One ClusterRole is an aggregate of two others, whether they were drawn or not.
        drawn = {role.key.name: role for role in self.world.roles if not role.key.namespace}
        for name in PARTS:
            part = self._rbac("ClusterRole", "", name)
            part["metadata"]["labels"][PART] = self.run
            part["rules"] = [_rule(rule) for rule in drawn[name].rules] if name in drawn else []
            yield part
        delta = self._rbac("ClusterRole", "", "delta")
        delta["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {PART: self.run}}]}
        yield delta

    def bindings(self) -> Iterator[Manifest]:
        for binding in self.world.bindings:
            namespace, name = binding.key.namespace, binding.key.name
            manifest = self._rbac(
                "RoleBinding" if namespace else "ClusterRoleBinding", namespace, name
            )
            bootstrap = binding.role.name.startswith("live:")
            manifest["roleRef"] = {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "Role" if binding.role.namespace else "ClusterRole",
                "name": binding.role.name.removeprefix("live:")
                if bootstrap or binding.role.namespace
                else f"{self.run}-{binding.role.name}",
            }
            manifest["subjects"] = []
            for subject in binding.subjects:
                fields = {"kind": subject.kind, "name": subject.name}
                # A RoleBinding's own namespace may be left out, so it is.
                if subject.namespace and subject.namespace != namespace:
                    fields["namespace"] = subject.namespace
                manifest["subjects"].append(fields)
            yield manifest

    def sentinels(self) -> list[Manifest]:
        """Return the last objects to be created: one of each kind, so one for each informer."""
        namespace = worlds.NAMESPACES[0]
        rule = {"verbs": ["see"], "apiGroups": [self.run], "resources": ["sentinels"]}
        subject = {"kind": "User", "name": self.run}
        made = []
        for prefix, place in (("Cluster", ""), ("", namespace)):
            role = self._rbac(f"{prefix}Role", place, f"sentinel-{prefix.lower()}")
            binding = self._rbac(f"{prefix}RoleBinding", place, f"sentinel-{prefix.lower()}")
            binding["subjects"] = [subject]
            binding["roleRef"] = {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": f"{prefix}Role",
                "name": role["metadata"]["name"],
            }
            role["rules"] = [{**rule, "verbs": [f"see-{prefix.lower()}"]}]
            made += [role, binding]
        return made

    def sentinel_questions(self) -> list[Question]:
        namespace = self.real(worlds.NAMESPACES[0])
        return [
            Question(self.run, (), Attributes(verb, self.run, "sentinels", namespace=namespace))
            for verb in ("see-", "see-cluster")
        ]

    def real(self, text: str) -> str:
        """Return the text with the namespaces of the drawn world by their names in the cluster."""
        return re.sub(r"\bns-([abc])\b", rf"{self.run}-\1", text)

    async def create(self, api: Api, manifests: list[Manifest]) -> None:
        await asyncio.gather(
            *(
                api.request("POST", _path(each), each)
                for each in (json.loads(self.real(json.dumps(manifest))) for manifest in manifests)
            )
        )

    async def delete(self, api: Api) -> None:
        for kind in KINDS:
            namespaces = [""] if kind.startswith("cluster") else worlds.NAMESPACES
            for namespace in namespaces:
                place = f"/namespaces/{self.real(namespace)}" if namespace else ""
                selector = f"{LABEL}={self.run}"
                await api.request("DELETE", f"{RBAC}{place}/{kind}", labelSelector=selector)
        for namespace in worlds.NAMESPACES:
            await api.request("DELETE", f"/api/v1/namespaces/{self.real(namespace)}")

    def _rbac(self, kind: str, namespace: str, name: str) -> Manifest:
        unique = name if namespace else f"{self.run}-{name}"
        return self._object("rbac.authorization.k8s.io/v1", kind, namespace, unique)

    def _object(self, version: str, kind: str, namespace: str, name: str) -> Manifest:
        metadata: Manifest = {"name": name, "labels": {LABEL: self.run}}
        if namespace:
            metadata["namespace"] = namespace
        return {"apiVersion": version, "kind": kind, "metadata": metadata}


def _rule(rule: Rule) -> Manifest:
    fields = {
        "verbs": rule.verbs,
        "apiGroups": rule.api_groups,
        "resources": rule.resources,
        "resourceNames": rule.resource_names,
        "nonResourceURLs": rule.non_resource_urls,
    }
    return {name: list(values) for name, values in fields.items() if values}


def _path(manifest: Manifest) -> str:
    if manifest["kind"] == "Namespace":
        return "/api/v1/namespaces"
    namespace = manifest["metadata"].get("namespace")
    place = f"/namespaces/{namespace}" if namespace else ""
    return f"{RBAC}{place}/{manifest['kind'].lower()}s"


@pytest.mark.parametrize("seed", SEEDS)
async def test_the_api_server_and_the_graph_give_the_same_answers(
    cluster: Cluster, seed: int
) -> None:
    draw = random.Random(seed)
    run = f"diff-{seed}-{os.getpid()}"
    async with connect(cluster.kubeconfig) as api:
        bootstrap, _ = await api.snapshot()
        manifests = Manifests(run, _draw_world(draw, bootstrap))
        try:
            await _create(api, manifests)
            differences, yes = await _compare(api, manifests, draw)
        finally:
            await manifests.delete(api)
    assert not differences, f"seed {seed}: {len(differences)} of {QUESTIONS} answers differ:\n" + (
        "\n".join(differences[:20])
    )
    assert 0.4 < yes / QUESTIONS < 0.6, "questions that all have the same answer test nothing"


def _draw_world(draw: random.Random, live: list[Role]) -> worlds.World:
    """Return a world, some of whose bindings refer to ClusterRoles that the cluster has."""
    names = sorted(role.key.name for role in live if not role.key.namespace)
    numbered = tuple(f"role-{number}" for number in range(12))
    source = worlds.Worlds(draw, valid=True, role_names=(*worlds.ROLE_NAMES, *numbered))
    world = source.world()
    more = [source.binding(f"more-{number}") for number in range(120)]
    for number in range(15):
        more[number] = replace(more[number], role=RoleKey("", f"live:{draw.choice(names)}"))
    return worlds.World(world.roles, (*world.bindings, *more))


async def _create(api: Api, manifests: Manifests) -> None:
    """Create the world, and wait until the authorizer knows all of it."""
    await manifests.create(api, manifests.namespaces())
    # Bindings first, now and then, so that some dangle for a while.
    await manifests.create(api, [*manifests.bindings(), *manifests.roles()])

    async def aggregated() -> bool:
        parts = [await api.request("GET", manifests.cluster_role(name)) for name in PARTS]
        whole = await api.request("GET", manifests.cluster_role("delta"))
        return _rules_of([whole]) == _rules_of(parts)

    await api.until(aggregated, "the controller to fill the aggregated ClusterRole")
    await manifests.create(api, manifests.sentinels())

    async def caught_up() -> bool:
        return all([await api.allows(question) for question in manifests.sentinel_questions()])

    await api.until(caught_up, "the authorizer to see the sentinels")


async def _compare(api: Api, manifests: Manifests, draw: random.Random) -> tuple[list[str], int]:
    """Return the differences, and how often the answer was yes."""
    roles, bindings = await api.snapshot()
    graph = AccessGraph.build(roles, bindings)
    questions = _questions(graph, manifests, draw)
    answers = await asyncio.gather(*(api.allows(question) for question in questions))
    suspects = [
        question
        for question, answer in zip(questions, answers, strict=True)
        if answer is not bool(_decide(graph, question))
    ]
    if suspects:
        # A cluster that others use may have changed in between. Look once more.
        graph = AccessGraph.build(*await api.snapshot())
    differences = []
    for question in suspects:
        sources, answer = _decide(graph, question), await api.allows(question)
        if answer is not bool(sources):
            differences.append(f"{question}: the API server says {answer}, we say {sources}")
    return differences, sum(answers)


def _decide(graph: AccessGraph, question: Question) -> tuple[Source, ...]:
    return graph.decide(question.user, question.groups, question.attributes)


def _questions(graph: AccessGraph, manifests: Manifests, draw: random.Random) -> list[Question]:
    """Return as many questions that we say yes to as others, about all of the cluster."""
    namespaces = [*map(manifests.real, worlds.NAMESPACES), "kube-system"]
    everything = list(graph.bindings.values())
    own = [each for each in everything if each.labels.get(LABEL) == manifests.run]
    strangers = [
        *map(manifests.real, worlds.USERS),
        *(
            service_account_user(namespace, name)
            for namespace in namespaces
            for name in worlds.SERVICE_ACCOUNTS
        ),
    ]
    drawn = [
        near.Near(draw, graph.roles, bindings, namespaces, strangers).questions()
        for bindings in (own, everything)
    ]
    blind = worlds.Worlds(draw, valid=True, namespaces=tuple(namespaces))
    wanted = {True: QUESTIONS // 2, False: QUESTIONS - QUESTIONS // 2}
    questions: dict[Question, None] = {}
    while any(wanted.values()):
        if draw.random() < 0.2:
            user, groups = blind.identity()
            question = Question(manifests.real(user), groups, blind.attributes())
        else:
            question = Question(*next(draw.choice(drawn)))
        expected = bool(_decide(graph, question))
        if question not in questions and _is_fair(question) and wanted[expected]:
            wanted[expected] -= 1
            questions[question] = None
    return list(questions)


def _is_fair(question: Question) -> bool:
    """Return whether RBAC alone decides, and the API takes the question."""
    node = question.user.startswith("system:node:") and "system:nodes" in question.groups
    return not node and bool(question.user or question.groups)


def _rules_of(roles: list[Manifest]) -> set[str]:
    return {json.dumps(rule, sort_keys=True) for role in roles for rule in role.get("rules") or ()}
