"""Sentences about settings that were agreed on: what `wording` says of these findings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from responsibility.hub.values.agreed import AgreedValue, Unread
from responsibility.ownership.results.facts import OutOfBounds, ValueFacts, ValuesUnread
from responsibility.phrases import counted, range_text

if TYPE_CHECKING:
    from responsibility.ownership.results.findings import Finding


def sentence(finding: Finding, facts: ValueFacts) -> str:
    """Return what is found, without a full stop."""
    if isinstance(facts, OutOfBounds):
        return _out_of_bounds(finding, facts)
    assert isinstance(facts, ValuesUnread)  # noqa: S101 - there are no others
    if facts.sessions:
        return f"It can't be told whether sessions are as agreed: {_UNSEEN[facts.why]}"
    return f"It can't be told whether settings are as agreed: {UNREAD[facts.why]}"


def agreed_text(agreed: AgreedValue) -> str:
    """Return what a setting is to be: ``2G``, ``at least 1G and at most 8G``."""
    if agreed.within:
        return f"an image of {agreed.within}"
    return agreed.value or range_text(agreed.minimum, agreed.maximum)


def _out_of_bounds(finding: Finding, facts: OutOfBounds) -> str:
    owners = " and ".join(finding.owners) or "nobody"
    if facts.found is None:
        what = f"{facts.agreed.path} is not set"
    elif not facts.found.plain:
        what = f"{facts.found.place} is no single value"
    else:
        by = f", written by {facts.found.by}" if facts.found.by else ""
        what = f"{facts.found.place} is {facts.found.text}{by}"
    verb = "is" if facts.others == 1 else "are"
    others = f", as {verb} {counted(facts.others, 'other place')}" if facts.others else ""
    return (
        f"{what}{others}, but {agreed_text(facts.agreed)} is agreed: {finding.title} is {owners}'s"
    )


# Why it is not known, after "It can't be told whether settings are as agreed:".
UNREAD: Mapping[Unread, str] = {
    Unread.NOT_YET: "the hub's values have not been looked at yet",
    Unread.OFF: "the operator is not set up to look at the hub's values (hubValues.enabled)",
    Unread.FORBIDDEN: "the operator may not read the Secret with the hub's values",
    Unread.EXISTING_FORBIDDEN: "the operator may not read the Secret that hub.existingSecret names "
    "(hubValues.secretNames)",
    Unread.NO_SECRET: "there is no Secret with the hub's values",
    Unread.NO_VALUES: "the hub's Secret has no values.yaml",
    Unread.UNREADABLE: "the hub's values are no YAML that can be read safely",
    Unread.TOO_COSTLY: "the hub's values take longer to read than any hub's should",
    Unread.FAILED: "the API server did not answer",
    Unread.TOO_MANY: "the hub has more of them than are looked at",
}
# The same of sessions, of which only some of it can be.
_UNSEEN: Mapping[Unread, str] = {
    **UNREAD,
    Unread.NOT_YET: "the hub's sessions have not been looked at yet",
    Unread.OFF: "the operator is not set up to look at this hub's sessions (hubSessions)",
    Unread.FORBIDDEN: "the operator may not look at this hub's sessions (hubSessions.namespaces)",
}
