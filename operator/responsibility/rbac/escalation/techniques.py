"""The techniques by which one identity comes to act as another, as one table.

Each technique is a list of permissions that are needed together. Where it says *named*, a rule that
is restricted to names must have the target's name; other rules with names count as well, since
having one name is enough to get in.

Sources, in Kubernetes 1.37: impersonation, legacy and constrained: ``staging/src/k8s.io/
apiserver/pkg/endpoints/filters/impersonation/mode.go``; token Secrets: ``pkg/controller/
serviceaccount/tokens_controller.go``; exec by upgrade needs ``create`` since Kubernetes 1.35
(``AuthorizePodWebsocketUpgradeCreatePermission``), before that ``get`` was enough; certificates:
``pkg/certificates/authorization.go``, ``pkg/controller/certificates/approver/sarapprove.go`` and
the admission plugin ``CertificateSubjectRestriction``; what a node may do: ``plugin/pkg/auth/
authorizer/node``.

Left out, since RBAC cannot tell whether they lead anywhere:

* Secrets, volumes and ConfigMaps that hold credentials already: what is in them is not known.
* Privileged pods, host paths and PersistentVolumes of that type: Pod Security admission decides.
* Custom resources whose controllers make pods: each is documented by its own project.
* ``pods/binding``, ``nodes/status``, labels, Services, Endpoints, ``pods/portforward`` and the
  proxies to pods and Services: they move traffic or pods, and no credential of the API.
* APIServices: the aggregator hands on who asks, not with which credential.
* Validating webhooks and policies, Pod Security labels: they refuse, and give nothing.
* ``userextras`` and ``uids``: RBAC looks at neither.
* ``impersonate:associated-node``: only for a pod's own token, and the node that it runs on.
* Bootstrap tokens, ``signers`` that need the CA's key, webhooks of cloud providers. The one
  that everybody has, the ConfigMap ``aws-auth`` of EKS, is here for clusters that have it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from responsibility import api_groups
from responsibility.rbac.escalation.technique import (
    EXEC,
    IMPERSONATE,
    NODE,
    TOKEN,
    WORKLOAD,
    Requirement,
    Technique,
)


def _may(
    *verbs: str, resource: str, group: str = "", **more: bool | str | tuple[str, ...]
) -> Requirement:
    resource, _, subresource = resource.partition("/")
    return Requirement(verbs, group, resource, subresource, **more)  # type: ignore[arg-type]  # the fields of Requirement


_EDIT = ("create", "update", "patch")
_MAKERS = (
    ("", "pods", ("create",)),
    (api_groups.APPS, "deployments", _EDIT),
    (api_groups.APPS, "statefulsets", _EDIT),
    (api_groups.APPS, "daemonsets", _EDIT),
    (api_groups.APPS, "replicasets", _EDIT),
    ("", "replicationcontrollers", _EDIT),
    (api_groups.BATCH, "cronjobs", _EDIT),
    # The template of a Job is immutable.
    (api_groups.BATCH, "jobs", ("create",)),
)
# All of these answer with the Secret itself: a patch that changes nothing, a deletion that a
# finalizer of one's own keeps waiting, and a deletion of many.
_READ = ("get", "list", "watch", "patch", "delete", "deletecollection")


CREATE_ACCOUNT: Final = _may("create", resource="serviceaccounts", named=True)
_REQUEST = _may(
    "create", group=api_groups.CERTIFICATES, resource="certificatesigningrequests", everywhere=True
)


def _approve(signer: str) -> tuple[Requirement, ...]:
    """Return what it takes to approve one's own request (``IsAuthorizedForSignerName``)."""
    domain = signer.partition("/")[0]
    return (
        _REQUEST,
        _may(
            "update",
            "patch",
            group=api_groups.CERTIFICATES,
            resource="certificatesigningrequests/approval",
            everywhere=True,
        ),
        _may(
            "approve",
            group=api_groups.CERTIFICATES,
            resource="signers",
            names=(signer, f"{domain}/*"),
            everywhere=True,
        ),
    )


_CERTIFICATE = Technique(
    NODE,
    "approve a client certificate in the name of {target}",
    _approve("kubernetes.io/kube-apiserver-client"),
    exists=False,
)
# A node gets its certificate by the approver in the controller manager, if who asks may, and
# then has to read it; whoever approves gets it in the answer to the next approval.
_BECOME_A_NODE = (
    (
        _REQUEST,
        _may(
            "create",
            group=api_groups.CERTIFICATES,
            resource="certificatesigningrequests/nodeclient",
            everywhere=True,
        ),
        _may(
            *_READ,
            group=api_groups.CERTIFICATES,
            resource="certificatesigningrequests",
            everywhere=True,
        ),
    ),
    _approve("kubernetes.io/kube-apiserver-client-kubelet"),
)

# On EKS this ConfigMap says which user and which groups an identity of AWS is.
AWS_AUTH: Final = Technique(
    TOKEN,
    "make an identity of AWS {target} in the ConfigMap kube-system/aws-auth",
    (_may("update", "patch", resource="configmaps", names=("aws-auth",), namespace="kube-system"),),
    exists=False,
)

