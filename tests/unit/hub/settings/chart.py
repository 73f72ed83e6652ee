"""Configuration that the chart makes of its values, for those settings that a model may name.

What the chart does (Zero to JupyterHub, ``files/hub/jupyterhub_config.py``) as a table: which
setting becomes which trait. With a checkout of the chart in ``$ZERO_TO_JUPYTERHUB``, a test holds
the table against the chart's own code.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from traitlets.config import Config

Values = dict[str, Any]

_HUB = {
    "activeServerLimit": "active_server_limit",
    "allowNamedServers": "allow_named_servers",
    "concurrentSpawnLimit": "concurrent_spawn_limit",
    "namedServerLimitPerUser": "named_server_limit_per_user",
}
_SESSION = {
    "cpu.guarantee": "cpu_guarantee",
    "cpu.limit": "cpu_limit",
    "extraContainers": "extra_containers",
    "extraEnv": "environment",
    "extraPodConfig": "extra_pod_config",
    "extraResource.guarantees": "extra_resource_guarantees",
    "extraResource.limits": "extra_resource_limits",
    "image.pullPolicy": "image_pull_policy",
    "image.pullSecrets": "image_pull_secrets",
    "initContainers": "init_containers",
    "lifecycleHooks": "lifecycle_hooks",
    "memory.guarantee": "mem_guarantee",
    "memory.limit": "mem_limit",
    "profileList": "profile_list",
    "serviceAccountName": "service_account",
    "storage.extraLabels": "storage_extra_labels",
}
_CLAIM = {
    "storage.capacity": "storage_capacity",
    "storage.dynamic.pvcNameTemplate": "pvc_name_template",
    "storage.dynamic.storageAccessModes": "storage_access_modes",
    "storage.dynamic.storageClass": "storage_class",
}
# Set from keys of the Secret, and not from values.
_SECRET = {"JupyterHub": ("cookie_secret", "proxy_auth_token", "services")}


def at(values: Mapping[str, Any], path: str) -> Any:
    """Return the value at a path; None where there is none."""
    found: Any = values
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def configuration(values: Values) -> Config:
    """Return the configuration of the hub."""
    values = copy.deepcopy(values)
    config = Config()
    config.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
    for prefix, section, table in (
        ("hub.", config.JupyterHub, _HUB),
        ("singleuser.", config.KubeSpawner, _SESSION),
    ):
        for path, trait in table.items():
            if (value := at(values, prefix + path)) is not None:
                section[trait] = value
    if name := at(values, "singleuser.image.name"):
        tag = at(values, "singleuser.image.tag")
        config.KubeSpawner.image = f"{name}:{tag}" if tag else name
    _storage(values, config)
    config.JupyterHub.services = [_culler(values)] if at(values, "cull.enabled") else []
    config.JupyterHub.load_roles = [_role(values)] if at(values, "cull.enabled") else []
    for key, role in (at(values, "hub.loadRoles") or {}).items():
        config.JupyterHub.load_roles.append({"name": key, **role})
    if "cmd" in values["singleuser"]:
        config.Spawner.cmd = at(values, "singleuser.cmd")
    if (url := at(values, "singleuser.defaultUrl")) is not None:
        config.Spawner.default_url = url
    for section, traits in (at(values, "hub.config") or {}).items():
        kept = {k: v for k, v in traits.items() if k not in _SECRET.get(section, ())}
        config[section].update(kept)
    return config


def _storage(values: Values, config: Config) -> None:
    said = at(values, "singleuser.storage")
    volumes, mounts = {}, {}
    if said["type"] == "dynamic":
        config.KubeSpawner.storage_pvc_ensure = True
        for path, trait in _CLAIM.items():
            if (value := at(values, f"singleuser.{path}")) is not None:
                config.KubeSpawner[trait] = value
        name, claim = said["dynamic"]["volumeNameTemplate"], "{pvc_name}"
    else:
        name, claim = "home", said["static"]["pvcName"]
    volumes[name] = {"name": name, "persistentVolumeClaim": {"claimName": claim}}
    mounts[name] = {
        "mountPath": said["homeMountPath"],
        "name": name,
        "subPath": said[said["type"]]["subPath"],
    }
    if files := at(values, "singleuser.extraFiles"):
        kept = [
            {"key": key, "path": key, **({"mode": f["mode"]} if "mode" in f else {})}
            for key, f in files.items()
        ]
        secret = {"secretName": "singleuser", "items": kept}
        volumes["files"] = {"name": "files", "secret": secret}
        for number, (key, file) in enumerate(files.items()):
            mount = {"mountPath": file["mountPath"], "subPath": key, "name": "files"}
            mounts[f"{number}-files"] = mount
    volumes.update(said.get("extraVolumes") or {})
    mounts.update(said.get("extraVolumeMounts") or {})
    config.KubeSpawner.volumes, config.KubeSpawner.volume_mounts = volumes, mounts


def _culler(values: Values) -> dict[str, Any]:
    said = values["cull"]
    command = ["python3", "-m", "jupyterhub_idle_culler", "--url=http://localhost:8081/hub/api"]
    for key, option in (("timeout", "timeout"), ("every", "cull-every"), ("concurrency",) * 2):
        if said.get(key):
            command.append(f"--{option}={said[key]}")
    if said.get("users"):
        command.append("--cull-users")
    if not said.get("adminUsers"):
        command.append("--cull-admin-users=false")
    if said.get("removeNamedServers"):
        command.append("--remove-named-servers")
    if said.get("maxAge"):
        command.append(f"--max-age={said['maxAge']}")
    return {"name": "jupyterhub-idle-culler", "command": command}


def _role(values: Values) -> dict[str, Any]:
    scopes = ["list:users", "read:users:activity", "read:servers", "delete:servers"]
    return {
        "name": "jupyterhub-idle-culler",
        "scopes": scopes + ["admin:users"] * bool(at(values, "cull.users")),
        "services": ["jupyterhub-idle-culler"],
    }
