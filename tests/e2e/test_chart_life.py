"""A release with both Helms: every mode and back, an older definition, and what is left of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from responsibility.cluster.modes import MODES
from tests.e2e import helms
from tests.e2e.lab import programs
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.waiting import wait_until
from tests.e2e.operator.api import Manifest
from tests.e2e.operator.world import record
from tests.e2e.releases import (
    CHART,
    DEFINITIONS,
    GROUP,
    INSTALL,
    NAMESPACE,
    PATIENCE,
    RELEASE,
    Release,
    apply,
    set_the_scene,
)


@pytest.fixture(scope="module")
def cluster(cluster: Cluster) -> Cluster:
    """Have all of that on it, once for both Helms."""
    set_the_scene(cluster)
    return cluster


@pytest.fixture(scope="module", params=helms.BOTH)
def release(request: pytest.FixtureRequest, cluster: Cluster) -> Iterator[Release]:
    """Return one Helm's release; nothing of it is left for the other's."""
    name: str = request.param
    yield Release(programs.helm(name), cluster)
    cluster.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found")
    cluster.kubectl("delete", "crd", *DEFINITIONS, "--ignore-not-found")


def _older_chart(directory: Path) -> Path:
    """Return the chart with the definition of records as it may have been: with less in it."""
    older = directory / "older"
    shutil.copytree(CHART, older)
    path = older / "files" / "crds" / f"{GROUP}_responsibilities.yaml"
    definition = yaml.safe_load(path.read_text(encoding="utf-8"))
    (version,) = definition["spec"]["versions"]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    del spec["properties"]["enforcement"]
    spec.pop("x-kubernetes-validations", None)
    version["additionalPrinterColumns"] = version["additionalPrinterColumns"][:1]
    path.write_text(yaml.safe_dump(definition), encoding="utf-8")
    return older


def _record(cluster: Cluster) -> Manifest:
    shown = cluster.kubectl("get", "responsibility", "reef", "-o=yaml").stdout
    found: Manifest = yaml.safe_load(shown)
    return found


def _namesake() -> Manifest:
    """Return a definition that has taken the name of our kind, so that ours is not served."""
    names = {"kind": "ResponsibilityModel", "plural": "namesakes", "singular": "namesake"}
    schema = {"openAPIV3Schema": {"type": "object"}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"namesakes.{GROUP}"},
        "spec": {"group": GROUP, "scope": "Cluster", "names": names, "versions": [version]},
    }


def test_where_kinds_are_not_served_yet_the_same_command_goes_on(release: Release) -> None:
    """As on a busy API server; here it is sure to be too early."""
    cluster, namesake = release.cluster, _namesake()
    apply(cluster, namesake)
    cluster.kubectl("wait", "--for=condition=Established", f"crd/{namesake['metadata']['name']}")
    early = release.tried(*INSTALL, str(CHART), "--create-namespace")
    cluster.kubectl("delete", "crd", namesake["metadata"]["name"])
    assert early.returncode != 0
    assert helms.TOO_EARLY in early.stderr
    release.install()
    assert cluster.kubectl("get", "responsibilitymodel/2i2c", "-o=name").stdout


def test_an_upgrade_of_the_definitions_keeps_records(release: Release, tmp_path: Path) -> None:
    release.install(_older_chart(tmp_path))
    contact = {"contact": {"email": "reef@example.org"}}
    apply(release.cluster, record("reef", parties=[{"name": "community", **contact}]))
    before = _record(release.cluster)
    asked = record("reef", enforcement={"admission": "warn"})
    refused = release.cluster.kubectl(
        "apply", "--server-side", "-f=-", input=yaml.safe_dump(asked), check=False
    )
    assert refused.returncode != 0, "the older definition does not know it"
    release.install()
    after = _record(release.cluster)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert {k: v for k, v in after["spec"].items() if k in before["spec"]} == before["spec"]
    asked = record("reef", parties=before["spec"]["parties"], enforcement={"admission": "warn"})
    apply(release.cluster, asked)
    assert _record(release.cluster)["spec"]["enforcement"]["admission"] == "warn"


def test_modes_lead_to_each_other_and_back(release: Release) -> None:
    """Both Helms render every mode alike, so one of them goes through all on a cluster."""
    through = [m for m in MODES if release.program.name == "helm" or m.name in ("audit", "revoke")]
    by_mode = {}
    for mode in through:
        release.install(mode=mode.name)
        ours = by_mode[mode.name] = release.ours()
        confined = any("responsibility-operator-confined" in name for name in ours)
        assert confined is mode.policies
        grants = f"clusterrole.rbac.authorization.k8s.io/{RELEASE}-grants"
        assert (grants in ours) is mode.grants
        notes = release.helm("get", "notes", RELEASE)
        assert f"in mode {mode.name}." in notes
        assert ("responsibility replay" in notes) is mode.enforcement
        assert ("{rbac: grant}" in notes) is mode.grants
        assert ("apply-plan" in notes) is (mode.name == "revoke")
        assert ("refuses nobody anything" in notes) is (mode.name == "audit")
    wait_until(release.refused, PATIENCE, "the policies to be in force")
    # Down again, and back by Helm's own memory.
    release.install(mode="audit")
    assert release.ours() == by_mode["audit"]
    wait_until(lambda: not release.refused(), PATIENCE, "nothing to be enforced")
    release.helm("rollback", RELEASE)
    assert release.ours() == by_mode["revoke"]


def test_uninstalled_it_leaves_what_it_says_and_enforces_nothing(release: Release) -> None:
    release.install(mode="deny", replicas="2", networkPolicy__enabled="true")
    wait_until(release.refused, PATIENCE, "the policies to be in force")
    said = release.helm("uninstall", RELEASE, "--wait")
    assert "kept due to the resource policy" in said
    assert "responsibilities" in said
    wait_until(lambda: not release.ours(), PATIENCE, lambda: f"nothing left: {release.ours()}")
    wait_until(lambda: not release.refused(), PATIENCE, "nothing to be enforced")
    assert _record(release.cluster)["metadata"]["name"] == "reef"
    kept = release.cluster.kubectl("get", "crd,responsibilitymodels", "-o=name").stdout.split()
    assert {name.partition("/")[2] for name in kept} == {
        f"responsibilities.{GROUP}",
        f"responsibilitymodels.{GROUP}",
        "2i2c",
    }
    # And what was kept, it takes over again.
    release.install()
    assert _record(release.cluster)["metadata"]["name"] == "reef"