INTO_ACCOUNT: Final[tuple[Technique, ...]] = (
    Technique(
        IMPERSONATE,
        "impersonate {target}",
        (_may("impersonate", resource="serviceaccounts", named=True),),
        exists=False,
    ),
    Technique(
        TOKEN,
        "request a token of {target}",
        (_may("create", resource="serviceaccounts/token", named=True),),
    ),
    *(
        Technique(
            WORKLOAD,
            f"{' or '.join(verbs)} {resource} that run as {{target}}",
            (_may(*verbs, group=group, resource=resource),),
        )
        for group, resource, verbs in _MAKERS
    ),
    Technique(
        TOKEN,
        "create a token Secret for {target} and read it",
        (_may("create", resource="secrets"), _may(*_READ, resource="secrets")),
    ),
    Technique(
        EXEC,
        "run commands in a pod that runs as {target}",
        (_may("create", resource="pods/exec"),),
        pods=True,
    ),
    Technique(
        EXEC,
        "attach to a pod that runs as {target}",
        (_may("create", resource="pods/attach"),),
        pods=True,
    ),
    Technique(
        EXEC,
        "add a debugging container to a pod that runs as {target}",
        (_may("update", "patch", resource="pods/ephemeralcontainers"),),
        pods=True,
    ),
    Technique(
        WORKLOAD,
        "change the image of a pod that runs as {target}",
        (_may("update", "patch", resource="pods"),),
        pods=True,
    ),
    Technique(
        WORKLOAD,
        "have a webhook make new pods run as {target}",
        (
            _may(
                *_EDIT,
                group=api_groups.ADMISSION_REGISTRATION,
                resource="mutatingwebhookconfigurations",
                everywhere=True,
            ),
        ),
    ),
    Technique(
        WORKLOAD,
        "have a mutating policy make new pods run as {target}",
        (
            _may(
                "create",
                group=api_groups.ADMISSION_REGISTRATION,
                resource="mutatingadmissionpolicies",
                everywhere=True,
            ),
            _may(
                "create",
                group=api_groups.ADMISSION_REGISTRATION,
                resource="mutatingadmissionpolicybindings",
                everywhere=True,
            ),
        ),
    ),
    Technique(
        IMPERSONATE,
        "impersonate {target} for single actions",
        (
            _may(
                "impersonate:serviceaccount",
                group=api_groups.AUTHENTICATION,
                resource="serviceaccounts",
                named=True,
            ),
        ),
        exists=False,
        mode="serviceaccount",
    ),
    Technique(
        NODE,
        "reach, through a node's kubelet, a pod that runs as {target}",
        (_may("get", "create", resource="nodes/proxy", everywhere=True),),
        pods=True,
    ),
    *(
        # The Node authorizer lets a node request a token for each pod that runs on it.
        Technique(NODE, "become the node of a pod that runs as {target}", requirements, pods=True)
        for requirements in _BECOME_A_NODE
    ),
    _CERTIFICATE,
)

_INTO_USER = Technique(
    IMPERSONATE,
    "impersonate {target}",
    (_may("impersonate", resource="users", named=True, everywhere=True),),
)
# The mode user-info refuses ServiceAccounts and nodes: these have modes of their own.
INTO_USER: Final[tuple[Technique, ...]] = (
    _INTO_USER,
    Technique(
        IMPERSONATE,
        "impersonate {target} for single actions",
        (
            _may(
                "impersonate:user-info",
                group=api_groups.AUTHENTICATION,
                resource="users",
                named=True,
                everywhere=True,
            ),
        ),
        mode="user-info",
    ),
    _CERTIFICATE,
)
_INTO_NODES = (
    Technique(
        IMPERSONATE,
        "impersonate {target} for single actions",
        (
            _may(
                "impersonate:arbitrary-node",
                group=api_groups.AUTHENTICATION,
                resource="nodes",
                named=True,
                everywhere=True,
            ),
        ),
        mode="arbitrary-node",
    ),
    *(
        Technique(NODE, "get the certificate of {target}", requirements)
        for requirements in _BECOME_A_NODE
    ),
)
INTO_NODE: Final[tuple[Technique, ...]] = (_INTO_USER, *_INTO_NODES, _CERTIFICATE)

# A group can only be impersonated along with somebody: a user or, in the legacy mode, a
# ServiceAccount.
_INTO_GROUP = tuple(
    Technique(
        IMPERSONATE,
        "impersonate a member of {target}",
        (_may("impersonate", resource="groups", named=True, everywhere=True), somebody),
    )
    for somebody in (
        _may("impersonate", resource="users", everywhere=True),
        _may("impersonate", resource="serviceaccounts", anywhere=True),
    )
)
INTO_GROUP: Final[tuple[Technique, ...]] = (
    *_INTO_GROUP,
    Technique(
        IMPERSONATE,
        "impersonate a member of {target} for single actions",
        (
            _may(
                "impersonate:user-info",
                group=api_groups.AUTHENTICATION,
                resource="groups",
                named=True,
                everywhere=True,
            ),
            _may(
                "impersonate:user-info",
                group=api_groups.AUTHENTICATION,
                resource="users",
                everywhere=True,
            ),
        ),
        mode="user-info",
    ),
    _CERTIFICATE,
)
# No constrained impersonation, and no certificate of the signer for API clients.
INTO_MASTERS: Final = _INTO_GROUP
INTO_NODES: Final = (
    *INTO_GROUP,
    *(
        replace(
            technique,
            requirements=tuple(
                replace(requirement, named=False) for requirement in technique.requirements
            ),
        )
        for technique in _INTO_NODES
    ),
)
