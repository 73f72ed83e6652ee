"""Events about approved plans, on transitions only."""

from __future__ import annotations

from typing import Any

from responsibility.cluster.custom_resources import CustomResource
from responsibility.controller.plans.revocation_conditions import QUIET, TYPE, RevocationReason
from responsibility.controller.reporting.conditions import ConditionDraft
from responsibility.controller.reporting.events import Announcer


class RevocationEvents:
    """Remembers what was said of each record."""

    def __init__(self, announcer: Announcer) -> None:
        self._announcer = announcer
        # By UID: the reason that was told last.
        self._known: dict[str, str] = {}

    def tell(self, resource: CustomResource[Any], claim: ConditionDraft, *, approved: bool) -> None:
        """Take note of what is said now."""
        before = self._known.get(resource.uid)
        if before is None:
            before = _remembered(resource)
        self._known[resource.uid] = claim.reason
        if claim.reason == before or claim.reason in QUIET or not approved:
            return
        done = claim.reason == RevocationReason.APPLIED
        self._announcer.switched(
            resource.reference,
            "Revoked" if done else f"NotRevoked{claim.reason}",
            claim.message,
            warning=not done,
        )

    def keep(self, uids: set[str]) -> None:
        """Forget all other records."""
        self._known = {uid: known for uid, known in self._known.items() if uid in uids}


def _remembered(resource: CustomResource[Any]) -> str:
    """Return the reason in the status that a predecessor wrote."""
    for condition in resource.status.get("conditions") or ():
        if condition.get("type") == TYPE:
            return str(condition.get("reason", ""))
    return ""
