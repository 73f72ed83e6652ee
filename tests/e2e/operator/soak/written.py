"""What the operator keeps in a cluster, as it is there: to be held against itself, later."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from responsibility.api.names import (
    CLUSTER_DENY_POLICY,
    CLUSTER_WARN_POLICY,
    MANAGED_BY_LABEL,
    MANAGED_LABEL,
    OPERATOR,
    is_our_key,
)
from responsibility.controller.admission.enforcement_status import ENFORCED
from tests.e2e.operator import chart
from tests.e2e.operator.api import OURS, RBAC, Manifest, where
from tests.e2e.operator.world import World

POLICIES = where("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy")


def written(world: World) -> dict[str, Any]:
    """Return all that the operator writes but Events and its Lease, by where it is."""
    return dict(_written(world))


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return where it differs, and what was and is there."""
    return [
        f"{path}: {before.get(path)}, then {after.get(path)}"[:1500]
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path)
    ]


def _written(world: World) -> Iterator[tuple[str, Any]]:
    yield from _statuses(world)
    yield from _keys(world)
    yield from _bindings(world)
    for found in world.admin.items(where("batch/v1", "Job", namespace=chart.NAMESPACE)):
        yield f"Job {found['metadata']['name']}", True
    for name in (CLUSTER_WARN_POLICY, CLUSTER_DENY_POLICY):
        policy = world.admin.find(f"{POLICIES}/{name}")
        yield f"policy {name}", (policy or {}).get("spec", {}).get("variables")


def _statuses(world: World) -> Iterator[tuple[str, Any]]:
    for kind in ("Responsibility", "ResponsibilityModel"):
        for found in world.admin.items(where(OURS, kind)):
            status = dict(found.get("status") or {})
            name = f"{kind} {found['metadata']['name']}"
            for condition in status.pop("conditions", ()):
                yield f"{name} {condition['type']}", _steady(condition)
            for field, value in status.items():
                yield f"{name} {field}", value


def _keys(world: World) -> Iterator[tuple[str, Any]]:
    for api_version, kind in (("v1", "Namespace"), ("apps/v1", "Deployment")):
        for found in world.admin.items(where(api_version, kind)):
            meta = found["metadata"]
            for field in ("labels", "annotations"):
                there = (meta.get(field) or {}).items()
                ours = {k: v for k, v in there if is_our_key(k) and k != MANAGED_LABEL}
                yield f"{kind} {meta.get('namespace', '')}/{meta['name']} {field}", ours


def _bindings(world: World) -> Iterator[tuple[str, Any]]:
    # By their label, since others there may nest too deep to be read.
    labelled = f"?labelSelector={quote(f'{MANAGED_BY_LABEL}={OPERATOR}')}"
    for kind in ("RoleBinding", "ClusterRoleBinding"):
        for found in world.admin.items(where(RBAC, kind) + labelled):
            meta = found["metadata"]
            granted = {field: found.get(field) for field in ("roleRef", "subjects")}
            yield f"{kind} {meta.get('namespace', '')}/{meta['name']}", granted


def _steady(condition: Manifest) -> Manifest:
    """Return a condition as every operator says it.

    What is enforced is proved anew after each start, and not in force as far as is known till then.
    """
    if condition["type"] != ENFORCED:
        return condition
    return {key: value for key, value in condition.items() if key != "lastTransitionTime"}
