"""What people change on a cluster with hubs, as a table: some of it odd, none of it forbidden."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from demo import organisation
from tests.e2e.lab.errors import LabError
from tests.e2e.operator.api import OURS, RBAC, Manifest, RefusedError, where
from tests.e2e.operator.enforcement import enforcing
from tests.e2e.operator.grants import grants_world
from tests.e2e.operator.revocation import revoking
from tests.e2e.operator.world import (
    PREFIX,
    World,
    binding_path,
    hub,
    namespace_path,
    record,
    record_path,
    role_binding,
)

NAMES = ("reef", "cove", "atoll", "dune", "delta", "fjord")
ROLES = ("admin", "edit", "view", "cluster-admin", "helpers", "not-there")
ITEMS = (
    "kubernetes-configuration",
    "deploy-configure-hub",
    "incident-response",
    "user-access",
    "complex-environment",
)
USERS = ("eve@example.org", "adam@example.org", "\u202eodd name")
_BURST = tuple(f"burst-{number}" for number in range(60))
_MANY, _DEPTH = 800, 3_000


@dataclass(frozen=True, slots=True)
class Scene:
    """Where people are at work, and what records ask for there."""

    world: World
    random: random.Random
    asked: Mapping[str, str]

    def name(self) -> str:
        """Return one of the hubs' names, which may not be there."""
        return self.random.choice(NAMES)

    def agreement(self, name: str) -> Manifest:
        """Return a record with owners as they come."""
        draw = self.random
        community = grants_world.community(*(f"{name}-{n}" for n in range(draw.randint(0, 2))))
        items: list[Manifest] = []
        for item in draw.sample(ITEMS, draw.randint(0, 3)):
            entry: Manifest = {"name": item, "owner": draw.choice(("provider", "community"))}
            if entry["owner"] == "provider" and draw.random() < 0.5:
                until = datetime.now(UTC) + timedelta(days=draw.randint(2, 40))
                delegate = {"party": "community", "until": f"{until:%Y-%m-%dT%H:%M:%SZ}"}
                entry["delegates"] = [{**delegate, "reason": "a workshop"}]
            if self.asked.get("admission") and draw.random() < 0.5:
                stage = draw.choice(("observe", "warn", "deny"))
                entry["enforcement"] = {"admission": stage}
            items.append(entry)
        forced = {"force": True} if self.asked.get("admission") else {}
        asked: Mapping[str, Any] = draw.choice(({}, self.asked, {**self.asked, **forced}))
        return record(name, parties=[community], items=items, enforcement=dict(asked))


def prepare(scene: Scene) -> None:
    """Make what every hub stands on, and the first hubs."""
    scene.world.admin.apply(
        organisation.cluster_role("helpers", organisation.rule("", ["pods"], ["delete"])),
        *organisation.provider()[:2],
        organisation.cluster_binding("engineers", "cluster-admin", organisation.PLATFORM),
    )
    for name in NAMES[:3]:
        scene.world.admin.apply(*hub(name), scene.agreement(name))


def clear(world: World) -> None:
    """Take away what whoever comes next could not read."""
    world.admin.delete(*(binding_path(name, "odd") for name in NAMES))


def _hub_comes(scene: Scene) -> None:
    scene.world.admin.apply(*hub(scene.name()))


def _deployment_goes(scene: Scene) -> None:
    scene.world.admin.delete(where("apps/v1", "Deployment", "hub", scene.name()))


def _namespace_goes(scene: Scene) -> None:
    path = namespace_path(scene.name())
    scene.world.admin.delete(path)
    scene.world.admin.gone(path)


def _record_comes(scene: Scene) -> None:
    scene.world.admin.apply(scene.agreement(scene.name()))


def _record_goes(scene: Scene) -> None:
    scene.world.admin.delete(record_path(scene.name()))


def _record_anew(scene: Scene) -> None:
    """Delete a record and write it again at once: another object of the same name."""
    name = scene.name()
    scene.world.admin.delete(record_path(name))
    scene.world.admin.apply(scene.agreement(name))


def _stranger_comes(scene: Scene) -> None:
    draw = scene.random
    name = f"help-{draw.randint(0, 3)}"
    role, users = draw.choice(ROLES), draw.sample(USERS, draw.randint(1, 3))
    namespace = scene.name()
    # Which role a binding is to can't be changed.
    scene.world.admin.delete(binding_path(namespace, name))
    scene.world.admin.apply(role_binding(namespace, name, role, *users))


def _strangers_go(scene: Scene) -> None:
    namespace = scene.name()
    names = ("help-0", "help-1", "help-2", "help-3", "many", "odd", *_BURST)
    scene.world.admin.delete(*(binding_path(namespace, name) for name in names))


def _burst(scene: Scene) -> None:
    namespace = scene.name()
    scene.world.admin.apply(*(role_binding(namespace, n, "view", USERS[0]) for n in _BURST))
    if scene.random.random() < 0.7:
        scene.world.admin.delete(*(binding_path(namespace, n) for n in _BURST))


def _many_subjects(scene: Scene) -> None:
    users = [f"user-{number}" for number in range(_MANY)]
    scene.world.admin.apply(role_binding(scene.name(), "many", "view", *users))


