"""Condition ``Revoked``: a table of reasons, and the decision what to do and say.

Only records that ask for ``rbac: revoke`` have it. ``True`` means that what was approved has been
done, or that there is nothing to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum

from responsibility.cluster.undo_documents import Document, DocumentState
from responsibility.controller.reporting.conditions import ConditionDraft
from responsibility.phrases import counted, some
from responsibility.plans.deletions import Proposal

TYPE = "Revoked"
_MOST_TOLD = 3


class RevocationReason(StrEnum):
    """Every reason of the condition; the runbook tells of each what to do."""

    APPLIED = "Applied"
    NOTHING_TO_REVOKE = "NothingToRevoke"
    NOT_APPROVED = "NotApproved"
    PLAN_CHANGED = "PlanChanged"
    NOT_BY_OPERATOR = "NotByOperator"
    NOT_MANAGED = "NamespaceNotManaged"
    APPROVAL_USED = "ApprovalUsed"
    STOPPED = "Stopped"
    INTERRUPTED = "Interrupted"
    WITHDRAWN = "Withdrawn"
    NOT_ENDED = "NotEnded"
    SWITCHED_OFF = "SwitchedOff"
    REFUSED = "Refused"
    TOO_LARGE = "TooLarge"
    FAILED = "Failed"
    NOT_PLANNED = "NotPlanned"
    NOT_ASSESSED = "NotAssessed"
    PLANNING = "Planning"

    @classmethod
    def read(cls, text: str) -> RevocationReason | None:
        """Return the reason that was written down, None for one that we never give."""
        return next((reason for reason in cls if reason == text), None)


# What is no news: nobody has approved anything.
QUIET = frozenset(
    {
        RevocationReason.PLANNING,
        RevocationReason.NOT_APPROVED,
        RevocationReason.NOTHING_TO_REVOKE,
        RevocationReason.NOT_ASSESSED,
    }
)


class RevocationAction(Enum):
    """The next thing to do about a record."""

    NOTHING = "nothing"
    APPLY = "apply"
    RESUME = "resume"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class RevocationInputs:
    """The wishes of a record, and what is known: None for a ``proposal`` is not known yet.

    ``found`` is whether the hub was found and RBAC means anything; ``planned`` is whether the hub
    has been planned for as it is; ``excess`` whether there is anything to plan for; ``trouble`` why
    no plan could be made. ``closed`` is why the operator may not write in the hub's namespace.
    """

    approved: str
    enabled: bool
    found: bool
    planned: bool
    excess: bool
    proposal: Proposal | None
    documents: Sequence[Document]
    namespace: str
    trouble: str = ""
    closed: str = ""


def decide(asked: RevocationInputs) -> tuple[RevocationAction, ConditionDraft | None]:
    """Return what to do, and what to say; None for a claim leaves what was said."""
    if not asked.enabled:
        return RevocationAction.NOTHING, _SWITCHED_OFF
    if asked.documents:
        return _of_documents(asked)
    if not asked.found:
        return RevocationAction.NOTHING, _NOT_FOUND
    if not asked.excess:
        return RevocationAction.NOTHING, _nothing_left(asked.approved)
    return _of_proposal(asked) if asked.planned else (RevocationAction.NOTHING, None)


def _of_documents(asked: RevocationInputs) -> tuple[RevocationAction, ConditionDraft | None]:
    """Go on with what was begun, and let an approval count again once it was taken back."""
    if any(d.state is DocumentState.OPEN for d in asked.documents):
        return RevocationAction.RESUME, None
    if any(d.digest != asked.approved for d in asked.documents):
        return RevocationAction.CLOSE, None
    return RevocationAction.NOTHING, _of_document(asked, asked.documents[0])


def _of_proposal(asked: RevocationInputs) -> tuple[RevocationAction, ConditionDraft | None]:
    proposal = asked.proposal
    if proposal is None:
        return RevocationAction.NOTHING, unplanned(asked.trouble or "see the operator's log")
    part = proposal.part
    if not asked.approved:
        return RevocationAction.NOTHING, _offer(proposal)
    if part is not None and part.digest == asked.approved:
        if asked.closed:
            said = claim(False, RevocationReason.NOT_MANAGED, asked.closed)
            return RevocationAction.NOTHING, said
        return RevocationAction.APPLY, None
    if proposal.whole.digest == asked.approved and proposal.whole.changes:
        return RevocationAction.NOTHING, claim(
            False, RevocationReason.NOT_BY_OPERATOR, beyond(proposal)
        )
    return RevocationAction.NOTHING, changed(asked.approved, proposal)


def _of_document(asked: RevocationInputs, document: Document) -> ConditionDraft:
    """Return what is said of an approval that has been acted on."""
    if document.state is DocumentState.STOPPED:
        return claim(
            False, RevocationReason.read(document.reason) or RevocationReason.STOPPED, document.why
        )
    if document.reason:
        return claim(
            False,
            RevocationReason.read(document.reason) or RevocationReason.NOT_ENDED,
            document.why,
        )
    part = asked.proposal.part if asked.excess and asked.proposal is not None else None
    if part is not None and part.digest == asked.approved:
        return claim(
            False,
            RevocationReason.APPROVAL_USED,
            f"plan {asked.approved} was carried out, and what it ended has come back. An approval "
            "is good for once: remove approvedPlan, and set it again to approve it anew",
        )
    return claim(True, RevocationReason.APPLIED, applied(document, asked.namespace))


def claim(status: bool | None, reason: RevocationReason, message: str) -> ConditionDraft:
    """Return a claim of this type."""
    return ConditionDraft(TYPE, status, reason.value, message)


_SWITCHED_OFF = claim(
    False,
    RevocationReason.SWITCHED_OFF,
    "the record asks for revocations, which this operator was installed without: set the chart's "
    "mode: revoke (revocation.enabled), or have a person apply the plan (kubectl responsibility "
    "apply-plan)",
)
_NOT_FOUND = claim(
    None,
    RevocationReason.NOT_ASSESSED,
    "nothing is known of this hub: see conditions HubFound and RBACNotEnforced",
)
STARTING = claim(None, RevocationReason.PLANNING, "it is being worked out what there is to revoke")


def _nothing_left(approved: str) -> ConditionDraft:
    if approved:
        return claim(
            False,
            RevocationReason.PLAN_CHANGED,
            f"plan {approved} is approved, and there is nothing to revoke any more: remove "
            "approvedPlan",
        )
    return claim(True, RevocationReason.NOTHING_TO_REVOKE, "nobody holds more than was agreed")


def unplanned(why: str) -> ConditionDraft:
    """Return that it is unknown what to revoke."""
    return claim(None, RevocationReason.NOT_PLANNED, f"no plan could be made: {why}")


def _offer(proposal: Proposal) -> ConditionDraft:
    if proposal.part is None:
        if not proposal.whole.changes:
            return claim(
                True, RevocationReason.NOTHING_TO_REVOKE, "no change of RBAC would end anything"
            )
        return claim(False, RevocationReason.NOT_BY_OPERATOR, beyond(proposal))
    return claim(
        False,
        RevocationReason.NOT_APPROVED,
        f"plan {proposal.part.digest} would end {counted(len(proposal.part.ended), 'finding')} by "
        f"{counted(len(proposal.part.changes), 'deletion')}: see status.plan.revocable, and name "
        "it in spec.enforcement.approvedPlan",
    )


def beyond(proposal: Proposal) -> str:
    """Return why the operator does not carry out the whole plan, and what to do instead."""
    left = [str(change) for change in proposal.left]
    if not left and proposal.part is not None:
        return (
            f"plan {proposal.whole.digest} is also for items without rbac: revoke: approve "
            f"{proposal.part.digest}, or have a person apply it (kubectl responsibility apply-plan)"
        )
    shown = some(left, _MOST_TOLD, between="; ", last="; and ")
    part = (
        f", or approve {proposal.part.digest}, the part that it can make"
        if proposal.part is not None
        else ""
    )
    return (
        "the operator only deletes bindings of the hub's namespace as a whole, for items with "
        f"rbac: revoke. A person makes the others, with kubectl responsibility apply-plan "
        f"{proposal.whole.digest}{part}: {shown}"
    )


def changed(approved: str, proposal: Proposal | None) -> ConditionDraft:
    """Return that the approved plan is not what would be done now."""
    part = proposal.part if proposal is not None else None
    now = (
        f"now it is {part.digest}: look at it (status.plan), and approve that one"
        if part is not None
        else "look at status.plan"
    )
    return claim(
        False,
        RevocationReason.PLAN_CHANGED,
        f"plan {approved} is approved, and is not what would be done as the cluster is; {now}. "
        "Nothing was changed",
    )


def applied(document: Document, namespace: str) -> str:
    """Return that a plan has been carried out, and how to take it back."""
    return (
        f"plan {document.digest} has been carried out. To take it back: kubectl get configmap -n "
        f"{namespace} {document.name} -o jsonpath='{{.data.undo\\.json}}' > undo.json; kubectl "
        f"responsibility apply-plan {document.digest} --undo undo.json"
    )


def stopped(document: Document, namespace: str, made: int, of: int, why: str) -> str:
    """Return that it went wrong, how far it came, and how to go on."""
    back = f"; {applied(document, namespace).partition('. ')[2]}" if made else ""
    return (
        f"of plan {document.digest}, {made} of {counted(of, 'change')} made: {why}. "
        f"Approve the plan that status.plan shows now{back}"
    )
