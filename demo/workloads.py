"""The workloads of a JupyterHub release: what serves, schedules and pulls.

Only what a reader of the cluster looks at is here in full: names, labels, accounts, replicas,
containers, images, commands, resources and mounts. Probes, tolerations and affinities are not.
"""

from __future__ import annotations

from hashlib import sha256

from demo.labels import Manifest, Release

_SCHEDULER_IMAGE = "registry.k8s.io/kube-scheduler:v1.35.7"
_PAUSE_IMAGE = "registry.k8s.io/pause:3.10.2"
_PROXY_IMAGE = "quay.io/jupyterhub/configurable-http-proxy:5.3.0"
_TRAEFIK_IMAGE = "docker.io/library/traefik:v3.7.1"


def hub(release: Release) -> Manifest:
    """Return the hub itself: one replica, and never two at a time, because of its database."""
    prefix = release.prefix
    container = {
        "name": "hub",
        "image": f"quay.io/jupyterhub/k8s-hub:{release.chart_version}",
        "args": [
            "jupyterhub",
            "--config",
            "/usr/local/etc/jupyterhub/jupyterhub_config.py",
            "--upgrade-db",
        ],
        "env": [
            {"name": "PYTHONUNBUFFERED", "value": "1"},
            {"name": "HELM_RELEASE_NAME", "value": release.name},
            {
                "name": "POD_NAMESPACE",
                "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}},
            },
            _proxy_token(release),
        ],
        "ports": [{"name": "http", "containerPort": 8081}],
        "volumeMounts": [
            {"name": "config", "mountPath": "/usr/local/etc/jupyterhub/config/"},
            {"name": "secret", "mountPath": "/usr/local/etc/jupyterhub/secret/"},
            {"name": "pvc", "mountPath": "/srv/jupyterhub"},
        ],
        "resources": {
            "requests": {"cpu": "10m", "memory": "128Mi"},
            "limits": {"memory": "2Gi"},
        },
        "securityContext": _locked_down(1000),
    }
    return _deployment(
        release,
        "hub",
        strategy={"type": "Recreate"},
        access=("proxy-api", "proxy-http", "singleuser"),
        checksums=("config-map", "secret"),
        pod={
            "serviceAccountName": f"{prefix}hub",
            "securityContext": {"fsGroup": 1000, "runAsNonRoot": True},
            "volumes": [
                {"name": "config", "configMap": {"name": f"{prefix}hub"}},
                {"name": "secret", "secret": {"secretName": f"{prefix}hub"}},
                {"name": "pvc", "persistentVolumeClaim": {"claimName": f"{prefix}hub-db-dir"}},
            ],
            "containers": [container],
        },
    )


def proxy(release: Release) -> Manifest:
    """Return the proxy that every request of a user goes through."""
    target = f"http://{release.prefix}hub:8081"
    container = {
        "name": "chp",
        "image": _PROXY_IMAGE,
        "command": ["configurable-http-proxy"],
        "args": [
            "--ip=",
            "--api-ip=",
            "--api-port=8001",
            f"--default-target={target}",
            f"--error-target={target}/hub/error",
            "--port=8000",
        ],
        "env": [_proxy_token(release)],
        "ports": [
            {"name": "http", "containerPort": 8000},
            {"name": "api", "containerPort": 8001},
        ],
        "securityContext": _locked_down(65534),
    }
    return _deployment(
        release,
        "proxy",
        strategy={"type": "Recreate"},
        access=("hub", "singleuser"),
        checksums=("auth-token", "proxy-secret"),
        pod={"terminationGracePeriodSeconds": 60, "containers": [container]},
    )


def autohttps(release: Release) -> Manifest:
    """Return the proxy in front of the proxy that fetches certificates."""
    prefix = release.prefix
    secret = f"{prefix}proxy-public-tls-acme"
    image = f"quay.io/jupyterhub/k8s-secret-sync:{release.chart_version}"
    certificates = [{"name": "certificates", "mountPath": "/etc/acme"}]

    def secret_sync(name: str, action: str) -> Manifest:
        return {
            "name": name,
            "image": image,
            "args": [action, secret, "acme.json", "/etc/acme/acme.json"],
            "volumeMounts": certificates,
            "securityContext": _locked_down(65534),
        }

    traefik = {
        "name": "traefik",
        "image": _TRAEFIK_IMAGE,
        "ports": [
            {"name": "http", "containerPort": 8080},
            {"name": "https", "containerPort": 8443},
        ],
        "volumeMounts": [{"name": "traefik-config", "mountPath": "/etc/traefik"}, *certificates],
        "securityContext": _locked_down(65534),
    }
    return _deployment(
        release,
        "autohttps",
        access=("proxy-http",),
        checksums=("static-config",),
        pod={
            "serviceAccountName": f"{prefix}autohttps",
            "volumes": [
                {"name": "certificates", "emptyDir": {}},
                {"name": "traefik-config", "configMap": {"name": f"{prefix}autohttps"}},
            ],
            "initContainers": [secret_sync("load-acme", "load")],
            "containers": [traefik, secret_sync("secret-sync", "watch-save")],
        },
    )


