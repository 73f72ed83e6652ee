"""What control planes bind for themselves, by what made them: facts of their bootstrap manifests.

kubeadm: ``cmd/kubeadm/app/phases/bootstraptoken`` and ``constants.go``; k0s: ``pkg/component/
controller/systemrbac.go``; Talos: its manifests of the control plane; TLS bootstrapping: the guide
of that name in Kubernetes' documentation; kind: that, and rancher's
``local-path-storage.yaml``; k3s: ``manifests/{rolebindings,ccm}.yaml`` and helm-controller's
``pkg/controllers/chart/chart.go``; RKE2: ``pkg/rke2/clusterrole_templates.go``; kops:
``addons/rbac.addons.k8s.io/kubelet-api-admin.yaml``; EKS, GKE and AKS: what new clusters list;
OpenShift: the manifests of cluster-version-operator and of the operators that it installs.
"""

from __future__ import annotations

from typing import NamedTuple

from responsibility.rbac.objects import Binding, BindingKey, Role, RoleKey, Rule
from tests.unit.ownership.building import Grant, subject


class Bound(NamedTuple):
    """A ClusterRoleBinding: its name, whom it binds, the role and what that allows."""

    name: str
    who: str
    role: str
    rules: tuple[tuple[str, str, str], ...]

    def grant(self, name: str = "") -> Grant:
        """Return it, under another name if one is given."""
        rules = tuple(
            Rule(
                tuple(verbs.split()),
                tuple(g.strip("'") for g in groups.split()),
                tuple(res.split()),
            )
            for verbs, groups, res in self.rules
        )
        return (
            Role(RoleKey("", self.role), rules),
            Binding(
                BindingKey("", name or self.name), RoleKey("", self.role), (subject(self.who),)
            ),
        )


_CORE = "''"
_KUBELET_API = (
    ("get list watch proxy", _CORE, "nodes"),
    ("*", _CORE, "nodes/proxy nodes/stats nodes/log nodes/spec nodes/metrics nodes/healthz"),
)
_BOOTSTRAP = (("create get list watch", "certificates.k8s.io", "certificatesigningrequests"),)
_NODE_CLIENT = (("create", "certificates.k8s.io", "certificatesigningrequests/nodeclient"),)
_NODE_CLIENT_ROLE = "system:certificates.k8s.io:certificatesigningrequests:nodeclient"
_ALL = (("*", "*", "*"),)
_CLOUD = (
    ("get create update", "coordination.k8s.io", "leases"),
    ("*", _CORE, "nodes"),
    ("patch", _CORE, "nodes/status"),
    ("list patch update watch", _CORE, "services"),
    ("create", _CORE, "serviceaccounts"),
    ("get list update watch", _CORE, "persistentvolumes"),
    ("create get list watch update", _CORE, "endpoints"),
)
_KUBELET_ADMIN = "system:kubelet-api-admin"

