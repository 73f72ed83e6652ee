"""An item, the record as an item of its own, and those who stand above all items."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from responsibility import api_groups as groups
from responsibility.api.base import ATOMIC, LINE_PATTERN, SET, Label, Prose, Shape, keyed
from responsibility.api.common import BoundSpec, Delegate, ValuesPath
from responsibility.api.names import API_GROUP, ASSIGN_VERB, MODELS, RECORDS
from responsibility.api.permission import ObjectField, PermissionRule, Scope
from responsibility.api.status import ItemKind
from responsibility.api.subjects import SubjectSpec

RECORD_ITEM = "record"


class ItemDefinition(Shape):
    """One line of the model: a kind of action that exactly one party is accountable for."""

    name: Label = Field(description="The item's name, such as user-access.")
    number: Annotated[int, Field(ge=0, le=999, strict=True)] = Field(
        description="The item's place in the model, from 1. 0 is the record itself (spec.record)."
    )
    title: Annotated[str, Field(min_length=1, max_length=128, pattern=LINE_PATTERN)] = Field(
        description="A few words to show, such as User access."
    )
    description: Prose = Field(default="", description="What the item covers, in words.")
    kinds: tuple[ItemKind, ...] = Field(
        min_length=1,
        max_length=3,
        json_schema_extra=SET,
        description="Where the item is checked: kubernetes (RBAC), jupyterhub (inside the hub), "
        "attested (a contact and a review date).",
    )
    owner: Label = Field(
        description="The party that is accountable unless a record differs, such as provider."
    )
    delegates: tuple[Delegate, ...] = Field(
        default=(),
        max_length=16,
        json_schema_extra=keyed("party"),
        description="Parties that may act on the item too, unless a record says otherwise.",
    )
    effort: Annotated[str, Field(max_length=64, pattern=LINE_PATTERN)] = Field(
        default="", description="About how much work it is, such as 2 hours a month."
    )
    minimum_holders: Annotated[int, Field(ge=1, le=64, strict=True)] = Field(
        default=1,
        description="How many of the owner's subjects must be able to act, so that one person's "
        "absence stops nothing, such as 2.",
    )
    required: tuple[PermissionRule, ...] = Field(
        default=(),
        max_length=32,
        json_schema_extra=ATOMIC,
        description="What the owner must be able to do.",
    )
    reserved: tuple[PermissionRule, ...] = Field(
        default=(),
        max_length=32,
        json_schema_extra=ATOMIC,
        description="What nobody but the owner and its delegates may be able to do.",
    )
    fields: tuple[ObjectField, ...] = Field(
        default=(),
        max_length=64,
        json_schema_extra=ATOMIC,
        description="Fields that belong to the item, in objects that it shares with others.",
    )
    values_paths: tuple[ValuesPath, ...] = Field(
        default=(),
        max_length=64,
        json_schema_extra=SET,
        description="Paths in the hub's chart values that belong to the item, such as "
        "singleuser.memory, each with all below it. '*' stands for one part or a piece of it, [*] "
        "for any list entry.",
    )
    bounds: tuple[BoundSpec, ...] = Field(
        default=(),
        max_length=32,
        json_schema_extra=keyed("path"),
        description="Ranges inside which delegates may change values.",
    )

    @property
    def parties(self) -> tuple[str, ...]:
        """The parties that this item names: the owner first, then the delegates."""
        return (self.owner, *(delegate.party for delegate in self.delegates))


_WRITE = ("create", "update", "patch", "delete", "deletecollection")

# Who may do these things may change what everybody else is held to.
RECORD_RESERVED: tuple[PermissionRule, ...] = (
    PermissionRule(
        verbs=(*_WRITE, ASSIGN_VERB),
        api_groups=(API_GROUP,),
        resources=(RECORDS, MODELS),
        scope=Scope.CLUSTER,
    ),
    # Of records it is asked for the hub, so a RoleBinding in its namespace gives it as well.
    PermissionRule(verbs=(ASSIGN_VERB,), api_groups=(API_GROUP,), resources=(RECORDS,)),
    PermissionRule(
        verbs=("update", "patch"),
        api_groups=(API_GROUP,),
        resources=(f"{RECORDS}/status", f"{MODELS}/status"),
        scope=Scope.CLUSTER,
    ),
    PermissionRule(
        verbs=_WRITE,
        api_groups=(groups.ADMISSION_REGISTRATION,),
        resources=(
            "validatingadmissionpolicies",
            "validatingadmissionpolicybindings",
            "validatingwebhookconfigurations",
        ),
        scope=Scope.CLUSTER,
    ),
)
# Also to say who owns what: where the policies are installed, that takes `assign`. It is asked for
# before they are, so that nobody finds out by being refused; for the cluster, as the writing of
# records is, so that it is told once, and given by hand like the rest of it.
RECORD_REQUIRED: tuple[PermissionRule, ...] = (
    PermissionRule(
        verbs=("create", "update", "patch", "delete", ASSIGN_VERB),
        api_groups=(API_GROUP,),
        resources=(RECORDS,),
        scope=Scope.CLUSTER,
    ),
)


class RecordDefinition(Shape):
    """Item 0: the records themselves. Lists that are left out are filled in by the operator."""

    owner: Label = Field(
        default="provider",
        description="The party that may write records and models, such as provider.",
    )
    delegates: tuple[Delegate, ...] = Field(
        default=(),
        max_length=16,
        json_schema_extra=keyed("party"),
        description="Parties that may write them too.",
    )
    minimum_holders: Annotated[int, Field(ge=1, le=64, strict=True)] = Field(
        default=1, description="How many of the owner's subjects must be able to act, such as 2."
    )
    required: tuple[PermissionRule, ...] = Field(
        default=(),
        max_length=32,
        json_schema_extra=ATOMIC,
        description="What the owner must be able to do. Left out, to write records.",
    )
    reserved: tuple[PermissionRule, ...] = Field(
        default=(),
        max_length=32,
        json_schema_extra=ATOMIC,
        description="What nobody else may be able to do. Left out, to write records, models, "
        "their status, and the admission policies that guard them.",
    )

    def item(self) -> ItemDefinition:
        """Return this as an item like any other, numbered 0."""
        return ItemDefinition(
            name=RECORD_ITEM,
            number=0,
            title="The record itself",
            description="Who may change what is agreed, or stop it from being checked.",
            kinds=(ItemKind.KUBERNETES,),
            owner=self.owner,
            delegates=self.delegates,
            minimum_holders=self.minimum_holders,
            required=self.required or RECORD_REQUIRED,
            reserved=self.reserved or RECORD_RESERVED,
        )


class BreakGlass(Shape):
    """A subject that is meant to pass every check in an emergency."""

    subject: SubjectSpec = Field(description="Who it is, such as Group system:masters.")
    reason: Annotated[str, Field(min_length=1, max_length=512, pattern=LINE_PATTERN)] = Field(
        description="Why it exists and who holds it, such as: kept in the safe."
    )
