"""What the charts' own ServiceAccounts are bound to, over their versions: facts of the templates.

zero-to-jupyterhub: ``jupyterhub/templates/{hub,proxy/autohttps,image-puller}/rbac.yaml`` and
``scheduling/user-scheduler/rbac.yaml`` of each tag; binderhub: ``helm-chart/binderhub/templates/
rbac.yaml``; dask-gateway: ``resources/helm/dask-gateway/templates/*/rbac.yaml``. Only what isn't
reading is of interest, but for Secrets.
"""

from __future__ import annotations

from responsibility.rbac.objects import Binding, BindingKey, Role, RoleKey, Rule
from tests.unit.ownership.building import Grant, subject

READ = ("get", "watch", "list")
MAKE = (*READ, "create", "delete")


def bound(who: str, *rules: tuple[tuple[str, ...], str, str, str], ns: str) -> Grant:
    """Return a binding as a chart has it: rules are verbs, group, resources and names."""
    name = who.rpartition("/")[2]
    return (
        Role(
            RoleKey(ns, name),
            tuple(Rule(v, (g,), tuple(r.split()), tuple(n.split())) for v, g, r, n in rules),
        ),
        Binding(BindingKey(ns, name), RoleKey(ns, name), (subject(who),)),
    )


def _scheduler(*more: tuple[tuple[str, ...], str, str, str]) -> Grant:
    return bound(
        "ServiceAccount prod/user-scheduler",
        (("create", "patch", "update"), "", "events", ""),
        (("create",), "", "bindings pods/binding", ""),
        (("delete", *READ), "", "pods", ""),
        (("patch", "update"), "", "pods/status", ""),
        (READ, "", "nodes namespaces services replicationcontrollers", ""),
        ((*READ, "patch", "update"), "", "persistentvolumes", ""),
        ((*READ, "patch", "update"), "", "persistentvolumeclaims", ""),
        (("create",), "coordination.k8s.io", "leases", ""),
        *more,
        ns="",
    )


_LOCK = (("get", "update"), "coordination.k8s.io", "leases", "user-scheduler-lock")
_HUB = "ServiceAccount prod/hub"

CHARTS: dict[str, tuple[Grant, ...]] = {
    "jupyterhub 0.5": (bound(_HUB, (MAKE, "", "pods persistentvolumeclaims", ""), ns="prod"),),
    "jupyterhub 0.7": (
        bound(
            _HUB,
            (MAKE, "", "pods persistentvolumeclaims", ""),
            (READ, "", "events", ""),
            ns="prod",
        ),
    ),
    "jupyterhub 0.11": (
        _scheduler(
            _LOCK,
            (("create",), "", "endpoints", ""),
            (("get", "update"), "", "endpoints", "user-scheduler-lock"),
        ),
    ),
    "jupyterhub 3": (
        bound(
            _HUB,
            (MAKE, "", "pods persistentvolumeclaims secrets services", ""),
            (READ, "", "events", ""),
            ns="prod",
        ),
        _scheduler(
            _LOCK,
            (("create",), "", "endpoints", ""),
            (("get", "update"), "", "endpoints", "user-scheduler-lock"),
        ),
        bound(
            "ServiceAccount prod/autohttps",
            (("get", "patch", "list", "create"), "", "secrets", ""),
            ns="prod",
        ),
        bound(
            "ServiceAccount prod/hook-image-awaiter",
            (("get",), "apps", "daemonsets", ""),
            ns="prod",
        ),
    ),
    "jupyterhub 4": (
        bound(
            _HUB,
            (MAKE, "", "pods persistentvolumeclaims secrets services", ""),
            (READ, "", "events", ""),
            ns="prod",
        ),
        _scheduler(
            (("get", "list", "update", "watch"), *_LOCK[1:]),
            (("update",), "", "pods/finalizers", ""),
            ((*READ, "patch", "update"), "resource.k8s.io", "resourceclaims", ""),
        ),
    ),
    "binderhub": (
        bound(
            "ServiceAccount prod/binderhub",
            (MAKE, "", "pods", ""),
            (("get",), "", "pods/log", ""),
            ns="prod",
        ),
        bound("ServiceAccount prod/prod-image-cleaner", (("get", "patch"), "", "nodes", ""), ns=""),
    ),
    "dask-gateway": (
        bound(
            "ServiceAccount prod/api-prod-dask-gateway",
            (("get",), "", "secrets", ""),
            (("*",), "gateway.dask.org", "daskclusters", ""),
            ns="",
        ),
        bound(
            "ServiceAccount prod/controller-prod-dask-gateway",
            (("*",), "gateway.dask.org", "daskclusters daskclusters/status", ""),
            (("get", "create", "delete"), "traefik.io", "ingressroutes ingressroutetcps", ""),
            (MAKE, "", "pods", ""),
            (READ, "", "endpoints", ""),
            (("create", "delete"), "", "secrets services", ""),
            ns="",
        ),
        bound(
            "ServiceAccount prod/traefik-prod-dask-gateway",
            (READ, "", "nodes secrets services", ""),
            (("list", "watch"), "discovery.k8s.io", "endpointslices", ""),
            ns="",
        ),
    ),
}
