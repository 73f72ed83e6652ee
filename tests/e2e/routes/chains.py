"""What those do who need two ways."""

from __future__ import annotations

from tests.e2e.routes import binding, identities
from tests.e2e.routes.world import Permit, World

_RBAC = "rbac.authorization.k8s.io"


async def account_that_may_bind(w: World) -> None:
    await binding.role(w)
    account = {"kind": "ServiceAccount", "namespace": w.ns, "name": "holder"}
    rules = [
        {"verbs": ["bind"], "apiGroups": [_RBAC], "resources": ["roles"]},
        {"verbs": ["create"], "apiGroups": [_RBAC], "resources": ["rolebindings"]},
    ]
    await w.grant("binder", rules, w.ns, account)


async def token_then_bind(w: World) -> None:
    binder = w.attacker.with_token(await w.token_of(w.attacker, w.ns, "holder"))
    await binder.ask("POST", f"{w.rbac}/rolebindings", binding.a_binding(w, "Role", "mighty"))
    await w.destroy(w.attacker, patiently=True)


async def role_of_a_role(w: World) -> None:
    await binding.role(w)
    rules = [
        {
            "verbs": ["bind"],
            "apiGroups": [_RBAC],
            "resources": ["roles"],
            "resourceNames": ["mighty"],
        }
    ]
    await w.admin.ask(
        "POST", f"{w.rbac}/roles", w.named(f"{_RBAC}/v1", "Role", "binder", rules=rules)
    )


async def bind_to_bind(w: World) -> None:
    first = binding.a_binding(w, "Role", "binder")
    first["metadata"]["name"] = "first"
    await w.attacker.ask("POST", f"{w.rbac}/rolebindings", first)
    second = binding.a_binding(w, "Role", "mighty")

    async def may() -> bool:
        review = Permit("bind", "roles.rbac.authorization.k8s.io", "mighty").review(w.fill)
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        return bool((await w.attacker.ask("POST", path, review))["status"]["allowed"])

    await w.attacker.until(may, "the first binding to be in force")
    await w.attacker.ask("POST", f"{w.rbac}/rolebindings", second)
    await w.destroy(w.attacker, patiently=True)


async def token_role(w: World) -> None:
    rule = {"verbs": ["create"], "apiGroups": [""], "resources": ["serviceaccounts/token"]}
    await w.admin.ask(
        "POST", f"{w.rbac}/roles", w.named(f"{_RBAC}/v1", "Role", "mighty", rules=[rule])
    )


async def bind_to_request(w: World) -> None:
    await w.attacker.ask("POST", f"{w.rbac}/rolebindings", binding.a_binding(w, "Role", "mighty"))
    review = Permit("create", "serviceaccounts/token", "holder").review(w.fill)

    async def may() -> bool:
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        return bool((await w.attacker.ask("POST", path, review))["status"]["allowed"])

    await w.attacker.until(may, "the binding to be in force")
    await identities.request_token(w)
