"""A model with items that own settings of hubs."""

from __future__ import annotations

from tests.unit.ownership.building import (
    garden_with,
)

LIMIT = "singleuser.memory.limit"
LIMITS = {
    "name": "limits",
    "number": 14,
    "title": "Limits",
    "kinds": ["kubernetes"],
    "owner": "guests",
    "valuesPaths": ["singleuser.memory"],
}
IMAGE = {
    "name": "image",
    "number": 6,
    "title": "Image",
    "kinds": ["kubernetes"],
    "owner": "guests",
    "valuesPaths": ["singleuser.image", "singleuser"],
}
MODEL = garden_with(LIMITS, IMAGE)
