"""What kind is told about a cluster: options in, a document out.

kubeadm starts the API server in a pod of the node, so whatever a flag names has to be brought
there: directories are mounted into the node and from there into the pod. The pod sees them under
the paths that they have here, so that files which name each other still do.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.lab.cluster import Options

# A patch is for one version of kubeadm's configuration; kind takes the older one before
# Kubernetes 1.36. https://kind.sigs.k8s.io/docs/user/configuration/#kubeadm-config-patches
_NEWER, _OLDER = "kubeadm.k8s.io/v1beta4", "kubeadm.k8s.io/v1beta3"


def configuration(
    options: Options, *, audit_policy: Path, audit_log: Path, image: str | None = None
) -> dict[str, Any]:
    """Compose a configuration of kind: one node, an audit log, flags and their files.

    `image` is the node's; kind has a default.
    """
    flags = {
        "audit-policy-file": str(audit_policy),
        "audit-log-path": str(audit_log),
        "authorization-mode": options.authorization_mode,
        # These two are kind's own as well, and a patch takes their place.
        "runtime-config": _pairs(options.runtime_config),
        **({"feature-gates": _pairs(options.feature_gates)} if options.feature_gates else {}),
        **options.apiserver_flags,
    }
    directories = _directories(map(Path, flags.values()))
    mounts = {directory: f"/lab/{number}" for number, directory in enumerate(directories)}
    volumes = [
        {
            "name": f"lab-{number}",
            "hostPath": inside,
            "mountPath": str(directory),
            "pathType": "Directory",
        }
        for number, (directory, inside) in enumerate(mounts.items())
    ]
    newer = [{"name": name, "value": value} for name, value in flags.items()]
    node: dict[str, Any] = {
        "role": "control-plane",
        "extraMounts": [
            {"hostPath": str(directory), "containerPath": inside}
            for directory, inside in mounts.items()
        ],
        "kubeadmConfigPatches": [
            _patch(_NEWER, newer, volumes),
            _patch(_OLDER, flags, volumes),
        ],
    }
    if image:
        node["image"] = image
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "featureGates": dict(options.feature_gates),
        # Strings here, although they say true and false.
        "runtimeConfig": {k: str(v).lower() for k, v in options.runtime_config.items()},
        "nodes": [node],
    }


def _patch(version: str, arguments: object, volumes: list[dict[str, str]]) -> str:
    document = {
        "apiVersion": version,
        "kind": "ClusterConfiguration",
        "apiServer": {"extraArgs": arguments, "extraVolumes": volumes},
    }
    return yaml.safe_dump(document)


def _directories(paths: Iterable[Path]) -> list[Path]:
    """Return the directories of files that are here, without those inside of others."""
    files = {path for path in paths if path.is_absolute() and path.is_file()}
    found = sorted({path.parent for path in files})
    return [each for each in found if not any(other in each.parents for other in found)]


def _pairs(switches: Mapping[str, bool]) -> str:
    return ",".join(f"{name}={str(on).lower()}" for name, on in switches.items())
