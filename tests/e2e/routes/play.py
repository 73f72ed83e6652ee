"""Take the steps of a route that we report, whatever it is, with real requests."""

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from responsibility.rbac.escalation.steps import Route, Step
from responsibility.rbac.escalation.techniques_into import account_namespace
from responsibility.rbac.identity import service_account_user
from responsibility.rbac.objects import GROUP, SERVICE_ACCOUNT, Subject
from tests.e2e.routes.people import Object, Person, Refused
from tests.e2e.routes.world import RBAC

_RBAC = "rbac.authorization.k8s.io"
_ANYTHING: Object = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
_BIND = re.compile(r"bind (ClusterRole|Role) (\S+) to itself")
_JOIN = re.compile(r"add itself to (ClusterRoleBinding|RoleBinding) (\S+), which binds")
_EDIT = re.compile(r"put any rule into (ClusterRole|Role) (\S+?)(?:;| and )")


_NUMBERS = itertools.count(1)


async def token_of(who: Person, account: Subject) -> str:
    """Request a token."""
    path = f"/api/v1/namespaces/{account.namespace}/serviceaccounts/{account.name}/token"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    return str((await who.ask("POST", path, body))["status"]["token"])


def user_of(subject: Subject) -> str:
    """Return the name by which somebody is impersonated."""
    if subject.kind == SERVICE_ACCOUNT:
        return service_account_user(subject.namespace, subject.name)
    return subject.name


# How many there are in each namespace, named s0, s1 and so on.
ACCOUNTS = 4


def _accounts_of(namespace: str) -> list[Subject]:
    return [Subject(SERVICE_ACCOUNT, f"s{number}", namespace) for number in range(ACCOUNTS)]


