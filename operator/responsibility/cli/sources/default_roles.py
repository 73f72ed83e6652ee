"""Roles that Kubernetes brings along for people, for files that bind them without having them.

Nobody keeps ``cluster-admin``, ``admin``, ``edit`` and ``view`` in Git: the API server makes them,
and adds what is missing whenever it starts (``autoupdate``). So what stands here is what they hold
*at least*. A yes by them is a yes; a no is *unknown*, since an add-on may have extended them by
aggregation, or a later version of Kubernetes. Only ``cluster-admin`` can't be extended. The same
goes for what everybody may do who is logged in, such as asking what one may do.

From ``plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go``; a test on a live cluster says
whether it still holds. Roles named ``system:…`` belong to the control plane: unknown where missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from responsibility.rbac.identity import AUTHENTICATED, UNAUTHENTICATED
from responsibility.rbac.objects import GROUP, Binding, BindingKey, Role, RoleKey, Rule, Subject

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

# What each of the three adds to the one below it: the rules of `system:aggregate-to-…`.
_OWN: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "admin": _ADMIN[len(_EDIT) :],
    "edit": _EDIT[: len(_EDIT) - len(_VIEW)],
    "view": _VIEW,
}
_AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"
_BOOTSTRAP = {"kubernetes.io/bootstrapping": "rbac-defaults"}

_ACCOUNTS = "system:serviceaccounts"
# What is bound to everybody: the group, and what it may do, in the words of the API.
_HEALTH = ("/healthz", "/livez", "/readyz", "/version", "/version/")
_DISCOVERY = ("/api", "/api/*", "/apis", "/apis/*", *_HEALTH[:2], "/openapi", "/openapi/*")
_KEYS = (
    *("/.well-known/openid-configuration", "/.well-known/openid-configuration/"),
    *("/openid/v1/jwks", "/openid/v1/jwks/"),
)
_PUBLIC: Mapping[str, tuple[tuple[str, ...], tuple[Rule, ...]]] = {
    "system:basic-user": (
        (AUTHENTICATED,),
        (
            Rule(
                ("create",),
                ("authorization.k8s.io",),
                ("selfsubjectaccessreviews", "selfsubjectrulesreviews"),
            ),
            Rule(("create",), ("authentication.k8s.io",), ("selfsubjectreviews",)),
        ),
    ),
    "system:cluster-trust-bundle-discovery": (
        (_ACCOUNTS,),
        (Rule(("get", "list", "watch"), ("certificates.k8s.io",), ("clustertrustbundles",)),),
    ),
    "system:discovery": (
        (AUTHENTICATED,),
        (Rule(("get",), non_resource_urls=(*_DISCOVERY, *_HEALTH[2:])),),
    ),
    "system:public-info-viewer": (
        (AUTHENTICATED, UNAUTHENTICATED),
        (Rule(("get",), non_resource_urls=_HEALTH),),
    ),
    "system:service-account-issuer-discovery": (
        (_ACCOUNTS,),
        (Rule(("get",), non_resource_urls=_KEYS),),
    ),
}


# What nobody extends.
COMPLETE: Final = frozenset({CLUSTER_ADMIN, *(RoleKey("", name) for name in _PUBLIC)})


def bases() -> dict[RoleKey, tuple[Rule, ...]]:
    """Return the rules that Kubernetes' own aggregates hold, whatever else extends them."""
    return {RoleKey("", name): _rules(_TABLES[name]) for name in _TABLES}


def roles() -> tuple[Role, ...]:
    """Return the roles for people, what they are made of, and those of everybody."""
    made = [Role(CLUSTER_ADMIN, _EVERYTHING, labels=_BOOTSTRAP)]
    for name, table in _TABLES.items():
        above = _above(name)
        # Each of the three takes in the roles of those below it, too.
        selectors = tuple(
            {"matchLabels": {f"{_AGGREGATE}{each}": "true"}}
            for each in list(_TABLES)[list(_TABLES).index(name) :]
        )
        labels = {**_BOOTSTRAP, **({f"{_AGGREGATE}{above}": "true"} if above else {})}
        key = RoleKey("", name)
        made.append(Role(key, _rules(table), labels=labels, aggregation=selectors))
        aggregated_key = RoleKey("", f"system:aggregate-to-{name}")
        labels = {**_BOOTSTRAP, f"{_AGGREGATE}{name}": "true"}
        made.append(Role(aggregated_key, _rules(_OWN[name]), labels=labels))
    made.extend(
        Role(RoleKey("", name), rules, labels=_BOOTSTRAP) for name, (_, rules) in _PUBLIC.items()
    )
    return tuple(made)


def bindings() -> tuple[Binding, ...]:
    """Return the bindings of everybody: those that speak of no part of the control plane."""
    return tuple(
        Binding(
            BindingKey("", name),
            RoleKey("", name),
            tuple(Subject(GROUP, group) for group in groups),
            labels=_BOOTSTRAP,
        )
        for name, (groups, _) in _PUBLIC.items()
    )


def _above(name: str) -> str:
    order = ("", *_TABLES)
    return order[order.index(name) - 1]


def _rules(table: tuple[tuple[str, str, str], ...]) -> tuple[Rule, ...]:
    return tuple(
        Rule(tuple(verbs.split()), _groups(groups), tuple(resources.split()))
        for groups, resources, verbs in table
    )


def _groups(text: str) -> tuple[str, ...]:
    return tuple("" if group == "-" else group for group in text.split())


def as_manifest(role: Role) -> dict[str, Any]:
    """Return the rules as the API writes them, for tests."""
    return {
        "rules": [
            {"apiGroups": list(r.api_groups), "resources": list(r.resources), "verbs": [*r.verbs]}
            for r in role.rules
        ]
    }
