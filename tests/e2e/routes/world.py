"""One attacker, one holder of a right, one thing to destroy: a small stage for each attempt."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.objects import SERVICE_ACCOUNT, Attributes, Subject
from responsibility.rbac.parse import parse_binding, parse_role
from tests.e2e.lab.cluster import Cluster
from tests.e2e.routes.people import Object, Person, Refused

RBAC = "/apis/rbac.authorization.k8s.io/v1"


@dataclass(frozen=True, slots=True)
class Permit:
    """One permission of the attacker, by a role and a binding of its own.

    ``name`` and the rest may hold ``{run}`` and ``{ns}``. ``scope`` is the namespace in which it
    is granted: ``""`` for the cluster.
    """

    verb: str
    resource: str
    name: str = ""
    scope: str = "{ns}"

    def rule(self, fill: Callable[[str], str]) -> Object:
        full, _, subresource = self.resource.partition("/")
        resource, _, group = full.partition(".")
        rule: Object = {
            "verbs": [self.verb],
            "apiGroups": [group],
            "resources": [f"{resource}/{subresource}" if subresource else resource],
        }
        if self.name:
            rule["resourceNames"] = [fill(self.name)]
        return rule

    def review(self, fill: Callable[[str], str]) -> Object:
        full, _, subresource = self.resource.partition("/")
        resource, _, group = full.partition(".")
        attributes = {
            "verb": self.verb,
            "group": group,
            "resource": resource,
            "subresource": subresource,
            "name": fill(self.name),
            "namespace": fill(self.scope),
        }
        return {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }


Act = Callable[["World"], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A way, taken step by step.

    ``routes`` are the labels of the steps. ``stage`` prepares, as the administrator, what is
    not a permission. ``subject`` is who holds the right, the ServiceAccount ``holder`` unless it
    is another. ``reach`` says how far it goes where no kubelet runs.
    """

    name: str
    permits: tuple[Permit, ...]
    act: Act
    routes: tuple[str, ...]
    stage: Act | None = None
    subject: tuple[str, str] = ("ServiceAccount", "holder")
    reach: str = ""


