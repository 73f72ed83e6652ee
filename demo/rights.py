"""The accounts of a JupyterHub release, and the rights that the chart gives them."""

from __future__ import annotations

from demo.labels import Manifest, Release
from responsibility import api_groups

_READ = ["get", "list", "watch"]

HUB_RULES: list[Manifest] = [
    {
        "apiGroups": [""],
        "resources": ["pods", "persistentvolumeclaims", "secrets", "services"],
        "verbs": [*_READ, "create", "delete"],
    },
    {"apiGroups": [""], "resources": ["events"], "verbs": _READ},
]
AUTOHTTPS_RULES: list[Manifest] = [
    {
        "apiGroups": [""],
        "resources": ["secrets"],
        "verbs": ["get", "patch", "list", "create"],
    }
]


def scheduler_rules(this: Release) -> list[Manifest]:
    """Return what a scheduler needs; for a hub's account these are wide rights.

    It may delete any pod of the cluster and bind any pod to a node.
    """
    core, leases = api_groups.CORE, api_groups.COORDINATION
    storage, dra = "storage.k8s.io", "resource.k8s.io"
    write = ["patch", "update"]
    rows: list[tuple[list[str], list[str], list[str]]] = [
        ([core, api_groups.EVENTS], ["events"], ["create", *write]),
        ([leases], ["leases"], ["create"]),
        (
            [leases],
            ["leasecandidates"],
            ["create", "delete", "deletecollection", *_READ, *write],
        ),
        ([core], ["nodes", "namespaces", "replicationcontrollers", "services"], _READ),
        ([core], ["pods"], ["delete", *_READ]),
        ([core], ["bindings", "pods/binding"], ["create"]),
        ([core], ["pods/status"], write),
        ([core], ["pods/finalizers"], ["update"]),
        ([core], ["persistentvolumeclaims", "persistentvolumes"], [*_READ, *write]),
        ([api_groups.APPS], ["replicasets", "statefulsets"], _READ),
        (["policy"], ["poddisruptionbudgets"], _READ),
        ([api_groups.AUTHENTICATION], ["tokenreviews"], ["create"]),
        ([api_groups.AUTHORIZATION], ["subjectaccessreviews"], ["create"]),
        (
            [storage],
            ["csidrivers", "csinodes", "csistoragecapacities", "volumeattachments"],
            _READ,
        ),
        ([storage], ["storageclasses"], _READ),
        ([dra], ["deviceclasses", "resourceslices"], _READ),
        ([dra], ["resourceclaims", "resourceclaims/status"], [*_READ, *write]),
    ]
    rules: list[Manifest] = [
        {"apiGroups": groups, "resources": resources, "verbs": verbs}
        for groups, resources, verbs in rows
    ]
    return [
        *rules,
        {
            "apiGroups": [leases],
            "resources": ["leases"],
            "resourceNames": [f"{this.prefix}user-scheduler-lock"],
            "verbs": [*_READ, "update"],
        },
    ]


def role(this: Release, name: str, rules: list[Manifest]) -> list[Manifest]:
    """Return a Role and its binding to the account of the same name."""
    return _grant(this, name, rules, kind="Role", cluster=False)


def cluster_role(this: Release, name: str, rules: list[Manifest]) -> list[Manifest]:
    """Return a ClusterRole and its binding to the account of the same name."""
    return _grant(this, name, rules, kind="ClusterRole", cluster=True)


def _grant(
    this: Release, name: str, rules: list[Manifest], *, kind: str, cluster: bool
) -> list[Manifest]:
    group = api_groups.RBAC
    metadata = this.metadata(name, name, cluster=cluster)
    account = {
        "kind": "ServiceAccount",
        "name": this.prefix + name,
        "namespace": this.namespace,
    }
    role = {"apiVersion": f"{group}/v1", "kind": kind, "metadata": metadata, "rules": rules}
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": f"{kind}Binding",
        "metadata": this.metadata(name, name, cluster=cluster),
        "subjects": [account],
        "roleRef": {"apiGroup": group, "kind": kind, "name": metadata["name"]},
    }
    return [role, binding]


def service_account(this: Release, name: str, *, component: str = "") -> Manifest:
    """Return the account that a workload runs as."""
    metadata = this.metadata(name, component or name)
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
