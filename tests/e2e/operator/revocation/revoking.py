"""Hubs whose records ask for revocations, and strangers who hold too much."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from demo import organisation
from responsibility.api.names import REVOCATION_LABEL
from tests.e2e.lab.waiting import wait_until
from tests.e2e.operator import chart
from tests.e2e.operator.api import OURS, Manifest
from tests.e2e.operator.grants.grants_world import CONFINED, can
from tests.e2e.operator.world import World, binding_path, hub, record, role_binding

ON = {"GRANTS": "true", "REVOCATION": "true"}
INSTALLED = ("--set", "mode=revoke,policies.enabled=false")
RECORD_OWNERS = "responsibility-record-owners"
PATIENCE = 90.0
EVE, ADAM = "eve@example.org", "adam@example.org"
BINDINGS = ("adams", "eves")


def install(world: World) -> None:
    """Install the chart as mode revoke does, of its policies those that are about this."""
    world.install(*INSTALLED)
    rendered = chart.rendered("--set", "mode=revoke")
    policies = [o for o in rendered if o["metadata"]["name"] in (CONFINED, RECORD_OWNERS)]
    assert len(policies) == 4, "two policies, each with a binding"
    world.admin.apply(*policies, manager="helm")
    provider = organisation.cluster_binding("engineers", "cluster-admin", organisation.PLATFORM)
    world.admin.apply(provider)


def revoking(name: str, **spec: Any) -> Manifest:
    """Return a record that asks for revocations."""
    enforcement = spec.pop("enforcement", {"rbac": "revoke"})
    return record(name, enforcement=enforcement, **spec)


def strange(name: str) -> list[Manifest]:
    """Return two bindings that nobody agreed on, which bind nobody else."""
    return [
        role_binding(name, "eves", "admin", EVE),
        role_binding(name, "adams", "edit", ADAM),
    ]


def shared(name: str) -> Manifest:
    """Return a binding that a stranger shares with somebody who is owed it."""
    mallory = {"kind": "User", "name": "mallory@example.org"}
    return organisation.binding(name, "shared", "admin", mallory, organisation.PLATFORM)


def deploy(world: World, name: str, *more: Manifest, **spec: Any) -> None:
    """Make a hub with a record and strangers."""
    world.admin.apply(*hub(name))
    world.admin.apply(*strange(name), *more, revoking(name, **spec))


def plan(world: World, name: str) -> Manifest:
    """Wait for the plan of a hub with something that the operator could revoke; return it."""
    return _until_plan(world, name, lambda plan: bool(plan.get("revocable")), "a plan")


def settled_plan(world: World, name: str, *bindings: str) -> Manifest:
    """Wait for the plan that deletes exactly these; return it."""
    wanted = set(bindings or BINDINGS)

    def named(plan: Manifest) -> bool:
        changes = (plan.get("revocable") or {}).get("changes", ())
        return {change.split()[2].rpartition("/")[2] for change in changes} == wanted

    return _until_plan(world, name, named, f"a plan that deletes {wanted}")


def _until_plan(world: World, name: str, wanted: Callable[[Manifest], bool], what: str) -> Manifest:
    """Wait for a plan, and return the one that was found.

    It is gone while another is worked out, so who asks again may find none, or that.
    """
    found: Manifest = {}

    def shown() -> Manifest | None:
        nonlocal found
        found = world.status(name).get("plan") or {}
        return found if wanted(found) else None

    last = wait_until(shown, PATIENCE, lambda: f"{what} of {name}; it is {json.dumps(found)}")
    assert last is not None
    return last


def approve(world: World, name: str, digest: str | None) -> None:
    """Approve a plan, or take that back."""
    enforcement: Manifest = {"enforcement": {"approvedPlan": digest}}
    world.admin.merge(
        {
            "apiVersion": OURS,
            "kind": "Responsibility",
            "metadata": {"name": name},
            "spec": enforcement,
        }
    )


def until_revoked(world: World, name: str, status: str = "True", reason: str = "Applied") -> str:
    """Wait for what is said of it; return the message."""
    return world.until_condition(name, "Revoked", status, reason, seconds=PATIENCE)


def there(world: World, name: str) -> set[str]:
    """Return which of the strangers' bindings are there."""
    return {b for b in BINDINGS if world.admin.find(binding_path(name, b)) is not None}


def may(world: World, user: str, namespace: str) -> bool:
    """Return whether the API server lets somebody change the hub's Deployment."""
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": user,
            "resourceAttributes": {
                "verb": "patch",
                "group": "apps",
                "resource": "deployments",
                "name": "hub",
                "namespace": namespace,
            },
        },
    }
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    return bool(world.admin._send("POST", path, review)["status"]["allowed"])


def until_lost(world: World, namespace: str) -> None:
    """Wait until neither stranger can any more: the authorizer hears of a deletion after a list."""
    for user in (EVE, ADAM):
        wait_until(
            lambda user=user: not may(world, user, namespace),  # type: ignore[misc]  # a default argument
            PATIENCE,
            f"{user} to have lost it",
        )


def engineers_may(world: World, namespace: str) -> bool:
    """Return whether those who are owed it still can."""
    group = organisation.PLATFORM["name"]
    return can(world, group, "patch", "deployments", namespace, group="apps", name="hub")


def documents(world: World, name: str) -> list[Manifest]:
    """Return the undo documents of a record, by name whatever its UID."""
    path = f"/api/v1/namespaces/{chart.NAMESPACE}/configmaps?labelSelector={REVOCATION_LABEL}"
    begin = f"responsibility-undo-{name}-"
    return [d for d in world.admin.items(path) if d["metadata"]["name"].startswith(begin)]


def state(document: Manifest) -> str:
    """Return how far one came."""
    return str(document["metadata"]["labels"][REVOCATION_LABEL])
