"""A ``Responsibility``: who owns what on one hub, where that differs from the model."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from responsibility.api.base import (
    ATOMIC,
    ATOMIC_MAP,
    Label,
    Meta,
    Prose,
    Shape,
    Subdomain,
    Title,
    ValidationRule,
    keyed,
)
from responsibility.api.common import (
    AgreedSetting,
    Delegate,
    Enforcement,
    ExemptionSpec,
    ItemEnforcement,
    PartySpec,
)
from responsibility.api.names import API_VERSION, ApiVersion
from responsibility.api.stages import RbacMode
from responsibility.api.status import (
    CommonStatus,
    Count,
    LongText,
    Name,
    Names,
    PlanStatus,
    SessionsStatus,
)

DEFAULT_MODEL = "2i2c"


class HubReference(Shape):
    """Which hub a record is about; it stays about that hub."""

    rules: ClassVar[tuple[ValidationRule, ...]] = (
        ValidationRule(
            cel="self.__namespace__ == oldSelf.__namespace__",
            message="a record stays with its hub: write a new record for another namespace",
            message_cel="'a record stays with its hub, here in namespace ' + "
            "oldSelf.__namespace__ + ': write a new record for ' + self.__namespace__",
            check=None,
            at="namespace",
            reason="FieldValueForbidden",
        ),
        ValidationRule(
            cel="!has(oldSelf.release) || (has(self.release) && self.release == oldSelf.release)",
            message="a record stays with its hub: write a new record for another release",
            check=None,
            at="release",
            reason="FieldValueForbidden",
        ),
    )

    namespace: Label = Field(description="The namespace that the hub runs in, such as prod.")
    release: Label | None = Field(
        default=None,
        description="The Helm release of the hub, such as prod. May be left out where the "
        "namespace has just one hub. Once set, it stays.",
    )
    display_name: Title = Field(default="", description="The hub's name to show, such as LEAP.")
    cluster: Title = Field(
        default="",
        description="The cluster's name, where it isn't the one that the operator was installed "
        "with, such as leap. For reports only.",
    )


class RecordItem(Shape):
    """What is agreed about one item on this hub; what is left out follows the model."""

    name: Label = Field(description="The item's name in the model, such as user-access.")
    owner: Label | None = Field(
        default=None,
        description="The party that is accountable for this item on this hub, such as provider. "
        "Left out, the model's owner.",
    )
    delegates: tuple[Delegate, ...] | None = Field(
        default=None,
        max_length=16,
        json_schema_extra=keyed("party"),
        description="Parties that may act on this item too. Given, the list takes the place of the "
        "model's; [] means nobody else.",
    )
    review_after: date | None = Field(
        default=None,
        description="The day after which this agreement should be looked at again, such as "
        "2027-03-01. From then on the item is overdue.",
    )
    minimum_holders: Annotated[int, Field(ge=1, le=64, strict=True)] | None = Field(
        default=None,
        description="How many of the owner's subjects must be able to act, such as 2. Left out, "
        "the model's number.",
    )
    enforcement: ItemEnforcement | None = Field(
        default=None,
        description="How far the operator goes for this item. Left out, as for the hub.",
    )
    agreed: tuple[AgreedSetting, ...] = Field(
        default=(),
        max_length=32,
        json_schema_extra=keyed("path"),
        description="What settings of the hub that belong to this item are agreed to be. Where "
        "the operator may read them, it tells when they are not.",
    )
    note: Prose = Field(default="", description="What was agreed, in words.")


def _may_revoke(spec: ResponsibilitySpec) -> bool:
    asked = [spec.enforcement.rbac]
    asked += [i.enforcement.rbac for i in spec.items if i.enforcement and i.enforcement.rbac]
    return spec.enforcement.approved_plan is None or RbacMode.REVOKE in asked


class ResponsibilitySpec(Shape):
    """What people agree on for one hub."""

    rules: ClassVar[tuple[ValidationRule, ...]] = (
        ValidationRule(
            cel="!has(self.enforcement) || !has(self.enforcement.approvedPlan) || "
            f"(has(self.enforcement.rbac) && self.enforcement.rbac == '{RbacMode.REVOKE}') || "
            "(has(self.items) && self.items.exists(i, has(i.enforcement) && "
            f"has(i.enforcement.rbac) && i.enforcement.rbac == '{RbacMode.REVOKE}'))",
            message="nothing is revoked without rbac: revoke: set it, or remove approvedPlan",
            check=_may_revoke,
            at="enforcement.approvedPlan",
        ),
    )

    hub: HubReference = Field(description="The hub that this record is about.")
    model: Subdomain = Field(
        default=DEFAULT_MODEL,
        description="The name of the ResponsibilityModel that this record builds on, such as 2i2c.",
    )
    parties: tuple[PartySpec, ...] = Field(
        default=(),
        max_length=16,
        json_schema_extra=keyed("name"),
        description="The sides of the agreement on this hub, merged by name over those of the "
        "model: what is given here takes the place of the model's. Mostly just the community.",
    )
    items: tuple[RecordItem, ...] = Field(
        default=(),
        max_length=65,
        json_schema_extra=keyed("name"),
        description="The items for which something else than the model's default is agreed.",
    )
    exemptions: tuple[ExemptionSpec, ...] = Field(
        default=(),
        max_length=64,
        json_schema_extra=ATOMIC,
        description="Subjects whose rights on this hub are listed, but not counted as drift, "
        "beside those of the model.",
    )
    enforcement: Enforcement = Field(
        default_factory=Enforcement,
        json_schema_extra={"default": {}},
        description="How far the operator goes on this hub. It starts by looking only.",
    )


class ResponsibilityStatus(CommonStatus):
    """What the operator found for one hub."""

    hub: Name = Field(default="", description="The hub as namespace/release, such as prod/prod.")
    owner_split: Name = Field(
        default="",
        description="How many items each party owns, such as provider 12, community 8.",
    )
    owners: dict[Name, LongText] = Field(
        default_factory=dict,
        max_length=32,
        json_schema_extra=ATOMIC_MAP,
        description="The names of the items that each party owns, by number, such as community: "
        "use-sessions, user-access.",
    )
    delegates: dict[Name, LongText] = Field(
        default_factory=dict,
        max_length=32,
        json_schema_extra=ATOMIC_MAP,
        description="The names of the items on which each party may act as well; delegations that "
        "ended are left out.",
    )
    enforcement: Name = Field(
        default="", description="Admission and RBAC as they are in force, such as observe/audit."
    )
    pending: Names = Field(
        default=(),
        json_schema_extra=ATOMIC,
        description="RoleBindings in the hub's namespace whose role does not exist. They grant "
        "nothing until the day it appears.",
    )
    cluster_findings: Count = Field(
        default=0,
        description="The number of findings about cluster-wide permissions of this hub's items. "
        "They are counted once for the cluster, in the model's status, and not in drift.",
    )
    plan: PlanStatus | None = Field(
        default=None,
        description="What would end the excess rights of this hub, worked out by the operator. "
        "Gone where there are none.",
    )
    sessions: SessionsStatus | None = Field(
        default=None, description="What the hub's sessions run, and may do in the cloud."
    )


class Responsibility(Shape):
    """A record, as read from the API or from a file."""

    api_version: ApiVersion = API_VERSION
    kind: Literal["Responsibility"] = "Responsibility"
    metadata: Meta
    spec: ResponsibilitySpec
    status: ResponsibilityStatus | None = None

    @property
    def name(self) -> str:
        """The record's name."""
        return self.metadata.name
