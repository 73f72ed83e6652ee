"""Models of the few items that a test needs, and permissions to write."""

from typing import Any

from responsibility.api.model import ResponsibilityModel
from responsibility.api.parse import parse_model


def small(*items: dict[str, Any]) -> ResponsibilityModel:
    """Return a model of one party that owns all these items."""
    full = [
        {"number": n, "title": f"Item {n}", "owner": "p", "kinds": ["kubernetes"], **item}
        for n, item in enumerate(items, 1)
    ]
    spec = {"parties": [{"name": "p"}], "record": {"owner": "p"}, "items": full}
    return parse_model(
        {
            "apiVersion": "responsibility.2i2c.org/v1alpha1",
            "kind": "ResponsibilityModel",
            "metadata": {"name": "small"},
            "spec": spec,
        },
        strict=True,
    )


def writes(resource: str, group: str = "", **more: Any) -> dict[str, Any]:
    """Return the permission to write a resource, as a model has it."""
    verbs = ["create", "update", "patch", "delete"]
    return {"verbs": verbs, "apiGroups": [group], "resources": [resource], **more}
