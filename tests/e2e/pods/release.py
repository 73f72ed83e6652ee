"""A release of the chart whose pods run: installed by Helm, looked at by kubectl."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from responsibility.api.names import API_GROUP
from tests.e2e.lab.cluster import Completed
from tests.e2e.lab.kind import KindCluster
from tests.e2e.lab.waiting import wait_until
from tests.e2e.operator import chart
from tests.e2e.operator.api import Manifest
from tests.e2e.operator.samples import Samples
from tests.e2e.operator.world import World, record, record_path

NAME = chart.RELEASE
NAMESPACE = chart.NAMESPACE
# Seconds from a record's change to its status, in a pod as elsewhere.
SOON = 2.0
PATIENCE = 180.0
_OPERATOR = f"app.kubernetes.io/name={NAME}"


# The variables that say which images to try, the operator's and that of the page in a hub.
OPERATOR = "E2E_IMAGE"
HUB_PAGE = "E2E_HUB_PAGE_IMAGE"


def image(which: str = OPERATOR) -> str:
    """Return the image to try; empty where nobody asks for it."""
    return os.environ.get(which, "")


def hindrance(which: str = OPERATOR) -> str:
    """Return why no pod is run here, and what was not tried; empty where one is."""
    if not image(which):
        return (
            "no pod was run, so no kubelet's probes, Services, seccomp or limits were tried; "
            "make e2e-pods does it"
        )
    for program in ("docker", "kind"):
        if shutil.which(program) is None:
            return f"no pod was run: there is no {program} on PATH"
    answered = subprocess.run(["docker", "info"], capture_output=True, text=True, check=False)
    if answered.returncode:
        return "no pod was run: no Docker engine answers `docker info`"
    there = subprocess.run(
        ["docker", "image", "inspect", image(which)], capture_output=True, check=False
    )
    return (
        f"no pod was run: there is no image {image(which)}; make image" if there.returncode else ""
    )


@dataclass
class Release:
    """The release, its cluster and its certificate."""

    world: World
    certificates: Path

    @property
    def cluster(self) -> KindCluster:
        """The cluster it is on."""
        assert isinstance(self.world.cluster, KindCluster)
        return self.world.cluster

    def load(self, which: str = OPERATOR) -> None:
        """Put an image onto the node: there is no registry to pull it from."""
        load = ["kind", "load", "docker-image", image(which), f"--name={self.cluster.name}"]
        subprocess.run(load, check=True, capture_output=True)

    def certify(self) -> None:
        """Make a certificate for the webhooks' Service, and the Secret that holds it."""
        host = f"{NAME}-webhook.{NAMESPACE}.svc"
        self.certificates.mkdir()
        files = {name: str(self.certificates / f"tls.{name}") for name in ("key", "crt")}
        command = ["openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", f"/CN={host}"]
        command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        command += ["-addext", f"subjectAltName=DNS:{host}"]
        command += ["-keyout", files["key"], "-out", files["crt"]]
        subprocess.run(command, check=True, capture_output=True)
        self.cluster.kubectl(
            *("create", "secret", "tls", "webhook", f"-n={NAMESPACE}"),
            f"--cert={files['crt']}",
            f"--key={files['key']}",
        )

    @cached_property
    def bundle(self) -> str:
        """The certificate, as a configuration has it."""
        return base64.b64encode((self.certificates / "tls.crt").read_bytes()).decode()

    def helm(self, *arguments: str, values: Manifest | None = None) -> Completed:
        """Run Helm on the release's namespace."""
        where = (f"--kubeconfig={self.cluster.kubeconfig}", f"--namespace={NAMESPACE}")
        command = [str(chart.helm()), *arguments, *where]
        more: dict[str, Any] = {}
        if values is not None:
            command.append("--values=-")
            more = {"input": json.dumps(values)}
        done = subprocess.run(command, capture_output=True, text=True, check=False, **more)
        assert done.returncode == 0, f"{done.stderr[:4000]}\n{self.told()}"
        return done

    def upgrade(self, *settings: str, values: Manifest | None = None, wait: bool = True) -> None:
        """Install or upgrade; ``wait`` until all pods are ready."""
        repository, _, tag = image().rpartition(":")
        given = [f"image.repository={repository}", f"image.tag={tag}", "image.pullPolicy=Never"]
        options = [f"--set={value}" for value in (*given, *settings)]
        waiting = ("--wait", "--timeout=5m") if wait else ()
        self.helm(
            *("upgrade", "--install", NAME, str(chart.CHART), *waiting, *options), values=values
        )

    def uninstall(self) -> None:
        """Take the release away, and wait until nothing of it is left."""
        self.helm("uninstall", NAME, "--wait")
        wait_until(lambda: not list(self.left()), PATIENCE, lambda: f"nothing: {[*self.left()]}")

    def enforcing(self) -> list[str]:
        """Return the values with which both webhooks work."""
        return [
            "mode=deny",
            "valuesWebhook.enabled=true",
            "breakGlassWebhook.enabled=true",
            "breakGlassWebhook.secretName=webhook",
            f"breakGlassWebhook.caBundle={self.bundle}",
        ]

    def pods(self) -> list[Manifest]:
        """Return the operator's pods that are there to stay."""
        shown = self.cluster.kubectl("get", "pods", f"-n={NAMESPACE}", f"-l={_OPERATOR}", "-o=yaml")
        items: list[Manifest] = yaml.safe_load(shown.stdout)["items"]
        return [pod for pod in items if "deletionTimestamp" not in pod["metadata"]]

    def containers(self) -> list[Manifest]:
        """Return what the kubelet says of the operator's containers."""
        found = (pod["status"].get("containerStatuses") or () for pod in self.pods())
        return [status for statuses in found for status in statuses]

    def lease(self) -> Manifest:
        """Return the spec of the Lease; empty where there is none."""
        shown = self.cluster.kubectl(
            *("get", "lease", "responsibility-operator", f"-n={NAMESPACE}", "-o=yaml"), check=False
        )
        found: Manifest = (yaml.safe_load(shown.stdout) or {}).get("spec") or {}
        return found

    def leader(self) -> str:
        """Return the name of the pod that leads; empty where the Lease is free."""
        return str(self.lease().get("holderIdentity") or "")

    def metrics(self, pod: str) -> Samples:
        """Scrape one pod, through the API server."""
        path = f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}:8080/proxy/metrics"
        return Samples(self.cluster.kubectl("get", "--raw", path).stdout)

    def seconds_to_status(self, name: str = "reef") -> float:
        """Change the record, and measure how long its status takes to be about that."""
        found = self.world.admin.get(record_path(name))
        generation = int(found["metadata"]["generation"])
        named = {**found["spec"], "hub": {**found["spec"]["hub"], "displayName": f"R{generation}"}}
        began = time.monotonic()
        self.world.admin.apply(record(name, **named))
        wait_until(
            lambda: self.world.status(name).get("observedGeneration") == generation + 1,
            PATIENCE,
            lambda: f"the status of generation {generation + 1}\n{self.told()}",
        )
        return time.monotonic() - began

    def told(self) -> str:
        """Return what the pods and Events have to say, for whoever reads a failure."""
        parts = (
            ("get", "pods", f"-n={NAMESPACE}", "-o=wide"),
            ("get", "events", f"-n={NAMESPACE}"),
            ("logs", f"-l={_OPERATOR}", f"-n={NAMESPACE}", "--tail=50", "--prefix"),
        )
        return "\n".join(self.cluster.kubectl(*part, check=False).stdout for part in parts)

    def left(self) -> Iterator[str]:
        """Yield what of the release is there."""
        kinds = "deployments,services,serviceaccounts,clusterroles,clusterrolebindings,pods"
        chosen = f"-l=app.kubernetes.io/instance={NAME}"
        yield from self.cluster.kubectl("get", kinds, "-A", chosen, "-o=name").stdout.split()

    def patch(self, person: tuple[str, list[str]], patch: Manifest) -> Completed:
        """Have somebody change the hub's Secret, without storing it."""
        user, groups = person
        return self.cluster.kubectl(
            *("patch", "secret", "hub", "-n=reef", "--type=merge", "-p", json.dumps(patch)),
            "--dry-run=server",
            as_user=user,
            as_groups=groups,
            check=False,
        )


HOOK = f'webhook "values-1.{API_GROUP}" denied the request'
