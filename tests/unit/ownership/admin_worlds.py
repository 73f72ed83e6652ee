"""Hubs of which it is known who administers them inside, and what was agreed about that."""

from __future__ import annotations

from typing import Any

from responsibility.hub.admins.administrators import (
    Administrator,
    Administrators,
    Way,
)
from responsibility.hub.discovery import HubKey
from responsibility.ownership.results.assessment import Assessment
from responsibility.ownership.results.findings import INSIDE, Finding
from tests.unit.ownership.building import (
    of_kind,
    record,
)

PROD = HubKey("prod", "prod")
DOOR = {
    "name": "door",
    "number": 6,
    "title": "Door",
    "kinds": ["jupyterhub"],
    "owner": "guests",
}


def admin(name: str, *ways: Way, service: bool = False, configured: bool = True) -> Administrator:
    """Return somebody who administers a hub from within."""
    return Administrator(name, service, ways or (Way(),), None if service else configured)


def known(*admins: Administrator, **more: Any) -> Administrators:
    """Return what is known of a hub whose admins these are."""
    return Administrators(admins, **{"authenticator": "github", **more})


def agreed(guests: dict[str, Any] | None = None, **more: Any) -> Any:
    """Return a record that names the hub's users who act for its guests."""
    parties = {"guests": {"hubUsers": ["ann"]} if guests is None else guests}
    parties.update(more.pop("parties", {}))
    return record(parties=parties, **more)


def inside(assessment: Assessment) -> list[Finding]:
    """Return the findings about who administers hubs from within."""
    return of_kind(assessment, *INSIDE)
