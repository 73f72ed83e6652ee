"""Hubs for these tests: their objects, and their Namespace's keys as the operator writes them."""

from collections.abc import Iterable, Mapping
from typing import Any

from responsibility.admission.policies.guards import Guards
from responsibility.api.model import ResponsibilityModel
from responsibility.api.names import (
    BREAK_GLASS_ANNOTATION,
    CONTACT_ANNOTATION,
    HUB_ANNOTATION,
    MANAGED_LABEL,
    OWNERS_ANNOTATION,
    PREFIX_ANNOTATION,
    RELEASE_ANNOTATION,
    STAGE_LABEL,
)
from responsibility.api.parse import load_shipped_manifest, parse_model
from responsibility.api.stages import AdmissionStage
from responsibility.ownership.terms.managed_namespaces import MANAGED
from tests.e2e.admission.asking import Person


def _model() -> ResponsibilityModel:
    """Return the shipped model, with one more person for emergencies."""
    manifest = load_shipped_manifest()
    eve = {"subject": {"kind": "User", "name": "eve"}, "reason": "on call"}
    manifest["spec"]["breakGlass"].append(eve)
    return parse_model(manifest, strict=True)


MODEL = _model()
GUARDS = Guards.of(MODEL)
ITEMS = {guards.item.number: guards.item.name for guards in GUARDS.items()}
ALL_ITEMS = {item.number: item.name for item in MODEL.spec.items}

OPERATOR_NAMESPACE = "hub-responsibility"
ACCOUNT = f"system:serviceaccount:{OPERATOR_NAMESPACE}:hub-responsibility"
OPERATOR = Person(ACCOUNT)
MASTER = Person("root", ("system:masters",))
EVE = Person("eve")


def owner(number: int) -> Person:
    """Return the owner of an item, and of nothing else."""
    return Person(f"owner-{number}")


def stages(numbers: Iterable[int], stage: AdmissionStage) -> dict[str, str]:
    """Return the labels that put items in force."""
    return {f"{STAGE_LABEL}{ALL_ITEMS[number]}": stage.value for number in numbers}


def notes(
    name: str = "prod", more: Mapping[int, Iterable[str]] | None = None, **texts: str
) -> dict[str, str]:
    """Return the annotations of a hub on which everybody owns one item."""
    found = {
        HUB_ANNOTATION: f"LEAP ({name}/{name})",
        PREFIX_ANNOTATION: "",
        RELEASE_ANNOTATION: name,
        BREAK_GLASS_ANNOTATION: "group:system:masters\nuser:eve",
    }
    exempt = [
        f"user:system:serviceaccount:{name}:hub",
        "like:^system:serviceaccount:[^:]*:user\\-scheduler$",
        "like-group:^system:bootstrappers.*$",
    ]
    for number, item in ALL_ITEMS.items():
        lines = [f"user:owner-{number}", *exempt, *(more or {}).get(number, ())]
        found[f"{OWNERS_ANNOTATION}{item}"] = "\n".join(sorted(lines))
        found[f"{CONTACT_ANNOTATION}{item}"] = f"Party {number}: {number}@leap.example"
    return found | texts


def namespace(
    name: str, labels: Mapping[str, str], annotations: Mapping[str, str]
) -> dict[str, Any]:
    """Return a Namespace."""
    marked = {MANAGED_LABEL: MANAGED, **labels}
    meta = {"name": name, "labels": marked, "annotations": dict(annotations)}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": meta}


def _meta(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, **more}


# Of clusters that are plain processes; others have another.
NODE = "lab-node"


