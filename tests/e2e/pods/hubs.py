"""Hubs whose pods run: the demo's releases, with a program in each pod that does nothing."""

from __future__ import annotations

from typing import Any

from demo.release import release
from tests.e2e.lab.cluster import Cluster
from tests.e2e.operator.api import Manifest

# Of a container, what a program that does nothing has no use for, or can't have.
_LEFT_OUT = ("args", "command", "ports", "resources")


def running(cluster: Cluster, namespace: str) -> list[Manifest]:
    """Return a release whose workloads become ready on the cluster's node."""
    return [_idle(manifest, cluster.image) for manifest in release(namespace, namespace)]


def _idle(manifest: Manifest, image: str) -> Manifest:
    """Return a workload with the same names, labels and volumes, and idle containers."""
    template: Any = (manifest.get("spec") or {}).get("template") or {}
    if "spec" not in template:
        return manifest
    pod = template["spec"]
    idle = {
        **{key: value for key, value in pod.items() if key != "initContainers"},
        "containers": [_container(each, image) for each in pod["containers"]],
        "volumes": [_volume(each) for each in pod.get("volumes", ())],
        # It ends when it is asked to, but as number 1 of its container only when it is killed.
        "terminationGracePeriodSeconds": 0,
    }
    return {**manifest, "spec": {**manifest["spec"], "template": {**template, "spec": idle}}}


def _container(container: Manifest, image: str) -> Manifest:
    kept = {key: value for key, value in container.items() if key not in _LEFT_OUT}
    return {**kept, "image": image, "imagePullPolicy": "Never"}


def _volume(volume: Manifest) -> Manifest:
    # Nobody provisions a disk here.
    if "persistentVolumeClaim" in volume:
        return {"name": volume["name"], "emptyDir": {}}
    return volume
