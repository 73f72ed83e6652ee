"""The CRDs' schemas, as far as an API server holds a status against them."""

from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

_CRDS = Path(__file__).parents[3] / "crds"


def status_schema(plural: str) -> dict[str, Any]:
    text = (_CRDS / f"responsibility.2i2c.org_{plural}.yaml").read_text(encoding="utf-8")
    (version,) = yaml.safe_load(text)["spec"]["versions"]
    schema: dict[str, Any] = version["schema"]["openAPIV3Schema"]["properties"]["status"]
    return schema


def faults(value: Any, schema: dict[str, Any], path: str = "status") -> list[str]:  # noqa: C901, PLR0912 - a keyword a branch
    """Return what an API server would refuse, or silently drop."""
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
    kind = kinds[schema["type"]]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        return [f"{path}: {value!r} is no {schema['type']}"]
    found: list[str] = []
    length = len(value) if isinstance(value, (str, list, dict)) else 0
    for least, most in (
        ("minLength", "maxLength"),
        ("minItems", "maxItems"),
        ("minProperties", "maxProperties"),
    ):
        if not schema.get(least, 0) <= length <= schema.get(most, length):
            found.append(f"{path}: {length} is out of bounds")
    if value not in schema.get("enum", [value]):
        found.append(f"{path}: {value!r} is not in the enum")
    if schema.get("format") == "date-time" and datetime.fromisoformat(str(value)).tzinfo is None:
        found.append(f"{path}: {value!r} has no zone")
    if isinstance(value, int) and value < schema.get("minimum", value):
        found.append(f"{path}: {value} is too small")
    if isinstance(value, list):
        for index, entry in enumerate(value):
            found += faults(entry, schema["items"], f"{path}[{index}]")
        keys = schema.get("x-kubernetes-list-map-keys")
        if keys and len({tuple(e[k] for k in keys) for e in value}) != len(value):
            found.append(f"{path}: {keys} repeat")
    if isinstance(value, dict):
        known = schema.get("properties", {})
        found += [
            f"{path}: {key} is missing" for key in schema.get("required", ()) if key not in value
        ]
        for key, entry in value.items():
            inner = known.get(key) or schema.get("additionalProperties")
            if inner is None:
                found.append(f"{path}: {key} is unknown, and would be pruned")
            else:
                found += faults(entry, inner, f"{path}.{key}")
    return found
