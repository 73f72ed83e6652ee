"""Changes of what sessions run and may do, told when they are seen, agreed on or not.

A change of one annotation gives all users of a hub other rights, on data that nobody backs up; of
one line, another image. An operator that starts learns from the record's status what its
predecessor had seen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from responsibility.api.status import MAX_LISTED, SessionsStatus
from responsibility.cluster.custom_resources import CustomResource
from responsibility.controller.reporting.events import Announcer
from responsibility.hub.sessions.aspects import IMAGE, SETTINGS
from responsibility.hub.values.agreed import Setting
from responsibility.hub.values.paths import most_precise
from responsibility.ownership.results.assessment import HubAssessment
from responsibility.ownership.terms.agreement import Item
from responsibility.phrases import some

_IDENTITY, _IMAGE = "CloudIdentityChanged", "SessionImageChanged"
# Identities or images that an Event names.
_MOST_NAMED = 3

Texts = tuple[str, ...]


class SessionTransitions:
    """What was told of each record's sessions, by its UID, and what is told anew."""

    def __init__(self, announcer: Announcer) -> None:
        self._announcer = announcer
        self._identities: dict[str, Texts] = {}
        self._images: dict[str, Texts] = {}

    def tell(self, record: CustomResource[object], hub: HubAssessment) -> SessionsStatus | None:
        """Tell of what is another than was told last; return what the status is to say."""
        status = record.status.get("sessions")
        told: Mapping[str, object] = status if isinstance(status, dict) else {}
        identities = self._tell_identities(record, hub, told)
        images = self._tell_images(record, hub, told)
        # Of hubs whose model speaks of no such account, or that never had any, nothing is said.
        if not identities and not images:
            return None
        if images is None:
            return SessionsStatus(identities=identities)
        return SessionsStatus(identities=identities, images=images)

    def keep(self, records: Collection[str]) -> None:
        """Forget all other records."""
        for known in (self._identities, self._images):
            for uid in known.keys() - set(records):
                del known[uid]

    def _tell_identities(
        self, record: CustomResource[object], hub: HubAssessment, told: Mapping[str, object]
    ) -> Texts:
        before = self._identities.get(record.uid, _told(told, "identities"))
        if hub.identities is None:
            return before or ()
        now = _texts(hub.identities)
        self._identities[record.uid] = now
        if before is not None and before != now:
            here, there = (some(list(each), _MOST_NAMED) or "none" for each in (now, before))
            items = [item for item in hub.agreement.items if item.terms.identity_accounts]
            writers = [s.by for s in hub.identities if s.by and s.text not in before]
            by = f", written by {some(writers, _MOST_NAMED)}" if writers else ""
            message = f"Sessions' cloud identity is {here}, where it was {there}{by}"
            self._announcer.switched(
                record.reference, _IDENTITY, message + _whose(hub, items), warning=True
            )
        return now

    def _tell_images(
        self, record: CustomResource[object], hub: HubAssessment, told: Mapping[str, object]
    ) -> Texts | None:
        before = self._images.get(record.uid, _told(told, "images"))
        if hub.images is None:
            return before
        now = _texts(hub.images)
        self._images[record.uid] = seen = _remembered(before or (), now)
        fresh = [image for image in now if image not in (before or ())]
        if before and fresh:
            paths = {item.name: item.terms.values_paths for item in hub.agreement.items}
            owners = most_precise(SETTINGS[IMAGE], paths)
            items = [item for item in hub.agreement.items if item.name in owners]
            message = f"Sessions run {some(fresh, _MOST_NAMED)}, as they did not before"
            self._announcer.switched(record.reference, _IMAGE, message + _whose(hub, items))
        return seen


def _remembered(before: Sequence[str], now: Sequence[str]) -> Texts:
    """Return the images that were seen, the newest last; those that run are not forgotten.

    So a profile that somebody uses once a week is news once.
    """
    seen = [*before, *(image for image in now if image not in before)]
    while len(seen) > MAX_LISTED:
        idle = next((image for image in seen if image not in now), seen[0])
        seen.remove(idle)
    return tuple(seen)


def _texts(settings: Iterable[Setting]) -> Texts:
    # As the status will have them: what is compared is what was written.
    return SessionsStatus(identities=tuple(dict.fromkeys(s.text for s in settings))).identities


def _told(status: Mapping[str, object], field: str) -> Texts | None:
    """Return what the status said; None where it says nothing of it yet."""
    told = status.get(field)
    return tuple(map(str, told)) if isinstance(told, list) else None


def _whose(hub: HubAssessment, items: Sequence[Item]) -> str:
    for item in items:
        owner = hub.agreement.parties.get(item.owner)
        if owner is not None:
            return f": {item.terms.title} is {owner.label}'s"
    return ""