def _cluster_binding(scene: Scene) -> None:
    name = f"somebody-{scene.random.randint(0, 1)}"
    path = where(RBAC, "ClusterRoleBinding", name)
    scene.world.admin.delete(path)
    if scene.random.random() < 0.5:
        user = {"kind": "User", "name": scene.random.choice(USERS)}
        role = scene.random.choice(ROLES)
        scene.world.admin.apply(organisation.cluster_binding(name, role, user))


def _role_changes(scene: Scene) -> None:
    resources = scene.random.sample(("pods", "secrets", "configmaps", "services"), 2)
    verbs = scene.random.sample(("get", "delete", "create", "patch", "*"), 2)
    rule = organisation.rule("", resources, verbs)
    scene.world.admin.apply(organisation.cluster_role("helpers", rule))


def _our_marks_go(scene: Scene) -> None:
    """Take away by hand what the operator writes onto what is not its own."""
    name = scene.name()
    for path in (namespace_path(name), where("apps/v1", "Deployment", "hub", name)):
        found = scene.world.admin.get(path)
        meta = found["metadata"]
        gone = {
            field: {k: None for k in meta.get(field) or {} if k.startswith(PREFIX)}
            for field in ("annotations", "labels")
        }
        # Whether a namespace may be written to, people say.
        gone["labels"].pop(f"{PREFIX}managed", None)
        kind = "Namespace" if path.startswith("/api/v1") else "Deployment"
        version = "v1" if kind == "Namespace" else "apps/v1"
        named = {k: meta[k] for k in ("name", "namespace") if k in meta}
        scene.world.admin.merge(
            {"apiVersion": version, "kind": kind, "metadata": {**named, **gone}}
        )


def _management_ends(scene: Scene) -> None:
    """Say of a namespace that the operator may write there, or not."""
    managed = scene.random.random() < 0.5
    namespace = organisation.namespace(scene.name(), managed=managed)
    labels = namespace["metadata"].setdefault("labels", {})
    if not managed:
        labels[f"{PREFIX}managed"] = None
    scene.world.admin.merge(namespace)


def _odd_binding(scene: Scene) -> None:
    """Store a binding whose managedFields nest deeper than a parser goes."""
    namespace = scene.name()
    nested = '{"f:a":' * _DEPTH + "{}" + "}" * _DEPTH
    fields = {
        "manager": "odd",
        "operation": "Update",
        "apiVersion": RBAC,
        "fieldsType": "FieldsV1",
        "fieldsV1": "@",
    }
    binding = role_binding(namespace, "odd", "view", USERS[0])
    binding["metadata"]["managedFields"] = [fields]
    body = json.dumps(binding).replace('"@"', nested).encode()
    scene.world.admin.post(where(RBAC, "RoleBinding", namespace=namespace), body)


def _model_changes(scene: Scene) -> None:
    item = {"name": "incident-response", "owner": scene.random.choice(("provider", "community"))}
    model = {"apiVersion": OURS, "kind": "ResponsibilityModel", "metadata": {"name": "2i2c"}}
    scene.world.admin.apply({**model, "spec": {"items": [item]}}, manager="somebody")


def _plan_approved(scene: Scene) -> None:
    """Approve what the operator proposes, where it does; or something that nobody proposes."""
    name = scene.name()
    plan = scene.world.status(name).get("plan") or {}
    digest = (plan.get("revocable") or {}).get("digest") or "0" * 32
    revoking.approve(scene.world, name, digest)


def _secret_written(scene: Scene) -> None:
    """Change a hub's values, which a webhook may be asked about."""
    memory = f"singleuser: {{memory: {{limit: {scene.random.randint(1, 64)}G}}}}\n"
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "hub",
            "namespace": scene.name(),
            "labels": {"app": "jupyterhub", "component": "hub", "release": "x"},
        },
        "stringData": {"values.yaml": memory},
    }
    scene.world.admin.apply(secret)


def _stranger_scales(scene: Scene) -> None:
    with suppress(LabError):
        enforcing.scale(scene.world, enforcing.STRANGER, scene.name(), to=1)


CHANGES: Mapping[str, Callable[[Scene], None]] = {
    "a hub comes": _hub_comes,
    "a Deployment goes": _deployment_goes,
    "a Namespace goes": _namespace_goes,
    "a record comes or changes": _record_comes,
    "a record changes": _record_comes,
    "a record goes": _record_goes,
    "a record is written anew": _record_anew,
    "a stranger comes": _stranger_comes,
    "another stranger comes": _stranger_comes,
    "strangers go": _strangers_go,
    "bindings come and go by the dozen": _burst,
    "a binding has many subjects": _many_subjects,
    "a ClusterRoleBinding comes or goes": _cluster_binding,
    "a ClusterRole changes": _role_changes,
    "our labels and annotations go": _our_marks_go,
    "a Namespace is managed, or not": _management_ends,
    "a binding nests too deep": _odd_binding,
    "the model changes": _model_changes,
    "a plan is approved": _plan_approved,
    "a hub's values change": _secret_written,
    "a stranger scales a hub": _stranger_scales,
}


def change(scene: Scene) -> str:
    """Make one of the changes; return which, with why not if it was refused."""
    name = scene.random.choice(sorted(CHANGES))
    try:
        CHANGES[name](scene)
    except RefusedError as refused:
        # Of what is not there, or by a policy or the schema: as people find it.
        return f"{name} ({refused.status})"
    return name
