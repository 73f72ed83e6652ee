"""The ways by which one identity comes to act as another, as one table.

Each way is a list of permissions that are needed together. Where it says *named*, a rule that
is restricted to names must have the target's name; other rules with names count as well, since
having one name is enough to get in.

Sources: impersonation, legacy and constrained: ``staging/src/k8s.io/apiserver/pkg/endpoints/
filters/impersonation/mode.go``; token Secrets: ``pkg/controller/serviceaccount/
tokens_controller.go``; exec by upgrade needs ``create`` since Kubernetes 1.35
(``AuthorizePodWebsocketUpgradeCreatePermission``); certificates:
``pkg/controller/certificates`` and, for system:masters, the admission plugin
``CertificateSubjectRestriction``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

BIND: Final = "bind"
ESCALATE: Final = "escalate"
IMPERSONATE: Final = "impersonate"
TOKEN: Final = "token"  # noqa: S105 - the name of a route
EXEC: Final = "exec"
WORKLOAD: Final = "workload"
NODE: Final = "node"
DIRECT: Final = "direct"

ROUTES: Final = (DIRECT, BIND, ESCALATE, IMPERSONATE, TOKEN, EXEC, WORKLOAD, NODE)


@dataclass(frozen=True, slots=True)
class Need:
    """One permission of a way: any of the verbs on one resource.

    ``named`` asks for the target's own name, ``name`` for a fixed one; otherwise any name does.
    ``everywhere`` asks at cluster scope, otherwise in the target's namespace.
    """

    verbs: tuple[str, ...]
    group: str
    resource: str
    subresource: str = ""
    named: bool = False
    name: str = ""
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """A way into an identity: what is needed, and how to say it.

    ``pods`` says that it needs a pod that runs as the target; ``exists`` that the target must
    exist (a ServiceAccount that does not can still be impersonated). ``mode`` is that of
    constrained impersonation, in which every single action needs a permission of its own.
    """

    route: str
    words: str
    needs: tuple[Need, ...]
    pods: bool = False
    exists: bool = True
    mode: str = ""


def _may(*verbs: str, group: str = "", resource: str, **more: bool | str) -> Need:
    resource, _, subresource = resource.partition("/")
    return Need(verbs, group, resource, subresource, **more)  # type: ignore[arg-type]


_MAKERS = (
    ("", "pods", ("create",)),
    ("apps", "deployments", ("create", "update", "patch")),
    ("apps", "statefulsets", ("create", "update", "patch")),
    ("apps", "daemonsets", ("create", "update", "patch")),
    ("apps", "replicasets", ("create", "update", "patch")),
    ("", "replicationcontrollers", ("create", "update", "patch")),
    ("batch", "cronjobs", ("create", "update", "patch")),
    ("batch", "jobs", ("create",)),
)
_AUTHENTICATION = "authentication.k8s.io"

_CERTIFICATE = Way(
    NODE,
    "approve a client certificate in the name of {target}",
    (
        _may(
            "create",
            group="certificates.k8s.io",
            resource="certificatesigningrequests",
            everywhere=True,
        ),
        _may(
            "update",
            "patch",
            group="certificates.k8s.io",
            resource="certificatesigningrequests/approval",
            everywhere=True,
        ),
        _may(
            "approve",
            group="certificates.k8s.io",
            resource="signers",
            name="kubernetes.io/kube-apiserver-client",
            everywhere=True,
        ),
    ),
    exists=False,
)

INTO_ACCOUNT: Final[tuple[Way, ...]] = (
    Way(
        IMPERSONATE,
        "impersonate {target}",
        (_may("impersonate", resource="serviceaccounts", named=True),),
        exists=False,
    ),
    Way(
        TOKEN,
        "request a token of {target}",
        (_may("create", resource="serviceaccounts/token", named=True),),
    ),
    *(
        Way(
            WORKLOAD,
            f"{' or '.join(verbs)} {resource} that run as {{target}}",
            (_may(*verbs, group=group, resource=resource),),
        )
        for group, resource, verbs in _MAKERS
    ),
    Way(
        TOKEN,
        "create a token Secret for {target} and read it",
        (_may("create", resource="secrets"), _may("get", "list", "watch", resource="secrets")),
    ),
    Way(
        EXEC,
        "run commands in a pod that runs as {target}",
        (_may("create", resource="pods/exec"),),
        pods=True,
    ),
    Way(
        EXEC,
        "attach to a pod that runs as {target}",
        (_may("create", resource="pods/attach"),),
        pods=True,
    ),
    Way(
        EXEC,
        "add a debugging container to a pod that runs as {target}",
        (_may("update", "patch", resource="pods/ephemeralcontainers"),),
        pods=True,
    ),
    Way(
        WORKLOAD,
        "change the image of a pod that runs as {target}",
        (_may("update", "patch", resource="pods"),),
        pods=True,
    ),
    Way(
        IMPERSONATE,
        "impersonate {target} for single actions",
        (
            _may(
                "impersonate:serviceaccount",
                group=_AUTHENTICATION,
                resource="serviceaccounts",
                named=True,
            ),
        ),
        exists=False,
        mode="serviceaccount",
    ),
    Way(
        NODE,
        "reach, through a node's kubelet, a pod that runs as {target}",
        (_may("get", "create", resource="nodes/proxy", everywhere=True),),
        pods=True,
    ),
    _CERTIFICATE,
)

INTO_USER: Final[tuple[Way, ...]] = (
    Way(
        IMPERSONATE,
        "impersonate {target}",
        (_may("impersonate", resource="users", named=True, everywhere=True),),
    ),
    Way(
        IMPERSONATE,
        "impersonate {target} for single actions",
        (
            _may(
                "impersonate:user-info",
                group=_AUTHENTICATION,
                resource="users",
                named=True,
                everywhere=True,
            ),
        ),
        mode="user-info",
    ),
    _CERTIFICATE,
)

# A group can only be impersonated along with some user.
INTO_GROUP: Final[tuple[Way, ...]] = (
    Way(
        IMPERSONATE,
        "impersonate a member of {target}",
        (
            _may("impersonate", resource="groups", named=True, everywhere=True),
            _may("impersonate", resource="users", everywhere=True),
        ),
    ),
    Way(
        IMPERSONATE,
        "impersonate a member of {target} for single actions",
        (
            _may(
                "impersonate:user-info",
                group=_AUTHENTICATION,
                resource="groups",
                named=True,
                everywhere=True,
            ),
            _may(
                "impersonate:user-info",
                group=_AUTHENTICATION,
                resource="users",
                everywhere=True,
            ),
        ),
        mode="user-info",
    ),
    _CERTIFICATE,
)
