"""Nothing that people and controllers do every day breaks, tried with the real tools."""

import http.client
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from responsibility.api.names import DELEGATES_ANNOTATION, DELEGATION_ROLE
from responsibility.api.stages import AdmissionStage
from tests.e2e import helms
from tests.e2e.admission import hubs
from tests.e2e.admission.asking import Asker, Person
from tests.e2e.admission.conftest import PATIENCE, RBAC, MakeHub, set_keys, text
from tests.e2e.conftest import only_disposable
from tests.e2e.lab import clusters, identities, programs
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.waiting import wait_until

OUR_CHART = Path(__file__).parents[3] / "helm" / "hub-responsibility"
EVERYTHING = ("e2e-everything",)

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


def _as(cluster: Cluster, person: Person, namespace: str, folder: Path) -> Path:
    path = folder / f"{person.user.replace(':', '-')}.kubeconfig"
    groups = (*person.groups, *EVERYTHING)
    return identities.impersonating_kubeconfig(
        cluster, person.user, groups, path, namespace=namespace
    )


def _helm(
    helm: Path, kubeconfig: Path, *arguments: str, check: bool = True
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(helm), "--kubeconfig", str(kubeconfig), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 or not check, done.stderr
    return done


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
    ci = _as(guarded, Person("ci"), name, tmp_path)
    runs = ("--set", f"node={guarded.node},pause={guarded.image}")
    upgrade = ("upgrade", "--install", "hub", str(chart), "-n", name, *runs)
    _helm(helm, ci, *upgrade)
    first = _rolled_out(asker, name, "hub:1", after=0)
    _helm(helm, ci, *upgrade, "--set", "image=hub:2", "--set", "config=b")
    second = _rolled_out(asker, name, "hub:2", after=first)
    # What belongs to item 14 is refused, and the release can be repaired.
    refused = _helm(helm, ci, *upgrade, "--set", "memory=9Gi", check=False)
    assert "item 14 (Resource limits)" in refused.stderr
    _helm(helm, ci, "rollback", "hub", "1", "-n", name)
    _rolled_out(asker, name, "hub:1", after=second)
    stranger = _as(guarded, Person("stranger"), name, tmp_path)
    assert _helm(helm, stranger, *upgrade, "--set", "config=c", check=False).returncode
    _helm(helm, ci, "uninstall", "hub", "-n", name)
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
    node = {"spec": {"template": {"spec": {"nodeName": guarded.node}}}}
    assert asker.ask(hubs.owner(15), "PATCH", path, node, dry=False).code == 200
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


COMMANDS = [
    (15, ["apply", "-f", "-"], "configured"),
    (15, ["apply", "--server-side", "--force-conflicts", "-f", "-"], "serverside-applied"),
    (15, ["patch", "deployment/hub", "-p", '{"metadata":{"labels":{"x":"y"}}}'], "patched"),
    (15, ["edit", "deployment/hub"], "edited"),
    (14, ["scale", "deployment/hub", "--replicas=2"], "scaled"),
    (19, ["scale", "deployment/hub", "--replicas=3"], "scaled"),
    (14, ["set", "resources", "deployment/hub", "--limits=memory=3Gi"], "updated"),
    (15, ["set", "image", "deployment/hub", "main=hub:9"], "updated"),
    (19, ["rollout", "restart", "deployment/hub"], "restarted"),
    (19, ["delete", "pod", "jupyter-ann", "--dry-run=server"], "deleted"),
    (15, ["create", "configmap", "x"], "created"),
]


def test_kubectl_by_owners(guarded: Cluster, make_hub: MakeHub, tmp_path: Path) -> None:
    name = make_hub("typed", hubs.stages(hubs.ITEMS, AdmissionStage.DENY), hubs.notes("typed"))
    changed = hubs.workload("Deployment", "hub")
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nsed -i 's/hub:1/hub:8/' \"$1\"\n", encoding="utf-8")
    editor.chmod(0o700)
    for turn, (number, command, said) in enumerate(COMMANDS):
        changed["metadata"]["annotations"] = {"turn": str(turn)}
        refused = _kubectl(
            guarded, Person("stranger"), name, tmp_path, command, document=changed, editor=editor
        )
        assert "ValidatingAdmissionPolicy" in refused.stderr + refused.stdout, command
        done = _kubectl(
            guarded, hubs.owner(number), name, tmp_path, command, document=changed, editor=editor
        )
        assert said in done.stdout + done.stderr, (command, done.stderr)
        assert "Validation failed" not in done.stderr, (command, done.stderr)