def workload(kind: str, name: str, image: str = "hub:1") -> dict[str, Any]:
    """Return a Deployment, StatefulSet or DaemonSet with two containers and a volume."""
    labels = {"app": name}
    spec: dict[str, Any] = {
        "selector": {"matchLabels": labels},
        "template": {
            "metadata": {"labels": labels, "annotations": {"checksum/config": "1"}},
            "spec": {
                "initContainers": [{"name": "first", "image": image}],
                "containers": [
                    {
                        "name": "main",
                        "image": image,
                        "env": [{"name": "A", "value": "1"}],
                        "resources": {"limits": {"memory": "1Gi"}, "requests": {"cpu": "100m"}},
                    },
                    {"name": "side", "image": "side:1"},
                ],
                "volumes": [{"name": "config", "configMap": {"name": "hub", "optional": True}}],
            },
        },
    }
    if kind != "DaemonSet":
        spec["replicas"] = 1
    if kind == "StatefulSet":
        spec["serviceName"] = name
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": _meta(name), "spec": spec}


def objects(
    name: str, prefix: str = "", node: str = NODE, image: str = "notebook:1"
) -> list[dict[str, Any]]:
    """Return what a hub has in its namespace, in the shape of JupyterHub's chart."""
    core = "v1"
    rbac = "rbac.authorization.k8s.io/v1"
    claim: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "storageClassName": "e2e-growing"}
    claim |= {"resources": {"requests": {"storage": "1Gi"}}, "volumeName": f"volume-{name}"}
    return [
        volume(name, f"{prefix}hub-db-dir"),
        workload("Deployment", f"{prefix}hub"),
        workload("Deployment", f"{prefix}proxy"),
        workload("Deployment", "other"),
        workload("StatefulSet", f"{prefix}user-placeholder"),
        workload("DaemonSet", f"{prefix}continuous-image-puller"),
        *(
            {"apiVersion": core, "kind": "Secret", "metadata": _meta(name)}
            for name in (f"{prefix}hub", "other", f"sh.helm.release.v1.{prefix}prod.v1")
        ),
        {"apiVersion": core, "kind": "ConfigMap", "metadata": _meta("config")},
        *(
            {"apiVersion": core, "kind": "ServiceAccount", "metadata": _meta(name)}
            for name in (f"{prefix}hub", "user-sa")
        ),
        {
            "apiVersion": core,
            "kind": "Service",
            "metadata": _meta(f"{prefix}hub"),
            "spec": {"ports": [{"port": 80}]},
        },
        {
            "apiVersion": core,
            "kind": "PersistentVolumeClaim",
            "metadata": _meta(f"{prefix}hub-db-dir"),
            "spec": claim,
        },
        {
            "apiVersion": core,
            "kind": "ResourceQuota",
            "metadata": _meta("quota"),
            "spec": {"hard": {"limits.memory": "100Gi", "configmaps": "100"}},
        },
        {
            "apiVersion": core,
            "kind": "LimitRange",
            "metadata": _meta("limits"),
            "spec": {"limits": [{"type": "Container", "max": {"memory": "2Gi"}}]},
        },
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": _meta("budget"),
            "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "none"}}},
        },
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": _meta("open"),
            "spec": {"podSelector": {}},
        },
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": _meta("front"),
            "spec": {"defaultBackend": {"service": {"name": "hub", "port": {"number": 80}}}},
        },
        {"apiVersion": rbac, "kind": "Role", "metadata": _meta("role"), "rules": []},
        {
            "apiVersion": rbac,
            "kind": "RoleBinding",
            "metadata": _meta("binding"),
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "role"},
            "subjects": [],
        },
        pod("jupyter-ann", node, image),
    ]


def volume(name: str, claim: str) -> dict[str, Any]:
    """Return what a claim is bound to: only then can it grow."""
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "e2e-growing",
        "capacity": {"storage": "1Gi"},
        "hostPath": {"path": "/nowhere"},
        "claimRef": {"namespace": name, "name": claim},
    }
    meta = _meta(f"volume-{name}")
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": meta, "spec": spec}


def pod(name: str, node: str = NODE, image: str = "notebook:1") -> dict[str, Any]:
    """Return a user's pod, on a node."""
    container = {"name": "notebook", "image": image}
    spec = {"containers": [container], "nodeName": node, "terminationGracePeriodSeconds": 0}
    meta = _meta(name, labels={"component": "singleuser-server"})
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
