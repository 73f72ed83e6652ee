"""A plan as the status of a hub's record tells it."""

from __future__ import annotations

from collections.abc import Iterator

from responsibility.api.status import PlanStatus, RevocableStatus
from responsibility.ownership.results import wording
from responsibility.phrases import counted
from responsibility.plans.change import Plan, summary
from responsibility.plans.deletions import Proposal


def plan_status(proposal: Proposal) -> PlanStatus:
    """Return what to publish of a proposal."""
    whole = summary(proposal.whole)
    return PlanStatus(
        digest=whole.digest,
        changes=whole.changes,
        ends=whole.ends,
        held_back=whole.held_back,
        cannot_end=tuple(dict.fromkeys(_obstacles(proposal.whole))),
        revocable=_revocable(proposal.part),
        summary=_sentence(proposal),
    )


def _obstacles(plan: Plan) -> Iterator[str]:
    for each in plan.obstacles:
        yield f"{wording.message(each.finding)}: {each.why}"


def _revocable(part: Plan | None) -> RevocableStatus | None:
    if part is None:
        return None
    # Whoever approves it has to see all of it, so each line is cut to its bound and none left out.
    return RevocableStatus(
        digest=part.digest, ends=len(part.ended), changes=tuple(str(change) for change in part)
    )


def _sentence(proposal: Proposal) -> str:
    whole, part = proposal.whole, proposal.part
    held = len(whole.obstacles)
    also = f"; {counted(held, 'finding')} can't be ended by it" if held else ""
    if not whole.changes:
        return f"no change of RBAC ends anything here{also}"
    sentence = (
        f"{counted(len(whole.changes), 'change')} would end {counted(len(whole.ended), 'finding')}"
    )
    if part is None:
        return sentence + also
    if part.digest == whole.digest:
        return f"{sentence}, and the operator can make all of them once approved{also}"
    left = counted(len(proposal.left), "change")
    made = counted(len(part.changes), "deletion")
    return (
        f"{sentence}; the operator can make {made} once approved, ending "
        f"{counted(len(part.ended), 'finding')}, and {left} are for a person to make{also}"
    )
