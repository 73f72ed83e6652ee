"""API versions that Kubernetes has removed or will remove, and by which release: a table.

A release that was deployed by one of them can't be upgraded once the cluster is: Helm reads what it
deployed last, and the API server knows no such kind any more
(https://helm.sh/docs/topics/kubernetes_apis/).

Its source is what the API server itself goes by when it no longer serves a version, and warns of
one: ``APILifecycleRemoved`` in ``zz_generated.prerelease-lifecycle.go`` of ``k8s.io/api``,
``k8s.io/apiextensions-apiserver`` and ``k8s.io/kube-aggregator``, which a test reads. The guide
(https://kubernetes.io/docs/reference/using-api/deprecation-guide/) ends with 1.32; of kinds that
Kubernetes no longer has in any version, it is the source. A removal that is still to come is in the
table once the version is deprecated, and not before, as Kubernetes may put it off. Alpha versions
are left out, which no cluster serves by default.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from responsibility import api_groups as groups
from responsibility.upgrades.versions import Version

_FLOW: Final = "flowcontrol.apiserver.k8s.io"
_DEVICE_GROUP: Final = "resource.k8s.io"
_FLOWS: Final = ("FlowSchema", "PriorityLevelConfiguration")
_DEVICES: Final = ("DeviceClass", "ResourceClaim", "ResourceClaimTemplate", "ResourceSlice")
_MUTATION: Final = ("MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding")
_RBAC: Final = ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
_SCALER: Final = ("HorizontalPodAutoscaler",)
_STORAGE: Final = ("CSIDriver", "CSINode", "StorageClass", "VolumeAttachment")
_VALIDATION: Final = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
_WEBHOOKS: Final = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
_WORK: Final = ("ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet")

# The minor version of Kubernetes 1 that serves them no more: an API group and version, and kinds.
_REMOVED: Final[tuple[tuple[int, str, str, tuple[str, ...]], ...]] = (
    (16, groups.APPS, "v1beta1", ("ControllerRevision", "Deployment", "StatefulSet")),
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
    (34, groups.ADMISSION_REGISTRATION, "v1beta1", _VALIDATION),
    (37, groups.NETWORKING, "v1beta1", ("IPAddress", "ServiceCIDR")),
    (37, "storage.k8s.io", "v1beta1", ("VolumeAttributesClass",)),
    (38, _DEVICE_GROUP, "v1beta1", _DEVICES),
    (39, groups.COORDINATION, "v1beta1", ("LeaseCandidate",)),
    (39, _DEVICE_GROUP, "v1beta2", _DEVICES),
    (40, groups.ADMISSION_REGISTRATION, "v1beta1", _MUTATION),
    (40, groups.CERTIFICATES, "v1beta1", ("ClusterTrustBundle", "PodCertificateRequest")),
    (40, "storagemigration.k8s.io", "v1beta1", ("StorageVersionMigration",)),
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


REMOVED_APIS: Final = {
    (f"{group}/{version}", kind): RemovedApi(Version(1, minor), f"{group}/{version}", kind)
    for minor, group, version, kinds in _REMOVED
    for kind in kinds
}


def removed_apis(kinds: Iterable[tuple[object, object]]) -> tuple[RemovedApi, ...]:
    """Return those of some kinds, by their API versions, that are in the table; first gone first.

    Texts are anybody's; of others than the table has nothing is kept.
    """
    found = {
        REMOVED_APIS[api_version, kind]
        for api_version, kind in kinds
        if isinstance(api_version, str)
        and isinstance(kind, str)
        and (api_version, kind) in REMOVED_APIS
    }
    return tuple(sorted(found))
