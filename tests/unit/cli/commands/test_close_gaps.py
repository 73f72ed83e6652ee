"""The smallest set of items that have to refuse together, from files to a change of the record."""

import json
from pathlib import Path

import pytest
import yaml

from responsibility.api.parse import load_shipped_manifest
from tests.unit.cli import small
from tests.unit.cli.conftest import Run

RIGHTS = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: sly, namespace: reef}
rules:
- {apiGroups: [""], resources: [serviceaccounts/token, pods/exec], verbs: [create]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: sly, namespace: reef}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: sly}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: sly}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: hub, namespace: reef}
rules:
- {apiGroups: [""], resources: [pods, persistentvolumeclaims], verbs: [get, list, watch, create, delete]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: hub, namespace: reef}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: hub}
subjects: [{kind: ServiceAccount, name: hub, namespace: reef}]
"""  # noqa: E501 - YAML


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a hub of the shipped model on which somebody may do what leads round an item."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    model = load_shipped_manifest()
    (tmp_path / "model.yaml").write_text(yaml.safe_dump(model), encoding="utf-8")
    (tmp_path / "hub.yaml").write_text(small.HUB, encoding="utf-8")
    (tmp_path / "rbac.yaml").write_text(RIGHTS, encoding="utf-8")
    agree(tmp_path, "data")
    return tmp_path


def agree(folder: Path, *items: str) -> None:
    """Write the record, by which these items are at deny."""
    record = {
        "apiVersion": "responsibility.2i2c.org/v1alpha1",
        "kind": "Responsibility",
        "metadata": {"name": "reef"},
        "spec": {
            "hub": {"namespace": "reef", "release": "reef"},
            "model": "2i2c",
            "items": [{"name": n, "enforcement": {"admission": "deny"}} for n in items],
        },
    }
    (folder / "record.yaml").write_text(yaml.safe_dump(record), encoding="utf-8")


def test_the_set_that_is_proposed_closes_all_ways_and_is_the_smallest(
    run: Run, world: Path
) -> None:
    done = run("close-gaps", "reef", "-f", str(world))
    assert done.code == 1
    assert "  - {name: deploy-configure-hub, enforcement: {admission: deny}}" in done.out
    assert "  - {name: incident-response, enforcement: {admission: deny}}" in done.out
    assert "request a token of ServiceAccount reef/hub" in done.out
    (found,) = json.loads(run("close-gaps", "-f", str(world), "-o", "json").out)
    assert [way["item"] for way in found["ways"]] == ["data"]
    named = run("close-gaps", "-f", str(world), "-o", "name").out.split()
    assert named == [way["id"] for way in found["ways"]]
    assert found["ways"][0]["closedBy"] == ["deploy-configure-hub"]
    for one in found["raise"]:
        agree(world, "data", one)
        assert run("close-gaps", "-f", str(world)).code == 1, "one alone leaves a way"
    agree(world, "data", *found["raise"])
    closed = run("close-gaps", "-f", str(world))
    assert (closed.code, "can be got round" in closed.out) == (0, True)


def test_drift_and_explain_tell_of_it_too(run: Run, world: Path) -> None:
    listed = json.loads(run("drift", "-f", str(world), "-o", "json").out)
    (hollow,) = (f for f in listed if f["kind"] == "enforcement-hollow")
    told = run("explain", hollow["id"], "-f", str(world)).out
    assert "request a token of ServiceAccount reef/hub" in told
    assert "deploy-configure-hub and incident-response together" in told
