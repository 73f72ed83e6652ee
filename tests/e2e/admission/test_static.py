"""The same policies as files of the API server: in force, and out of every request's reach."""

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from responsibility.api.names import MANAGED_LABEL, policy_name
from responsibility.api.stages import AdmissionStage
from responsibility.cli.main import cli
from responsibility.ownership.terms.managed_namespaces import MANAGED
from tests.e2e.admission import hubs
from tests.e2e.admission.asking import Asker, Person
from tests.e2e.admission.conftest import PATIENCE, RBAC
from tests.e2e.conftest import MakeCluster
from tests.e2e.lab.cluster import Options
from tests.e2e.lab.waiting import wait_until

POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
QUOTA = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "e2e"}}
STRANGER = Person("stranger")


@pytest.fixture
def configured(tmp_path: Path) -> Path:
    """Write the policies and the configuration that names their folder."""
    folder = tmp_path / "policies"
    folder.mkdir()
    done = CliRunner().invoke(cli, ["render", "policies", "--static"])
    assert done.exit_code == 0, done.output
    (folder / "hubs.yaml").write_text(done.output, encoding="utf-8")
    configuration = tmp_path / "admission.yaml"
    plugin = {
        "name": "ValidatingAdmissionPolicy",
        "configuration": {
            "apiVersion": "apiserver.config.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicyConfiguration",
            "staticManifestsDir": str(folder),
        },
    }
    document = {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AdmissionConfiguration",
        "plugins": [plugin],
    }
    configuration.write_text(yaml.safe_dump(document), encoding="utf-8")
    return configuration


def test_static_policies(configured: Path, make_cluster: MakeCluster) -> None:
    options = Options(apiserver_flags={"admission-control-config-file": str(configured)})
    cluster = make_cluster("static", options)
    cluster.kubectl("apply", "-f", "-", input=RBAC)
    asker = Asker(cluster)
    body = hubs.namespace("prod", hubs.stages(hubs.ITEMS, AdmissionStage.DENY), hubs.notes())
    quotas = "/api/v1/namespaces/prod/resourcequotas"
    # The keys are the operator's from the first moment on.
    assert asker.ask(STRANGER, "POST", "/api/v1/namespaces", body).refused
    assert asker.ask(hubs.OPERATOR, "POST", "/api/v1/namespaces", body).refused
    cluster.kubectl("create", "namespace", "prod")
    cluster.kubectl("label", "namespace", "prod", f"{MANAGED_LABEL}={MANAGED}")
    merge = "application/merge-patch+json"
    done = asker.ask(hubs.OPERATOR, "PATCH", "/api/v1/namespaces/prod", body, dry=False, type=merge)
    assert done.code == 200, done.message
    wait_until(lambda: asker.ask(STRANGER, "POST", quotas, QUOTA).refused, PATIENCE, "a refusal")
    assert asker.ask(hubs.owner(14), "POST", quotas, QUOTA).code == 201
    # No request sees them, so none can change or remove them.
    name = f"{policy_name(hubs.ALL_ITEMS[14])}.static.k8s.io"
    assert asker.ask(None, "GET", POLICIES, dry=False).body["items"] == []
    assert asker.ask(None, "DELETE", f"{POLICIES}/{name}", dry=False).code == 404
    shadow = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": []},
            "validations": [{"expression": "true"}],
        },
    }
    assert asker.ask(None, "POST", POLICIES, shadow, dry=False).code == 422
    assert asker.ask(STRANGER, "POST", quotas, QUOTA).refused
    # And those that are objects of the API are held to the verb assign.
    ours = {**shadow, "metadata": {"name": "responsibility-cluster-warn"}}
    clerk = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: policies}
rules: [{apiGroups: [admissionregistration.k8s.io], resources: ["*"], verbs: ["*"]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: policies}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: policies}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: clerk}]
"""
    cluster.kubectl("apply", "-f", "-", input=clerk)
    ours["spec"] = {
        "matchConstraints": {
            "resourceRules": [
                {
                    "apiGroups": [""],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE"],
                    "resources": ["configmaps"],
                }
            ]
        },
        "validations": [{"expression": "true"}],
    }
    said = cluster.kubectl(
        "create", "-f", "-", "--dry-run=server", input=yaml.safe_dump(ours), as_user="clerk",
        check=False,
    )  # fmt: skip
    assert "assign on responsibilitymodels" in said.stderr
    assert asker.ask(STRANGER, "POST", POLICIES, ours).code == 201
