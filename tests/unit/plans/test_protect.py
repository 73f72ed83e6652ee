"""What no plan touches."""

import pytest

from responsibility.plans.protect import is_system
from responsibility.rbac.objects import GROUP, USER, Binding, BindingKey, RoleKey, Subject

ADMIN = RoleKey("", "system:kubelet-api-admin")


def bound(name: str, *subjects: Subject, namespace: str = "") -> Binding:
    return Binding(BindingKey(namespace, name), ADMIN, subjects)


@pytest.mark.parametrize(
    ("binding", "untouched"),
    [
        (bound("system:anything", Subject(USER, "ann")), True),
        # As kubeadm, k3s and kops make them.
        (
            bound(
                "kubeadm:apiserver-kubelet-client", Subject(USER, "kube-apiserver-kubelet-client")
            ),
            True,
        ),
        (bound("kubeadm:cluster-admins", Subject(GROUP, "kubeadm:cluster-admins")), True),
        (bound("kube-apiserver-kubelet-admin", Subject(USER, "kube-apiserver")), True),
        (bound("kops:system:kubelet-api-admin", Subject(USER, "kubelet-api")), True),
        (bound("whatever-its-name", Subject(USER, "kube-apiserver-kubelet-client")), True),
        # Whoever stands beside it is not protected by it, nor is what a namespace's admin named so.
        (bound("mixed", Subject(USER, "kube-apiserver"), Subject(USER, "ann")), False),
        (bound("kubeadm:mine", Subject(USER, "ann"), namespace="prod"), False),
        (bound("mine", Subject(USER, "kube-apiserver"), namespace="prod"), False),
        (bound("group", Subject(GROUP, "kube-apiserver")), False),
        (bound("nobody"), False),
    ],
    ids=lambda value: value.key.name if isinstance(value, Binding) else "",
)
def test_what_the_cluster_itself_runs_on_is_not_touched(binding: Binding, untouched: bool) -> None:
    assert is_system(binding) is untouched
