"""Events: what has changed, told where ``kubectl describe`` shows it.

They are posted in the background, and only on transitions: at rest there are none, and an
operator that starts again does not repeat what its predecessor told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from responsibility.ownership.results import plain_wording
from responsibility.ownership.results.causes import causes
from responsibility.ownership.results.findings import Finding
from responsibility.phrases import counted

# Causes of new findings told one by one; more of them become a count.
_MOST = 3


class Post(Protocol):
    """Posts one Event about an object."""

    def __call__(self, obj: Mapping[str, Any], *, type: str, reason: str, message: str) -> None:
        """Queue the Event; ``type`` is Normal or Warning."""


class Announcer:
    """Tells of transitions through ``post``."""

    def __init__(self, post: Post) -> None:
        self._post = post

    def findings(
        self, reference: Mapping[str, Any], *, appeared: Sequence[Finding], ended: int
    ) -> None:
        """Tell that findings about an object have come, or that some have ended."""
        grouped = causes(appeared)
        for cause in grouped[:_MOST]:
            reason = "".join(part.capitalize() for part in cause.worst.kind.split("-"))
            self._post(
                reference,
                type="Warning" if cause.is_drift else "Normal",
                reason=reason,
                message=plain_wording.summary(cause),
            )
        if rest := grouped[_MOST:]:
            self._post(
                reference,
                type="Warning" if any(cause.is_drift for cause in rest) else "Normal",
                reason="MoreFindings",
                message=f"{counted(len(rest), 'more cause')}: see its status",
            )
        if ended:
            self._post(
                reference,
                type="Normal",
                reason="FindingsEnded",
                message=f"{counted(ended, 'finding')} ended",
            )

    def switched(
        self, reference: Mapping[str, Any], reason: str, message: str, *, warning: bool = False
    ) -> None:
        """Tell that something has come into force, or no longer is."""
        self._post(
            reference, type="Warning" if warning else "Normal", reason=reason, message=message
        )
