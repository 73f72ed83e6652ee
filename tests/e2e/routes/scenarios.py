"""The scenarios: one or more for each way, with all that it takes and nothing else."""

from __future__ import annotations

from functools import partial

from tests.e2e.routes import binding, chains, identities, nodes, workloads
from tests.e2e.routes.people import Object
from tests.e2e.routes.world import Permit, Scenario

_RBAC = "rbac.authorization.k8s.io"
_CSR = "certificatesigningrequests.certificates.k8s.io"
_ADMISSION = "admissionregistration.k8s.io"
NO_KUBELET = "no kubelet runs here: to where the API server has let it pass"
EVERYTHING: Object = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}


def _p(verb: str, resource: str, name: str = "", scope: str = "{ns}") -> Permit:
    return Permit(verb, resource, name, scope)


def _wide(verb: str, resource: str, name: str = "") -> Permit:
    return Permit(verb, resource, name, "")


_BINDINGS = f"rolebindings.{_RBAC}"
_ROLES = f"roles.{_RBAC}"
_CLUSTER_ROLES = f"clusterroles.{_RBAC}"
_SIGNERS = "signers.certificates.k8s.io"
_AS = "authentication.k8s.io"
_USER = ("User", "{run}-ann")
_GROUP = ("Group", "{run}-people")
_NODE = ("User", "system:node:{run}")
_APPROVAL = (_wide("create", _CSR), _wide("patch", f"{_CSR}/approval"))
_APPS = ("deployments", "statefulsets", "daemonsets", "replicasets")
_RUN_AS = {
    **{kind: f"{kind}.apps" for kind in _APPS},
    "replicationcontrollers": "replicationcontrollers",
    "cronjobs": "cronjobs.batch",
    "jobs": "jobs.batch",
}

