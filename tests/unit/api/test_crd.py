"""The CRDs are what the models say, in the form that Kubernetes takes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from responsibility.api import crd

ROOT = Path(__file__).parents[3]
KINDS = pytest.mark.parametrize("resource", crd.RESOURCES, ids=lambda resource: resource.kind)
Node = tuple[str, dict[str, Any]]


def _nodes(schema: dict[str, Any], path: str) -> Iterator[Node]:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from _nodes(child, f"{path}.{name}")
    if isinstance(schema.get("items"), dict):
        yield from _nodes(schema["items"], f"{path}[]")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from _nodes(schema["additionalProperties"], f"{path}{{}}")


def _ours(resource: crd.Resource) -> list[Node]:
    return [
        *_nodes(crd.structural(resource.spec), "spec"),
        *_nodes(crd.structural(resource.status), "status"),
    ]


def test_columns_of_kubectl_get() -> None:
    shown = [
        [column.name.upper() for column in each.columns if not column.priority]
        for each in crd.RESOURCES
    ]
    assert shown == [
        ["HUB", "OWNER-SPLIT", "DRIFT", "ENFORCEMENT", "READY", "AGE"],
        ["ITEMS", "RECORDS", "DRIFT", "READY", "AGE"],
    ]


@KINDS
def test_columns_point_at_fields(resource: crd.Resource) -> None:
    known = {path for path, _ in _ours(resource)}
    for column in resource.columns:
        field = column.path.removeprefix(".").partition("[?")[0]
        assert field in known or field == "metadata.creationTimestamp", column.name
