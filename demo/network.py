"""What stands before and around the pods of a JupyterHub release."""

from __future__ import annotations

from demo.labels import Manifest, Release
from responsibility import api_groups


def service(
    this: Release,
    name: str,
    *,
    ports: list[Manifest],
    component: str = "",
    to: str = "",
    kind: str = "ClusterIP",
    annotations: dict[str, str] | None = None,
) -> Manifest:
    """Return a Service in front of the pods of ``to``, or of its own name."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": this.metadata(name, component or name, annotations=annotations),
        "spec": {
            "type": kind,
            "selector": this.selector(to or name),
            "ports": ports,
            "ipFamilyPolicy": "PreferDualStack",
        },
    }


def policy(this: Release, name: str, component: str, *, access: str, port: str) -> Manifest:
    """Return a NetworkPolicy: only pods with the label for ``access`` reach ``port``."""
    allowed = {"matchLabels": {f"hub.jupyter.org/network-access-{access}": "true"}}
    return {
        "apiVersion": f"{api_groups.NETWORKING}/v1",
        "kind": "NetworkPolicy",
        "metadata": this.metadata(name, name),
        "spec": {
            "podSelector": {"matchLabels": this.selector(component)},
            "policyTypes": ["Ingress"],
            "ingress": [{"ports": [{"port": port}], "from": [{"podSelector": allowed}]}],
        },
    }


def budget(this: Release, name: str, limit: Manifest) -> Manifest:
    """Return a PodDisruptionBudget with the one limit given."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": this.metadata(name, name),
        "spec": {"selector": {"matchLabels": this.selector(name)}} | limit,
    }
