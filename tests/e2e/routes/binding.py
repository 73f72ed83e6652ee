"""What those do who bind roles, or edit what is bound."""

from __future__ import annotations

from typing import Any

from tests.e2e.routes.people import Object
from tests.e2e.routes.world import DELETE, RBAC, World

_RBAC = "rbac.authorization.k8s.io"


async def role(w: World) -> None:
    await w.admin.ask(
        "POST", f"{w.rbac}/roles", w.named(f"{_RBAC}/v1", "Role", "mighty", rules=[DELETE])
    )


async def cluster_role(w: World) -> None:
    role = w.named(f"{_RBAC}/v1", "ClusterRole", w.run, rules=[DELETE])
    await w.admin.ask("POST", f"{RBAC}/clusterroles", role)


def a_binding(w: World, kind: str, name: str, *, wide: bool = False, **more: Any) -> Object:
    prefix = "Cluster" if wide else ""
    fields = {"roleRef": w.role_ref(kind, name), "subjects": [w.me], **more}
    return w.named(f"{_RBAC}/v1", f"{prefix}RoleBinding", w.run, **fields)


async def bind_role(w: World) -> None:
    await w.attacker.ask("POST", f"{w.rbac}/rolebindings", a_binding(w, "Role", "mighty"))
    await w.destroy(w.attacker, patiently=True)


async def bind_cluster_role(w: World) -> None:
    await w.attacker.ask("POST", f"{w.rbac}/rolebindings", a_binding(w, "ClusterRole", w.run))
    await w.destroy(w.attacker, patiently=True)


async def bind_everywhere(w: World) -> None:
    binding = a_binding(w, "ClusterRole", w.run, wide=True)
    await w.attacker.ask("POST", f"{RBAC}/clusterrolebindings", binding)
    await w.destroy(w.attacker, patiently=True)


async def apply_binding(w: World) -> None:
    path = f"{w.rbac}/rolebindings/{w.run}"
    await w.attacker.apply(path, a_binding(w, "Role", "mighty"))
    await w.destroy(w.attacker, patiently=True)


async def bound_to_nobody(w: World) -> None:
    await role(w)
    binding = a_binding(w, "Role", "mighty", subjects=[])
    await w.admin.ask("POST", f"{w.rbac}/rolebindings", binding)


async def join_binding(w: World) -> None:
    await w.attacker.patch(f"{w.rbac}/rolebindings/{w.run}", {"subjects": [w.me]})
    await w.destroy(w.attacker, patiently=True)


async def create_and_bind(w: World) -> None:
    role = w.named(f"{_RBAC}/v1", "Role", "mighty", rules=[DELETE])
    await w.attacker.ask("POST", f"{w.rbac}/roles", role)
    await bind_role(w)


async def bound_role(w: World) -> None:
    await w.grant("weak", [{**DELETE, "verbs": ["get"]}], w.ns, w.me)


async def edit_role(w: World) -> None:
    await w.attacker.patch(f"{w.rbac}/roles/weak", {"rules": [DELETE]})
    await w.destroy(w.attacker, patiently=True)


async def bound_missing_role(w: World) -> None:
    await w.admin.ask("POST", f"{w.rbac}/rolebindings", a_binding(w, "Role", "weak"))


async def create_missing_role(w: World) -> None:
    role = w.named(f"{_RBAC}/v1", "Role", "weak", rules=[DELETE])
    await w.attacker.ask("POST", f"{w.rbac}/roles", role)
    await w.destroy(w.attacker, patiently=True)


async def cluster_role_bound_here(w: World) -> None:
    weak = w.named(f"{_RBAC}/v1", "ClusterRole", w.run, rules=[])
    await w.admin.ask("POST", f"{RBAC}/clusterroles", weak)
    await w.admin.ask("POST", f"{w.rbac}/rolebindings", a_binding(w, "ClusterRole", w.run))


async def cluster_role_bound_everywhere(w: World) -> None:
    await w.grant(w.run, [], "", w.me)


async def edit_cluster_role(w: World) -> None:
    await w.attacker.patch(f"{RBAC}/clusterroles/{w.run}", {"rules": [DELETE]})
    await w.destroy(w.attacker, patiently=True)


async def aggregate(w: World, *, part: bool, labelled: bool) -> None:
    label = {"matchExpressions": [{"key": w.run, "operator": "In", "values": ["a", "b"]}]}
    whole = w.named(f"{_RBAC}/v1", "ClusterRole", w.run)
    whole["aggregationRule"] = {"clusterRoleSelectors": [label]}
    await w.admin.ask("POST", f"{RBAC}/clusterroles", whole)
    await w.admin.ask("POST", f"{w.rbac}/rolebindings", a_binding(w, "ClusterRole", w.run))
    if part:
        role = w.named(f"{_RBAC}/v1", "ClusterRole", f"{w.run}-part", rules=[])
        role["metadata"]["labels"] = {w.run: "a"} if labelled else {}
        await w.admin.ask("POST", f"{RBAC}/clusterroles", role)


async def edit_part(w: World) -> None:
    patch = {"metadata": {"labels": {w.run: "b"}}, "rules": [DELETE]}
    await w.attacker.patch(f"{RBAC}/clusterroles/{w.run}-part", patch)
    await w.destroy(w.attacker, patiently=True)


async def create_part(w: World) -> None:
    role = w.named(f"{_RBAC}/v1", "ClusterRole", f"{w.run}-part", rules=[DELETE])
    role["metadata"]["labels"] = {w.run: "b"}
    await w.attacker.ask("POST", f"{RBAC}/clusterroles", role)
    await w.destroy(w.attacker, patiently=True)
