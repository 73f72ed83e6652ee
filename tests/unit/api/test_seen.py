"""What nobody could see has no place in a record or model: each field of text refuses it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from responsibility.api.crd import RESOURCES, manifest
from responsibility.api.foreign_text import harmless
from tests.unit.api.harmful import HARMFUL

# What somebody writes on its own lines, for people.
PROSE = {"note", "description"}
# Around what is harmful, so that whatever form a field has is kept but for that.
AROUND = ("{}", "a{}b", "a@b{}c.example", "https://a.example/{}", "$(prefix){}", "a.{}", "1{}")
# A lone surrogate can't be sent at all, and of characters that are none there are many.
UNSEEN = {c for text in HARMFUL for c in text if harmless(c) != c} - set("\ud800\ufffe\ufdd0")
_FORMATS = ("date", "date-time")


def _leaves(schema: Mapping[str, Any], path: str = "spec") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, below in schema.get("properties", {}).items():
        yield from _leaves(below, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from _leaves(schema[key], f"{path}[*]")
    kinds = [schema, *schema.get("anyOf", ())]
    if any(kind.get("type") == "string" for kind in kinds):
        yield path, dict(schema)


LEAVES = [
    (f"{crd['spec']['names']['kind']}.{path}", leaf)
    for crd in map(manifest, RESOURCES)
    for version in crd["spec"]["versions"]
    for path, leaf in _leaves(version["schema"]["openAPIV3Schema"]["properties"]["spec"])
    if "enum" not in leaf and leaf.get("format") not in _FORMATS
]


@pytest.mark.parametrize(("path", "leaf"), LEAVES, ids=[path for path, _ in LEAVES])
def test_a_text_has_an_end_and_nothing_in_it_that_is_not_seen(
    path: str, leaf: dict[str, Any]
) -> None:
    assert leaf["maxLength"] <= 2048
    reader = TypeAdapter(Annotated[str, Field(pattern=leaf["pattern"])])
    free = {"\n"} if path.rsplit(".", 1)[-1] in PROSE else set()
    for char in sorted(UNSEEN - free):
        for around in AROUND:
            with pytest.raises(ValidationError):
                reader.validate_python(around.format(char))


def test_names_of_people_are_names() -> None:
    fields = dict(LEAVES)
    for path in ("Responsibility.spec.parties[*].displayName", "Responsibility.spec.items[*].note"):
        reader = TypeAdapter(Annotated[str, Field(pattern=fields[path]["pattern"])])
        for name in ("Zoë Ångström", "李雷", "محمد", "a b", "🌊", "x; touch $(gotcha)", ""):
            assert reader.validate_python(name) == name
    assert TypeAdapter(
        Annotated[str, Field(pattern=fields["Responsibility.spec.items[*].note"]["pattern"])]
    ).validate_python("one\n\ttwo")
