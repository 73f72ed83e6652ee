"""Severity of excess access: the worst that it lets somebody do, on one scale.

The same table has the words for it: what is said of a permission to those who don't know Kubernetes
can't differ from how bad it is held to be.

The kind of a finding says what is wrong with the agreement; this says what could happen. The order
is that of the risks in ``RBAC Good Practices`` of the Kubernetes documentation: rights that lead to
all others first, then what is secret, then what runs code, then what is changed or lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Final

from responsibility import api_groups
from responsibility.api.names import API_GROUP, ASSIGN_VERB
from responsibility.ownership.terms.permission_index import EVERYTHING, Permission
from responsibility.rbac.index import remember

_ANY: Final = "*"
_READ: Final = frozenset({"get", "list", "watch"})
_DELETE: Final = frozenset({"delete", "deletecollection"})
_CHANGE: Final = frozenset({"create", "update", "patch"}) | _DELETE
# What of a group can be scaled.
_SCALED: Final = ("deployments", "replicasets", "statefulsets")
# The rest of a resource where a permission is about all of a group, or of all groups.
_ANYTHING: Final = "anything else"


class Severity(IntEnum):
    """The urgency with which somebody should look; the lowest comes first."""

    HIGH = 1
    MEDIUM = 2
    LOW = 3


@dataclass(frozen=True, slots=True)
class RatedAbility:
    """Requests with one of the verbs (all, if none) on one of the resources (all, if none).

    ``words`` say what they come to, after "can", to somebody who doesn't know Kubernetes; in them,
    ``{}`` is the resource, where no line before is about it. ``resources`` are ``group/resource``,
    subresources after another slash; of a group alone, all.
    """

    words: str
    verbs: frozenset[str] = frozenset()
    resources: frozenset[str] = frozenset()

    def include(self, permission: Permission) -> bool:
        """Return whether a permission allows any of them."""
        if self.verbs and permission.verb != _ANY and permission.verb not in self.verbs:
            return False
        return not self.resources or any(_is_of(permission, each) for each in self.resources)

    @property
    def is_general(self) -> bool:
        """Whether it is what is left when all that has words of its own is told."""
        return "{}" in self.words


def _is_of(permission: Permission, resource: str) -> bool:
    group, _, wanted = resource.partition("/")
    if permission.group not in (group, _ANY):
        return False
    if permission.resource == _ANY and wanted:
        return not permission.subresource or wanted.endswith(f"/{permission.subresource}")
    return not wanted or permission.full_resource == wanted


@dataclass(frozen=True, slots=True)
class Danger:
    """One step of the scale: what is meant, how soon somebody should look, and why."""

    rank: int
    severity: Severity
    what: str
    reason: str
    abilities: tuple[RatedAbility, ...]


def _some(words: str, verbs: frozenset[str], *resources: str) -> RatedAbility:
    return RatedAbility(words, verbs, frozenset(resources))


# In order: of each permission, the first that includes it counts.
SCALE: Final[tuple[Danger, ...]] = (
    Danger(
        0,
        Severity.HIGH,
        "everything, on all hubs",
        "It includes all below, and the records that say who owns what.",
        (RatedAbility("do everything"),),
    ),
    Danger(
        1,
        Severity.HIGH,
        "give oneself rights, or act as somebody else",
        "It leads to every right that anybody has: RBAC, impersonation, tokens, certificates, what "
        "changes or guards requests, and the records themselves.",
        (
            RatedAbility("act as somebody else", frozenset({"impersonate"})),
            RatedAbility("give themselves and others more rights", frozenset({"bind", "escalate"})),
            RatedAbility("make logins in anybody's name", frozenset({"approve", "sign"})),
            RatedAbility("change who is responsible for what", frozenset({ASSIGN_VERB})),
            _some("give themselves and others more rights", _CHANGE, api_groups.RBAC),
            _some("make logins in anybody's name", _CHANGE, api_groups.CERTIFICATES),
            _some(
                "switch off what guards the cluster",
                _CHANGE,
                api_groups.ADMISSION_REGISTRATION,
            ),
            _some("answer in the cluster's place", _CHANGE, "apiregistration.k8s.io"),
            _some("act as the programs that run there", _CHANGE, "/serviceaccounts/token"),
            _some("change who is responsible for what", _CHANGE, API_GROUP),
        ),
    ),
    Danger(
        2,
        Severity.HIGH,
        "read or change Secrets",
        "The hub's hold its cookie secret, its OAuth client and its database's password; what is "
        "changed in them is what the hub runs by next.",
        (
            _some("read passwords and tokens", _READ, "/secrets"),
            _some("delete passwords, tokens and settings", _DELETE, "/secrets"),
            _some("change passwords, tokens and settings", _CHANGE, "/secrets"),
        ),
    ),
    Danger(
        3,
        Severity.HIGH,
        "get into what runs",
        "It is a shell beside users' work and the hub's token, and leaves no object behind.",
        (
            RatedAbility(
                "open a shell in people's sessions",
                resources=frozenset({"/pods/exec", "/pods/attach", "/pods/ephemeralcontainers"}),
            ),
            RatedAbility(
                "connect to what runs in people's sessions",
                resources=frozenset({"/pods/portforward", "/pods/proxy", "/services/proxy"}),
            ),
            RatedAbility(
                "get into all that runs on a machine", resources=frozenset({"/nodes/proxy"})
            ),
        ),
    ),
    Danger(
        4,
        Severity.MEDIUM,
        "change what runs, or what all hubs share",
        "Code can be made to run, or all users be put out; but it stands in an object, where it "
        "is seen and can be taken back.",
        (
            _some("delete everything", _DELETE, "/namespaces"),
            _some("change what guards everything there", _CHANGE, "/namespaces"),
            _some("take machines away from the cluster", _DELETE, "/nodes"),
            _some("change the cluster's machines", _CHANGE, "/nodes"),
            _some("delete disks with people's files", _DELETE, "/persistentvolumes"),
            _some("change disks with people's files", _CHANGE, "/persistentvolumes"),
            _some("end people's sessions", _DELETE, "/pods"),
            _some("remove what runs", _DELETE, api_groups.BATCH),
            _some("run programs of their own", _CHANGE, "/pods", api_groups.BATCH),
            _some(
                "start and stop what runs",
                _CHANGE,
                *(f"{api_groups.APPS}/{each}/scale" for each in _SCALED),
            ),
            _some("remove what runs", _DELETE, api_groups.APPS, "/replicationcontrollers"),
            _some("change what runs", _CHANGE, api_groups.APPS, "/replicationcontrollers"),
            _some("change what all hubs are built on", _CHANGE, api_groups.API_EXTENSIONS),
            _some("change how all hubs get their disks", _CHANGE, "storage.k8s.io"),
        ),
    ),
    Danger(
        5,
        Severity.MEDIUM,
        "change or delete anything else",
        "Users' data and the hub's settings are among it: what is deleted may not come back.",
        (
            _some("delete people's files", _DELETE, "/persistentvolumeclaims"),
            _some("change the disks for people's files", _CHANGE, "/persistentvolumeclaims"),
            _some("copy people's files, or delete copies", _CHANGE, "snapshot.storage.k8s.io"),
            _some("end people's sessions", _CHANGE, "/pods/eviction"),
            _some("change or delete settings", _CHANGE, "/configmaps"),
            _some(
                "change what programs may reach in the cloud",
                _CHANGE,
                "/serviceaccounts",
            ),
            _some(
                "redirect what people send, or let others in",
                _CHANGE,
                *("/services", "/endpoints", "discovery.k8s.io"),
                *(api_groups.NETWORKING, "gateway.networking.k8s.io"),
            ),
            _some(
                "change how much memory and computing there is",
                _CHANGE,
                *("/resourcequotas", "/resourcequotas/status", "/limitranges", "/pods/resize"),
                *(api_groups.AUTOSCALING, "autoscaling.k8s.io", "keda.sh"),
            ),
            _some("start and stop what runs", _CHANGE, "/replicationcontrollers/scale"),
            _some("change how much may be down at once", _CHANGE, "policy"),
            _some("choose on what sessions run", _CHANGE, "/bindings", "/pods/binding"),
            _some("decide whose sessions have to wait", _CHANGE, "scheduling.k8s.io"),
            _some("change which copy of a program is in charge", _CHANGE, api_groups.COORDINATION),
            _some("change or silence alarms", _CHANGE, "monitoring.coreos.com"),
            _some(
                "mislead the cluster about what runs",
                _CHANGE,
                *("/pods/status", "/replicationcontrollers/status"),
            ),
            _some("mislead the cluster about its machines", _CHANGE, "/nodes/status"),
            _some(
                "end a removal before all is gone",
                _CHANGE,
                *("/namespaces/finalize", "/namespaces/status"),
            ),
            RatedAbility("change or delete {}", _CHANGE),
        ),
    ),
    Danger(
        6,
        Severity.LOW,
        "look at anything else",
        "Nothing changes by it, and it is no credential.",
        (
            _some("read what sessions and the hub write down", _READ, "/pods/log"),
            _some("see which disks there are", _READ, "/persistentvolumeclaims"),
            _some("see which disks there are", _READ, "/persistentvolumes"),
            _some("see who has which rights", _READ, api_groups.RBAC),
            _some("read settings", _READ, "/configmaps"),
            _some("see the cluster's machines", _READ, "/nodes"),
            _some("see which hubs there are", _READ, "/namespaces"),
            _some("see how much is used", _READ, "metrics.k8s.io"),
            _some(
                "see what runs",
                _READ,
                *("/pods", "/events", "/services", "/serviceaccounts"),
                *("discovery.k8s.io", api_groups.NETWORKING, api_groups.APPS, api_groups.BATCH),
            ),
            _some("see the limits", _READ, "/resourcequotas", "/limitranges"),
            _some("see what all hubs are built on", _READ, api_groups.API_EXTENSIONS),
            RatedAbility("look at {}", _READ),
            RatedAbility("use {}"),
        ),
    ),
)


@lru_cache(maxsize=8_192)
def danger_of(permission: Permission) -> Danger:
    """Return the step of the scale on which a permission stands."""
    if permission == EVERYTHING:
        return SCALE[0]
    return _place(permission)[0]


def ability_of(permission: Permission) -> RatedAbility:
    """Return the line of the scale on which a permission stands."""
    if permission[:3] == EVERYTHING[:3]:
        return SCALE[0].abilities[0]
    return _place(permission)[1]


def plain_words(permission: Permission) -> str:
    """Return what a permission comes to, after "can": ``read passwords and tokens``."""
    resource = permission.resource if permission.resource != _ANY else _ANYTHING
    return ability_of(permission).words.replace("{}", resource)


@lru_cache(maxsize=8_192)
def _place(permission: Permission) -> tuple[Danger, RatedAbility]:
    """Return the step and the line of it on which a permission stands."""
    return next(
        (step, each) for step in SCALE[1:] for each in step.abilities if each.include(permission)
    )


# By identity: a pass makes thousands of findings about a few hundred lists of permissions.
_WORST: dict[int, tuple[tuple[Permission, ...], Danger]] = {}


def worst(permissions: tuple[Permission, ...]) -> Danger:
    """Return the worst of some permissions; of none, the last step."""
    known = _WORST.get(id(permissions))
    if known is None or known[0] is not permissions:
        found = min(map(danger_of, permissions), key=_by_rank, default=SCALE[-1])
        known = (permissions, found)
        remember(_WORST, id(permissions), known)
    return known[1]


def _by_rank(step: Danger) -> int:
    return step.rank