def user_scheduler(release: Release) -> Manifest:
    """Return the second scheduler, which packs users onto few nodes."""
    container = {
        "name": "kube-scheduler",
        "image": _SCHEDULER_IMAGE,
        "command": [
            "/usr/local/bin/kube-scheduler",
            "--config=/etc/user-scheduler/config.yaml",
        ],
        "volumeMounts": [{"name": "config", "mountPath": "/etc/user-scheduler"}],
        "securityContext": _locked_down(65534),
    }
    name = f"{release.prefix}user-scheduler"
    return _deployment(
        release,
        "user-scheduler",
        replicas=2,
        checksums=("config-map",),
        pod={
            "serviceAccountName": name,
            "volumes": [{"name": "config", "configMap": {"name": name}}],
            "containers": [container],
        },
    )


def user_placeholder(release: Release) -> Manifest:
    """Return the pods that keep room free for the next users; none by default."""
    component = "user-placeholder"
    container = {
        "name": "pause",
        "image": _PAUSE_IMAGE,
        "resources": {"requests": {"memory": "1G"}},
        "securityContext": _locked_down(65534),
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": release.metadata(component, component),
        "spec": {
            "podManagementPolicy": "Parallel",
            "replicas": 0,
            "selector": {"matchLabels": release.selector(component)},
            "serviceName": f"{release.prefix}{component}",
            "template": {
                "metadata": {"labels": release.pod_labels(component)},
                "spec": {
                    "automountServiceAccountToken": False,
                    "terminationGracePeriodSeconds": 0,
                    "containers": [container],
                },
            },
        },
    }


def continuous_image_puller(release: Release) -> Manifest:
    """Return what pulls the users' image onto every node before they come."""
    component = "continuous-image-puller"

    def pull(name: str, image: str) -> Manifest:
        return {
            "name": name,
            "image": image,
            "command": ["/bin/sh", "-c", 'echo "Pulling complete"'],
            "securityContext": _locked_down(65534),
        }

    version = release.chart_version
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": release.metadata(component, component),
        "spec": {
            "selector": {"matchLabels": release.selector(component)},
            "updateStrategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": "100%"},
            },
            "template": {
                "metadata": {"labels": release.pod_labels(component)},
                "spec": {
                    "automountServiceAccountToken": False,
                    "terminationGracePeriodSeconds": 0,
                    "serviceAccountName": f"{release.prefix}{component}",
                    "initContainers": [
                        pull(
                            "image-pull-metadata-block",
                            f"quay.io/jupyterhub/k8s-network-tools:{version}",
                        ),
                        pull(
                            "image-pull-singleuser",
                            f"quay.io/jupyterhub/k8s-singleuser-sample:{version}",
                        ),
                    ],
                    "containers": [
                        {
                            "name": "pause",
                            "image": _PAUSE_IMAGE,
                            "securityContext": _locked_down(65534),
                        }
                    ],
                },
            },
        },
    }


def _deployment(
    release: Release,
    component: str,
    *,
    pod: Manifest,
    replicas: int = 1,
    strategy: Manifest | None = None,
    access: tuple[str, ...] = (),
    checksums: tuple[str, ...] = (),
) -> Manifest:
    template: Manifest = {"labels": release.pod_labels(component, *access)}
    if checksums:
        template["annotations"] = {f"checksum/{c}": _checksum(release, c) for c in checksums}
    spec: Manifest = {
        "replicas": replicas,
        "selector": {"matchLabels": release.selector(component)},
        "template": {"metadata": template, "spec": pod},
    }
    if strategy is not None:
        spec["strategy"] = strategy
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": release.metadata(component, component),
        "spec": spec,
    }


def _proxy_token(release: Release) -> Manifest:
    key = {"name": f"{release.prefix}hub", "key": "hub.config.ConfigurableHTTPProxy.auth_token"}
    return {"name": "CONFIGPROXY_AUTH_TOKEN", "valueFrom": {"secretKeyRef": key}}


def _checksum(release: Release, what: str) -> str:
    return sha256(f"{release.namespace}/{release.name}/{what}".encode()).hexdigest()


def _locked_down(user: int) -> Manifest:
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": user,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
