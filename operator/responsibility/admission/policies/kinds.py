"""Where the API has the kinds whose fields a model may give to items."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind as its resource: ``deployments`` of ``apps/v1``.

    The version is the one in which paths are written. The API server converts requests in other
    versions before it evaluates policies (matchPolicy Equivalent).
    """

    group: str
    version: str
    resource: str
    scalable: bool = False


KINDS = {
    "ConfigMap": Kind("", "v1", "configmaps"),
    "CronJob": Kind("batch", "v1", "cronjobs"),
    "DaemonSet": Kind("apps", "v1", "daemonsets"),
    "Deployment": Kind("apps", "v1", "deployments", scalable=True),
    "HTTPRoute": Kind("gateway.networking.k8s.io", "v1", "httproutes"),
    "HorizontalPodAutoscaler": Kind("autoscaling", "v2", "horizontalpodautoscalers"),
    "Ingress": Kind("networking.k8s.io", "v1", "ingresses"),
    "Job": Kind("batch", "v1", "jobs"),
    "LimitRange": Kind("", "v1", "limitranges"),
    "NetworkPolicy": Kind("networking.k8s.io", "v1", "networkpolicies"),
    "PersistentVolumeClaim": Kind("", "v1", "persistentvolumeclaims"),
    "Pod": Kind("", "v1", "pods"),
    "PodDisruptionBudget": Kind("policy", "v1", "poddisruptionbudgets"),
    "ReplicaSet": Kind("apps", "v1", "replicasets", scalable=True),
    "ReplicationController": Kind("", "v1", "replicationcontrollers", scalable=True),
    "ResourceQuota": Kind("", "v1", "resourcequotas"),
    "Role": Kind("rbac.authorization.k8s.io", "v1", "roles"),
    "RoleBinding": Kind("rbac.authorization.k8s.io", "v1", "rolebindings"),
    "Secret": Kind("", "v1", "secrets"),
    "Service": Kind("", "v1", "services"),
    "ServiceAccount": Kind("", "v1", "serviceaccounts"),
    "StatefulSet": Kind("apps", "v1", "statefulsets", scalable=True),
}

# Keys below which quantities stand, which bounds can be about.
QUANTITIES = frozenset({"hard", "limits", "replicas", "requests", "resources"})

# The one field of an object that is also a resource of its own: deployments/scale.
SCALE = "scale"
REPLICAS = "spec.replicas"
