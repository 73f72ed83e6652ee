"""Sentences about changes outside Helm: words that `wording` has of these findings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from responsibility.hub.release.changes import Act, Change, ReleaseUnread
from responsibility.ownership.results.facts import (
    MoreOutOfBand,
    ObjectsUnread,
    OutOfBand,
    ReleaseFacts,
    ReleaseNotRead,
)
from responsibility.phrases import counted, some

if TYPE_CHECKING:
    from responsibility.ownership.results.findings import Finding

_MOST_NAMED = 3


def sentence(finding: Finding, facts: ReleaseFacts, whose: str) -> str:
    """Return what is found, without a full stop; ``whose`` is what its item is."""
    if isinstance(facts, OutOfBand):
        return f"{_change(facts.change)}, outside Helm: {finding.title} is {whose}"
    if isinstance(facts, MoreOutOfBand):
        return f"{counted(facts.changes, 'more change')} outside Helm, beyond those listed"
    if isinstance(facts, ObjectsUnread):
        names = some([str(each.object) for each in facts.objects], _MOST_NAMED)
        why = UNREAD[next((each.why for each in facts.objects), ReleaseUnread.FAILED)]
        return f"It can't be told whether {names} was changed outside Helm: {why}"
    assert isinstance(facts, ReleaseNotRead)  # noqa: S101 - there are no others
    return f"It can't be told what was changed outside Helm: {UNREAD[facts.why]}"


def _change(change: Change) -> str:
    if change.act is Act.DELETED:
        return f"{change.object} was deleted"
    values = ""
    if change.wanted and change.found:
        values = f" from {change.wanted} to {change.found}"
    elif change.found or change.wanted:
        values = f" ({change.found or change.wanted})"
    by = f" by {change.manager}" if change.manager else ""
    at = f" at {change.at}" if change.at else ""
    return f"{change.path} of {change.object} was {change.act.value}{values}{by}{at}"


# Why it is not known, after "It can't be told what was changed outside Helm:".
UNREAD: Mapping[ReleaseUnread, str] = {
    ReleaseUnread.NOT_YET: "the hub's release has not been looked at yet",
    ReleaseUnread.FORBIDDEN: "the operator may not read it (hubRelease.namespaces)",
    ReleaseUnread.NO_RELEASE: "Helm keeps no Secrets of such a release in the hub's namespace",
    ReleaseUnread.NOT_DEPLOYED: "no revision of the hub's release is deployed",
    ReleaseUnread.AT_WORK: "for half an hour, Helm has been said to be deploying the hub",
    ReleaseUnread.UNREADABLE: "what is kept of the release can't be read",
    ReleaseUnread.TOO_COSTLY: "the release takes longer to read than any hub's should",
    ReleaseUnread.NOT_SERVED: "the API server no longer has the kind in that version",
    ReleaseUnread.FAILED: "the API server did not answer",
}
