"""The conditions of a record and of a model: each a question that `kubectl wait` can ask."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from responsibility.api.status import STALE, Condition, ConditionStatus
from responsibility.cluster.knowledge import COMPLETE, Knowledge, LeftOut, Says, Stale
from responsibility.hub.discovery import Hub
from responsibility.ownership.results.assessment import HubAssessment, HubState, Refused
from responsibility.phrases import some

LEFTOVERS = "Leftovers"
# Objects, or kinds of them, that a message names; the operator's log has all.
_MOST_TOLD = 5


@dataclass(frozen=True, slots=True)
class ConditionDraft:
    """A condition without the time of its last transition, which the status before decides."""

    type: str
    status: bool | None
    reason: str
    message: str


_STATUS = {
    True: ConditionStatus.TRUE,
    False: ConditionStatus.FALSE,
    None: ConditionStatus.UNKNOWN,
}


def with_times(
    claims: Iterable[ConditionDraft], before: Iterable[Condition], *, generation: int, now: datetime
) -> tuple[Condition, ...]:
    """Return conditions; one whose status is what it was keeps its transition time."""
    known = {condition.type: condition for condition in before}
    result = []
    for claim in claims:
        status = _STATUS[claim.status]
        old = known.get(claim.type)
        since = old.last_transition_time if old is not None and old.status == status else now
        result.append(
            Condition(
                type=claim.type,
                status=status,
                reason=claim.reason,
                message=claim.message,
                last_transition_time=since.replace(microsecond=0),
                observed_generation=generation,
            )
        )
    return tuple(result)


def rbac_condition(enforced: bool | None) -> ConditionDraft:
    """Return whether RBAC means anything on this cluster."""
    if enforced is None:
        return ConditionDraft(
            "RBACNotEnforced",
            None,
            "NotProbed",
            "the API server has not yet answered whether it enforces RBAC",
        )
    if enforced:
        return ConditionDraft(
            "RBACNotEnforced",
            False,
            "RBACEnforced",
            "a SubjectAccessReview for a user who doesn't exist was denied",
        )
    return ConditionDraft(
        "RBACNotEnforced",
        True,
        "InventedUserAllowed",
        "the API server lets a user who doesn't exist delete namespaces, so RBAC decides nothing "
        "here: nothing is said about subjects. Turn RBAC on for this cluster",
    )


def drift_condition(findings: int, message: str, *, checked: bool) -> ConditionDraft:
    """Return whether there is drift; that there is none is said only of what was checked."""
    if findings:
        return ConditionDraft("Drift", True, "Findings", message)
    if checked:
        return ConditionDraft("Drift", False, "NoFindings", message)
    return ConditionDraft("Drift", None, "NotChecked", "nothing could be held against the cluster")


_HUB_MESSAGES = {
    HubState.MISSING: "namespace {namespace} has no JupyterHub release {release}; found there: "
    "{found}. Deploy it, or write a record for another release",
    HubState.NO_NAMESPACE: "there is no namespace {namespace}: deploy the hub, or delete this "
    "record",
    HubState.DELETING: "namespace {namespace} is being deleted: delete this record if the hub "
    "is not to come back",
    HubState.AMBIGUOUS: "namespace {namespace} has several releases: set spec.hub.release to one "
    "of {found}",
}


def _found(hub: Hub, assessed: HubAssessment) -> str:
    """Return of which chart the hub is, and that another one came beside it."""
    chart = f"chart {hub.chart or 'of unknown version'}"
    others = ", ".join(r for r in assessed.releases if r != hub.key.release)
    if assessed.agreement.names_release or not others:
        return chart
    return (
        f"{chart}; namespace {hub.key.namespace} holds {others} as well: set spec.hub.release to "
        f"{hub.key.release} to say that this is the one"
    )


def hub_conditions(
    hub: HubAssessment,
    *,
    rbac_enforced: bool | None,
    annotated: str | None,
    enforced: ConditionDraft | None = None,
    knowledge: Knowledge = COMPLETE,
) -> list[ConditionDraft]:
    """Return what is said of an accepted record.

    ``knowledge`` is what everything rests on; ``annotated`` is None where all annotations are as
    they should be, else why they are not; ``enforced`` is what is to be said of enforcement, if
    anything.
    """
    agreement = hub.agreement
    found = hub.hub_state is HubState.FOUND
    resolved = not agreement.problems
    message = (
        ""
        if found
        else _HUB_MESSAGES[hub.hub_state].format(
            namespace=agreement.hub.namespace,
            release=agreement.hub.release,
            found=", ".join(hub.releases) or "none",
        )
    )
    claims = [
        ConditionDraft(
            "Resolved",
            resolved,
            "AllNamesKnown" if resolved else "UnknownNames",
            f"model {agreement.terms.name}"
            if resolved
            else "; ".join(str(problem) for problem in agreement.problems),
        ),
        ConditionDraft(
            "HubFound",
            found,
            hub.hub_state.value,
            _found(hub.hub, hub) if hub.hub else message,
        ),
        rbac_condition(rbac_enforced),
        drift_condition(
            len(hub.findings) + hub.cluster_findings,
            f"{len(hub.findings)} findings of this hub, {hub.cluster_findings} of the cluster "
            "that touch it",
            checked=found and rbac_enforced is True,
        ),
    ]
    if found:
        claims.append(
            ConditionDraft(
                "Annotated",
                annotated is None,
                "UpToDate" if annotated is None else "NotWritten",
                annotated or "the hub's Deployments name their owners",
            )
        )
    if enforced is not None:
        claims.append(enforced)
    ready = resolved and found and rbac_enforced is True
    first = next((c for c in claims if _hinders(c)), None)
    doubt = doubt_condition(knowledge.doubts(Says.READY), knowledge.about(agreement.hub.namespace))
    if ready and doubt is not None:
        return [doubt, *claims]
    return [
        ConditionDraft(
            "Ready",
            ready,
            "Assessed" if ready or first is None else first.reason,
            "held against the cluster" if ready or first is None else first.message,
        ),
        *claims,
    ]


def doubt_condition(stale: Sequence[Stale], left_out: Sequence[LeftOut]) -> ConditionDraft | None:
    """Return what is said, instead of being ready, of answers from what is old or not complete."""
    if stale:
        return ConditionDraft("Ready", None, STALE, not_heard_of(stale))
    if left_out:
        return ConditionDraft("Ready", None, "LeftOut", f"not taken in: {_listed(left_out)}")
    return None


def not_heard_of(stale: Sequence[Stale]) -> str:
    """Return what is old, for a message."""
    return f"not heard of: {_listed(stale)}"


def _listed(things: Sequence[object]) -> str:
    return some([*map(str, things)], _MOST_TOLD, between="; ", last="; and ")


def _hinders(claim: ConditionDraft) -> bool:
    wanted = {"Resolved": True, "HubFound": True, "RBACNotEnforced": False}
    return claim.type in wanted and claim.status is not wanted[claim.type]


def refused_conditions(refused: Refused) -> list[ConditionDraft]:
    """Return what is said of a record or model that could not be assessed."""
    return [
        ConditionDraft("Ready", False, refused.reason, refused.message),
        ConditionDraft("Resolved", False, refused.reason, refused.message),
    ]
