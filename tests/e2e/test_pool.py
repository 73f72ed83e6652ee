"""Modules that take turns on a cluster see nothing of each other."""

import json
import os
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import only_disposable
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.pool import Pool
from tests.e2e.lab.waiting import wait_until

_DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "things.lab.example"},
    "spec": {
        "group": "lab.example",
        "scope": "Namespaced",
        "names": {"plural": "things", "singular": "thing", "kind": "Thing"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object"}},
            }
        ],
    },
}
_NOTHING_GOES = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: nothing-goes}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: ["*"], apiVersions: ["*"], operations: [DELETE], resources: ["*"]}
  validations: [{expression: "false"}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: nothing-goes}
spec: {policyName: nothing-goes, validationActions: [Deny]}
"""
_ALL = "namespaces,clusterroles,clusterrolebindings,crd,validatingadmissionpolicies,rolebindings"


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    """Have a pool that no other test takes from."""
    only_disposable("what is left on a cluster is deleted")
    with Pool(f"e2e-{os.getpid()}-pool") as opened:
        yield opened


def names(cluster: Cluster) -> set[str]:
    return set(cluster.kubectl("get", _ALL, "-A", "-o=name").stdout.split())


def litter(cluster: Cluster) -> None:
    """Leave behind what is hard to get rid of: kinds, things that run, and who refuses."""
    cluster.kubectl("create", "namespace", "left")
    cluster.kubectl("apply", "-f-", input=json.dumps(_DEFINITION))
    thing = {"apiVersion": "lab.example/v1", "kind": "Thing", "metadata": {"name": "one"}}
    wait_until(
        lambda: (
            cluster.kubectl(
                "apply", "-n=left", "-f-", input=json.dumps(thing), check=False
            ).returncode
            == 0
        ),
        20,
        "things to be served",
    )
    cluster.kubectl("create", "deployment", "web", "-n=left", f"--image={cluster.image}")
    cluster.kubectl("create", "configmap", "left", "-n=default")
    cluster.kubectl("create", "clusterrolebinding", "left", "--clusterrole=view", "--user=eve")
    cluster.kubectl("apply", "-f-", input=_NOTHING_GOES)
    wait_until(
        lambda: (
            "denied request"
            in cluster.kubectl(
                "delete", "configmap/left", "-n=default", "--dry-run=server", check=False
            ).stderr
        ),
        20,
        "nothing to go",
    )


def test_nothing_is_left_for_who_comes_next(pool: Pool) -> None:
    with pool.taken() as first:
        before = names(first)
        litter(first)
        assert names(first) > before
    with pool.taken() as second:
        assert second.name == first.name
        assert names(second) == before
        assert "left" not in second.kubectl("get", "configmaps", "-n=default").stdout


def test_a_cluster_that_is_taken_is_lent_to_nobody_else(pool: Pool) -> None:
    with pool.taken() as first, pool.taken() as second:
        assert first.name != second.name
        assert first.is_up()
        assert second.is_up()
    assert [each.is_up() for each in (first, second)].count(True) == 1, "one at rest is enough"


@pytest.mark.parametrize(
    "change",
    [
        ("patch", "clusterrole/view", "--type=json", '-p=[{"op": "remove", "path": "/rules/0"}]'),
        ("delete", "clusterrolebinding/cluster-admin"),
    ],
    ids=["a role", "a binding"],
)
def test_what_was_there_at_first_is_as_it_was(pool: Pool, change: tuple[str, ...]) -> None:
    """By whoever puts it right, or on another cluster."""
    with pool.taken() as first:
        before = first.kubectl("get", *change[1].split("/"), "-o=json").stdout
        first.kubectl(*change)
    with pool.taken() as second:
        after = second.kubectl("get", *change[1].split("/"), "-o=json").stdout
    assert _written(json.loads(after)) == _written(json.loads(before))


def _written(found: dict[str, object]) -> dict[str, object]:
    metadata = found["metadata"]
    assert isinstance(metadata, dict)
    return {**found, "metadata": metadata.get("labels")}
