"""A model with an item that the sessions' cloud identity belongs to, and such identities."""

from __future__ import annotations

from collections.abc import Mapping

from responsibility.hub.values.agreed import Setting
from tests.unit.ownership.building import garden_with

ROLE, OTHER = "arn:aws:iam::1:role/coast", "arn:aws:iam::1:role/everything"
PLACE = "eks.amazonaws.com/role-arn of ServiceAccount user-sa"
DATA = {
    "name": "data",
    "number": 7,
    "title": "Data",
    "kinds": ["kubernetes"],
    "owner": "guests",
    "fields": [
        {
            "kind": "ServiceAccount",
            "name": "user-sa",
            "path": 'metadata.annotations["eks.amazonaws.com/role-arn"]',
        }
    ],
}
MODEL = garden_with(DATA)
Known = Mapping[tuple[str, str], tuple[Setting, ...]]


def has(*roles: str, namespace: str = "prod", account: str = "user-sa") -> Known:
    return {(namespace, account): tuple(Setting(PLACE, role) for role in roles)}
