"""Severity of excess access: the worst that it lets somebody do, on one scale.

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
_CHANGE: Final = frozenset({"create", "update", "patch", "delete", "deletecollection"})


class Severity(IntEnum):
    """The urgency with which somebody should look; the lowest comes first."""

    HIGH = 1
    MEDIUM = 2
    LOW = 3


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests with one of the verbs (all, if none) on one of the resources (all, if none).

    ``resources`` are ``group/resource``, subresources after another slash; of a group alone, all.
    """

    verbs: frozenset[str] = frozenset()
    resources: frozenset[str] = frozenset()

    def include(self, permission: Permission) -> bool:
        """Return whether a permission allows any of them."""
        if self.verbs and permission.verb != _ANY and permission.verb not in self.verbs:
            return False
        return not self.resources or any(_is_of(permission, each) for each in self.resources)


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
    requests: tuple[Requests, ...] = ()


# In order: of each permission, the first that includes it counts.
SCALE: Final[tuple[Danger, ...]] = (
    Danger(
        0,
        Severity.HIGH,
        "everything, on all hubs",
        "It includes all below, and the records that say who owns what.",
    ),
    Danger(
        1,
        Severity.HIGH,
        "give oneself rights, or act as somebody else",
        "It leads to every right that anybody has: RBAC, impersonation, tokens, certificates, what "
        "changes or guards requests, and the records themselves.",
        (
            Requests(
                frozenset({"impersonate", "bind", "escalate", "approve", "sign", ASSIGN_VERB})
            ),
            Requests(
                _CHANGE,
                frozenset(
                    {
                        api_groups.RBAC,
                        api_groups.CERTIFICATES,
                        api_groups.ADMISSION_REGISTRATION,
                        "apiregistration.k8s.io",
                        "/serviceaccounts/token",
                        API_GROUP,
                    }
                ),
            ),
        ),
    ),
    Danger(
        2,
        Severity.HIGH,
        "read or change Secrets",
        "The hub's hold its cookie secret, its OAuth client and its database's password; what is "
        "changed in them is what the hub runs by next.",
        (Requests(_READ | _CHANGE, frozenset({"/secrets"})),),
    ),
    Danger(
        3,
        Severity.HIGH,
        "get into what runs",
        "It is a shell beside users' work and the hub's token, and leaves no object behind.",
        (
            Requests(
                resources=frozenset(
                    {
                        "/pods/exec",
                        "/pods/attach",
                        "/pods/portforward",
                        "/pods/proxy",
                        "/pods/ephemeralcontainers",
                        "/services/proxy",
                        "/nodes/proxy",
                    }
                )
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
            Requests(
                _CHANGE,
                frozenset(
                    {
                        "/pods",
                        "/replicationcontrollers",
                        "/nodes",
                        "/namespaces",
                        "/persistentvolumes",
                        api_groups.APPS,
                        api_groups.BATCH,
                        api_groups.API_EXTENSIONS,
                        "storage.k8s.io",
                    }
                ),
            ),
        ),
    ),
    Danger(
        5,
        Severity.MEDIUM,
        "change or delete anything else",
        "Users' data and the hub's settings are among it: what is deleted may not come back.",
        (Requests(_CHANGE),),
    ),
    Danger(
        6,
        Severity.LOW,
        "look at anything else",
        "Nothing changes by it, and it is no credential.",
        (Requests(),),
    ),
)


@lru_cache(maxsize=8_192)
def danger_of(permission: Permission) -> Danger:
    """Return the step of the scale on which a permission stands."""
    if permission == EVERYTHING:
        return SCALE[0]
    return next(step for step in SCALE if any(each.include(permission) for each in step.requests))


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
