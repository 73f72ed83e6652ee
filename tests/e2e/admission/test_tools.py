"""Nothing that people and controllers do every day breaks, tried with the real tools."""

from pathlib import Path
from typing import Any

import pytest

from responsibility.api.names import DELEGATES_ANNOTATION, DELEGATION_ROLE
from responsibility.api.stages import AdmissionStage
from tests.e2e import helms
from tests.e2e.admission import hubs
from tests.e2e.admission.asking import Asker, Person
from tests.e2e.admission.conftest import PATIENCE, MakeHub
from tests.e2e.admission.tools import as_person, run_helm
from tests.e2e.lab import programs
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.waiting import wait_until

# A chart in the shape of JupyterHub's: the Secret with everything, a checksum of it on the hub's
# pods, RBAC for the hub's ServiceAccount, a volume for its database, a hook that runs a Job.
CHART = {
    "Chart.yaml": "apiVersion: v2\nname: hub\nversion: 1.0.0\n",
    "values.yaml": "image: hub:1\nmemory: 1Gi\nreplicas: 1\nconfig: a\n",
    "templates/all.yaml": """
apiVersion: v1
kind: Secret
metadata: {name: hub, labels: {helm.sh/chart: "hub-{{ .Values.config }}"}}
stringData: {values.yaml: "config: {{ .Values.config }}"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: hub}
data: {config: "{{ .Values.config }}"}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: hub}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: hub}
rules:
- {apiGroups: [""], resources: [pods, persistentvolumeclaims, secrets, services], verbs: ["*"]}
- {apiGroups: [""], resources: [events], verbs: [get, list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: hub}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: hub}
subjects: [{kind: ServiceAccount, name: hub, namespace: "{{ .Release.Namespace }}"}]
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: hub-db-dir}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Service
metadata: {name: hub}
spec: {selector: {component: hub}, ports: [{port: 8081}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: hub}
spec: {podSelector: {matchLabels: {component: hub}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: hub, labels: {helm.sh/chart: "hub-{{ .Values.config }}"}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {component: hub}}
  template:
    metadata:
      labels: {component: hub}
      annotations: {checksum/secret: "{{ .Values.config }}"}
    spec:
      nodeName: {{ .Values.node }}
      serviceAccountName: hub
      containers:
      - name: hub
        image: {{ .Values.image }}
        resources: {limits: {memory: {{ .Values.memory }}}}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: hook-image-awaiter
  annotations: {helm.sh/hook: pre-upgrade, helm.sh/hook-delete-policy: "before-hook-creation"}
spec:
  template:
    spec:
      nodeName: {{ .Values.node }}
      restartPolicy: Never
      # Ends at once, where there is somebody to run it.
      containers: [{name: a, image: "{{ .Values.pause }}", args: ["-v"]}]
""",
}


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write that chart."""
    folder = tmp_path_factory.mktemp("chart")
    for name, content in CHART.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return folder


@pytest.fixture(params=helms.BOTH)
def helm(request: pytest.FixtureRequest) -> Path:
    """Both Helms."""
    return programs.helm(str(request.param))


def test_the_one_who_deploys_upgrades_and_rolls_back(
    guarded: Cluster, make_hub: MakeHub, asker: Asker, *, chart: Path, helm: Path, tmp_path: Path
) -> None:
    name = f"deployed-{helm.name}"
    texts = hubs.notes(name)
    texts[f"{DELEGATES_ANNOTATION}{hubs.ALL_ITEMS[15]}"] = "until-20971231t000000z user:ci"
    make_hub(name, hubs.stages(hubs.ITEMS, AdmissionStage.DENY), texts, populated=False)
    bindings = (
        f"/apis/rbac.authorization.k8s.io/v1/namespaces/{hubs.OPERATOR_NAMESPACE}/rolebindings"
    )
    marker = {
        "metadata": {"name": "until-20971231t000000z"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "Role",
            "name": DELEGATION_ROLE,
        },
        "subjects": [
            {
                "kind": "ServiceAccount",
                "name": "until-20971231t000000z",
                "namespace": hubs.OPERATOR_NAMESPACE,
            }
        ],
    }
    assert asker.ask(hubs.OPERATOR, "POST", bindings, marker, dry=False).code in (201, 409)
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
    wait_until(
        lambda: (
            asker.ask(Person("ci"), "POST", f"/api/v1/namespaces/{name}/configmaps", config).code
            == 201
        ),
        PATIENCE,
        "the delegation to be in force",
    )
    ci = as_person(guarded, Person("ci"), name, tmp_path)
    runs = ("--set", f"node={guarded.node},pause={guarded.image}")
    upgrade = ("upgrade", "--install", "hub", str(chart), "-n", name, *runs)
    run_helm(helm, ci, *upgrade)
    first = _rolled_out(asker, name, "hub:1", after=0)
    run_helm(helm, ci, *upgrade, "--set", "image=hub:2", "--set", "config=b")
    second = _rolled_out(asker, name, "hub:2", after=first)
    # What belongs to item 14 is refused, and the release can be repaired.
    refused = run_helm(helm, ci, *upgrade, "--set", "memory=9Gi", check=False)
    assert "item 14 (Resource limits)" in refused.stderr
    run_helm(helm, ci, "rollback", "hub", "1", "-n", name)
    _rolled_out(asker, name, "hub:1", after=second)
    stranger = as_person(guarded, Person("stranger"), name, tmp_path)
    assert run_helm(helm, stranger, *upgrade, "--set", "config=c", check=False).returncode
    run_helm(helm, ci, "uninstall", "hub", "-n", name)
    left = guarded.kubectl("delete", "namespace", name, "--wait=true", "--timeout=120s")
    assert "deleted" in left.stdout


def _rolled_out(asker: Asker, name: str, image: str, *, after: int) -> int:
    """Wait until the hub's Deployment has a newer generation, with this image, that is followed.

    Not only was the upgrade let through: it has changed what it should, and the controller saw it.
    """
    path = f"/apis/apps/v1/namespaces/{name}/deployments/hub"

    def deployment() -> dict[str, Any]:
        return asker.ask(None, "GET", path, dry=False).body

    def followed() -> bool:
        found = deployment()
        observed = int(found.get("status", {}).get("observedGeneration", 0))
        return bool(observed == found["metadata"]["generation"] > after)

    wait_until(followed, PATIENCE, f"a generation of the hub's Deployment after {after}")
    found = deployment()
    assert found["spec"]["template"]["spec"]["containers"][0]["image"] == image
    return int(found["metadata"]["generation"])


def test_controllers_roll_out_scale_and_clean_up(
    guarded: Cluster, make_hub: MakeHub, asker: Asker
) -> None:
    name = make_hub("rolled", hubs.stages(hubs.ITEMS, AdmissionStage.DENY), hubs.notes("rolled"))
    guarded.kubectl("delete", "limitrange,resourcequota", "--all", "-n", name)
    path = f"/apis/apps/v1/namespaces/{name}/deployments/hub"
    # One container that runs, where there is somebody to run it.
    runs = {
        "nodeName": guarded.node,
        "initContainers": [{"name": "first", "$patch": "delete"}],
        "containers": [
            {"name": "main", "image": guarded.image},
            {"name": "side", "$patch": "delete"},
        ],
    }
    body = {"spec": {"template": {"spec": runs}}}
    assert asker.ask(hubs.owner(15), "PATCH", path, body, dry=False).code == 200
    assert (
        asker.ask(hubs.owner(14), "PATCH", path, {"spec": {"replicas": 2}}, dry=False).code == 200
    )
    status = ("rollout", "status", "deployment/hub", "-n", name, "--timeout=60s")
    guarded.kubectl(*status)
    # The autoscaler is a controller like any other, and scales through the subresource.
    hpa = Person("system:serviceaccount:kube-system:horizontal-pod-autoscaler")
    scale = {"spec": {"replicas": 3}}
    merge = "application/merge-patch+json"
    assert asker.ask(hpa, "PATCH", f"{path}/scale", scale, dry=False, type=merge).code == 200
    guarded.kubectl(*status)
    done = asker.ask(hubs.owner(15), "DELETE", path, dry=False)
    assert done.code == 200, done.message
    wait_until(
        lambda: "hub-" not in guarded.kubectl("get", "pods", "-n", name, "-o", "name").stdout,
        PATIENCE,
        "the garbage collector to remove its pods",
    )
    # Deleting the Namespace itself is the owner's; what is in it, the controllers'.
    assert asker.ask(hubs.owner(15), "DELETE", f"/api/v1/namespaces/{name}", dry=False).refused
    assert asker.ask(hubs.owner(20), "DELETE", f"/api/v1/namespaces/{name}", dry=False).code == 200
    wait_until(
        lambda: asker.ask(None, "GET", f"/api/v1/namespaces/{name}", dry=False).code == 404,
        2 * PATIENCE,
        "the namespace to be gone",
    )


def test_the_hub_itself_starts_and_stops_users(asker: Asker, prod: str) -> None:
    hub = Person(f"system:serviceaccount:{prod}:hub")
    core = f"/api/v1/namespaces/{prod}"
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    for kind, plural, spec in (
        ("Pod", "pods", hubs.pod("jupyter-bob")["spec"]),
        ("PersistentVolumeClaim", "persistentvolumeclaims", claim),
    ):
        body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "jupyter-bob"}, "spec": spec}
        made = asker.ask(hub, "POST", f"{core}/{plural}", body, dry=False)
        assert made.code == 201, made.message
        gone = asker.ask(hub, "DELETE", f"{core}/{plural}/jupyter-bob", dry=False)
        assert gone.code in (200, 202), gone.message
        assert not made.warnings + gone.warnings
