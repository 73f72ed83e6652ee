"""Control planes, known by how they were made: the identities that a cluster itself runs as.

Each line says who it is, what made such a cluster, what it is for, and where that can be read. A
plan touches no binding of the whole cluster that binds nobody else, whatever its name; which of
their rights are accepted, a model's exemptions say.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from responsibility.rbac.objects import GROUP, SERVICE_ACCOUNT, USER, Subject
from responsibility.subject_kinds import SubjectKind

_K8S = "kubernetes/kubernetes:"
_POLICY = f"{_K8S}plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go"


@dataclass(frozen=True, slots=True)
class ControlPlaneIdentity:
    """An identity that a control plane runs as; name and namespace may end in ``*``."""

    made_by: str
    kind: SubjectKind
    name: str
    what: str
    source: str
    namespace: str = ""

    def is_same(self, subject: Subject) -> bool:
        """Return whether a subject, in canonical form, is meant."""
        return (
            subject.kind == self.kind
            and _matches(self.name, subject.name)
            and _matches(self.namespace, subject.namespace)
        )


def _matches(pattern: str, text: str) -> bool:
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern


_ANY = "any"
CONTROL_PLANES: Final[tuple[ControlPlaneIdentity, ...]] = (
    ControlPlaneIdentity(_ANY, USER, "system:apiserver", "the API server", _POLICY),
    ControlPlaneIdentity(_ANY, USER, "system:kube-controller-manager", "controllers", _POLICY),
    ControlPlaneIdentity(_ANY, USER, "system:kube-scheduler", "the scheduler", _POLICY),
    ControlPlaneIdentity(_ANY, USER, "system:kube-proxy", "the network proxy", _POLICY),
    ControlPlaneIdentity(
        _ANY,
        USER,
        "system:cloud-controller-manager",
        "the cloud's controllers",
        "kubernetes/cloud-provider-gcp:deploy/packages/default/manifest.yaml",
    ),
    ControlPlaneIdentity(_ANY, USER, "system:node:*", "kubelets", _POLICY),
    ControlPlaneIdentity(_ANY, GROUP, "system:nodes", "kubelets", _POLICY),
    ControlPlaneIdentity(_ANY, GROUP, "system:bootstrappers*", "nodes that join", _POLICY),
    ControlPlaneIdentity(_ANY, GROUP, "system:monitoring", "its monitoring", _POLICY),
    ControlPlaneIdentity(
        _ANY,
        SERVICE_ACCOUNT,
        "*",
        "controllers and add-ons",
        f"{_K8S}plugin/pkg/auth/authorizer/rbac/bootstrappolicy/controller_policy.go",
        "kube-system",
    ),
    ControlPlaneIdentity(
        "kubeadm",
        USER,
        "kube-apiserver-kubelet-client",
        "the API server, to kubelets",
        f"{_K8S}cmd/kubeadm/app/constants/constants.go",
    ),
    ControlPlaneIdentity(
        "kubeadm",
        GROUP,
        "system:bootstrappers:kubeadm:default-node-token",
        "nodes that join",
        f"{_K8S}cmd/kubeadm/app/phases/bootstraptoken/node/tlsbootstrap.go",
    ),
    ControlPlaneIdentity(
        "k0s",
        GROUP,
        "system:bootstrappers",
        "nodes that join",
        "k0sproject/k0s:pkg/component/controller/systemrbac.go",
    ),
    ControlPlaneIdentity(
        "Talos",
        GROUP,
        "system:bootstrappers:nodes",
        "nodes that join",
        "siderolabs/talos: its manifest 01-csr-approver-role-binding",
    ),
    ControlPlaneIdentity(
        "TLS bootstrapping",
        GROUP,
        "system:bootstrappers",
        "nodes that join",
        "kubernetes/website: reference/access-authn-authz/kubelet-tls-bootstrapping",
    ),
    ControlPlaneIdentity(
        "kind",
        SERVICE_ACCOUNT,
        "local-path-provisioner-service-account",
        "volumes",
        "kubernetes-sigs/kind:images/local-path-provisioner and rancher/local-path-provisioner:"
        "deploy/local-path-storage.yaml",
        "local-path-storage",
    ),
    ControlPlaneIdentity(
        "k3s",
        USER,
        "kube-apiserver",
        "the API server, to kubelets",
        "k3s-io/k3s:manifests/rolebindings.yaml",
    ),
    ControlPlaneIdentity(
        "k3s",
        USER,
        "system:k3s-controller",
        "the agent's tunnel and network policies",
        "k3s-io/k3s:pkg/daemons/control/deps/deps.go and manifests/rolebindings.yaml",
    ),
    ControlPlaneIdentity(
        "k3s",
        USER,
        "k3s-cloud-controller-manager",
        "the cloud's controllers",
        "k3s-io/k3s:manifests/ccm.yaml",
    ),
    ControlPlaneIdentity(
        "RKE2",
        USER,
        "system:rke2-controller",
        "the agent's tunnel",
        "rancher/rke2:pkg/rke2/clusterrole_templates.go",
    ),
    ControlPlaneIdentity(
        "RKE2",
        USER,
        "cloud-controller-manager",
        "the cloud's controllers",
        "rancher/rke2:pkg/rke2/clusterrole_templates.go",
    ),
    ControlPlaneIdentity(
        "kops",
        USER,
        "kubelet-api",
        "the API server, to kubelets",
        "kubernetes/kops:upup/models/cloudup/resources/addons/rbac.addons.k8s.io/"
        "kubelet-api-admin.yaml",
    ),
    ControlPlaneIdentity(
        "EKS",
        USER,
        "eks:*",
        "the managed control plane",
        "docs.aws.amazon.com/eks: default Kubernetes roles and users",
    ),
    ControlPlaneIdentity(
        "GKE",
        USER,
        "system:gke-*",
        "the managed control plane",
        "bindings that the add-on manager of a new cluster keeps",
    ),
    *(
        ControlPlaneIdentity(
            "GKE",
            USER,
            f"system:{name}",
            what,
            "bindings that the add-on manager of a new cluster keeps",
        )
        for name, what in (
            ("controller:glbc", "load balancers"),
            ("gcp-controller-manager", "certificates of nodes"),
            ("pdcsi-controller", "volumes"),
            ("snapshot-controller", "snapshots of volumes"),
            ("cluster-autoscaler", "nodes"),
            ("vpa-recommender", "sizes of workloads"),
        )
    ),
    ControlPlaneIdentity(
        "AKS",
        USER,
        "aks-support",
        "the managed control plane",
        "learn.microsoft.com/azure/aks/concepts-identity",
    ),
    ControlPlaneIdentity(
        "OpenShift",
        SERVICE_ACCOUNT,
        "*",
        "operators of the control plane",
        "openshift/cluster-version-operator:install and the operators' manifests",
        "openshift-*",
    ),
)


@lru_cache(maxsize=16_384)
def is_control_plane_subject(subject: Subject) -> bool:
    """Return whether a subject, in canonical form, is what a control plane runs as."""
    return any(identity.is_same(subject) for identity in CONTROL_PLANES)
