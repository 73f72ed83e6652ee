"""The demo's cluster with some more that is too much, and what is asked of it again and again."""

import asyncio
import json
from typing import Any

import pytest

from demo import installation
from responsibility.cli.main import main
from responsibility.cluster import apply_plan
from responsibility.kube.client import Api
from tests.e2e.lab.cluster import Cluster

CAPTAIN = ("pat", ("platform-engineers",))
OUTSIDER = "stranger@example.org"
# What planning takes, and no more: who could read Secrets would have too much.
READ = ",".join(
    (
        *(f"{kind}.rbac.authorization.k8s.io" for kind in ("roles", "rolebindings")),
        *(f"cluster{kind}.rbac.authorization.k8s.io" for kind in ("roles", "rolebindings")),
        *("deployments.apps", "namespaces", "serviceaccounts"),
        "responsibilities.responsibility.2i2c.org",
        "responsibilitymodels.responsibility.2i2c.org",
    )
)
_RBAC: Any = {"apiGroup": "rbac.authorization.k8s.io"}
EXTRA: list[Any] = [
    # A role that gives two strangers too much, by two bindings: it is narrowed.
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "loose", "namespace": "coast"},
        "rules": [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "patch"]}],
    },
    *(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": f"loose-{name}", "namespace": "coast"},
            "subjects": [{"kind": "User", "name": name} | _RBAC],
            "roleRef": {**_RBAC, "kind": "Role", "name": "loose"},
        }
        for name in ("one@example.org", "two@example.org")
    ),
    # Shared: one of the two is owed it.
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "shared", "namespace": "coast"},
        "subjects": [
            {"kind": "User", "name": OUTSIDER} | _RBAC,
            {"kind": "Group", "name": "platform-engineers"} | _RBAC,
        ],
        "roleRef": {**_RBAC, "kind": "ClusterRole", "name": "admin"},
    },
    # Who lost it could give it back to itself.
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "regrant", "namespace": "coast"},
        "subjects": [{"kind": "User", "name": OUTSIDER} | _RBAC],
        "roleRef": {**_RBAC, "kind": "Role", "name": "regrant"},
    },
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "regrant", "namespace": "coast"},
        "rules": [
            {
                "apiGroups": ["rbac.authorization.k8s.io"],
                "resources": ["rolebindings"],
                "verbs": ["create"],
            },
            {
                "apiGroups": ["rbac.authorization.k8s.io"],
                "resources": ["clusterroles"],
                "verbs": ["bind"],
            },
        ],
    },
]


EXTRA_LIST = json.dumps({"apiVersion": "v1", "kind": "List", "items": EXTRA})


def install(cluster: Cluster) -> None:
    """Put it there, or restore it."""
    installation.install(cluster)
    cluster.kubectl("apply", "-f", "-", input=EXTRA_LIST)


def planned(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["plan", *arguments, "-o", "json"]) == 0
    plan: dict[str, Any] = json.loads(capsys.readouterr().out)
    return plan


def may(cluster: Cluster, user: str, *words: str, groups: tuple[str, ...] = ()) -> bool:
    as_groups = [f"--as-group={group}" for group in groups]
    asked = cluster.kubectl("auth", "can-i", *words, f"--as={user}", *as_groups, check=False)
    return asked.stdout.split()[0] == "yes"


def bindings(cluster: Cluster) -> dict[str, Any]:
    """Return all that rights depend on, by object."""

    async def listed() -> dict[str, Any]:
        async with Api.connect(cluster.kubeconfig) as api:
            return await all_bindings(api)

    return asyncio.run(listed())


async def all_bindings(api: Api) -> dict[str, Any]:
    found = {}
    for kind in ("roles", "rolebindings", "clusterroles", "clusterrolebindings"):
        for raw in (await api.get(f"/apis/rbac.authorization.k8s.io/v1/{kind}"))["items"]:
            meta = raw["metadata"]
            found[f"{kind} {meta.get('namespace', '')}/{meta['name']}"] = apply_plan.essence(raw)
    return found
