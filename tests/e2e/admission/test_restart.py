"""A restart of the API server leaves no gap, and the end of our chart leaves nothing in force."""

import http.client
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from responsibility.api.stages import AdmissionStage
from tests.e2e import helms
from tests.e2e.admission import hubs
from tests.e2e.admission.asking import Asker, Person
from tests.e2e.admission.conftest import PATIENCE, RBAC, set_keys
from tests.e2e.admission.tools import run_helm
from tests.e2e.conftest import only_disposable
from tests.e2e.lab import clusters, programs
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.waiting import wait_until

OUR_CHART = Path(__file__).parents[3] / "helm" / "hub-responsibility"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Cluster]:
    """Start a cluster for what would disturb others."""
    only_disposable("it stops the API server")
    with clusters.cluster(f"e2e-{os.getpid()}-restarted") as fresh:
        fresh.kubectl("apply", "-f", "-", input=RBAC)
        yield fresh
    shutil.rmtree(tmp_path, ignore_errors=True)


# What a server says that has just been started: policies or roles are not known to it yet, neither
# those of who writes nor, where the administrator is bound like everybody (kubeadm), of who asks.
_TOO_EARLY = ("not yet ready to handle request", "cannot create resource", "cannot impersonate")


def _wrote(asker: Asker, person: Person, namespace: str) -> bool:
    """Return whether somebody could write; if not, it has to be worth trying again."""
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "e2e"}}
    try:
        answer = asker.ask(person, "POST", f"/api/v1/namespaces/{namespace}/configmaps", config)
    except (OSError, http.client.HTTPException):
        return False
    early = answer.code >= 500 or any(text in answer.message for text in _TOO_EARLY)
    assert answer.code == 201 or early, f"{answer.code} {answer.message}"
    return answer.code == 201


def test_a_restart_and_the_end_of_our_chart(own: Cluster) -> None:
    helm = programs.helm()
    chart = ("hub-responsibility", str(OUR_CHART), "-n", hubs.OPERATOR_NAMESPACE)
    options = (*chart, "--set", "policies.enabled=true")
    install = ("upgrade", "--install", *options)
    helms.installed(lambda: run_helm(helm, own.kubeconfig, *install, check=False))
    asker = Asker(own)
    own.kubectl("create", "namespace", "prod")
    body: dict[str, str | None] = dict(hubs.notes())
    set_keys(asker, "prod", dict(hubs.stages(hubs.ITEMS, AdmissionStage.DENY)), body)
    quotas = "/api/v1/namespaces/prod/resourcequotas"
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "e2e"}}
    stranger, owner = Person("stranger"), hubs.owner(14)
    assert asker.ask(stranger, "POST", quotas, quota).refused
    # An upgrade changes nothing of what is in force.
    run_helm(helm, own.kubeconfig, "upgrade", *options)
    assert asker.ask(stranger, "POST", quotas, quota).refused
    own.stop_apiserver()
    starting = threading.Thread(target=own.start_apiserver)
    starting.start()
    # Whoever may write gets through in the end, and is told of nothing but that it is too early.
    wait_until(lambda: _wrote(asker, hubs.owner(15), "prod"), 180, "a write of an owner")
    wait_until(lambda: _wrote(asker, stranger, "default"), 180, "a write where nothing is enforced")
    starting.join()

    def in_force_again() -> bool:
        # Never a moment in which it is not in force: until the API server has compiled all
        # policies, it refuses every write, whoever asks.
        answer = asker.ask(stranger, "POST", quotas, quota)
        assert answer.code == 403, answer.message
        return answer.refused

    wait_until(in_force_again, PATIENCE, "the policies to be compiled")
    assert asker.ask(owner, "POST", quotas, quota).code == 201
    run_helm(helm, own.kubeconfig, "uninstall", "hub-responsibility", "-n", hubs.OPERATOR_NAMESPACE)
    left = own.kubectl("get", "validatingadmissionpolicies,validatingadmissionpolicybindings",
                       "-o", "name").stdout  # fmt: skip
    assert left == ""
    wait_until(
        lambda: asker.ask(stranger, "POST", quotas, quota).code == 201, PATIENCE, "nothing in force"
    )
    body = {"metadata": {"labels": dict.fromkeys(hubs.stages(hubs.ITEMS, AdmissionStage.DENY))}}  # type: ignore[dict-item]  # null removes one
    merge = "application/merge-patch+json"
    assert asker.ask(stranger, "PATCH", "/api/v1/namespaces/prod", body, type=merge).code == 200
