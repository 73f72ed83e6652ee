"""API versions that Kubernetes has removed, and by which release: a table.

Its source is the guide of Kubernetes itself
(https://kubernetes.io/docs/reference/using-api/deprecation-guide/). A release that was deployed by
one of them can't be upgraded once the cluster is: Helm reads what it deployed last, and the API
server knows no such kind any more (https://helm.sh/docs/topics/kubernetes_apis/).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from responsibility import api_groups as groups
from responsibility.upgrades.versions import Version

_FLOW: Final = "flowcontrol.apiserver.k8s.io"
_FLOWS: Final = ("FlowSchema", "PriorityLevelConfiguration")
_RBAC: Final = ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
_SCALER: Final = ("HorizontalPodAutoscaler",)
_STORAGE: Final = ("CSIDriver", "CSINode", "StorageClass", "VolumeAttachment")
_WEBHOOKS: Final = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
_WORK: Final = ("DaemonSet", "Deployment", "ReplicaSet", "StatefulSet")

# The minor version of Kubernetes 1 that serves them no more: an API group and version, and kinds.
_REMOVED: Final[tuple[tuple[int, str, str, tuple[str, ...]], ...]] = (
    (16, groups.APPS, "v1beta1", ("Deployment", "ReplicaSet", "StatefulSet")),
    (16, groups.APPS, "v1beta2", _WORK),
    (16, "extensions", "v1beta1", ("DaemonSet", "Deployment", "NetworkPolicy", "ReplicaSet")),
    (16, "extensions", "v1beta1", ("PodSecurityPolicy",)),
    (22, groups.ADMISSION_REGISTRATION, "v1beta1", _WEBHOOKS),
    (22, groups.API_EXTENSIONS, "v1beta1", ("CustomResourceDefinition",)),
    (22, "apiregistration.k8s.io", "v1beta1", ("APIService",)),
    (22, groups.CERTIFICATES, "v1beta1", ("CertificateSigningRequest",)),
    (22, groups.COORDINATION, "v1beta1", ("Lease",)),
    (22, "extensions", "v1beta1", ("Ingress",)),
    (22, groups.NETWORKING, "v1beta1", ("Ingress", "IngressClass")),
    (22, groups.RBAC, "v1beta1", _RBAC),
    (22, "scheduling.k8s.io", "v1beta1", ("PriorityClass",)),
    (22, "storage.k8s.io", "v1beta1", _STORAGE),
    (25, groups.AUTOSCALING, "v2beta1", _SCALER),
    (25, groups.BATCH, "v1beta1", ("CronJob",)),
    (25, "discovery.k8s.io", "v1beta1", ("EndpointSlice",)),
    (25, groups.EVENTS, "v1beta1", ("Event",)),
    (25, "node.k8s.io", "v1beta1", ("RuntimeClass",)),
    (25, "policy", "v1beta1", ("PodDisruptionBudget", "PodSecurityPolicy")),
    (26, groups.AUTOSCALING, "v2beta2", _SCALER),
    (26, _FLOW, "v1beta1", _FLOWS),
    (27, "storage.k8s.io", "v1beta1", ("CSIStorageCapacity",)),
    (29, _FLOW, "v1beta2", _FLOWS),
    (32, _FLOW, "v1beta3", _FLOWS),
)


@dataclass(frozen=True, slots=True, order=True)
class RemovedApi:
    """A kind by an API version, and the release of Kubernetes that serves it no more."""

    removed_in: Version
    api_version: str
    kind: str

    def __str__(self) -> str:
        """Return it for people: ``PodDisruptionBudget by policy/v1beta1``."""
        return f"{self.kind} by {self.api_version}"


_BY_KIND: Final = {
    (f"{group}/{version}", kind): RemovedApi(Version(1, minor), f"{group}/{version}", kind)
    for minor, group, version, kinds in _REMOVED
    for kind in kinds
}


def removed_apis(kinds: Iterable[tuple[object, object]]) -> tuple[RemovedApi, ...]:
    """Return those of some kinds, by their API versions, that are in the table; first gone first.

    Texts are anybody's; of others than the table has nothing is kept.
    """
    found = {
        _BY_KIND[api_version, kind]
        for api_version, kind in kinds
        if isinstance(api_version, str)
        and isinstance(kind, str)
        and (api_version, kind) in _BY_KIND
    }
    return tuple(sorted(found))
