"""Kinds whose fields a model may give to items, and where the API has them."""

from __future__ import annotations

from dataclasses import dataclass

from responsibility import api_groups


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
    "ConfigMap": ResourceKind(api_groups.CORE, "v1", "configmaps"),
    "CronJob": ResourceKind(api_groups.BATCH, "v1", "cronjobs"),
    "DaemonSet": ResourceKind(api_groups.APPS, "v1", "daemonsets"),
    "Deployment": ResourceKind(api_groups.APPS, "v1", "deployments", scalable=True),
    "HTTPRoute": ResourceKind("gateway.networking.k8s.io", "v1", "httproutes"),
    "HorizontalPodAutoscaler": ResourceKind(
        api_groups.AUTOSCALING, "v2", "horizontalpodautoscalers"
    ),
    "Ingress": ResourceKind(api_groups.NETWORKING, "v1", "ingresses"),
    "Job": ResourceKind(api_groups.BATCH, "v1", "jobs"),
    "LimitRange": ResourceKind(api_groups.CORE, "v1", "limitranges"),
    "NetworkPolicy": ResourceKind(api_groups.NETWORKING, "v1", "networkpolicies"),
    "PersistentVolumeClaim": ResourceKind(api_groups.CORE, "v1", "persistentvolumeclaims"),
    "Pod": ResourceKind(api_groups.CORE, "v1", "pods"),
    "PodDisruptionBudget": ResourceKind("policy", "v1", "poddisruptionbudgets"),
    "ReplicaSet": ResourceKind(api_groups.APPS, "v1", "replicasets", scalable=True),
    "ReplicationController": ResourceKind(
        api_groups.CORE, "v1", "replicationcontrollers", scalable=True
    ),
    "ResourceQuota": ResourceKind(api_groups.CORE, "v1", "resourcequotas"),
    "Role": ResourceKind(api_groups.RBAC, "v1", "roles"),
    "RoleBinding": ResourceKind(api_groups.RBAC, "v1", "rolebindings"),
    "Secret": ResourceKind(api_groups.CORE, "v1", "secrets"),
    "Service": ResourceKind(api_groups.CORE, "v1", "services"),
    "ServiceAccount": ResourceKind(api_groups.CORE, "v1", "serviceaccounts"),
    "StatefulSet": ResourceKind(api_groups.APPS, "v1", "statefulsets", scalable=True),
}

# Keys below which quantities stand, which bounds can be about.
QUANTITIES = frozenset({"hard", "limits", "replicas", "requests", "resources"})

# The one field of an object that is also a resource of its own: deployments/scale.
SCALE = "scale"
REPLICAS = "spec.replicas"