SCENARIOS = (
    Scenario(
        "bind-role",
        (_p("create", _BINDINGS), _p("bind", _ROLES)),
        binding.bind_role,
        ("bind",),
        binding.role,
        ("", ""),
    ),
    Scenario(
        "bind-role-by-name",
        (_p("create", _BINDINGS), _p("bind", _ROLES, "mighty")),
        binding.bind_role,
        ("bind",),
        binding.role,
        ("", ""),
    ),
    Scenario(
        "bind-cluster-role",
        (_p("create", _BINDINGS), _p("bind", _CLUSTER_ROLES, "{run}")),
        binding.bind_cluster_role,
        ("bind",),
        binding.cluster_role,
        ("", ""),
    ),
    Scenario(
        "bind-everywhere",
        (_wide("create", f"cluster{_BINDINGS}"), _wide("bind", _CLUSTER_ROLES, "{run}")),
        binding.bind_everywhere,
        ("bind",),
        binding.cluster_role,
        ("", ""),
    ),
    Scenario(
        "bind-by-apply",
        (
            _p("create", _BINDINGS, "{run}"),
            _p("patch", _BINDINGS, "{run}"),
            _p("bind", _ROLES, "mighty"),
        ),
        binding.apply_binding,
        ("bind",),
        binding.role,
        ("", ""),
    ),
    Scenario(
        "join-a-binding",
        (_p("patch", _BINDINGS), _p("bind", _ROLES)),
        binding.join_binding,
        ("bind",),
        binding.bound_to_nobody,
        ("", ""),
    ),
    Scenario(
        "bind-a-role-of-its-own",
        (_p("create", _ROLES), _p("escalate", _ROLES), _p("create", _BINDINGS), _p("bind", _ROLES)),
        binding.create_and_bind,
        ("bind",),
        None,
        ("", ""),
    ),
    Scenario(
        "edit-role",
        (_p("patch", _ROLES), _p("escalate", _ROLES)),
        binding.edit_role,
        ("escalate",),
        binding.bound_role,
        ("", ""),
    ),
    Scenario(
        "edit-role-by-name",
        (_p("patch", _ROLES, "weak"), _p("escalate", _ROLES, "weak")),
        binding.edit_role,
        ("escalate",),
        binding.bound_role,
        ("", ""),
    ),
    Scenario(
        "create-the-missing-role",
        (_p("create", _ROLES), _p("escalate", _ROLES)),
        binding.create_missing_role,
        ("escalate",),
        binding.bound_missing_role,
        ("", ""),
    ),
    Scenario(
        "edit-cluster-role-bound-here",
        (_wide("patch", _CLUSTER_ROLES, "{run}"), _wide("escalate", _CLUSTER_ROLES, "{run}")),
        binding.edit_cluster_role,
        ("escalate",),
        binding.cluster_role_bound_here,
        ("", ""),
    ),
    Scenario(
        "edit-cluster-role-bound-everywhere",
        (_wide("patch", _CLUSTER_ROLES, "{run}"), _wide("escalate", _CLUSTER_ROLES, "{run}")),
        binding.edit_cluster_role,
        ("escalate",),
        binding.cluster_role_bound_everywhere,
        ("", ""),
    ),
    Scenario(
        "edit-a-part-of-an-aggregate",
        (
            _wide("patch", _CLUSTER_ROLES, "{run}-part"),
            _wide("escalate", _CLUSTER_ROLES, "{run}-part"),
        ),
        binding.edit_part,
        ("escalate",),
        partial(binding.aggregate, part=True, labelled=True),
        ("", ""),
    ),
    Scenario(
        "label-a-role-into-an-aggregate",
        (
            _wide("patch", _CLUSTER_ROLES, "{run}-part"),
            _wide("escalate", _CLUSTER_ROLES, "{run}-part"),
        ),
        binding.edit_part,
        ("escalate",),
        partial(binding.aggregate, part=True, labelled=False),
        ("", ""),
    ),
    Scenario(
        "create-a-part-of-an-aggregate",
        (_wide("create", _CLUSTER_ROLES), _wide("escalate", _CLUSTER_ROLES)),
        binding.create_part,
        ("escalate",),
        partial(binding.aggregate, part=False, labelled=False),
        ("", ""),
    ),
    Scenario(
        "impersonate-account",
        (_p("impersonate", "serviceaccounts", "holder"),),
        identities.as_account,
        ("impersonate",),
    ),
    Scenario(
        "impersonate-user",
        (_wide("impersonate", "users", "{run}-ann"),),
        identities.as_user,
        ("impersonate",),
        None,
        _USER,
    ),
    Scenario(
        "impersonate-member",
        (_wide("impersonate", "groups", "{run}-people"), _wide("impersonate", "users", "somebody")),
        identities.as_member,
        ("impersonate",),
        None,
        _GROUP,
    ),
    Scenario(
        "impersonate-account-in-group",
        (_wide("impersonate", "groups", "{run}-people"), _p("impersonate", "serviceaccounts")),
        identities.as_account_in_group,
        ("impersonate",),
        None,
        _GROUP,
    ),
    Scenario(
        "impersonate-account-constrained",
        (
            _p("impersonate:serviceaccount", f"serviceaccounts.{_AS}", "holder"),
            _p("impersonate-on:serviceaccount:delete", "configmaps"),
        ),
        identities.as_account,
        ("impersonate",),
    ),
    Scenario(
        "impersonate-user-constrained",
        (
            _wide("impersonate:user-info", f"users.{_AS}", "{run}-ann"),
            _p("impersonate-on:user-info:delete", "configmaps", "precious"),
        ),
        identities.as_user,
        ("impersonate",),
        None,
        _USER,
    ),
    Scenario(
        "impersonate-member-constrained",
        (
            _wide("impersonate:user-info", f"groups.{_AS}", "{run}-people"),
            _wide("impersonate:user-info", f"users.{_AS}", "somebody"),
            _p("impersonate-on:user-info:delete", "configmaps"),
        ),
        identities.as_member,
        ("impersonate",),
        None,
        _GROUP,
    ),
    Scenario(
        "impersonate-node-constrained",
        (
            _wide("impersonate:arbitrary-node", f"nodes.{_AS}", "{run}"),
            _p("impersonate-on:arbitrary-node:delete", "configmaps"),
        ),
        identities.as_node,
        ("impersonate",),
        None,
        _NODE,
    ),
    Scenario(
        "impersonate-constrained-to-request-a-token",
        (
            _p("impersonate:serviceaccount", f"serviceaccounts.{_AS}", "holder"),
            _p("impersonate-on:serviceaccount:create", "serviceaccounts/token"),
        ),
        identities.token_as_account,
        ("impersonate", "token"),
        identities.holder_may_request_tokens,
        ("ServiceAccount", "holder2"),
    ),
    Scenario(
        "request-token",
        (_p("create", "serviceaccounts/token", "holder"),),
        identities.request_token,
        ("token",),
    ),
    *(
        Scenario(
            f"token-secret-{read}",
            (_p("create", "secrets"), _p(read, "secrets")),
            partial(identities.token_secret, read=read),
            ("token",),
        )
        for read in ("get", "list", "patch", "delete", "deletecollection")
    ),
    Scenario(
        "create-the-missing-account",
        (_p("create", "serviceaccounts"), _p("create", "serviceaccounts/token")),
        identities.create_account,
        ("token",),
        None,
        ("ServiceAccount", "absent"),
    ),
    Scenario(
        "request-token-of-any-account",
        (_p("create", "serviceaccounts/token"),),
        identities.request_token,
        ("token",),
        None,
        ("Group", "system:serviceaccounts:{ns}"),
    ),
    Scenario(
        "create-pod", (_p("create", "pods"),), workloads.make_pod, ("workload",), reach=NO_KUBELET
    ),
    *(
        Scenario(
            f"create-{kind}",
            (_p("create", resource),),
            partial(workloads.make, kind=kind),
            ("workload",),
            reach=NO_KUBELET,
        )
        for kind, resource in _RUN_AS.items()
    ),
    *(
        Scenario(
            f"patch-{kind}",
            (_p("patch", resource),),
            partial(workloads.change, kind=kind),
            ("workload",),
            partial(workloads.somebodys, kind=kind),
            reach=NO_KUBELET,
        )
        for kind, resource in _RUN_AS.items()
        if kind != "jobs"
    ),
    Scenario(
        "change-image",
        (_p("patch", "pods"),),
        workloads.change_image,
        ("workload",),
        workloads.running,
        reach=NO_KUBELET,
    ),
    Scenario(
        "mutating-policy",
        (
            _wide("create", f"mutatingadmissionpolicies.{_ADMISSION}"),
            _wide("create", f"mutatingadmissionpolicybindings.{_ADMISSION}"),
        ),
        workloads.policy,
        ("workload",),
        reach=NO_KUBELET,
    ),
    Scenario(
        "exec",
        (_p("create", "pods/exec"),),
        partial(workloads.enter, how="exec"),
        ("exec",),
        workloads.running,
        reach=NO_KUBELET,
    ),
    Scenario(
        "attach",
        (_p("create", "pods/attach"),),
        partial(workloads.enter, how="attach"),
        ("exec",),
        workloads.running,
        reach=NO_KUBELET,
    ),
    Scenario(
        "debug",
        (_p("patch", "pods/ephemeralcontainers"),),
        workloads.debug,
        ("exec",),
        workloads.running,
        reach=NO_KUBELET,
    ),
    Scenario(
        "node-proxy",
        (_wide("create", "nodes/proxy"),),
        workloads.node_proxy,
        ("node",),
        workloads.running,
        reach=NO_KUBELET,
    ),
    Scenario(
        "certificate-of-account",
        (*_APPROVAL, _wide("approve", _SIGNERS, "kubernetes.io/kube-apiserver-client")),
        nodes.certificate_of_account,
        ("node",),
    ),
    Scenario(
        "certificate-of-member",
        (*_APPROVAL, _wide("approve", _SIGNERS, "kubernetes.io/*")),
        nodes.certificate_of_member,
        ("node",),
        None,
        _GROUP,
    ),
    Scenario(
        "node-approved-by-itself",
        (*_APPROVAL, _wide("approve", _SIGNERS, "kubernetes.io/kube-apiserver-client-kubelet")),
        partial(nodes.as_the_node, approve=True),
        ("node",),
        workloads.running,
    ),
    Scenario(
        "node-approved-by-the-controller",
        (_wide("create", _CSR), _wide("get", _CSR), _wide("create", f"{_CSR}/nodeclient")),
        partial(nodes.as_the_node, approve=False),
        ("node",),
        workloads.running,
    ),
    Scenario(
        "token-then-bind",
        (_p("create", "serviceaccounts/token", "holder"),),
        chains.token_then_bind,
        ("token", "bind"),
        chains.account_that_may_bind,
        ("", ""),
    ),
    Scenario(
        "bind-to-bind",
        (_p("create", _BINDINGS), _p("bind", _ROLES, "binder")),
        chains.bind_to_bind,
        ("bind", "bind"),
        chains.role_of_a_role,
        ("", ""),
    ),
    Scenario(
        "bind-to-request-a-token",
        (_p("create", _BINDINGS), _p("bind", _ROLES, "mighty")),
        chains.bind_to_request,
        ("bind", "token"),
        chains.token_role,
    ),
)
