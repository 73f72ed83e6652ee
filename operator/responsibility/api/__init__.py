"""The two resources: as models to work with, as CRDs to install, and the model that is shipped.

``parse_record`` and ``parse_model`` are the only way in; ``dump`` of a shape is the way out.
"""

from responsibility.api.base import API_VERSION, GROUP, VERSION, Meta
from responsibility.api.item import ItemDefinition
from responsibility.api.model import ResponsibilityModel
from responsibility.api.parse import (
    Problem,
    RecordError,
    load_shipped_manifest,
    load_shipped_model,
    parse_model,
    parse_record,
)
from responsibility.api.permission import PermissionRule
from responsibility.api.record import Responsibility

__all__ = [
    "API_VERSION",
    "GROUP",
    "VERSION",
    "ItemDefinition",
    "Meta",
    "PermissionRule",
    "Problem",
    "RecordError",
    "Responsibility",
    "ResponsibilityModel",
    "load_shipped_manifest",
    "load_shipped_model",
    "parse_model",
    "parse_record",
]
