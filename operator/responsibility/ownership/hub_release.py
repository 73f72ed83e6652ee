"""Changes outside Helm, held against whose they are.

What Helm deployed is what everybody thinks is there. Who edits, scales or deletes an object by hand
changes it until the next deployment, or for good, and no values show it. Each change belongs to the
items whose permissions it takes: ``admission.object_items`` says which.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from responsibility.hub.release.changes import HubRelease, ReleaseUnread, UnreadRelease
from responsibility.ownership.results.facts import (
    Facts,
    MoreOutOfBand,
    ObjectsUnread,
    OutOfBand,
    ReleaseNotRead,
)
from responsibility.ownership.results.findings import (
    CHANGED_OUT_OF_BAND,
    RELEASE_UNKNOWN,
    Finding,
)
from responsibility.ownership.terms.agreement import Agreement, Item


def hub_release_findings(agreement: Agreement, known: HubRelease | None) -> Iterator[Finding]:
    """Yield what was changed outside Helm; nothing where nobody looks (``known`` is None)."""
    if known is None or not agreement.items:
        return
    if isinstance(known, UnreadRelease):
        # Of a hub that is to be looked at in a moment there is nothing to be said.
        if known.why is not ReleaseUnread.NOT_YET:
            yield _finding(agreement, known.items, RELEASE_UNKNOWN, ReleaseNotRead(known.why))
        return
    for change in known.changes:
        account = f"object {change.object}{f' {change.path}' if change.path else ''}"
        yield _finding(
            agreement, change.items, CHANGED_OUT_OF_BAND, OutOfBand(change), account=account
        )
    if known.more:
        # Of each item that any change belongs to, one is listed.
        items = tuple(dict.fromkeys(name for each in known.changes for name in each.items))
        yield _finding(agreement, items, CHANGED_OUT_OF_BAND, MoreOutOfBand(known.more))
    if known.unread:
        items = tuple(dict.fromkeys(name for each in known.unread for name in each.items))
        yield _finding(agreement, items, RELEASE_UNKNOWN, ObjectsUnread(known.unread))


def _finding(
    agreement: Agreement, names: Sequence[str], kind: str, facts: Facts, *, account: str = ""
) -> Finding:
    first, *others = _items(agreement, names)
    owners = dict.fromkeys(agreement.parties[item.owner].label for item in (first, *others))
    return Finding(
        kind=kind,
        item=first.name,
        number=first.terms.number,
        hub=agreement.hub,
        title=first.terms.title,
        owners=tuple(owners),
        items=tuple(item.name for item in others),
        account=account,
        facts=facts,
    )


def _items(agreement: Agreement, names: Sequence[str]) -> Sequence[Item]:
    """Return items by their names; where there is none, the first that has an owner."""
    known = [item for item in agreement.items if item.name not in agreement.unresolved]
    found = [item for item in known if item.name in names]
    return found or known[:1]
