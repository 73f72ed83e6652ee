"""Tell by Events what came of an approved plan, on transitions only."""

from __future__ import annotations

from typing import Any

from responsibility.cluster.custom_resources import Own
from responsibility.controller.plans.revocation_conditions import QUIET, TYPE, Reason
from responsibility.controller.reporting.conditions import Claim
from responsibility.controller.reporting.events import Announcer


class News:
    """Remembers what was said of each record."""

    def __init__(self, announcer: Announcer) -> None:
        self._announcer = announcer
        # By UID: the reason that was told last.
        self._known: dict[str, str] = {}

    def tell(self, own: Own[Any], claim: Claim, *, approved: bool) -> None:
        """Take note of what is said now."""
        before = self._known.get(own.uid)
        if before is None:
            before = _remembered(own)
        self._known[own.uid] = claim.reason
        if claim.reason == before or claim.reason in QUIET or not approved:
            return
        done = claim.reason == Reason.APPLIED
        self._announcer.switched(
            own.reference,
            "Revoked" if done else f"NotRevoked{claim.reason}",
            claim.message,
            warning=not done,
        )

    def keep(self, uids: set[str]) -> None:
        """Forget all other records."""
        self._known = {uid: known for uid, known in self._known.items() if uid in uids}


def _remembered(own: Own[Any]) -> str:
    """Return the reason in the status that a predecessor wrote."""
    for condition in own.status.get("conditions") or ():
        if condition.get("type") == TYPE:
            return str(condition.get("reason", ""))
    return ""
