"""Shapes that records and models share: parties, delegates, bounds, exemptions, enforcement."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import AwareDatetime, BeforeValidator, Field, WithJsonSchema

from responsibility.api.base import (
    ATOMIC,
    LINE_PATTERN,
    PATH_PATTERN,
    QUANTITY_PATTERN,
    REPOSITORY_PATTERN,
    SET,
    TEMPLATE_PATTERN,
    TEMPLATE_STAR_PATTERN,
    Digest,
    Email,
    ItemOrAll,
    Label,
    Sentence,
    Shape,
    Title,
    Url,
    ValidationRule,
    keyed,
)
from responsibility.api.permission import PermissionRule
from responsibility.api.placeholders import expand
from responsibility.api.stages import AdmissionStage, RbacMode
from responsibility.api.subjects import (
    SubjectName,
    SubjectPattern,
    SubjectSpec,
)

__all__ = [
    "AgreedSetting",
    "BoundSpec",
    "Contact",
    "Delegate",
    "Enforcement",
    "ExemptBinding",
    "ExemptionSpec",
    "ImageRepository",
    "ItemEnforcement",
    "PartySpec",
    "Quantity",
    "SettingText",
    "SubjectPattern",
    "SubjectSpec",
    "ValuesPath",
    "expand",
]


class Contact(Shape):
    """Where a party is reached; at least one way."""

    email: Email | None = Field(
        default=None, description="An address that people read, such as hub-leads@example.org."
    )
    url: Url | None = Field(
        default=None,
        description="A page, channel or ticket queue, such as https://support.example.org.",
    )


class PartySpec(Shape):
    """One side of the agreement."""

    name: Label = Field(description="The party's name in owner and delegates, such as community.")
    display_name: Title = Field(
        default="", description="The name to show, such as LEAP community. Default: name."
    )
    contact: Contact = Field(
        default_factory=Contact,
        description="Where this party is reached, by e-mail or on a page.",
    )
    subjects: tuple[SubjectSpec, ...] = Field(
        default=(),
        max_length=64,
        json_schema_extra=ATOMIC,
        description="Who this party is in Kubernetes. May stay empty: many communities act through "
        "pull requests and JupyterHub's admin page only. The list is set as a whole.",
    )
    hub_users: tuple[SubjectName, ...] = Field(
        default=(),
        max_length=256,
        json_schema_extra=SET,
        description="The party's user names inside JupyterHub, which differ from those of "
        "Kubernetes, such as alice-gh.",
    )
    hub_groups: tuple[SubjectName, ...] = Field(
        default=(),
        max_length=64,
        json_schema_extra=SET,
        description="The party's groups inside JupyterHub, such as hub-leads.",
    )
    hub_services: tuple[SubjectName, ...] = Field(
        default=(),
        max_length=64,
        json_schema_extra=SET,
        description="The party's services inside JupyterHub that may be admins of the hub, such as "
        "hub-health.",
    )

    @property
    def title(self) -> str:
        """The name to show."""
        return self.display_name or self.name


def _whole_number_as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Quantity = Annotated[
    str,
    Field(max_length=32, pattern=QUANTITY_PATTERN),
    BeforeValidator(_whole_number_as_text),
    WithJsonSchema(
        {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": True,
            "maxLength": 32,
            "pattern": QUANTITY_PATTERN,
        }
    ),
]
SettingText = Annotated[
    str,
    Field(min_length=1, max_length=253, pattern=LINE_PATTERN),
    BeforeValidator(_whole_number_as_text),
    WithJsonSchema(
        {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": True,
            "minLength": 1,
            "maxLength": 253,
            "pattern": LINE_PATTERN,
        }
    ),
]
ImageRepository = Annotated[str, Field(min_length=1, max_length=253, pattern=REPOSITORY_PATTERN)]
ValuesPath = Annotated[str, Field(min_length=1, max_length=253, pattern=PATH_PATTERN)]


class BoundSpec(Shape):
    """The range inside which a delegate may move a value."""

    rules: ClassVar[tuple[ValidationRule, ...]] = (
        ValidationRule(
            cel="has(self.min) || has(self.max)",
            message="a bound needs min, max or both: add one",
            check=lambda b: b.min is not None or b.max is not None,
        ),
    )

    path: ValuesPath = Field(
        description="The value's path in the hub's chart values, such as singleuser.memory.limit."
    )
    min: Quantity | None = Field(
        default=None, description="The smallest value allowed, such as 512Mi, 500m or 2."
    )
    max: Quantity | None = Field(
        default=None, description="The largest value allowed, such as 8Gi, 500m or 2."
    )


def _says_one_thing(agreed: AgreedSetting) -> bool:
    ranged = agreed.min is not None or agreed.max is not None
    return sum((ranged, agreed.value is not None, agreed.within is not None)) == 1


class AgreedSetting(Shape):
    """What a setting of the hub is agreed to be: one value, a range, or where an image lies."""

    rules: ClassVar[tuple[ValidationRule, ...]] = (
        ValidationRule(
            cel="[has(self.value), has(self.within), has(self.min) || has(self.max)]"
            ".filter(said, said).size() == 1",
            message="give what is agreed as value, as within, or as min, max or both",
            check=_says_one_thing,
        ),
    )

    path: ValuesPath = Field(
        description="The setting's path in the hub's chart values, such as "
        "singleuser.memory.limit; [*] stands for each entry of a list. Only settings that are no "
        "secrets are looked at: docs/hub-values.md lists them."
    )
    value: SettingText | None = Field(
        default=None,
        description="What it is to be, such as 2G, 2 or, in quotes, 'true'. Quantities are equal "
        "if they mean the same.",
    )
    min: Quantity | None = Field(
        default=None, description="The least that it is to be, such as 2G, 500m or 2."
    )
    max: Quantity | None = Field(
        default=None, description="The most that it is to be, such as 8G, 500m or 2."
    )
    within: ImageRepository | None = Field(
        default=None,
        description="Of an image: the registry and folders in which it is to be, such as "
        "quay.io/coast; whatever is below it is as agreed.",
    )


class Delegate(Shape):
    """A party that may act on an item beside its owner."""

    party: Label = Field(description="The party's name, such as community.")
    until: AwareDatetime | None = Field(
        default=None,
        description="The moment at which the delegation ends, with its time zone, such as "
        "2026-12-31T00:00:00Z. Left out, it doesn't end.",
    )
    reason: Sentence = Field(
        default="", description="Why, for those who read it later, such as spring workshop."
    )
    bounds: tuple[BoundSpec, ...] = Field(
        default=(),
        max_length=32,
        json_schema_extra=keyed("path"),
        description="Ranges inside which this delegate may change values. Left out, those of the "
        "item hold.",
    )


_ObjectPattern = Annotated[str, Field(min_length=1, max_length=253, pattern=TEMPLATE_STAR_PATTERN)]


class ExemptBinding(Shape):
    """Bindings through which an exempt subject may hold its rights."""

    name: _ObjectPattern = Field(
        description="The name of the RoleBinding or ClusterRoleBinding. $(namespace), $(release) "
        "and $(prefix) are filled in for each hub, and a '*' at the end stands for any ending."
    )
    namespace: Annotated[str, Field(max_length=253, pattern=TEMPLATE_PATTERN)] = Field(
        default="",
        description="The namespace of a RoleBinding, such as $(namespace). Left out, a "
        "ClusterRoleBinding is meant.",
    )
    role: Annotated[str, Field(max_length=253, pattern=TEMPLATE_STAR_PATTERN)] = Field(
        default="",
        description="The name of the role that it binds, with the same placeholders. Left out, "
        "any.",
    )
    chart: Annotated[str, Field(max_length=63, pattern="^[A-Za-z0-9._-]*$")] = Field(
        default="",
        description="The chart that has made the binding, without its version, such as jupyterhub, "
        "by the binding's label helm.sh/chart or chart. Who writes the binding writes its labels, "
        "so give rulesDigests or permissions as well.",
    )
    rules_digests: tuple[Digest, ...] = Field(
        default=(),
        max_length=16,
        json_schema_extra=SET,
        description="What the role's rules may be, as the digests that kubectl responsibility "
        "subject prints. Left out, any.",
    )
    everything: bool = Field(
        default=False,
        description="Whether the role may give everything at once ('*' on '*'). No other exemption "
        "ever covers that.",
    )


class ExemptionSpec(Shape):
    """Rights of a subject that are listed, but not counted as drift.

    With neither ``permissions`` nor ``bindings`` it covers whatever the items reserve, but for
    everything at once (``*`` on ``*``).
    """

    subject: SubjectPattern = Field(
        description="Who is exempt. A ServiceAccount in namespace '*' whose name has placeholders "
        "is that of any hub, in the hub's own namespace."
    )
    items: tuple[ItemOrAll, ...] = Field(
        min_length=1,
        max_length=64,
        json_schema_extra=SET,
        description="The items that this holds for, by name, or '*' for all.",
    )
    permissions: tuple[PermissionRule, ...] = Field(
        default=(),
        max_length=16,
        json_schema_extra=ATOMIC,
        description="What the subject may hold; whatever it has beyond that is drift. Scope Hub is "
        "in a hub's namespace (of a hub's own part: that hub's), Cluster what a ClusterRoleBinding "
        "gives. Left out, anything.",
    )
    bindings: tuple[ExemptBinding, ...] = Field(
        default=(),
        max_length=16,
        json_schema_extra=ATOMIC,
        description="The bindings through which it may hold it; what it has by any other is drift. "
        "Left out, by any.",
    )
    reason: Annotated[str, Field(min_length=1, max_length=512, pattern=LINE_PATTERN)] = Field(
        description="Why this subject needs its rights, such as: copies the monitoring password."
    )

    def covers(self, item: str) -> bool:
        """Whether this exemption speaks about ``item``."""
        return item in self.items or "*" in self.items


class Enforcement(Shape):
    """How far the operator goes for a hub."""

    admission: AdmissionStage = Field(
        default=AdmissionStage.OBSERVE,
        description="What happens to a change by somebody who isn't entitled to it: observe (let "
        "it pass), warn (let it pass with a warning) or deny (refuse it).",
    )
    rbac: RbacMode = Field(
        default=RbacMode.AUDIT,
        description="What happens to RBAC: audit (report only), grant (give owners what they need) "
        "or revoke (grant, and plan revocations for approval).",
    )
    approved_plan: Digest | None = Field(
        default=None,
        description="The digest of the plan that may be applied, as status.plan shows it. With "
        "rbac revoke, the operator deletes the RoleBindings that this plan deletes, once, if it "
        "still is what would be done. Remove it to take the approval back.",
    )
    force: bool = Field(
        default=False,
        description="Go up to what is asked for even where that would lock people out: an owner "
        "that lacks rights or has nobody left to act, or a policy that can't be relied on.",
    )


class ItemEnforcement(Shape):
    """How far the operator goes for one item; what is left out follows the hub."""

    admission: AdmissionStage | None = Field(
        default=None, description="observe, warn or deny, in place of the hub's."
    )
    rbac: RbacMode | None = Field(
        default=None, description="audit, grant or revoke, in place of the hub's."
    )
    force: bool | None = Field(
        default=None, description="true or false, in place of the hub's force."
    )
