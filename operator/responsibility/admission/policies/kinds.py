"""Where the API has the kinds whose fields a model may give to items."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ResourceKind:
    """A kind as its resource: ``deployments`` of ``apps/v1``.

    The version is the one in which paths are written. The API server converts requests in other
    versions before it evaluates policies (matchPolicy Equivalent).
    """

    group: str
    version: str
    resource: str
    scalable: bool = False


KINDS = {
    "ConfigMap": ResourceKind("", "v1", "configmaps"),
    "CronJob": ResourceKind("batch", "v1", "cronjobs"),
    "DaemonSet": ResourceKind("apps", "v1", "daemonsets"),
    "Deployment": ResourceKind("apps", "v1", "deployments", scalable=True),
    "HTTPRoute": ResourceKind("gateway.networking.k8s.io", "v1", "httproutes"),
    "HorizontalPodAutoscaler": ResourceKind("autoscaling", "v2", "horizontalpodautoscalers"),
    "Ingress": ResourceKind("networking.k8s.io", "v1", "ingresses"),
    "Job": ResourceKind("batch", "v1", "jobs"),
    "LimitRange": ResourceKind("", "v1", "limitranges"),
    "NetworkPolicy": ResourceKind("networking.k8s.io", "v1", "networkpolicies"),
    "PersistentVolumeClaim": ResourceKind("", "v1", "persistentvolumeclaims"),
    "Pod": ResourceKind("", "v1", "pods"),
    "PodDisruptionBudget": ResourceKind("policy", "v1", "poddisruptionbudgets"),
    "ReplicaSet": ResourceKind("apps", "v1", "replicasets", scalable=True),
    "ReplicationController": ResourceKind("", "v1", "replicationcontrollers", scalable=True),
    "ResourceQuota": ResourceKind("", "v1", "resourcequotas"),
    "Role": ResourceKind("rbac.authorization.k8s.io", "v1", "roles"),
    "RoleBinding": ResourceKind("rbac.authorization.k8s.io", "v1", "rolebindings"),
    "Secret": ResourceKind("", "v1", "secrets"),
    "Service": ResourceKind("", "v1", "services"),
    "ServiceAccount": ResourceKind("", "v1", "serviceaccounts"),
    "StatefulSet": ResourceKind("apps", "v1", "statefulsets", scalable=True),
}

# Keys below which quantities stand, which bounds can be about.
QUANTITIES = frozenset({"hard", "limits", "replicas", "requests", "resources"})

# The one field of an object that is also a resource of its own: deployments/scale.
SCALE = "scale"
REPLICAS = "spec.replicas"
