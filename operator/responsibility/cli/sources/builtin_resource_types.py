"""The kinds that every cluster serves, as `kubectl api-resources` lists them on 1.37.

By group and preferred version, in the order of preference: plural, kind, scope, short names.
"""

from __future__ import annotations

from typing import Final

BUILTIN: Final[dict[str, tuple[str, ...]]] = {
    "core/v1": (
        "bindings Binding namespaced",
        "componentstatuses ComponentStatus cluster cs",
        "configmaps ConfigMap namespaced cm",
        "endpoints Endpoints namespaced ep",
        "events Event namespaced ev",
        "limitranges LimitRange namespaced limits",
        "namespaces Namespace cluster ns",
        "nodes Node cluster no",
        "persistentvolumeclaims PersistentVolumeClaim namespaced pvc",
        "persistentvolumes PersistentVolume cluster pv",
        "pods Pod namespaced po",
        "podtemplates PodTemplate namespaced",
        "replicationcontrollers ReplicationController namespaced rc",
        "resourcequotas ResourceQuota namespaced quota",
        "secrets Secret namespaced",
        "serviceaccounts ServiceAccount namespaced sa",
        "services Service namespaced svc",
    ),
    "apiregistration.k8s.io/v1": ("apiservices APIService cluster",),
    "apps/v1": (
        "controllerrevisions ControllerRevision namespaced",
        "daemonsets DaemonSet namespaced ds",
        "deployments Deployment namespaced deploy",
        "replicasets ReplicaSet namespaced rs",
        "statefulsets StatefulSet namespaced sts",
    ),
    "events.k8s.io/v1": ("events Event namespaced ev",),
    "authentication.k8s.io/v1": (
        "selfsubjectreviews SelfSubjectReview cluster",
        "tokenreviews TokenReview cluster",
    ),
    "authorization.k8s.io/v1": (
        "localsubjectaccessreviews LocalSubjectAccessReview namespaced",
        "selfsubjectaccessreviews SelfSubjectAccessReview cluster",
        "selfsubjectrulesreviews SelfSubjectRulesReview cluster",
        "subjectaccessreviews SubjectAccessReview cluster",
    ),
    "autoscaling/v2": ("horizontalpodautoscalers HorizontalPodAutoscaler namespaced hpa",),
    "batch/v1": (
        "cronjobs CronJob namespaced cj",
        "jobs Job namespaced",
    ),
    "certificates.k8s.io/v1": (
        "certificatesigningrequests CertificateSigningRequest cluster csr",
        "clustertrustbundles ClusterTrustBundle cluster",
        "podcertificaterequests PodCertificateRequest namespaced",
    ),
    "networking.k8s.io/v1": (
        "ingressclasses IngressClass cluster",
        "ingresses Ingress namespaced ing",
        "ipaddresses IPAddress cluster ip",
        "networkpolicies NetworkPolicy namespaced netpol",
        "servicecidrs ServiceCIDR cluster",
    ),
    "policy/v1": ("poddisruptionbudgets PodDisruptionBudget namespaced pdb",),
    "rbac.authorization.k8s.io/v1": (
        "clusterrolebindings ClusterRoleBinding cluster",
        "clusterroles ClusterRole cluster",
        "rolebindings RoleBinding namespaced",
        "roles Role namespaced",
    ),
    "storage.k8s.io/v1": (
        "csidrivers CSIDriver cluster",
        "csinodes CSINode cluster",
        "csistoragecapacities CSIStorageCapacity namespaced",
        "storageclasses StorageClass cluster sc",
        "volumeattachments VolumeAttachment cluster",
        "volumeattributesclasses VolumeAttributesClass cluster vac",
    ),
    "admissionregistration.k8s.io/v1": (
        "mutatingadmissionpolicies MutatingAdmissionPolicy cluster",
        "mutatingadmissionpolicybindings MutatingAdmissionPolicyBinding cluster",
        "mutatingwebhookconfigurations MutatingWebhookConfiguration cluster",
        "validatingadmissionpolicies ValidatingAdmissionPolicy cluster",
        "validatingadmissionpolicybindings ValidatingAdmissionPolicyBinding cluster",
        "validatingwebhookconfigurations ValidatingWebhookConfiguration cluster",
    ),
    "apiextensions.k8s.io/v1": (
        "customresourcedefinitions CustomResourceDefinition cluster crd crds",
    ),
    "scheduling.k8s.io/v1": ("priorityclasses PriorityClass cluster pc",),
    "coordination.k8s.io/v1": ("leases Lease namespaced",),
    "node.k8s.io/v1": ("runtimeclasses RuntimeClass cluster",),
    "discovery.k8s.io/v1": ("endpointslices EndpointSlice namespaced",),
    "resource.k8s.io/v1": (
        "deviceclasses DeviceClass cluster",
        "devicetaintrules DeviceTaintRule cluster",
        "resourceclaims ResourceClaim namespaced",
        "resourceclaimtemplates ResourceClaimTemplate namespaced",
        "resourceslices ResourceSlice cluster",
    ),
    "flowcontrol.apiserver.k8s.io/v1": (
        "flowschemas FlowSchema cluster",
        "prioritylevelconfigurations PriorityLevelConfiguration cluster",
    ),
    "storagemigration.k8s.io/v1": ("storageversionmigrations StorageVersionMigration cluster",),
}

# What RBAC speaks of and no API serves: kubectl doesn't warn about them.
WITHOUT_API: Final = frozenset({"users", "groups"})
RESOURCE_VERBS: Final = frozenset(
    {"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}
    | {"use", "bind", "impersonate", "*", "approve", "sign", "escalate", "attest"}
)
URL_VERBS: Final = frozenset({"get", "put", "post", "head", "options", "delete", "patch", "*"})
