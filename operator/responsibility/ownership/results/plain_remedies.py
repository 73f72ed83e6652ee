"""Remedies in plain words, one for each kind of finding, for whoever only has to see to it.

`wording` and `findings` say what ends a finding, for whoever ends it on the cluster. A community's
lead decides whether something is meant, and writes to somebody: that is what stands here, without
a word of Kubernetes. It goes by the kind alone, so that the page of the operator, which knows
statuses only, says the same as that of the command line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_KEEP_OR_END: Final = (
    "Ask whether that is meant. If it isn't, have it taken away; if it is, have it written into "
    "the agreement."
)
_GIVE_OR_CHANGE: Final = (
    "Ask for what is missing to be given, or agree on somebody else who is responsible."
)
_LOOK: Final = "Ask for it to be made possible to look; nothing has to be wrong."

PLAIN_REMEDIES: Final[Mapping[str, str]] = {
    "missing-access": _GIVE_OR_CHANGE,
    "owner-vacant": "Agree on who acts for them now, and have it written into the agreement.",
    "excess-access": _KEEP_OR_END,
    "enforcement-hollow": "Ask for the way round to be closed.",
    "owners-disagree": "Agree on one who is responsible, on all hubs.",
    "delegation-expired": "Agree on a new end, or have it taken out of the agreement.",
    "grant-past-end": "Ask for it to be taken back, or agree on a new end.",
    "delegation-expiring": "Agree on a new end, or on who does it afterwards.",
    "subject-gone": "Agree on who acts for them now, and have it written into the agreement.",
    "contact-missing": "Have an address written into the agreement.",
    "attestation-overdue": "Look at whether it is still right, together, and agree on the next day "
    "to do so.",
    "hub-admin-open": "Ask for people to have to sign in as themselves.",
    "hub-admin-missing": "Ask for their people to be made administrators of the hub, or agree on "
    "others.",
    "hub-admin-excess": _KEEP_OR_END,
    "hub-admins-unknown": _LOOK,
    "value-out-of-bounds": "Ask for the setting to be made as agreed, or agree on another one.",
    "values-unknown": _LOOK,
    "changed-out-of-band": "Ask whether the change is to stay. If it is, have it written down "
    "where the hub is deployed from; if it isn't, have it undone.",
    "release-unknown": _LOOK,
    "version-skew": "Ask when these machines are upgraded.",
    "api-removed": "Ask when the hub is upgraded, before the cluster is.",
    "versions-unknown": _LOOK,
    "unknown": "Ask whether they can do it. If they can't, have it given to them.",
}


def plain_remedy(kind: str) -> str:
    """Return what to do about a kind of finding; empty for one that this version doesn't know."""
    return PLAIN_REMEDIES.get(kind, "")
