"""The configuration of a JupyterHub release: its Secret, its ConfigMaps and its database's disk."""

from __future__ import annotations

import base64
from hashlib import sha256

import yaml

from demo.labels import Manifest, Release

_HUB_VERSION = "5.5.0"


def secret(this: Release, *, user_scheduler: bool, https: bool) -> Manifest:
    """Return the Secret that holds *all* values: users, image, limits, Python code."""
    values = {
        "Chart": {
            "Name": "jupyterhub",
            "Version": this.chart_version,
            "AppVersion": _HUB_VERSION,
        },
        "Release": {"Name": this.name, "Namespace": this.namespace, "Service": "Helm"},
        "cull": {"enabled": True, "every": 600, "timeout": 3600, "maxAge": 604800},
        "fullnameOverride": None if this.prefix else "",
        "hub": {
            "concurrentSpawnLimit": 64,
            "config": {
                "Authenticator": {"admin_users": ["example-lead"]},
                "JupyterHub": {"admin_access": True, "authenticator_class": "github"},
            },
            "db": {"type": "sqlite-pvc", "pvc": {"storage": "1Gi"}},
            "extraConfig": {},
            "loadRoles": {},
            "services": {},
        },
        "proxy": {"https": {"enabled": https, "type": "letsencrypt"}},
        "scheduling": {"userScheduler": {"enabled": user_scheduler, "replicas": 2}},
        "singleuser": {
            "cpu": {"guarantee": 0.05},
            "defaultUrl": "/lab",
            "image": {
                "name": "quay.io/jupyterhub/k8s-singleuser-sample",
                "tag": this.chart_version,
            },
            "memory": {"guarantee": "256M", "limit": "1G"},
            "storage": {"capacity": "10Gi", "type": "dynamic"},
        },
    }
    data = {
        "values.yaml": yaml.safe_dump(values),
        "hub.config.ConfigurableHTTPProxy.auth_token": _invented(this, "proxy"),
        "hub.config.JupyterHub.cookie_secret": _invented(this, "cookie"),
        "hub.config.CryptKeeper.keys": _invented(this, "crypt"),
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": this.metadata("hub", "hub"),
        "data": {key: _base64(value.encode()) for key, value in data.items()},
    }


# The keys of ConfigMap `hub` and what the chart calls the object: the hub reads its names there.
_NAMES = {
    "hub": "hub",
    "hub-serviceaccount": "hub",
    "hub-existing-secret-or-default": "hub",
    "hub-pvc": "hub-db-dir",
    "proxy": "proxy",
    "proxy-api": "proxy-api",
    "proxy-http": "proxy-http",
    "proxy-public": "proxy-public",
    "proxy-public-tls": "proxy-public-tls-acme",
    "proxy-public-manual-tls": "proxy-public-manual-tls",
    "autohttps": "autohttps",
    "autohttps-serviceaccount": "autohttps",
    "user-scheduler-deploy": "user-scheduler",
    "user-scheduler-serviceaccount": "user-scheduler",
    "user-scheduler-lock": "user-scheduler-lock",
    "user-placeholder": "user-placeholder",
    "hook-image-awaiter": "hook-image-awaiter",
    "hook-image-awaiter-serviceaccount": "hook-image-awaiter",
    "hook-image-puller": "hook-image-puller",
    "hook-image-puller-serviceaccount": "hook-image-puller",
    "continuous-image-puller": "continuous-image-puller",
    "continuous-image-puller-serviceaccount": "continuous-image-puller",
    "singleuser": "singleuser",
    "image-pull-secret": "image-pull-secret",
}
_CLUSTER_NAMES = {
    "priority": "default-priority",
    "image-puller-priority": "image-puller-priority",
    "user-placeholder-priority": "user-placeholder-priority",
    "user-scheduler": "user-scheduler",
}


def config_map(this: Release) -> Manifest:
    """Return the ConfigMap in which the hub, and everybody else, finds the objects' names."""
    fullname = this.prefix.removesuffix("-")
    data = {
        "fullname": fullname,
        "fullname-dash": this.prefix,
        "hub-existing-secret": "",
        "ingress": fullname or "jupyterhub",
        **{key: this.prefix + name for key, name in _NAMES.items()},
        **{key: this.cluster_prefix + name for key, name in _CLUSTER_NAMES.items()},
        "jupyterhub_config.py": "# The chart's own configuration would stand here.\n",
        "z2jh.py": "# The chart's helpers would stand here.\n",
        "checksum_hook-image-puller": _invented(this, "puller"),
    }
    return _core(this, "ConfigMap", "hub", data=data)


def scheduler_config(this: Release) -> Manifest:
    """Return the configuration of the user scheduler."""
    config = {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "leaderElection": {
            "resourceLock": "leases",
            "resourceName": f"{this.prefix}user-scheduler-lock",
            "resourceNamespace": this.namespace,
        },
        "profiles": [{"schedulerName": f"{this.cluster_prefix}user-scheduler"}],
    }
    return _core(this, "ConfigMap", "user-scheduler", data={"config.yaml": yaml.safe_dump(config)})


def traefik_config(this: Release) -> Manifest:
    """Return the configuration of the proxy that fetches certificates."""
    config = {"entryPoints": {"http": {"address": ":8080"}, "https": {"address": ":8443"}}}
    return _core(this, "ConfigMap", "autohttps", data={"traefik.yaml": yaml.safe_dump(config)})


def claim(this: Release) -> Manifest:
    """Return the disk of the hub's database: every user, administrator and token."""
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return _core(this, "PersistentVolumeClaim", "hub-db-dir", component="hub", spec=spec)


def _core(
    this: Release, kind: str, name: str, *, component: str = "", **content: Manifest
) -> Manifest:
    metadata = this.metadata(name, component or name)
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **content}


def _invented(this: Release, what: str) -> str:
    """Return a token that opens nothing, and is the same every time."""
    return sha256(f"demo {this.namespace}/{this.name} {what}".encode()).hexdigest()


def _base64(data: bytes | str) -> str:
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()
