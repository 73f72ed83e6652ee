"""Drawn worlds of RBAC on a live API server, and questions that are put to it."""

import asyncio
import json
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import kubernetes

from responsibility.rbac.objects import Attributes, Binding, Role, Rule
from responsibility.rbac.parse import parse_binding, parse_role
from tests.e2e.lab import waiting
from tests.unit.rbac import worlds

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


async def create(api: Api, manifests: Manifests) -> None:
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


def is_fair(question: Question) -> bool:
    """Return whether RBAC alone decides, and the API takes the question."""
    node = question.user.startswith("system:node:") and "system:nodes" in question.groups
    return not node and bool(question.user or question.groups)


def _rules_of(roles: list[Manifest]) -> set[str]:
    return {json.dumps(rule, sort_keys=True) for role in roles for rule in role.get("rules") or ()}