BOUND: dict[str, tuple[Bound, ...]] = {
    "any": (
        Bound(
            "system:kube-controller-manager",
            "User system:kube-controller-manager",
            "system:kube-controller-manager",
            (("create", _CORE, "serviceaccounts/token"), ("create update", _CORE, "endpoints")),
        ),
        Bound(
            "system:kube-scheduler",
            "User system:kube-scheduler",
            "system:kube-scheduler",
            (("create", _CORE, "bindings pods/binding"), ("delete get list watch", _CORE, "pods")),
        ),
        Bound(
            "system:controller:namespace-controller",
            "ServiceAccount kube-system/namespace-controller",
            "system:controller:namespace-controller",
            (("delete deletecollection get list", "*", "*"),),
        ),
        Bound(
            "system:controller:clusterrole-aggregation-controller",
            "ServiceAccount kube-system/clusterrole-aggregation-controller",
            "system:controller:clusterrole-aggregation-controller",
            (("escalate get list patch update", "rbac.authorization.k8s.io", "clusterroles"),),
        ),
    ),
    "kubeadm": (
        Bound(
            "kubeadm:apiserver-kubelet-client",
            "User kube-apiserver-kubelet-client",
            _KUBELET_ADMIN,
            _KUBELET_API,
        ),
        Bound(
            "kubeadm:kubelet-bootstrap",
            "Group system:bootstrappers:kubeadm:default-node-token",
            "system:node-bootstrapper",
            _BOOTSTRAP,
        ),
        Bound(
            "kubeadm:node-autoapprove-bootstrap",
            "Group system:bootstrappers:kubeadm:default-node-token",
            _NODE_CLIENT_ROLE,
            _NODE_CLIENT,
        ),
    ),
    "TLS bootstrapping": (
        Bound(
            "create-csrs-for-bootstrapping",
            "Group system:bootstrappers",
            "system:node-bootstrapper",
            _BOOTSTRAP,
        ),
        Bound(
            "auto-approve-csrs-for-group",
            "Group system:bootstrappers",
            _NODE_CLIENT_ROLE,
            _NODE_CLIENT,
        ),
    ),
    "k0s": (
        Bound(
            "kubelet-bootstrap",
            "Group system:bootstrappers",
            "system:node-bootstrapper",
            _BOOTSTRAP,
        ),
        Bound(
            "node-autoapprove-bootstrap",
            "Group system:bootstrappers",
            _NODE_CLIENT_ROLE,
            _NODE_CLIENT,
        ),
    ),
    "Talos": (
        Bound(
            "system-bootstrap-node-bootstrapper",
            "Group system:bootstrappers:nodes",
            "system:node-bootstrapper",
            _BOOTSTRAP,
        ),
        Bound(
            "system-bootstrap-approve-node-client-csr",
            "Group system:bootstrappers:nodes",
            _NODE_CLIENT_ROLE,
            _NODE_CLIENT,
        ),
    ),
    "kind": (
        Bound(
            "local-path-provisioner-bind",
            "ServiceAccount local-path-storage/local-path-provisioner-service-account",
            "local-path-provisioner-role",
            (("get list watch create patch update delete", _CORE, "persistentvolumes"),),
        ),
    ),
    "k3s": (
        Bound("kube-apiserver-kubelet-admin", "User kube-apiserver", _KUBELET_ADMIN, _KUBELET_API),
        Bound(
            "k3s-cloud-controller-manager",
            "User k3s-cloud-controller-manager",
            "k3s-cloud-controller-manager",
            _CLOUD,
        ),
        Bound(
            "helm-kube-system-traefik",
            "ServiceAccount kube-system/helm-traefik",
            "cluster-admin",
            _ALL,
        ),
    ),
    "RKE2": (
        Bound("kube-apiserver-kubelet-admin", "User kube-apiserver", _KUBELET_ADMIN, _KUBELET_API),
        Bound(
            "cloud-controller-manager",
            "User cloud-controller-manager",
            "cloud-controller-manager",
            _CLOUD,
        ),
        Bound(
            "helm-kube-system-rke2-canal",
            "ServiceAccount kube-system/helm-rke2-canal",
            "cluster-admin",
            _ALL,
        ),
    ),
    "kops": (
        Bound("kops:system:kubelet-api-admin", "User kubelet-api", _KUBELET_ADMIN, _KUBELET_API),
    ),
    "EKS": (
        Bound(
            "eks:node-manager",
            "User eks:node-manager",
            "eks:node-manager",
            (
                ("get list watch patch delete", _CORE, "nodes"),
                ("create", _CORE, "pods/eviction"),
                ("delete get list", _CORE, "pods"),
            ),
        ),
        Bound(
            "eks:node-bootstrapper",
            "Group system:bootstrappers",
            "eks:node-bootstrapper",
            _BOOTSTRAP,
        ),
        Bound(
            "aws-node",
            "ServiceAccount kube-system/aws-node",
            "aws-node",
            (("list watch get update", _CORE, "nodes"),),
        ),
    ),
    "GKE": (
        Bound(
            "system:controller:glbc",
            "User system:controller:glbc",
            "system:controller:glbc",
            (("get list watch update create patch", _CORE, "services"),),
        ),
        Bound(
            "system:gcp-controller-manager",
            "User system:gcp-controller-manager",
            "system:gcp-controller-manager",
            (
                ("update", "certificates.k8s.io", "certificatesigningrequests/approval"),
                ("delete", _CORE, "nodes"),
            ),
        ),
        Bound(
            "system:pdcsi-controller",
            "User system:pdcsi-controller",
            "pdcsi-provisioner-role",
            (("get list watch create delete", _CORE, "persistentvolumes"),),
        ),
    ),
    "AKS": (
        Bound(
            "aks-service-rolebinding",
            "User aks-support",
            "aks-service",
            (("delete get list watch", _CORE, "pods"), ("update patch", "apps", "deployments")),
        ),
    ),
    "OpenShift": (
        Bound(
            "cluster-version-operator",
            "ServiceAccount openshift-cluster-version/default",
            "cluster-admin",
            _ALL,
        ),
        Bound(
            "system:openshift:operator:service-ca-operator",
            "ServiceAccount openshift-service-ca-operator/service-ca-operator",
            "cluster-admin",
            _ALL,
        ),
        Bound(
            "cluster-network-operator",
            "ServiceAccount openshift-network-operator/cluster-network-operator",
            "cluster-network-operator",
            (("update patch", _CORE, "nodes"),),
        ),
    ),
}
