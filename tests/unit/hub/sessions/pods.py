"""Pods of sessions, as KubeSpawner makes them."""

from __future__ import annotations

from typing import Any

CANARY = "canary-7b1d"
DIGEST = "sha256:" + "ab" * 32


def claim(
    name: str, storage_class: str | None = "ssd", volume: str = "", mode: str = "ReadWriteOnce"
) -> dict[str, Any]:
    """Return a claim to storage; without a volume it is not bound."""
    spec: dict[str, Any] = {
        "accessModes": [mode],
        "resources": {"requests": {"storage": "1Gi"}},
        "storageClassName": storage_class,
        "volumeName": volume,
    }
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {key: value for key, value in spec.items() if value},
    }


def pod(user: str, image: str = "quay.io/coast/env:1", **more: Any) -> dict[str, Any]:
    """Return the pod of somebody's session, with a token in its environment."""
    env = [{"name": "JUPYTERHUB_API_TOKEN", "value": CANARY}]
    volumes = [
        {"name": f"volume-{user}", "persistentVolumeClaim": {"claimName": f"claim-{user}"}},
        *more.get("volumes", ()),
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"jupyter-{user}",
            "namespace": more.get("namespace", "prod"),
            "labels": {
                "app": "jupyterhub",
                "component": "singleuser-server",
                "release": more.get("release", "prod"),
                "hub.jupyter.org/username": user,
            },
        },
        "spec": {
            "serviceAccountName": more.get("account", "user-sa"),
            "containers": [
                {"name": "sidecar", "image": "sidecar.example/x:1", "env": env},
                {"name": "notebook", "image": image, "env": env},
            ],
            "volumes": volumes,
        },
        "status": {
            "phase": more.get("phase", "Running"),
            "containerStatuses": [
                {"name": "notebook", "imageID": f"{image.partition(':')[0]}@{DIGEST}"}
            ],
        },
    }
