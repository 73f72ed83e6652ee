"""A ``ResponsibilityModel``: the items that parties share, and who owns them by default."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from responsibility.api.base import ATOMIC, Meta, Prose, Shape, Title, Url, ValidationRule, keyed
from responsibility.api.common import ExemptionSpec, PartySpec
from responsibility.api.item import RECORD_ITEM, BreakGlass, ItemDefinition, RecordDefinition
from responsibility.api.names import API_VERSION, ApiVersion
from responsibility.api.permission import ObjectField, PermissionRule, Scope
from responsibility.api.status import (
    BreakGlassStatus,
    CommonStatus,
    Count,
    ItemKind,
    KubernetesStatus,
    ManyNames,
)

__all__ = [
    "RECORD_ITEM",
    "BreakGlass",
    "ItemDefinition",
    "ItemKind",
    "ObjectField",
    "PermissionRule",
    "RecordDefinition",
    "ResponsibilityModel",
    "ResponsibilityModelSpec",
    "ResponsibilityModelStatus",
    "Scope",
]


class ResponsibilityModelSpec(Shape):
    """What an organisation and its communities share out."""

    rules: ClassVar[tuple[ValidationRule, ...]] = (
        ValidationRule(
            cel="self.items.all(i, self.parties.exists(p, p.name == i.owner))",
            message="an item's owner is not in spec.parties: add the party or correct owner",
            check=lambda m: not _strangers(m, {item.owner for item in m.items}),
            at="items",
        ),
        ValidationRule(
            cel=(
                "self.items.all(i, !has(i.delegates) || "
                "i.delegates.all(d, self.parties.exists(p, p.name == d.party)))"
            ),
            message="a delegate is not in spec.parties: add the party or correct delegates",
            check=lambda m: (
                not _strangers(m, {d.party for item in m.items for d in item.delegates})
            ),
            at="items",
        ),
        ValidationRule(
            cel="self.items.all(i, self.items.exists_one(j, j.number == i.number))",
            message="two items have the same number: give each its own",
            check=lambda m: len({item.number for item in m.items}) == len(m.items),
            at="items",
        ),
        ValidationRule(
            cel="self.items.all(i, i.number > 0 && i.name != 'record')",
            message="number 0 and the name record belong to the record itself: describe it in "
            "spec.record",
            check=lambda m: all(i.number > 0 and i.name != RECORD_ITEM for i in m.items),
            at="items",
        ),
        ValidationRule(
            cel=(
                "self.parties.exists(p, p.name == self.record.owner) && "
                "(!has(self.record.delegates) || self.record.delegates.all(d, "
                "self.parties.exists(p, p.name == d.party)))"
            ),
            message="the records' owner or delegate is not in spec.parties: name a known party in "
            "spec.record.owner (provider where it is left out)",
            check=lambda m: not _strangers(m, set(m.record.item().parties)),
            at="record",
        ),
        ValidationRule(
            cel=(
                "!has(self.exemptions) || self.exemptions.all(e, e.items.all(n, n == '*' || "
                "n == 'record' || self.items.exists(i, i.name == n)))"
            ),
            message="an exemption names an item that the model doesn't have: correct its items",
            check=lambda m: (
                not (
                    {name for exemption in m.exemptions for name in exemption.items}
                    - {"*", RECORD_ITEM}
                    - {item.name for item in m.items}
                )
            ),
            at="exemptions",
        ),
    )

    display_name: Title = Field(
        default="", description="The model's name to show, such as Shared responsibility model."
    )
    description: Prose = Field(default="", description="What the model is for, in words.")
    url: Url | None = Field(
        default=None,
        description="Where the agreement can be read, such as https://docs.example.org.",
    )
    parties: tuple[PartySpec, ...] = Field(
        min_length=1,
        max_length=16,
        json_schema_extra=keyed("name"),
        description="The sides of the agreement. A record adds to them by name, mostly who the "
        "community of its hub is.",
    )
    items: tuple[ItemDefinition, ...] = Field(
        min_length=1,
        max_length=64,
        json_schema_extra=keyed("name"),
        description="The kinds of action that are shared out.",
    )
    exemptions: tuple[ExemptionSpec, ...] = Field(
        default=(),
        max_length=64,
        json_schema_extra=ATOMIC,
        description="Subjects whose rights are listed, but not counted as drift on any hub, such "
        "as those of the control plane.",
    )
    break_glass: tuple[BreakGlass, ...] = Field(
        default=(),
        max_length=32,
        json_schema_extra=ATOMIC,
        description="Subjects that may do everything in an emergency. They are always reported.",
    )
    record: RecordDefinition = Field(
        default_factory=RecordDefinition,
        json_schema_extra={"default": {}},
        description="Item 0: who may write records and models.",
    )

    @property
    def all_items(self) -> tuple[ItemDefinition, ...]:
        """Item 0 and the items, by number."""
        return (self.record.item(), *sorted(self.items, key=lambda item: item.number))


def _strangers(spec: ResponsibilityModelSpec, named: set[str]) -> set[str]:
    return named - {party.name for party in spec.parties}


class ResponsibilityModelStatus(CommonStatus):
    """What the operator found for the cluster as a whole."""

    item_count: Count = Field(default=0, description="The number of items, item 0 left out.")
    records: Count = Field(default=0, description="The number of records that build on this model.")
    break_glass: tuple[BreakGlassStatus, ...] = Field(
        default=(),
        max_length=64,
        json_schema_extra=ATOMIC,
        description="Every subject that passes all checks, declared or not.",
    )
    unrecorded: Count = Field(default=0, description="The number of hubs that have no record.")
    unrecorded_hubs: ManyNames = Field(
        default=(),
        json_schema_extra=ATOMIC,
        description="Hubs that have no record, as namespace/release, such as prod/prod.",
    )
    kubernetes: KubernetesStatus | None = Field(
        default=None,
        description="The versions of Kubernetes that the cluster runs, where the operator looks.",
    )


class ResponsibilityModel(Shape):
    """A model, as read from the API or from a file."""

    api_version: ApiVersion = API_VERSION
    kind: Literal["ResponsibilityModel"] = "ResponsibilityModel"
    metadata: Meta
    spec: ResponsibilityModelSpec
    status: ResponsibilityModelStatus | None = None

    @property
    def name(self) -> str:
        """The model's name."""
        return self.metadata.name
