"""Roles that Kubernetes brings along for people, for files that bind them without having them.

Nobody keeps ``cluster-admin``, ``admin``, ``edit`` and ``view`` in Git: the API server makes them,
and adds what is missing whenever it starts (``autoupdate``). So what stands here is what they hold
*at least*. A yes by them is a yes; a no is *unknown*, since an add-on may have extended them by
aggregation, or a later version of Kubernetes. Only ``cluster-admin`` can't be extended.

From ``plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go``; a test on a live cluster says
whether it still holds. Roles named ``system:…`` belong to the control plane: unknown where missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from responsibility.rbac.objects import Role, RoleKey, Rule

VERSION: Final = "1.37"
CLUSTER_ADMIN: Final = RoleKey("", "cluster-admin")

_READ = "get list watch"
_WRITE = "create delete deletecollection patch update"
_WORKLOADS = (
    "daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets "
    "replicasets/scale replicasets/status"
)
_CHANGED = "daemonsets deployments deployments/rollback deployments/scale replicasets "

# ruff: noqa: ISC004 - long cells of a table
# API groups (- is the core group), resources, verbs.
_VIEW = (
    (
        "-",
        "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods "
        "replicationcontrollers replicationcontrollers/scale serviceaccounts services "
        "services/status",
        _READ,
    ),
    (
        "-",
        "bindings limitranges namespaces/status pods/log pods/status "
        "replicationcontrollers/status resourcequotas resourcequotas/status",
        _READ,
    ),
    ("-", "namespaces", _READ),
    ("- events.k8s.io", "events", _READ),
    ("discovery.k8s.io", "endpointslices", _READ),
    (
        "apps",
        f"controllerrevisions {_WORKLOADS} statefulsets statefulsets/scale statefulsets/status",
        _READ,
    ),
    ("autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status", _READ),
    ("batch", "cronjobs cronjobs/status jobs jobs/status", _READ),
    (
        "extensions",
        f"{_WORKLOADS} ingresses ingresses/status networkpolicies replicationcontrollers/scale",
        _READ,
    ),
    ("policy", "poddisruptionbudgets poddisruptionbudgets/status", _READ),
    ("networking.k8s.io", "ingresses ingresses/status networkpolicies", _READ),
    ("resource.k8s.io", "resourceclaims resourceclaims/status resourceclaimtemplates", _READ),
)
_EDIT = (
    ("-", "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy", _READ),
    ("-", "serviceaccounts", "impersonate"),
    ("-", "pods pods/attach pods/exec pods/portforward pods/proxy", _WRITE),
    ("-", "pods/eviction", "create"),
    (
        "-",
        "configmaps persistentvolumeclaims replicationcontrollers replicationcontrollers/scale "
        "secrets serviceaccounts services services/proxy",
        _WRITE,
    ),
    ("-", "serviceaccounts/token", "create"),
    ("- events.k8s.io", "events", _WRITE),
    ("apps", f"{_CHANGED} replicasets/scale statefulsets statefulsets/scale", _WRITE),
    ("autoscaling", "horizontalpodautoscalers", _WRITE),
    ("batch", "cronjobs jobs", _WRITE),
    (
        "extensions",
        f"{_CHANGED} ingresses networkpolicies replicasets/scale replicationcontrollers/scale",
        _WRITE,
    ),
    ("policy", "poddisruptionbudgets", _WRITE),
    ("networking.k8s.io", "ingresses networkpolicies", _WRITE),
    ("coordination.k8s.io", "leases", f"{_READ} {_WRITE}"),
    ("resource.k8s.io", "resourceclaims resourceclaimtemplates", _WRITE),
    *_VIEW,
)
_ADMIN = (
    *_EDIT,
    ("authorization.k8s.io", "localsubjectaccessreviews", "create"),
    ("rbac.authorization.k8s.io", "rolebindings roles", f"{_READ} {_WRITE}"),
)
_TABLES: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "admin": _ADMIN,
    "edit": _EDIT,
    "view": _VIEW,
}
_EVERYTHING = (Rule(("*",), ("*",), ("*",)), Rule(("*",), non_resource_urls=("*",)))
NAMES: Final = ("cluster-admin", *_TABLES)


def assume(names: Iterable[str], given: Iterable[Role]) -> tuple[Role, ...]:
    """Return the default roles of these names.

    Roles among ``given`` that are labelled to be aggregated into one of them extend it.
    """
    extensions = tuple(given)
    return tuple(_role(name, extensions) for name in names if name in NAMES)


def _role(name: str, given: tuple[Role, ...]) -> Role:
    key = RoleKey("", name)
    if key == CLUSTER_ADMIN:
        return Role(key, _EVERYTHING)
    rules = [
        Rule(tuple(verbs.split()), _groups(groups), tuple(resources.split()))
        for groups, resources, verbs in _TABLES[name]
    ]
    # Each of the three takes in the roles of those below it, too.
    labels = {f"rbac.authorization.k8s.io/aggregate-to-{each}" for each in _below(name)}
    for role in given:
        if not role.key.namespace and any(role.labels.get(label) == "true" for label in labels):
            rules.extend(role.rules)
    return Role(key, tuple(rules))


def _groups(text: str) -> tuple[str, ...]:
    return tuple("" if group == "-" else group for group in text.split())


def _below(name: str) -> tuple[str, ...]:
    order = tuple(_TABLES)
    return order[order.index(name) :]


def as_manifest(role: Role) -> dict[str, Any]:
    """Return the rules as the API writes them, for tests."""
    return {
        "rules": [
            {"apiGroups": list(r.api_groups), "resources": list(r.resources), "verbs": [*r.verbs]}
            for r in role.rules
        ]
    }
