"""The CRDs, generated from the models.

Kubernetes takes *structural* schemas: no references, no ``anyOf`` with null, every list, text and
map bounded so that the cost of the CEL rules can be estimated. Pydantic writes general JSON
schema; this module turns the one into the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from responsibility import api_groups
from responsibility.api.base import Shape
from responsibility.api.model import ResponsibilityModelSpec, ResponsibilityModelStatus
from responsibility.api.names import API_GROUP, MODELS, RECORDS, VERSION
from responsibility.api.record import ResponsibilitySpec, ResponsibilityStatus

Schema = dict[str, Any]

HEADER = "# Generated from operator/responsibility/api by `python -m tools.generate`.\n"

# What general JSON schema says and a structural schema must not.
_FOREIGN = frozenset({"title", "propertyNames", "$defs"})


@dataclass(frozen=True, slots=True)
class PrinterColumn:
    """A column of ``kubectl get``; priority 1 shows with ``-o wide`` only."""

    name: str
    path: str
    type: str = "string"
    description: str = ""
    priority: int = 0

    def manifest(self) -> Schema:
        """Return the entry of ``additionalPrinterColumns``."""
        entry: Schema = {"name": self.name, "type": self.type, "jsonPath": self.path}
        if self.description:
            entry["description"] = self.description
        if self.priority:
            entry["priority"] = self.priority
        return entry


@dataclass(frozen=True, slots=True)
class Resource:
    """One of our kinds, as its CRD describes it."""

    kind: str
    plural: str
    short: str
    description: str
    spec: type[Shape]
    status: type[Shape]
    columns: tuple[PrinterColumn, ...]

    @property
    def name(self) -> str:
        """The CRD's name."""
        return f"{self.plural}.{API_GROUP}"

    @property
    def filename(self) -> str:
        """The file it is written to."""
        return f"{API_GROUP}_{self.plural}.yaml"


_READY = '.status.conditions[?(@.type=="Ready")].status'
_DRIFT = PrinterColumn("Drift", ".status.drift.total", "integer", "Findings, counted.")
_END = (
    PrinterColumn("Ready", _READY, description="Whether it was read and evaluated."),
    PrinterColumn("Age", ".metadata.creationTimestamp", "date"),
    PrinterColumn("Summary", ".status.summary", priority=1),
)

RESOURCES = (
    Resource(
        kind="Responsibility",
        plural=RECORDS,
        short="resp",
        description="Responsibility records who owns what on one JupyterHub: the hub, its parties, "
        "and the items for which something else than the model's default is agreed.",
        spec=ResponsibilitySpec,
        status=ResponsibilityStatus,
        columns=(
            PrinterColumn("Hub", ".status.hub", description="Namespace and release of the hub."),
            PrinterColumn(
                "Owner-Split", ".status.ownerSplit", description="Items owned by each party."
            ),
            _DRIFT,
            PrinterColumn("Enforcement", ".status.enforcement", description="Admission and RBAC."),
            *_END,
            PrinterColumn("Model", ".spec.model", priority=1),
        ),
    ),
    Resource(
        kind="ResponsibilityModel",
        plural=MODELS,
        short="respmodel",
        description="ResponsibilityModel lists the kinds of action around a JupyterHub that "
        "parties share out, who is accountable for each by default, and what that takes in "
        "Kubernetes.",
        spec=ResponsibilityModelSpec,
        status=ResponsibilityModelStatus,
        columns=(
            PrinterColumn("Items", ".status.itemCount", "integer", "Items in the model."),
            PrinterColumn("Records", ".status.records", "integer", "Records that build on it."),
            _DRIFT,
            *_END,
        ),
    ),
)


def structural(shape: type[Shape]) -> Schema:
    """Return the structural schema of ``shape``."""
    whole = shape.model_json_schema(by_alias=True)
    return _convert(whole, whole.get("$defs", {}))


def _convert(node: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """Inline references, unwrap optionals, and drop what Kubernetes doesn't take."""
    merged = _resolve(node, definitions)
    result: Schema = {}
    for key, value in merged.items():
        if key in _FOREIGN or (key == "default" and _says_nothing(value)):
            continue
        if key == "properties":
            result[key] = {name: _convert(child, definitions) for name, child in value.items()}
        elif key in {"items", "additionalProperties"}:
            result[key] = _convert(value, definitions)
        elif key == "description":
            result[key] = " ".join(value.replace("``", "").split())
        else:
            result[key] = value
    return dict(sorted(result.items(), key=lambda pair: _ORDER.get(pair[0], len(_ORDER))))


_ORDER = {
    key: place
    for place, key in enumerate(("description", "type", "format", "enum", "default", "required"))
}


def _resolve(node: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """Follow ``$ref`` and ``anyOf: [X, null]``; what stands beside them wins."""
    beside = {key: value for key, value in node.items() if key not in {"$ref", "anyOf"}}
    if "$ref" in node:
        return _resolve(definitions[node["$ref"].rpartition("/")[2]], definitions) | beside
    options = [option for option in node.get("anyOf", ()) if option != {"type": "null"}]
    if len(options) == 1:
        return _resolve(options[0], definitions) | beside
    return beside | ({"anyOf": options} if options else {})


def _says_nothing(default: object) -> bool:
    # An empty mapping does say something: the defaults inside it are filled in.
    return default is None or default in ("", [], 0)


def manifest(resource: Resource) -> Schema:
    """Return the CustomResourceDefinition of ``resource``."""
    schema: Schema = {
        "description": resource.description,
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": "The group and version of this kind."},
            "kind": {"type": "string", "description": "The name of this kind."},
            "metadata": {"type": "object"},
            "spec": structural(resource.spec),
            "status": structural(resource.status),
        },
    }
    return {
        "apiVersion": f"{api_groups.API_EXTENSIONS}/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": resource.name},
        "spec": {
            "group": API_GROUP,
            "scope": "Cluster",
            "names": {
                "kind": resource.kind,
                "listKind": f"{resource.kind}List",
                "plural": resource.plural,
                "singular": resource.kind.lower(),
                "shortNames": [resource.short],
                # Not the kind's own name: kubectl would take `get responsibility NAME` for the
                # category, and refuse the name.
                "categories": ["ownership"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [column.manifest() for column in resource.columns],
                }
            ],
        },
    }


class _Dumper(yaml.SafeDumper):
    """Without anchors: equal pieces are written out, as other tools do."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the base class's signature
        return True


def to_yaml(document: Schema) -> str:
    """Return ``document`` as YAML, the same bytes for the same content."""
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=100)
    return text


def render(resource: Resource) -> str:
    """Return the CRD as YAML."""
    return HEADER + to_yaml(manifest(resource))
