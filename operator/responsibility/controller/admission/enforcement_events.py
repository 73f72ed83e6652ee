"""Events when what a record asks for comes into force, or is no longer proved to be."""

from __future__ import annotations

from typing import Any

from responsibility.api.status import ConditionStatus
from responsibility.cluster.custom_resources import CustomResource
from responsibility.controller.admission.enforcement_status import BEING_PROVED, ENFORCED
from responsibility.controller.reporting.conditions import ConditionDraft
from responsibility.controller.reporting.events import Announcer

_GONE = "NoLongerAsked"


class EnforcementTransitions:
    """Remembers of each record whether it was enforced, and tells of transitions only."""

    def __init__(self, announcer: Announcer) -> None:
        self._announcer = announcer
        # By UID: whether it was in force, and the reason if not.
        self._known: dict[str, tuple[bool, str]] = {}

    def tell(self, resource: CustomResource[Any], claim: ConditionDraft | None) -> None:
        """Take note of what is said now; what is still being proved, or not known, is no news."""
        before = self._known.get(resource.uid) or _remembered(resource)
        self._known[resource.uid] = before
        if claim is not None and (claim.status is None or claim.reason == BEING_PROVED):
            return
        now = (False, _GONE) if claim is None else (claim.status is True, claim.reason)
        self._known[resource.uid] = now
        if now == before:
            return
        if claim is None:
            self._announcer.switched(
                resource.reference, "NotEnforced", "nothing is enforced any more"
            )
        elif claim.status:
            self._announcer.switched(resource.reference, "Enforced", claim.message)
        else:
            self._announcer.switched(
                resource.reference, f"NotEnforced{claim.reason}", claim.message, warning=True
            )

    def keep(self, uids: set[str]) -> None:
        """Forget all other records."""
        self._known = {uid: known for uid, known in self._known.items() if uid in uids}


def _remembered(resource: CustomResource[Any]) -> tuple[bool, str]:
    """Return what was said in the status that a predecessor wrote."""
    for condition in resource.status.get("conditions") or ():
        if condition.get("type") == ENFORCED:
            yes = condition.get("status") == ConditionStatus.TRUE.value
            return yes, str(condition.get("reason", ""))
    return False, _GONE
