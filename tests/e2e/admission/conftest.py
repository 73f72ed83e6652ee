"""One cluster with the policies of the shipped model, installed as they are rendered."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import yaml

from responsibility.admission.policies.rendered import rendered
from responsibility.api.names import (
    API_GROUP,
    DELEGATION_ROLE,
    DELEGATIONS,
    MANAGED_LABEL,
    MARKER_VERB,
    STAGE_LABEL,
    probe_name,
)
from responsibility.api.stages import AdmissionStage
from responsibility.ownership.terms.managed_namespaces import MANAGED
from tests.e2e.admission import hubs
from tests.e2e.admission.asking import ALLOWED, Asker
from tests.e2e.conftest import lent, only_disposable
from tests.e2e.lab.cluster import Cluster, Options
from tests.e2e.lab.pool import Pool
from tests.e2e.lab.waiting import wait_until

PATIENCE = 60.0

RBAC = f"""
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: {ALLOWED}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}}
subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: Group, name: {ALLOWED}}}]
---
apiVersion: v1
kind: Namespace
metadata: {{name: {hubs.OPERATOR_NAMESPACE}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: {DELEGATION_ROLE}, namespace: {hubs.OPERATOR_NAMESPACE}}}
rules:
- apiGroups: [{API_GROUP}]
  resources: [{DELEGATIONS}]
  verbs: [{MARKER_VERB}]
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {{name: e2e-growing}}
provisioner: none.example
allowVolumeExpansion: true
"""


def text(documents: list[dict[str, Any]]) -> str:
    """Return manifests as kubectl reads them."""
    return yaml.safe_dump_all(documents)


def wait_until_in_force(asker: Asker, name: str, items: set[str]) -> None:
    """Wait until the policies of these items refuse what they refuse to everyone."""
    for item in sorted(items):
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": probe_name(item), "namespace": name},
            "involvedObject": {"namespace": name},
        }

        def refused(event: dict[str, Any] = event, item: str = item) -> bool:
            answer = asker.ask(None, "POST", f"/api/v1/namespaces/{name}/events", event)
            said = (answer.message, *answer.warnings)
            return any(f"probe {item} " in text for text in said)

        wait_until(refused, PATIENCE, f"the policy of {item} to be in force in {name}")


@pytest.fixture(scope="package")
def guarded(pool: Pool, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """Take a cluster, with all policies and nobody's hub."""
    only_disposable("these tests write ValidatingAdmissionPolicies")
    with lent(pool, request, Options(typechecks_policies=True)) as fresh:
        fresh.kubectl("apply", "-f", "crds")
        fresh.kubectl("apply", "-f", "-", input=RBAC)
        manifests = rendered(hubs.MODEL, namespace=hubs.OPERATOR_NAMESPACE, account=hubs.ACCOUNT)
        fresh.kubectl("apply", "--server-side", "-f", "-", input=text(manifests))
        yield fresh


@pytest.fixture(scope="package")
def asker(guarded: Cluster) -> Asker:
    """Connect to it."""
    return Asker(guarded)


MakeHub = Callable[..., str]


@pytest.fixture(scope="package")
def make_hub(guarded: Cluster, asker: Asker) -> MakeHub:
    """Make hubs: their objects first, then the keys, as the operator."""

    def make(
        name: str,
        labels: dict[str, str],
        annotations: dict[str, str],
        *,
        prefix: str = "",
        populated: bool = True,
    ) -> str:
        guarded.kubectl("create", "namespace", name)
        if populated:
            created = text(hubs.objects(name, prefix, guarded.node, guarded.image))
            guarded.kubectl("create", "-n", name, "-f", "-", input=created)
            path = f"/api/v1/namespaces/{name}/persistentvolumeclaims/{prefix}hub-db-dir"
            wait_until(
                lambda: _phase(asker, path) == "Bound",
                PATIENCE,
                f"the volume of {name} to be bound",
            )
        set_keys(asker, name, labels, annotations)
        return name

    return make


def _phase(asker: Asker, path: str) -> str:
    found = asker.ask(None, "GET", path, dry=False).body
    return str(found["status"].get("phase"))


def set_keys(
    asker: Asker, name: str, labels: Mapping[str, str | None], annotations: Mapping[str, str | None]
) -> None:
    """Write the keys of a Namespace as the operator would, and wait until they are in force."""
    body = {"metadata": {"labels": dict(labels), "annotations": dict(annotations)}}
    path = f"/api/v1/namespaces/{name}"
    marked = {"metadata": {"labels": {MANAGED_LABEL: MANAGED}}}
    done = asker.ask(None, "PATCH", path, marked, dry=False, type="application/merge-patch+json")
    assert done.code == 200, done.message

    def written() -> bool:
        done = asker.ask(
            hubs.OPERATOR, "PATCH", path, body, dry=False, type="application/merge-patch+json"
        )
        assert done.code == 200, done.message
        return True

    wait_until(written, PATIENCE, f"the keys of {name}")
    wait_until_in_force(
        asker, name, {key.removeprefix(STAGE_LABEL) for key, v in labels.items() if v}
    )


@pytest.fixture(scope="package")
def prod(make_hub: MakeHub) -> str:
    """Make a hub on which every item has an owner of its own and is enforced."""
    return make_hub("prod", hubs.stages(hubs.ITEMS, AdmissionStage.DENY), hubs.notes())
