"""What no plan touches."""

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responsibility.plans.aim import Aim
from responsibility.plans.planner import make_plan
from responsibility.plans.protect import is_system, is_system_role
from responsibility.rbac.control_planes import CONTROL_PLANES, ControlPlaneIdentity
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.objects import (
    GROUP,
    USER,
    Binding,
    BindingKey,
    Role,
    RoleKey,
    Subject,
)
from tests.unit.ownership.building import everything, record, snapshot

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
        # As the add-on manager of GKE and AKS keeps it.
        (
            Binding(
                BindingKey("", "addon"),
                ADMIN,
                (Subject(USER, "robot"),),
                labels={"addonmanager.kubernetes.io/mode": "Reconcile"},
            ),
            True,
        ),
    ],
    ids=lambda value: value.key.name if isinstance(value, Binding) else "",
)
def test_what_the_cluster_itself_runs_on_is_not_touched(binding: Binding, untouched: bool) -> None:
    assert is_system(binding) is untouched


@pytest.mark.parametrize("name", ["admin", "cluster-admin", "edit", "view"])
def test_a_role_of_a_namespace_is_not_kubernetes_own_by_such_a_name(name: str) -> None:
    # Whoever may write roles in a namespace can call one so, and a plan has to be able to end it.
    assert is_system_role(Role(RoleKey("", name), ()))
    assert not is_system_role(Role(RoleKey("coast", name), ()))


def somebody(identity: ControlPlaneIdentity, ending: str) -> Subject:
    """Return a subject that an identity of a control plane is about."""
    return Subject(
        identity.kind,
        identity.name.replace("*", ending),
        identity.namespace.replace("*", ending),
    )


NAMES = st.text(string.ascii_lowercase + string.digits + "-:.", min_size=1, max_size=20)


# ServiceAccounts and namespaces have no colon in their names.
ENDINGS = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=8)


@given(NAMES, ENDINGS, st.data())
def test_whatever_its_name_what_the_control_plane_runs_as_keeps_it(
    name: str, ending: str, data: st.DataObject
) -> None:
    drawn = st.lists(st.sampled_from(CONTROL_PLANES), min_size=1, max_size=3)
    subjects = tuple(somebody(each, ending) for each in data.draw(drawn))
    assert is_system(Binding(BindingKey("", name), RoleKey("", "cluster-admin"), subjects))


@pytest.mark.parametrize("seed", range(8))
def test_no_plan_changes_what_the_control_plane_runs_on_whatever_its_name(seed: int) -> None:
    """Not where it is told of, either: a person looks at that by hand."""
    draw = random.Random(seed)
    untouchable, grants = set(), []
    for identity in draw.sample(CONTROL_PLANES, 6):
        name = "".join(draw.choices(string.ascii_lowercase, k=12))
        role, binding = everything("User ann")
        who = somebody(identity, draw.choice(("any", "x", "node-1")))
        binding = Binding(BindingKey("", name), binding.role, (who,))
        untouchable.add(binding.key)
        grants.append((role, binding))
    grants.append(everything("User ann"))
    world = snapshot(*grants, records=[record()])
    plan = make_plan(world, Aim())
    assert isinstance(world.graph, AccessGraph)
    assert not {change.key for change in plan} & untouchable, f"seed {seed}"
    assert {obstacle.reason for obstacle in plan.obstacles} <= {"system-object", "built-in"}
    assert {str(change.key) for change in plan} == {"ClusterRoleBinding all-to-User-ann"}