@dataclass(slots=True)
class World:
    """A scenario in namespaces of its own, with or without one of the permissions."""

    scenario: Scenario
    run: str
    admin: Person
    cluster: Cluster
    missing: Permit | None = None
    attacker: Person = field(init=False)
    token: str = field(init=False, default="")

    def __str__(self) -> str:
        """Say which attempt it is."""
        return f"{self.scenario.name}, {f'without {self.missing}' if self.missing else 'complete'}"

    @property
    def ns(self) -> str:
        return self.run

    @property
    def home(self) -> str:
        """Where the attacker lives, so that rights in the other namespace are not over itself."""
        return f"{self.run}-home"

    @property
    def core(self) -> str:
        return f"/api/v1/namespaces/{self.ns}"

    @property
    def rbac(self) -> str:
        return f"{RBAC}/namespaces/{self.ns}"

    @property
    def me(self) -> Object:
        return {"kind": "ServiceAccount", "name": "attacker", "namespace": self.home}

    @property
    def subject(self) -> Subject:
        return Subject(SERVICE_ACCOUNT, "attacker", self.home)

    @property
    def target(self) -> Attributes:
        return Attributes("delete", "", "configmaps", name="precious", namespace=self.ns)

    @property
    def permits(self) -> list[Permit]:
        return [permit for permit in self.scenario.permits if permit is not self.missing]

    def fill(self, text: str) -> str:
        return text.replace("{ns}", self.ns).replace("{run}", self.run)

    def named(self, api: str, kind: str, name: str, **fields: Any) -> Object:
        """Return an object."""
        return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, **fields}

    def role_ref(self, kind: str, name: str) -> Object:
        return {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}

    async def grant(self, name: str, rules: list[Object], scope: str, *subjects: Object) -> None:
        """Bind a new role, in a namespace or for the whole cluster."""
        api = "rbac.authorization.k8s.io/v1"
        place = f"{RBAC}/namespaces/{scope}" if scope else RBAC
        prefix = "" if scope else "Cluster"
        kind = f"{prefix}Role"
        role = self.named(api, kind, name, rules=rules)
        await self.admin.ask("POST", f"{place}/{kind.lower()}s", role)
        binding = self.named(
            api,
            f"{kind}Binding",
            name,
            subjects=list(subjects),
            roleRef=self.role_ref(kind, name),
        )
        await self.admin.ask("POST", f"{place}/{kind.lower()}bindings", binding)

    async def build(self) -> None:
        """Create all of it, and wait until the API server knows it."""
        for namespace in (self.ns, self.home):
            await self.admin.ask(
                "POST", "/api/v1/namespaces", self.named("v1", "Namespace", namespace)
            )
        for namespace, account in ((self.ns, "holder"), (self.home, "attacker")):
            body = self.named("v1", "ServiceAccount", account)
            path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
            await self.admin.ask("POST", path, body)
        body = self.named("v1", "ConfigMap", "precious")
        await self.admin.ask("POST", f"{self.core}/configmaps", body)
        kind, name = self.scenario.subject
        if kind:
            holder: Object = {"kind": kind, "name": self.fill(name)}
            holder |= (
                {"namespace": self.ns}
                if kind == "ServiceAccount"
                else {"apiGroup": "rbac.authorization.k8s.io"}
            )
            await self.grant("precious", [DELETE], self.ns, holder)
        if self.scenario.stage:
            await self.scenario.stage(self)
        for number, permit in enumerate(self.permits):
            name = f"{self.run}-permit-{number}"
            await self.grant(name, [permit.rule(self.fill)], self.fill(permit.scope), self.me)
        self.token = await self.token_of(self.admin, self.home, "attacker")
        self.attacker = self.admin.with_token(self.token)
        await asyncio.gather(*(self._arrived(permit) for permit in self.permits))

    async def _arrived(self, permit: Permit) -> None:
        async def allowed() -> bool:
            path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
            answer = await self.attacker.ask("POST", path, permit.review(self.fill))
            return bool(answer["status"]["allowed"])

        await self.attacker.until(allowed, f"{permit} to be in force ({self})")

    async def token_of(self, who: Person, namespace: str, name: str) -> str:
        """Request a token."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        answer = await who.ask("POST", path, body)
        return str(answer["status"]["token"])

    async def destroy(self, who: Person, *, patiently: bool = False) -> None:
        """Do what it is all about; after a change of roles it may take a moment."""
        path = f"{self.core}/configmaps/precious"
        if patiently:

            async def done() -> bool:
                try:
                    await who.ask("DELETE", path)
                except Refused:
                    return False
                return True

            await who.until(done, f"the right to delete the ConfigMap ({self})")
            return
        await who.ask("DELETE", path)

    async def is_destroyed(self) -> bool:
        listed = await self.admin.ask("GET", f"{self.core}/configmaps")
        return all(each["metadata"]["name"] != "precious" for each in listed["items"])

    def pod(self, name: str = "pod", **spec: Any) -> Object:
        """Return a pod that runs as the holder."""
        return self.named("v1", "Pod", name, spec=self.pod_spec(**spec))

    def pod_spec(self, **spec: Any) -> Object:
        containers = [{"name": "c", "image": "mine"}]
        return {"serviceAccountName": "holder", "containers": containers, **spec}

    async def runs_as_holder(self) -> None:
        """Wait for a pod that runs as the holder: a kubelet would give its token to the code."""

        async def found() -> bool:
            listed = await self.admin.ask("GET", f"{self.core}/pods")
            return any(
                pod["spec"]["serviceAccountName"] == "holder"
                and pod["spec"]["containers"][0]["image"] == "mine"
                for pod in listed["items"]
            )

        await self.admin.until(found, f"a pod that runs as the holder ({self})")

    async def clean(self) -> None:
        """Remove what is not in a namespace, and start removing those."""
        for kind in ("clusterrolebindings", "clusterroles"):
            listed = await self.admin.ask("GET", f"{RBAC}/{kind}")
            names = [item["metadata"]["name"] for item in listed["items"]]
            for name in names:
                if name == self.run or name.startswith(f"{self.run}-"):
                    await self.admin.ask("DELETE", f"{RBAC}/{kind}/{name}")
        for namespace in (self.ns, self.home):
            await self.admin.ask("DELETE", f"/api/v1/namespaces/{namespace}")


DELETE: Object = {"verbs": ["delete"], "apiGroups": [""], "resources": ["configmaps"]}


async def access_graph(admin: Person) -> AccessGraph:
    """Return what RBAC says on the cluster."""
    kinds = ("clusterroles", "roles", "clusterrolebindings", "rolebindings")
    lists = [(await admin.ask("GET", f"{RBAC}/{kind}"))["items"] for kind in kinds]
    return AccessGraph.build(
        [parse_role(raw) for some in lists[:2] for raw in some],
        [parse_binding(raw) for some in lists[2:] for raw in some],
    )
