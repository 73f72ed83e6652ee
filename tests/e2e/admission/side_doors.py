"""Ways to what an item guards that lead around it: requests of somebody who is no owner."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.e2e.admission import hubs
from tests.e2e.admission.asking import APPLY, MERGE, Person

NAME = "side-doors"
CORE = f"/api/v1/namespaces/{NAME}"
APPS = f"/apis/apps/v1/namespaces/{NAME}"
POLICY = f"/apis/policy/v1/namespaces/{NAME}"
RIGHTS = f"""
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: adm, namespace: {NAME}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: admin}}
subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: User, name: adm}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: star, namespace: {NAME}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}}
subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: User, name: star}}]
---
apiVersion: v1
kind: ReplicationController
metadata: {{name: old, namespace: {NAME}}}
spec:
  replicas: 0
  selector: {{app: old}}
  template:
    metadata: {{labels: {{app: old}}}}
    spec: {{containers: [{{name: a, image: a}}]}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {{name: nightly, namespace: {NAME}}}
spec:
  schedule: "0 0 1 1 *"
  jobTemplate:
    spec: {{template: {{spec: {{restartPolicy: Never, containers: [{{name: a, image: a}}]}}}}}}
---
apiVersion: v1
kind: Pod
metadata: {{name: jupyter-bob, namespace: {NAME}, labels: {{component: singleuser-server}}}}
spec: {{nodeName: lab-node, containers: [{{name: notebook, image: notebook}}]}}
---
apiVersion: v1
kind: Pod
metadata: {{name: jupyter-waiting, namespace: {NAME}, labels: {{component: singleuser-server}}}}
spec:
  schedulingGates: [{{name: example.com/wait}}]
  containers: [{{name: notebook, image: notebook, resources: {{limits: {{memory: 1Gi}}}}}}]
---
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {{name: user-scheduler-lock, namespace: {NAME}}}
spec: {{holderIdentity: scheduler}}
"""


@dataclass(frozen=True)
class Way:
    """One request; ``adm`` may be without the right to it by RBAC already."""

    method: str
    path: str
    body: Any = None
    type: str = ""


def _new(kind: str, version: str = "v1", **more: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "new"}, **more}


def _edit(path: str, body: Mapping[str, Any], type: str = MERGE) -> Way:
    return Way("PATCH", path, body, type)


def _owned() -> dict[str, Any]:
    """Return a change that has the garbage collector delete an object."""
    nobody = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": "gone",
        "uid": "00000000-0000-0000-0000-000000000000",
    }
    return {"metadata": {"ownerReferences": [nobody]}}


_NOTED = {"metadata": {"annotations": {"example.com/configuration": "mine"}}}
_LABELLED = {"metadata": {"labels": {"example.com/chosen": "mine"}}}
_KEPT = {"metadata": {"finalizers": ["example.com/mine"]}}
_CONTAINER = {"name": "a", "image": "a"}
_AS_HUB: dict[str, Any] = {
    "metadata": {"labels": {"app": "mine"}},
    "spec": {"serviceAccountName": "hub", "containers": [_CONTAINER]},
}
_USERS = {"component": "singleuser-server"}
_SCALE = {"spec": {"replicas": 3}}
_HPA = {
    "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "hub"},
    "minReplicas": 5,
    "maxReplicas": 5,
}
_LIMITS = {"limits": {"memory": "2Gi"}, "requests": {"memory": "2Gi"}}
_FAILED = {"status": {"phase": "Failed"}}
_ENDPOINTS = {"subsets": [{"addresses": [{"ip": "10.0.0.9"}], "ports": [{"port": 80}]}]}
_SLICE = {
    "addressType": "IPv4",
    "endpoints": [{"addresses": ["10.0.0.9"]}],
    "ports": [{"port": 80, "name": "", "protocol": "TCP"}],
}
WAYS = {
    "a ReplicationController that runs as the hub": Way(
        "POST",
        f"{CORE}/replicationcontrollers",
        _new(
            "ReplicationController",
            spec={"replicas": 1, "selector": {"app": "mine"}, "template": _AS_HUB},
        ),
    ),
    "a ReplicationController that adopts users' pods": Way(
        "POST",
        f"{CORE}/replicationcontrollers",
        _new(
            "ReplicationController",
            spec={
                "replicas": 0,
                "selector": _USERS,
                "template": {"metadata": {"labels": _USERS}, "spec": {"containers": [_CONTAINER]}},
            },
        ),
    ),
    "the image of a ReplicationController": _edit(
        f"{CORE}/replicationcontrollers/old",
        {"spec": {"template": {"spec": {"containers": [{"name": "a", "image": "b"}]}}}},
    ),
    "an autoscaler": Way(
        "POST",
        f"/apis/autoscaling/v2/namespaces/{NAME}/horizontalpodautoscalers",
        _new("HorizontalPodAutoscaler", "autoscaling/v2", spec=_HPA),
    ),
    "an autoscaler of the first version": Way(
        "POST",
        f"/apis/autoscaling/v1/namespaces/{NAME}/horizontalpodautoscalers",
        _new("HorizontalPodAutoscaler", "autoscaling/v1", spec=_HPA),
    ),
    **{
        f"the scale of {kind}": _edit(f"{path}/scale", _SCALE)
        for kind, path in {
            "the hub": f"{APPS}/deployments/hub",
            "another Deployment": f"{APPS}/deployments/other",
            "the hub's ReplicaSet": f"{APPS}/replicasets/$(replicaset)",
            "the placeholders": f"{APPS}/statefulsets/user-placeholder",
            "a ReplicationController": f"{CORE}/replicationcontrollers/old",
        }.items()
    },
    "the replicas of the hub's ReplicaSet": _edit(f"{APPS}/replicasets/$(replicaset)", _SCALE),
    "the size of a pod": _edit(
        f"{CORE}/pods/jupyter-waiting/resize",
        {"spec": {"containers": [{"name": "notebook", "resources": _LIMITS}]}},
        "application/strategic-merge-patch+json",
    ),
    "memory for the whole pod": _edit(
        f"{APPS}/deployments/hub", {"spec": {"template": {"spec": {"resources": _LIMITS}}}}
    ),
    "a debugging container": _edit(
        f"{CORE}/pods/jupyter-bob/ephemeralcontainers",
        {"spec": {"ephemeralContainers": [{"name": "debug", "image": "a"}]}},
        "application/strategic-merge-patch+json",
    ),
    "a pod that has failed": _edit(f"{CORE}/pods/jupyter-bob/status", _FAILED),
    "a quota that is used up by nothing": _edit(
        f"{CORE}/resourcequotas/quota/status", {"status": {"hard": {"limits.memory": "9Ti"}}}
    ),
    **{
        f"{what} of {kind}, in its status": _edit(f"{path}/status", body)
        for what, body in {"an annotation": _NOTED, "a label": _LABELLED}.items()
        for kind, path in {
            "the Service": f"{CORE}/services/hub",
            "the Ingress": f"/apis/networking.k8s.io/v1/namespaces/{NAME}/ingresses/front",
            "the database": f"{CORE}/persistentvolumeclaims/hub-db-dir",
            "a budget": f"{POLICY}/poddisruptionbudgets/budget",
        }.items()
    },
    **{
        f"what {kind} reports": _edit(f"{path}/status", body)
        for kind, path, body in (
            ("the hub", f"{APPS}/deployments/hub", {"status": {"collisionCount": 7}}),
            (
                "a StatefulSet",
                f"{APPS}/statefulsets/user-placeholder",
                {"status": {"currentRevision": "gone"}},
            ),
            (
                "a CronJob",
                f"/apis/batch/v1/namespaces/{NAME}/cronjobs/nightly",
                {"status": {"lastScheduleTime": "2099-01-01T00:00:00Z"}},
            ),
        )
    },
    # To write with a name what is not there is to create it.
    **{
        f"{kind}, by an update": Way("PUT", f"{path}/new", _new(kind, version))
        for kind, path, version in (
            ("Endpoints", f"{CORE}/endpoints", "v1"),
            ("LimitRange", f"{CORE}/limitranges", "v1"),
            (
                "Lease",
                f"/apis/coordination.k8s.io/v1/namespaces/{NAME}/leases",
                "coordination.k8s.io/v1",
            ),
        )
    },
    "a scale that is applied": _edit(
        f"{APPS}/deployments/hub/scale?fieldManager=mine&force=true",
        {"metadata": {"name": "hub"}, **_SCALE, "apiVersion": "autoscaling/v1", "kind": "Scale"},
        APPLY,
    ),
    "a Deployment that is applied": _edit(
        f"{APPS}/deployments/new?fieldManager=mine&force=true",
        hubs.workload("Deployment", "new"),
        APPLY,
    ),
    "a pod with a token for others": Way(
        "POST",
        f"{CORE}/pods",
        _new(
            "Pod",
            spec={
                **_AS_HUB["spec"],
                "volumes": [
                    {
                        "name": "token",
                        "projected": {
                            "sources": [{"serviceAccountToken": {"audience": "x", "path": "t"}}]
                        },
                    }
                ],
            },
        ),
    ),
    "a pod with a volume of its own": Way(
        "POST",
        f"{CORE}/pods",
        _new(
            "Pod",
            spec={
                "containers": [_CONTAINER],
                "volumes": [
                    {
                        "name": "v",
                        "ephemeral": {
                            "volumeClaimTemplate": {
                                "spec": {
                                    "accessModes": ["ReadWriteOnce"],
                                    "resources": {"requests": {"storage": "1Gi"}},
                                }
                            }
                        },
                    }
                ],
            },
        ),
    ),
    "a token that is kept": Way(
        "POST",
        f"{CORE}/secrets",
        {
            **_new("Secret", type="kubernetes.io/service-account-token"),
            "metadata": {
                "name": "new",
                "annotations": {"kubernetes.io/service-account.name": "hub"},
            },
        },
    ),
    "a quota of one kind of pods": Way(
        "POST",
        f"{CORE}/resourcequotas",
        _new("ResourceQuota", spec={"hard": {"pods": "0"}, "scopes": ["NotTerminating"]}),
    ),
    "what pods the namespace takes": _edit(
        f"/api/v1/namespaces/{NAME}",
        {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}},
    ),
    "from where pods take images": _edit(
        f"{CORE}/serviceaccounts/hub", {"imagePullSecrets": [{"name": "mine"}]}
    ),
    "a pod on a node": Way(
        "POST",
        f"{CORE}/pods/jupyter-bob/binding",
        {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": "jupyter-bob"},
            "target": {"kind": "Node", "name": "lab-node"},
        },
    ),
    "the proxy to a pod": Way("GET", f"{CORE}/pods/jupyter-bob:8888/proxy/"),
    "the proxy to a pod, posted to": Way("POST", f"{CORE}/pods/jupyter-bob:8888/proxy/api", {}),
    "the proxy to the hub": Way("GET", f"{CORE}/services/hub:80/proxy/hub/api"),
    "where a Service leads": Way("POST", f"{CORE}/endpoints", {**_new("Endpoints"), **_ENDPOINTS}),
    "where a Service leads, in slices": Way(
        "POST",
        f"/apis/discovery.k8s.io/v1/namespaces/{NAME}/endpointslices",
        {**_new("EndpointSlice", "discovery.k8s.io/v1"), **_SLICE},
    ),
    "the scheduler's Lease": _edit(
        f"/apis/coordination.k8s.io/v1/namespaces/{NAME}/leases/user-scheduler-lock",
        {"spec": {"holderIdentity": "mine", "leaseDurationSeconds": 2147483647}},
    ),
    "another Lease": Way(
        "POST",
        f"/apis/coordination.k8s.io/v1/namespaces/{NAME}/leases",
        _new("Lease", "coordination.k8s.io/v1"),
    ),
    "a revision of the past": Way("DELETE", f"{APPS}/controllerrevisions/$(revision)"),
    **{
        f"{what} of {kind}": _edit(path, body)
        for what, body in {"an owner that is not there": _owned(), "a finalizer": _KEPT}.items()
        for kind, path in {
            "the namespace": f"/api/v1/namespaces/{NAME}",
            "the namespace, in its status": f"/api/v1/namespaces/{NAME}/status",
            "the hub": f"{APPS}/deployments/hub",
            "the hub, in its status": f"{APPS}/deployments/hub/status",
            "the database, in its status": f"{CORE}/persistentvolumeclaims/hub-db-dir/status",
            "the Service, in its status": f"{CORE}/services/hub/status",
            "the Secret": f"{CORE}/secrets/hub",
            "the quota, in its status": f"{CORE}/resourcequotas/quota/status",
            "a budget, in its status": f"{POLICY}/poddisruptionbudgets/budget/status",
            "a user's pod": f"{CORE}/pods/jupyter-bob",
            "a user's pod, in its status": f"{CORE}/pods/jupyter-bob/status",
        }.items()
    },
}
OWNERS = {
    "an autoscaler": 14,
    "the scale of a ReplicationController": 14,
    "the size of a pod": 14,
    "memory for the whole pod": 14,
    "a debugging container": 19,
    "the scheduler's Lease": 15,
    "a ReplicationController that runs as the hub": 15,
    "where a Service leads": 15,
    "where a Service leads, in slices": 15,
    "a finalizer of the Service, in its status": 15,
    "an annotation of the Service, in its status": 15,
    "what a CronJob reports": 15,
    "a finalizer of the Secret": 15,
    "a finalizer of the quota, in its status": 14,
    "a finalizer of a user's pod, in its status": 19,
}
CONTROLLERS = (
    Person("system:serviceaccount:kube-system:replicaset-controller"),
    Person("system:kube-scheduler"),
    Person("system:cloud-controller-manager"),
    Person("system:node:lab-node", ("system:nodes",)),
    Person(f"system:serviceaccount:{NAME}:hub"),
)
