"""The shipped model with a provider that acts, and records of it."""

from typing import Any

from responsibility.api.model import ResponsibilityModel
from responsibility.api.parse import load_shipped_manifest, parse_model
from responsibility.api.record import Responsibility
from tests.unit.ownership.building import (
    everything,
    people,
    record,
)

CONTACT = {"contact": {"email": "people@example.org"}}
PROVIDER = people("Group engineers", **CONTACT)
COMMUNITY = {"community": CONTACT}
ENGINEERS = everything("Group engineers")


def model() -> ResponsibilityModel:
    """Return the shipped model with the provider that every organisation adds once."""
    manifest = load_shipped_manifest()
    manifest["spec"]["parties"] = [{"name": "provider", **PROVIDER}, {"name": "community"}]
    return parse_model(manifest, strict=True)


def ours(name: str = "prod", **more: Any) -> Responsibility:
    """Return a record of a hub by that model, with a community that can be reached."""
    return record(name, model="2i2c", **{"parties": COMMUNITY, **more})
