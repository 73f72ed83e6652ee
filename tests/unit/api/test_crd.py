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


def test_the_files_are_up_to_date() -> None:
    assert crd.outdated(ROOT / "crds") == [], "run python -m responsibility.api.crd"


def test_a_changed_file_is_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert crd.main([str(tmp_path)]) == 0
    assert crd.main(["--check", str(tmp_path)]) == 0
    changed = tmp_path / crd.RESOURCES[0].filename
    changed.write_text(changed.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert crd.main(["--check", str(tmp_path)]) == 1
    assert changed.name in capsys.readouterr().err


@KINDS
def test_schemas_are_structural(resource: crd.Resource) -> None:
    for path, node in _ours(resource):
        assert not {"$ref", "title", "nullable", "propertyNames"} & node.keys(), path
        assert "type" in node or node.get("x-kubernetes-int-or-string"), path
        assert node.get("x-kubernetes-int-or-string") or "anyOf" not in node, path


@KINDS
def test_every_field_is_explained(resource: crd.Resource) -> None:
    for path, node in _ours(resource):
        if not path.endswith(("[]", "{}")):
            assert len(node.get("description", "")) > 10, path
            assert node["description"].endswith("."), path


@KINDS
def test_every_list_text_and_map_is_bounded(resource: crd.Resource) -> None:
    # Without bounds the API server takes the worst case for the cost of the rules.
    for path, node in _ours(resource):
        match node.get("type"):
            case "array":
                assert "maxItems" in node, path
            case "string":
                assert {"maxLength", "enum", "format"} & node.keys(), path
            case "object" if "additionalProperties" in node:
                assert "maxProperties" in node, path


@KINDS
def test_every_list_says_how_it_merges(resource: crd.Resource) -> None:
    for path, node in _ours(resource):
        if node.get("type") != "array":
            continue
        kind = node["x-kubernetes-list-type"]
        assert kind in {"map", "set", "atomic"}, path
        if kind == "map":
            keys = node["x-kubernetes-list-map-keys"]
            assert set(keys) <= set(node["items"]["required"]), path


@KINDS
def test_every_rule_says_what_is_wrong(resource: crd.Resource) -> None:
    rules = [
        rule for _, node in _ours(resource) for rule in node.get("x-kubernetes-validations", ())
    ]
    assert rules
    assert all(rule["message"] for rule in rules)


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