# What connects ends at the kubelet, which this node does not have; before that, policies decide.
# `port-forward` connects only when somebody connects to it; test_guards sends what it would send.
CONNECTING = [
    ["exec", "jupyter-ann", "--", "ls"],
    ["cp", "jupyter-ann:/etc/hosts", "hosts"],
    ["attach", "jupyter-ann"],
]


@pytest.mark.parametrize("command", CONNECTING, ids=lambda c: c[0])
def test_kubectl_into_pods(guarded: Cluster, prod: str, tmp_path: Path, command: list[str]) -> None:
    command = [part.replace("hosts", str(tmp_path / "hosts")) if part == "hosts" else part
               for part in command]  # fmt: skip
    wait_until(
        lambda: "Running" in guarded.kubectl("get", "pod", "jupyter-ann", "-n", prod).stdout,
        PATIENCE,
        "the pod to run",
    )
    refused = _kubectl(guarded, Person("stranger"), prod, tmp_path, command)
    assert "item 19" in refused.stderr, refused.stderr
    passed = _kubectl(guarded, hubs.owner(19), prod, tmp_path, command)
    assert "ValidatingAdmissionPolicy" not in passed.stderr, passed.stderr


def test_kubectl_drain(guarded: Cluster, make_hub: MakeHub, asker: Asker, tmp_path: Path) -> None:
    name = make_hub("drained", hubs.stages(hubs.ITEMS, AdmissionStage.DENY), hubs.notes("drained"))
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "drained",
            "annotations": {"kwok.x-k8s.io/node": "fake"}}}  # fmt: skip
    assert asker.ask(None, "POST", "/api/v1/nodes", node, dry=False).code == 201
    there = hubs.pod("jupyter-there")
    there["spec"]["nodeName"] = "drained"
    done = asker.ask(hubs.owner(15), "POST", f"/api/v1/namespaces/{name}/pods", there, dry=False)
    assert done.code == 201, done.message
    drain = ["drain", "drained", "--force", "--ignore-daemonsets", "--timeout=20s"]
    refused = _kubectl(guarded, Person("stranger"), name, tmp_path, drain)
    assert "ValidatingAdmissionPolicy" in refused.stderr
    passed = _kubectl(guarded, hubs.owner(18), name, tmp_path, drain)
    assert passed.returncode == 0, passed.stderr
    assert "evicted" in passed.stdout


def _kubectl(
    cluster: Cluster,
    person: Person,
    namespace: str,
    folder: Path,
    command: list[str],
    *,
    document: Any = None,
    editor: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    kubeconfig = _as(cluster, person, namespace, folder)
    return subprocess.run(
        [str(cluster.kubectl_program()), f"--kubeconfig={kubeconfig}", *command],
        input=text([document]) if "-" in command else None,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "KUBE_EDITOR": str(editor), "EDITOR": str(editor)},
    )


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Cluster]:
    """Start a cluster for what would disturb others."""
    only_disposable("it stops the API server")
    with clusters.cluster(f"e2e-{os.getpid()}-restarted") as fresh:
        fresh.kubectl("apply", "-f", "-", input=RBAC)
        yield fresh
    shutil.rmtree(tmp_path, ignore_errors=True)


# What a server says that has just been started: policies or roles are not known to it yet.
_TOO_EARLY = ("not yet ready to handle request", "cannot create resource")


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
    helms.installed(lambda: _helm(helm, own.kubeconfig, *install, check=False))
    asker = Asker(own)
    own.kubectl("create", "namespace", "prod")
    body: dict[str, str | None] = dict(hubs.notes())
    set_keys(asker, "prod", dict(hubs.stages(hubs.ITEMS, AdmissionStage.DENY)), body)
    quotas = "/api/v1/namespaces/prod/resourcequotas"
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "e2e"}}
    stranger, owner = Person("stranger"), hubs.owner(14)
    assert asker.ask(stranger, "POST", quotas, quota).refused
    # An upgrade changes nothing of what is in force.
    _helm(helm, own.kubeconfig, "upgrade", *options)
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
    _helm(helm, own.kubeconfig, "uninstall", "hub-responsibility", "-n", hubs.OPERATOR_NAMESPACE)
    left = own.kubectl("get", "validatingadmissionpolicies,validatingadmissionpolicybindings",
                       "-o", "name").stdout  # fmt: skip
    assert left == ""
    wait_until(
        lambda: asker.ask(stranger, "POST", quotas, quota).code == 201, PATIENCE, "nothing in force"
    )
    body = {"metadata": {"labels": dict.fromkeys(hubs.stages(hubs.ITEMS, AdmissionStage.DENY))}}  # type: ignore[dict-item]  # null removes one
    merge = "application/merge-patch+json"
    assert asker.ask(stranger, "PATCH", "/api/v1/namespaces/prod", body, type=merge).code == 200
