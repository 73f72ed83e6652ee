"""A finding: one difference between the record and the cluster.

The kinds stand in one table; status, metrics, messages and documents are made from it. A finding
holds values, never sentences: `wording` makes those.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from responsibility.hub.discovery import HubKey
from responsibility.ownership.results.facts import Facts
from responsibility.ownership.results.severity import SCALE, Severity, worst
from responsibility.ownership.terms.permission_index import EVERYTHING, Permission
from responsibility.rbac.escalation.steps import Step
from responsibility.rbac.objects import Source, Subject


@dataclass(frozen=True, slots=True)
class FindingKind:
    """A kind of finding.

    ``drift`` says whether it counts as a difference between record and cluster; the others ask
    for attention without one. ``remedy`` is what usually ends it.
    """

    name: str
    severity: Severity
    drift: bool
    title: str
    remedy: str


# The kind whose severity is that of what can be done, see `severity`.
EXCESS = "excess-access"
# The kind by which an item that refuses is not in force.
HOLLOW = "enforcement-hollow"
# The kinds about admins of JupyterHub itself, which only the operator finds: it asks the hub.
ADMIN_EXCESS = "hub-admin-excess"
ADMIN_MISSING = "hub-admin-missing"
ADMIN_OPEN = "hub-admin-open"
ADMINS_UNKNOWN = "hub-admins-unknown"
# The kinds about settings that are agreed on, which only the operator finds: it may read them.
VALUE_OUT_OF_BOUNDS = "value-out-of-bounds"
VALUES_UNKNOWN = "values-unknown"
# The kinds about what was changed outside Helm, which only the operator looks for.
CHANGED_OUT_OF_BAND = "changed-out-of-band"
RELEASE_UNKNOWN = "release-unknown"
# The kinds about versions of Kubernetes, which only the operator finds, of the whole cluster.
VERSION_SKEW = "version-skew"
VERSIONS_UNKNOWN = "versions-unknown"
# The kind about API versions of a release, which only the operator reads.
API_REMOVED = "api-removed"
INSIDE = frozenset(
    {
        ADMIN_EXCESS,
        ADMIN_MISSING,
        ADMIN_OPEN,
        ADMINS_UNKNOWN,
        VALUE_OUT_OF_BOUNDS,
        VALUES_UNKNOWN,
        CHANGED_OUT_OF_BAND,
        RELEASE_UNKNOWN,
        VERSION_SKEW,
        VERSIONS_UNKNOWN,
        API_REMOVED,
    }
)

KINDS = {
    kind.name: kind
    for kind in (
        FindingKind(
            "missing-access",
            Severity.HIGH,
            True,
            "The owner cannot do what the item asks of it",
            "Grant the owner's subjects the missing permissions, or name another owner.",
        ),
        FindingKind(
            "owner-vacant",
            Severity.HIGH,
            True,
            "Nobody is left to act for the owner",
            "Give the party subjects that exist, or name another owner.",
        ),
        FindingKind(
            "excess-access",
            Severity.MEDIUM,
            True,
            "A subject other than the owner and its delegates holds reserved permissions",
            "Remove the subject from every binding listed, or name it in the record.",
        ),
        FindingKind(
            HOLLOW,
            Severity.MEDIUM,
            # The right that it takes is one of its own.
            False,
            "Somebody gets round an item that is to refuse, by others that do not",
            "Raise the items that close the way, or take away the right by which it begins.",
        ),
        FindingKind(
            "owners-disagree",
            Severity.MEDIUM,
            True,
            "Records name different owners for something the cluster has only one of",
            "Agree on one owner and give all records of the model the same.",
        ),
        FindingKind(
            "delegation-expired",
            Severity.LOW,
            True,
            "A delegation is still in the record after its end",
            "Remove the delegation, or agree on a new end.",
        ),
        FindingKind(
            "grant-past-end",
            Severity.MEDIUM,
            True,
            "What was granted for a delegation is still there after its end",
            "Start the operator, which removes it, or delete the bindings listed.",
        ),
        FindingKind(
            "delegation-expiring",
            Severity.LOW,
            False,
            "A delegation ends soon",
            "Agree on a new end, or on who acts afterwards.",
        ),
        FindingKind(
            "subject-gone",
            Severity.LOW,
            False,
            "A ServiceAccount that acts for a party does not exist",
            "Create it again, or take it out of the party's subjects.",
        ),
        FindingKind(
            "contact-missing",
            Severity.LOW,
            False,
            "A party that owns something cannot be reached",
            "Give the party a contact (email or url).",
        ),
        FindingKind(
            "attestation-overdue",
            Severity.LOW,
            False,
            "The date to look at this item again has passed",
            "Review the item with its owner, then move reviewAfter.",
        ),
        FindingKind(
            ADMIN_OPEN,
            Severity.HIGH,
            True,
            "Anybody may sign in to the hub as one of its admins",
            "Sign people in by an authenticator that proves who they are (hub.config.JupyterHub."
            "authenticator_class), or take admin rights from all users.",
        ),
        FindingKind(
            ADMIN_MISSING,
            Severity.HIGH,
            True,
            "The owner has too few admins inside the hub",
            "Make the owner's users admins, on the hub's admin page or in hub.config.Authenticator."
            "admin_users, or correct the party's hubUsers and hubGroups.",
        ),
        FindingKind(
            ADMIN_EXCESS,
            Severity.MEDIUM,
            True,
            "Somebody other than the owner and its delegates is an admin inside the hub",
            "Take admin rights away, on the hub's admin page and in its configuration, or name it "
            "in hubUsers, hubGroups or hubServices of the party that it acts for.",
        ),
        FindingKind(
            ADMINS_UNKNOWN,
            Severity.LOW,
            False,
            "It cannot be told who administers the hub",
            "See to it that the hub can be asked: `kubectl responsibility render hub-service` "
            "writes what it takes.",
        ),
        FindingKind(
            VALUE_OUT_OF_BOUNDS,
            Severity.MEDIUM,
            True,
            "A setting of the hub is not what was agreed",
            "Set it as agreed and deploy the hub, or agree anew and change it in the record.",
        ),
        FindingKind(
            VALUES_UNKNOWN,
            Severity.LOW,
            False,
            "It cannot be told whether the hub's settings are as agreed",
            "See to it that the operator may read the hub's values (hubValues.enabled), or take "
            "what is agreed out of the record.",
        ),
        FindingKind(
            CHANGED_OUT_OF_BAND,
            Severity.MEDIUM,
            True,
            "An object of the hub is not as Helm deployed it",
            "Deploy the hub again, which undoes it where Helm sets the field, or put it into the "
            "hub's values; what was added by hand is taken away by hand.",
        ),
        FindingKind(
            RELEASE_UNKNOWN,
            Severity.LOW,
            False,
            "It cannot be told what was changed outside Helm",
            "See to it that the operator may read the release and its objects "
            "(hubRelease.namespaces).",
        ),
        FindingKind(
            VERSION_SKEW,
            Severity.MEDIUM,
            # Nothing differs from what is agreed: an upgrade is due.
            False,
            "Nodes run a kubelet that Kubernetes does not support with this API server",
            "Upgrade these nodes before the API server goes on.",
        ),
        FindingKind(
            API_REMOVED,
            Severity.MEDIUM,
            False,
            "The hub was deployed by an API version that Kubernetes removes, or has removed",
            "Deploy the hub by newer versions before Kubernetes is upgraded; where that is done, "
            "the plugin mapkubeapis of Helm mends what Helm remembers.",
        ),
        FindingKind(
            VERSIONS_UNKNOWN,
            Severity.LOW,
            False,
            "It cannot be told whether the nodes' versions fit the API server's",
            "Let the operator list nodes (clusterVersions.enabled), or switch that off.",
        ),
        FindingKind(
            "unknown",
            Severity.LOW,
            False,
            "It cannot be told whether the owner can act",
            "Bind the party's group itself, or declare the group as the party's subject.",
        ),
    )
}


# Accounts inside a hub, and what stands in their place: how a finding begins to name one, and its
# kind as a status has it.
HUB_ACCOUNTS = {
    "user": "HubUser",
    "service": "HubService",
    "setting": "HubSetting",
    "object": "HubObject",
    "kubelet": "Kubelet",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference, for one item and one subject or party, in parts: see `wording` for words.

    ``hub`` is None for a finding of the whole cluster; ``hubs`` then counts the hubs whose own
    permissions it touches, and ``record`` is one of those that mean the ``party`` where records
    mean several by its name. ``title`` is the item's, ``owners`` how those are called who own it
    there; ``declared`` says that the subject acts for a party. ``items`` are further items that it
    speaks for. ``account`` is one inside the hub itself (``user ann``), or what stands in its place
    there (``setting singleuser.memory.limit``), or in the cluster (``kubelet 1.29``).
    ``permissions`` have their names filled in. ``sources`` are all there are, so that revoking one
    is seen to leave the others; for an indirect ``route``, they are those of its first step.
    """

    kind: str
    item: str
    number: int
    hub: HubKey | None
    title: str = ""
    subject: Subject | None = None
    party: str = ""
    owners: tuple[str, ...] = ()
    declared: bool = False
    permissions: tuple[Permission, ...] = ()
    sources: tuple[Source, ...] = ()
    route: tuple[Step, ...] = ()
    hubs: int = 0
    model: str = ""
    items: tuple[str, ...] = ()
    record: str = ""
    account: str = ""
    facts: Facts | None = None

    @property
    def id(self) -> str:
        """Return an identifier that stays the same while the finding does: 10 hex digits."""
        what = (
            self.kind,
            self.item,
            str(self.hub or ""),
            self.model,
            str(self.subject or ""),
            self.party,
            self.record,
            *([self.account] if self.account else []),
        )
        return hashlib.sha256("\0".join(what).encode()).hexdigest()[:10]

    @property
    def severity(self) -> Severity:
        """Return how soon somebody should look: for excess access, by the worst that it allows.

        What takes a route is a degree less: it needs an act of its own, which leaves a trace.
        """
        if self.kind != EXCESS:
            return KINDS[self.kind].severity
        severity = worst(self.permissions).severity
        return Severity(min(severity + 1, Severity.LOW)) if self.route else severity

    @property
    def is_drift(self) -> bool:
        """Return whether record and cluster differ, rather than something being due."""
        return KINDS[self.kind].drift

    @property
    def route_kind(self) -> str:
        """Return the technique of the first step of the route; ``direct`` without one."""
        return self.route[0].route if self.route else "direct"

    def speaks_for(self, item: str) -> bool:
        """Return whether it also says that there is too much of ``item``.

        Who can do everything is told of under one item.
        """
        return item in (self.item, *self.items) or EVERYTHING in self.permissions


def worst_first(finding: Finding) -> tuple[object, ...]:
    """Return the sort key of a list of findings that people read from the top."""
    # Beside what strangers can do with the cluster stands that an owner can't do its work.
    rank = worst(finding.permissions).rank if finding.kind == EXCESS else SCALE[1].rank
    subject = finding.subject
    # Most are somebody's, and thousands are put in order at once.
    name = finding.party if subject is None else _written(subject)
    size = -len(finding.permissions)
    return (finding.severity, rank, size, finding.number, finding.kind, name)


@lru_cache(maxsize=16_384)
def _written(subject: Subject) -> str:
    return str(subject)
