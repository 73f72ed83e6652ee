"""Every object of a JupyterHub release, as the Zero to JupyterHub chart leaves it in a cluster.

Pure functions that return manifests. The image pullers of the chart's hooks are missing on
purpose: Helm removes them again once an upgrade is through.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence

import yaml

from demo import configuration, network, rights, workloads
from demo.labels import Generation, Manifest, Release


def release(
    namespace: str,
    name: str,
    *,
    prefix: str = "",
    generation: Generation = "current",
    chart_version: str = "4.4.0",
    user_scheduler: bool = True,
    https: bool = False,
) -> list[Manifest]:
    """Return the objects of one release, in an order in which they can be applied.

    ``prefix`` is what ``fullnameOverride: null`` puts before every name, for example
    ``leap-jupyterhub-``. The Namespace is not part of a release; neither are Helm's own Secrets,
    see `helm_release_secret`.
    """
    this = Release(namespace, name, prefix, generation, chart_version)
    objects = [
        rights.service_account(this, "hub"),
        rights.service_account(this, "continuous-image-puller", component="image-puller"),
        configuration.secret(this, user_scheduler=user_scheduler, https=https),
        configuration.config_map(this),
        configuration.claim(this),
        *rights.role(this, "hub", rights.HUB_RULES),
        network.service(
            this,
            "hub",
            ports=[{"name": "hub", "port": 8081, "targetPort": "http"}],
            annotations={
                "prometheus.io/scrape": "true",
                "prometheus.io/path": "/hub/metrics",
                "prometheus.io/port": "8081",
            },
        ),
        network.service(this, "proxy-api", to="proxy", ports=[{"port": 8001, "targetPort": "api"}]),
        network.service(
            this,
            "proxy-public",
            to="autohttps" if https else "proxy",
            kind="LoadBalancer",
            ports=[{"name": "http", "port": 80, "targetPort": "http"}]
            + ([{"name": "https", "port": 443, "targetPort": "https"}] if https else []),
        ),
        network.policy(this, "hub", "hub", access="hub", port="http"),
        network.policy(this, "proxy", "proxy", access="proxy-http", port="http"),
        network.policy(
            this, "singleuser", "singleuser-server", access="singleuser", port="notebook-port"
        ),
        network.budget(this, "user-placeholder", {"minAvailable": 0}),
        workloads.hub(this),
        workloads.proxy(this),
        workloads.user_placeholder(this),
        workloads.continuous_image_puller(this),
    ]
    if user_scheduler:
        objects += [
            rights.service_account(this, "user-scheduler"),
            configuration.scheduler_config(this),
            *rights.cluster_role(this, "user-scheduler", rights.scheduler_rules(this)),
            network.budget(this, "user-scheduler", {"maxUnavailable": 1}),
            workloads.user_scheduler(this),
        ]
    if https:
        objects += [
            rights.service_account(this, "autohttps"),
            configuration.traefik_config(this),
            *rights.role(this, "autohttps", rights.AUTOHTTPS_RULES),
            network.service(
                this,
                "proxy-http",
                component="autohttps",
                to="proxy",
                ports=[{"port": 8000, "targetPort": "http"}],
            ),
            network.policy(this, "autohttps", "autohttps", access="proxy-http", port="http"),
            workloads.autohttps(this),
        ]
    return objects


def distractors(namespace: str) -> list[Manifest]:
    """Return what is labelled ``app=jupyterhub`` too, and is no hub.

    Charts that wrap the hub's give their own Deployments the same ``app`` with a component of
    their own, and neither ``release`` nor ``chart``. Whoever looks for ``app`` alone finds four
    hubs here.
    """
    return [_bystander(namespace, name) for name in _BYSTANDERS]


def helm_release_secret(
    namespace: str,
    name: str,
    objects: Sequence[Manifest],
    *,
    revision: int = 1,
    status: str = "deployed",
    chart_version: str = "4.4.0",
) -> Manifest:
    """Return the Secret in which Helm remembers what it installed.

    The payload is JSON, compressed, in base64; Kubernetes adds a second base64 around it.
    """
    record = {
        "name": name,
        "namespace": namespace,
        "version": revision,
        "info": {"status": status, "description": "Install complete"},
        "chart": {"metadata": {"name": "jupyterhub", "version": chart_version}},
        "config": {},
        "manifest": "".join(f"---\n{yaml.safe_dump(o, sort_keys=False)}" for o in objects),
    }
    # Without a fixed time the same release would give another Secret every second.
    packed = gzip.compress(json.dumps(record).encode(), mtime=0)
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "helm.sh/release.v1",
        "metadata": {
            "name": f"sh.helm.release.v1.{name}.v{revision}",
            "namespace": namespace,
            "labels": {"owner": "helm", "name": name, "version": str(revision), "status": status},
        },
        "data": {"release": _base64(_base64(packed))},
    }


_BYSTANDERS = ("node-placeholder", "shared-dirsize-metrics", "configurator")


def _bystander(namespace: str, name: str) -> Manifest:
    labels = {"app": "jupyterhub", "component": name}
    container = {"name": name, "image": "registry.k8s.io/pause:3.10.2"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def _base64(data: bytes | str) -> str:
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()
