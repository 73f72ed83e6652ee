"""A believable organisation, its two hubs, and what has gone wrong around them.

The provider, "Example Hub Collective", runs the cluster. One community has Kubernetes rights of its
own, the other acts through pull requests. Nobody here is invented to look bad: each problem is of
a kind that operators of hubs have reported in public, and the comment before it says which.

Pure functions; the time is passed in, since a delegation has to have expired when it is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from demo.labels import Manifest
from demo.release import distractors, release
from responsibility import api_groups
from responsibility.api.names import API_VERSION, MANAGED_LABEL
from responsibility.ownership.terms.managed_namespaces import MANAGED

PROVIDER = "Example Hub Collective"
MODEL = "2i2c"


PLATFORM: Manifest = {"kind": "Group", "name": "platform-engineers"}
SUPPORT: Manifest = {"kind": "Group", "name": "support-engineers"}
DEPLOYER: Manifest = {"kind": "ServiceAccount", "name": "deployer", "namespace": "ci"}
LEAP_ADMINS: Manifest = {"kind": "Group", "name": "leap-admins"}
ATLAS_ENGINEERS: Manifest = {"kind": "Group", "name": "atlas-engineers"}
CONTRACTOR: Manifest = {"kind": "User", "name": "temp-contractor@example.org"}
LEAVER: Manifest = {"kind": "User", "name": "former-engineer@example.org"}
DASK_GATEWAY: Manifest = {
    "kind": "ServiceAccount",
    "name": "traefik-dask-gateway",
    "namespace": "leap-prod",
}


@dataclass(frozen=True, slots=True)
class Hub:
    """A hub of the demo: where it is and what its record is called."""

    namespace: str
    release: str
    record: str
    display_name: str


LEAP = Hub("leap-prod", "leap-prod", "leap-prod", "LEAP")
COAST = Hub("coast", "coast", "coast", "Coast")
ATLAS = Hub("atlas", "atlas", "atlas", "Atlas")
# What the chart puts before every name of a release with `fullnameOverride: null`.
ATLAS_PREFIX = "atlas-jupyterhub-"


def manifests() -> list[Manifest]:
    """Return the cluster as it is before anybody writes down who owns what."""
    return [*hubs(), *provider(), *communities(), *problems()]


def hubs() -> list[Manifest]:
    """Return the two hubs, each in a namespace of its own."""
    return [
        namespace(LEAP.namespace),
        *release(LEAP.namespace, LEAP.release, https=True),
        *distractors(LEAP.namespace),
        # A chart of the generation before, without a scheduler of its own: both are in use.
        namespace(COAST.namespace),
        *release(
            COAST.namespace,
            COAST.release,
            generation="legacy",
            chart_version="3.3.8",
            user_scheduler=False,
        ),
    ]


def provider() -> list[Manifest]:
    """Return the people and the machine of the provider, as they should be."""
    return [
        namespace("ci"),
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "deployer", "namespace": "ci"},
        },
        cluster_binding("platform-engineers", "cluster-admin", PLATFORM),
        # Installing the hub's chart creates ClusterRoles, and nobody may create a ClusterRole
        # that holds more than they do: so whoever deploys hubs is usually given everything.
        cluster_binding("ci-deployer", "cluster-admin", DEPLOYER),
        cluster_role(
            "hub-support",
            rule("", ["pods", "events", "services"], ["get", "list", "watch"]),
            rule("", ["pods/log"], ["get"]),
            rule("", ["pods"], ["delete"]),
        ),
        binding(LEAP.namespace, "hub-support", "hub-support", SUPPORT),
        binding(COAST.namespace, "hub-support", "hub-support", SUPPORT),
    ]


def communities() -> list[Manifest]:
    """Return what the communities themselves may do in the cluster.

    Coast is not here: its people have no Kubernetes identity. They open pull requests, which
    `ci/deployer` applies, and use the hub's admin page.
    """
    return [
        # Meant for restarts and memory limits. The built-in role `edit` holds far more, among
        # it reading Secret `hub`, which is the whole configuration, and a shell in every pod.
        binding(LEAP.namespace, "leap-admins", "edit", LEAP_ADMINS),
    ]


def problems() -> list[Manifest]:
    """Return the grants that are there and should not be."""
    return [
        # Help for one week, given as the fastest thing that worked, and never taken back.
        cluster_binding("temp-contractor", "cluster-admin", CONTRACTOR),
        # Off-boarding lists name chat, mail and the password manager. The cluster is not on them.
        binding(COAST.namespace, "former-engineer", "admin", LEAVER),
        # A gateway of one hub that may read the Secrets of the whole cluster, and so the other
        # hub's tokens and cookie secret. A subchart brings these rights along.
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": DASK_GATEWAY["name"], "namespace": LEAP.namespace},
        },
        cluster_role(
            "traefik-leap-prod-dask-gateway", rule("", ["secrets"], ["get", "list", "watch"])
        ),
        cluster_binding(
            "traefik-leap-prod-dask-gateway", "traefik-leap-prod-dask-gateway", DASK_GATEWAY
        ),
    ]


def third_hub() -> list[Manifest]:
    """Return a hub whose community owns everything, and can no longer do it.

    Accounts were moved and a Role was lost on the way: the binding is still there, and points at
    nothing. The other direction of drift, reported as often as the first.
    """
    return [
        namespace(ATLAS.namespace),
        *release(ATLAS.namespace, ATLAS.release, prefix=ATLAS_PREFIX),
        {
            "apiVersion": f"{api_groups.RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "atlas-owners", "namespace": ATLAS.namespace},
            "subjects": [{**ATLAS_ENGINEERS, "apiGroup": api_groups.RBAC}],
            "roleRef": {"apiGroup": api_groups.RBAC, "kind": "Role", "name": "hub-owner"},
        },
    ]


def provider_subjects() -> Manifest:
    """Return what the provider adds to the shipped model, to be applied server-side.

    Parties are merged by name, so this says who the provider is and leaves the rest alone. What the
    model's own field manager has set, such as the name to show, would be a conflict.
    """
    return {
        "apiVersion": API_VERSION,
        "kind": "ResponsibilityModel",
        "metadata": {"name": MODEL},
        "spec": {
            "parties": [
                {
                    "name": "provider",
                    "contact": {"email": "support@hub-collective.example"},
                    "subjects": [PLATFORM, SUPPORT, DEPLOYER],
                }
            ]
        },
    }


def records(now: datetime) -> list[Manifest]:
    """Return the two agreements, one a hub, as they stand at ``now``."""
    return [_leap(now), _coast(now)]


def third_record() -> Manifest:
    """Return the agreement of the third hub: the community owns what it once could do."""
    owned = ["kubernetes-configuration", "deploy-configure-hub", "incident-response"]
    return _record(
        ATLAS,
        community={
            "displayName": "Atlas community",
            "contact": {"email": "operations@atlas.example"},
            "subjects": [ATLAS_ENGINEERS],
        },
        items=[{"name": name, "owner": "community"} for name in owned],
    )


def _leap(now: datetime) -> Manifest:
    return _record(
        LEAP,
        community={
            "displayName": "LEAP community",
            "contact": {"email": "hub-leads@leap.example"},
            "subjects": [LEAP_ADMINS],
            "hubUsers": ["example-lead"],
        },
        items=[
            {
                "name": "kubernetes-configuration",
                "owner": "provider",
                "delegates": [
                    # "More memory for today's workshop" is agreed in a hurry, and the change
                    # back is forgotten. Here the delegation ended a week ago.
                    {
                        "party": "community",
                        "until": _timestamp(now - timedelta(days=7)),
                        "reason": "spring workshop",
                        "bounds": [{"path": "singleuser.memory.limit", "max": "8Gi"}],
                    }
                ],
            },
        ],
    )


def _coast(now: datetime) -> Manifest:
    return _record(
        COAST,
        community={
            "displayName": "Coast community",
            "contact": {"url": "https://coast.example/contact"},
            "hubUsers": ["example-lead"],
        },
        items=[
            # Who supports the users was settled once, and not asked again: an agreement that
            # can only be attested has to be looked at from time to time.
            {
                "name": "general-user-support",
                "owner": "community",
                "reviewAfter": (now - timedelta(days=30)).date().isoformat(),
            },
        ],
    )


def _record(hub: Hub, *, community: Manifest, items: list[Manifest]) -> Manifest:
    return {
        "apiVersion": API_VERSION,
        "kind": "Responsibility",
        "metadata": {"name": hub.record},
        "spec": {
            "hub": {
                "namespace": hub.namespace,
                "release": hub.release,
                "displayName": hub.display_name,
            },
            "model": MODEL,
            "parties": [{"name": "community", **community}],
            "items": items,
        },
    }


def _timestamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def namespace(name: str, *, managed: bool = True) -> Manifest:
    """Return a Namespace, ``managed`` if the operator may write there."""
    labels = {"labels": {MANAGED_LABEL: MANAGED}} if managed else {}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, **labels}}


def rule(api_group: str, resources: list[str], verbs: list[str]) -> Manifest:
    """Return one rule of a role."""
    return {"apiGroups": [api_group], "resources": resources, "verbs": verbs}


def cluster_role(name: str, *rules: Manifest) -> Manifest:
    """Return a ClusterRole."""
    return {
        "apiVersion": f"{api_groups.RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": list(rules),
    }


def binding(namespace: str, name: str, role: str, *subjects: Manifest) -> Manifest:
    """Return a RoleBinding of a *cluster* role: what it holds, in one namespace."""
    return _binding("RoleBinding", {"name": name, "namespace": namespace}, role, subjects)


def cluster_binding(name: str, role: str, *subjects: Manifest) -> Manifest:
    """Return a ClusterRoleBinding."""
    return _binding("ClusterRoleBinding", {"name": name}, role, subjects)


def _binding(kind: str, metadata: Manifest, role: str, subjects: tuple[Manifest, ...]) -> Manifest:
    return {
        "apiVersion": f"{api_groups.RBAC}/v1",
        "kind": kind,
        "metadata": metadata,
        # Only users and groups have an API group; a ServiceAccount is of the core group.
        "subjects": [
            subject
            if subject["kind"] == "ServiceAccount"
            else {**subject, "apiGroup": api_groups.RBAC}
            for subject in subjects
        ],
        "roleRef": {"apiGroup": api_groups.RBAC, "kind": "ClusterRole", "name": role},
    }