@dataclass(slots=True)
class Player:
    """Goes a route for one subject. What it changes is undone at the end."""

    run: str
    admin: Person
    namespaces: tuple[str, ...]
    _undo: list[Callable[[], Awaitable[Any]]] = field(default_factory=list)

    @asynccontextmanager
    async def go(self, start: Person, route: Route) -> AsyncIterator[Person]:
        """Take all steps, and be who it is then."""
        person = start
        try:
            for step in route:
                person = await self._take(person, step)
            yield person
        finally:
            for undo in reversed(self._undo):
                await undo()
            self._undo.clear()

    async def _take(self, person: Person, step: Step) -> Person:
        match step.route:
            case "impersonate":
                return await self._impersonate(person, step)
            case "token":
                return await self._token(person, step)
            case "workload":
                return await self._run(person, step)
            case "bind" | "escalate":
                await self._change_roles(person, step)
                return person
        raise AssertionError(f"no way to play {step}")

    async def _impersonate(self, person: Person, step: Step) -> Person:
        target = step.target
        assert target is not None
        if target.kind != GROUP:
            return person.impersonating(user_of(target))
        if "a member of" not in step.words:
            return await self._first(person, map(user_of, self._accounts(step)))
        everybody = (user_of(a) for n in self.namespaces for a in _accounts_of(n))
        return await self._first(person, ("anybody", *everybody), target.name)

    async def _tried(self, person: Person, user: str, group: str = "") -> Person:
        other = person.impersonating(user, group)
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        await other.ask("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review)
        return other

    async def _first(self, person: Person, users: Iterable[str], group: str = "") -> Person:
        """Return the first of several that the API server lets be impersonated."""
        refusal = Refused("nobody to impersonate")
        for user in users:
            try:
                return await self._tried(person, user, group)
            except Refused as error:
                refusal = error
        raise refusal

    def _accounts(self, step: Step) -> list[Subject]:
        """Return the ServiceAccount of a step; for a group of them, those that there are."""
        target = step.target
        assert target is not None
        if target.kind == SERVICE_ACCOUNT:
            return [target]
        return _accounts_of(account_namespace(target.name) or self.namespaces[0])

    async def _token(self, person: Person, step: Step) -> Person:
        *others, account = self._accounts(step)
        if "Secret" not in step.words:
            for other in others:
                with suppress(Refused):
                    return person.with_token(await token_of(person, other))
            return person.with_token(await token_of(person, account))
        path = f"/api/v1/namespaces/{account.namespace}/secrets"
        name = self._name()
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/service-account-token",
            "metadata": {
                "name": name,
                "annotations": {"kubernetes.io/service-account.name": account.name},
            },
        }
        await self._made_by(person, path, secret)

        async def filled() -> bool:
            return "token" in (await self.admin.ask("GET", f"{path}/{name}")).get("data", {})

        await self.admin.until(filled, "the controller to fill the Secret")
        answer = await person.ask("GET", f"{path}/{name}")
        return person.with_token(base64.b64decode(answer["data"]["token"]).decode())

    async def _run(self, person: Person, step: Step) -> Person:
        """Make something that runs as the target; a kubelet would hand its token to the code."""
        account = self._accounts(step)[0]
        pod: Object = {
            "serviceAccountName": account.name,
            "containers": [{"name": "c", "image": "mine"}],
        }
        name = self._name()
        template = {"metadata": {"labels": {"app": name}}, "spec": pod}
        selector = {"matchLabels": {"app": name}}
        kind = step.words.split(" that run as ")[0].split(" ")[-1]
        api, spec = {
            "pods": ("v1 Pod", pod),
            "deployments": ("apps/v1 Deployment", {"selector": selector, "template": template}),
            "jobs": (
                "batch/v1 Job",
                {"template": {**template, "spec": {**pod, "restartPolicy": "Never"}}},
            ),
        }[kind]
        version, _, what = api.partition(" ")
        root = "/api/v1" if version == "v1" else f"/apis/{version}"
        body = {"apiVersion": version, "kind": what, "metadata": {"name": name}, "spec": spec}
        await self._made_by(person, f"{root}/namespaces/{account.namespace}/{kind}", body)
        return person.with_token(await token_of(self.admin, account))

    async def _change_roles(self, person: Person, step: Step) -> None:
        me = self._manifest(step.actor)
        edit = _EDIT.search(step.words)
        if edit:
            await self._edited_by(person, "rules", [_ANYTHING], edit)
        join, bind = _JOIN.search(step.words), _BIND.search(step.words)
        if join:
            await self._edited_by(person, "subjects", [me], join)
        elif bind:
            kind, name = bind[1], bind[2].rpartition("/")[2]
            prefix = "" if step.namespace else "Cluster"
            binding = {
                "apiVersion": f"{_RBAC}/v1",
                "kind": f"{prefix}RoleBinding",
                "metadata": {"name": self._name()},
                "roleRef": {"apiGroup": _RBAC, "kind": kind, "name": name},
                "subjects": [me],
            }
            place = f"{RBAC}/namespaces/{step.namespace}/rolebindings"
            path = place if step.namespace else f"{RBAC}/clusterrolebindings"
            # What has been given in the step before may be on its way.
            await self._patiently(lambda: self._made_by(person, path, binding))
        else:
            assert edit, f"no way to play {step}"

    async def _patiently(self, act: Callable[[], Awaitable[Any]]) -> None:
        async def done() -> bool:
            try:
                await act()
            except Refused:
                return False
            return True

        await self.admin.until(done, "a right that was given to be in force")

    async def _made_by(self, person: Person, path: str, body: Object) -> None:
        await person.ask("POST", path, body)
        name = body["metadata"]["name"]
        self._undo.append(lambda: self.admin.ask("DELETE", f"{path}/{name}"))

    async def _edited_by(
        self, person: Person, what: str, value: list[Object], found: re.Match[str]
    ) -> None:
        namespace, _, name = found[2].rpartition("/")
        place = f"{RBAC}/namespaces/{namespace}" if namespace else RBAC
        path = f"{place}/{found[1].lower()}s/{name}"
        before = (await self.admin.ask("GET", path)).get(what)
        self._undo.append(lambda: self.admin.patch(path, {what: before}))
        await self._patiently(lambda: person.patch(path, {what: value}))

    def _manifest(self, subject: Subject) -> Object:
        more: Object = {"apiGroup": _RBAC}
        if subject.kind == SERVICE_ACCOUNT:
            more = {"namespace": subject.namespace}
        return {"kind": subject.kind, "name": subject.name, **more}

    def _name(self) -> str:
        # Never twice: a Job that was deleted stays for as long as its pods do.
        return f"{self.run}-{next(_NUMBERS)}"
