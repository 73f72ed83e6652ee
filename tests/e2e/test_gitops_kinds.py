"""The Application and the HelmRelease of docs/gitops.md, held against their definitions.

Argo CD and Flux themselves are not run. What an API server with their definitions takes, by names
of fields that it knows (`--validate=strict`), they read as it was meant.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.e2e.conftest import only_disposable
from tests.e2e.lab import binaries
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.directories import REPOSITORY
from tests.e2e.operator.api import Manifest

# The first brings its definitions as manifests; the second as Go types, of which its own generator
# makes them.
ARGO_CD = ("argocd", "github.com/argoproj/argo-cd/v3", "manifests/crds/application-crd.yaml")
FLUX = "github.com/fluxcd/helm-controller/api/v2"
KINDS = ("applications.argoproj.io", "helmreleases.helm.toolkit.fluxcd.io")

pytestmark = pytest.mark.long


def definitions(directory: Path) -> list[Path]:
    """Return the files of both definitions."""
    module, dependency, path = ARGO_CD
    generator = binaries.build_releasing("controller-gen")
    subprocess.run(
        [str(generator), "crd", f"paths={FLUX}", f"output:crd:dir={directory}"],
        cwd=binaries.GO_MODULES / "flux",
        env={**os.environ, "GOWORK": "off", "GOFLAGS": "-mod=readonly"},
        check=True,
    )
    (made,) = directory.glob("*.yaml")
    return [binaries.module_source(module, dependency) / path, made]


def documented() -> dict[str, Manifest]:
    """Return the objects of others' kinds that the page shows, by kind."""
    page = (REPOSITORY / "docs" / "gitops.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    found = [yaml.safe_load(block) for block in blocks if block.startswith("apiVersion:")]
    return {each["kind"]: each for each in found}


def check(cluster: Cluster, directory: Path) -> None:
    """Install the definitions; have the server read the page's objects, and one with a slip."""
    only_disposable("other projects' definitions are installed")
    for path in definitions(directory):
        # Larger than the annotation of a client-side apply.
        cluster.kubectl("apply", "--server-side", f"-f={path}")
    cluster.kubectl("wait", "--for=condition=Established", "crd", *KINDS)
    page = (REPOSITORY / "docs" / "gitops.md").read_text(encoding="utf-8")
    for name, module, dependency in (
        ("Argo CD", ARGO_CD[0], ARGO_CD[1]),
        ("helm-controller", "flux", FLUX.removesuffix("/v2")),
    ):
        minor = binaries.pinned_version(module, dependency).removeprefix("v").rpartition(".")[0]
        assert f"{name} {minor}" in page
    found = documented()
    assert set(found) == {"Application", "HelmRelease"}
    create = ("create", "--dry-run=server", "--validate=strict", "-f=-")
    for each in found.values():
        each["metadata"]["namespace"] = "default"
        done = cluster.kubectl(*create, input=yaml.safe_dump(each), check=False)
        assert done.returncode == 0, done.stderr
        slip = {**each, "spec": {**each["spec"], "syncPolcy": {}}}
        done = cluster.kubectl(*create, input=yaml.safe_dump(slip), check=False)
        assert 'unknown field "spec.syncPolcy"' in done.stderr


def test_their_definitions_take_what_the_page_shows(cluster: Cluster, tmp_path: Path) -> None:
    try:
        check(cluster, tmp_path)
    finally:
        cluster.kubectl("delete", "crd", *KINDS, "--ignore-not-found")
