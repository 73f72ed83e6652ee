"""What the chart brings: definitions, the model, the operator's account and its rights.

Its pods are left out. The operator runs beside the cluster, as the chart's own ServiceAccount.
"""

from __future__ import annotations

import pickle
import subprocess
from functools import cache, partial
from pathlib import Path

import yaml

from tests.e2e.lab import programs
from tests.e2e.lab.waiting import wait_until
from tests.e2e.operator.api import Admin, Manifest, RefusedError, where

CHART = Path(__file__).parents[3] / "helm" / "hub-responsibility"
NAMESPACE = "hub-responsibility"
RELEASE = "hub-responsibility"
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:{RELEASE}"
# A Helm that nobody has stamped takes itself for one of Kubernetes 1.20.
_KUBERNETES = "1.37.0"
_PODS = ("Deployment", "Service")
_DEFINITION = "CustomResourceDefinition"
# The policies are ten thousand lines; the one in C reads them in a seventh of the time.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


# What is only rendered has the model with its parties, or not at all: these are the shipped ones.
_MODEL = ("--set", "model.parties[0].name=provider")


def rendered(*options: str) -> list[Manifest]:
    """Return the chart's objects, pods left out, in the namespace of the operator."""
    objects = [o for o in _all(*options) if o["kind"] not in _PODS]
    return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}, *objects]


def pods(*options: str) -> list[Manifest]:
    """Return the operator's Deployment, which is only read here: no pod runs."""
    return [o for o in _all(*options) if o["kind"] == "Deployment"]


def environment(*options: str) -> dict[str, str]:
    """Return the operator's settings in its Deployment, without those of where it listens."""
    (deployment,) = pods(*options)
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    given = {e["name"].removeprefix("RESPONSIBILITY_"): e.get("value") for e in container["env"]}
    return {k: v for k, v in given.items() if v and k not in ("LISTEN", "NAMESPACE")}


def service(*options: str) -> Manifest:
    """Return the Service by which the operator is scraped."""
    return next(o for o in _all(*options) if o["kind"] == "Service")


def _all(*options: str) -> list[Manifest]:
    """Return all objects; whoever has them may change them."""
    found: list[Manifest] = pickle.loads(_rendered(options))  # noqa: S301 - our own
    return found


@cache
def _rendered(options: tuple[str, ...]) -> bytes:
    """Render once in a process what many modules install: to render and to read takes long."""
    command = [str(helm()), "template", RELEASE, str(CHART), f"--namespace={NAMESPACE}"]
    command += ["--kube-version", _KUBERNETES, *_MODEL, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return pickle.dumps([o for o in yaml.load_all(done.stdout, _LOADER) if o])


def install(admin: Admin, *options: str, definitions: bool = True) -> list[Manifest]:
    """Apply the chart as Helm would; return its objects."""
    objects = rendered(*options)
    own = [o for o in objects if o["apiVersion"].startswith("responsibility.2i2c.org/")]
    kinds = [o for o in objects if o["kind"] == _DEFINITION]
    admin.apply(*(o for o in objects if o not in own and o not in kinds), manager="helm")
    if definitions:
        install_definitions(admin, objects)
    return objects


def install_definitions(admin: Admin, objects: list[Manifest]) -> None:
    """Apply the two definitions and, once they are served, the model."""
    kinds = [o for o in objects if o["kind"] == _DEFINITION]
    own = [o for o in objects if o["apiVersion"].startswith("responsibility.2i2c.org/")]
    admin.apply(*kinds, manager="helm")
    for kind in kinds:
        wait_until(partial(_served, admin, kind), 30, f"{kind['metadata']['name']} to be served")
    admin.apply(*own, manager="helm")


def role(objects: list[Manifest]) -> Manifest:
    """Return the operator's ClusterRole: the one that its ServiceAccount is bound to."""
    bound = {
        o["roleRef"]["name"]
        for o in objects
        if o["kind"] == "ClusterRoleBinding"
        and any(subject["kind"] == "ServiceAccount" for subject in o["subjects"])
    }
    (found,) = (o for o in objects if o["kind"] == "ClusterRole" and o["metadata"]["name"] in bound)
    return found


def _served(admin: Admin, definition: Manifest) -> bool:
    """Return whether its objects are, which a condition (Established) tells some time before."""
    spec = definition["spec"]
    path = where(f"{spec['group']}/{spec['versions'][0]['name']}", spec["names"]["kind"])
    try:
        admin.get(path)
    except RefusedError as refused:
        # 429 is "storage is (re)initializing".
        if refused.status in {404, 429}:
            return False
        raise
    return True


def helm() -> Path:
    return programs.helm()
