"""A permission as RBAC words it, and the fields of objects that items share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from responsibility.api.base import (
    ATOMIC,
    LINE_PATTERN,
    OPTIONAL_LABEL_PATTERN,
    RESOURCE_PATTERN,
    TEMPLATE_PATTERN,
    Shape,
    ValidationRule,
)

UNNAMED_VERBS = ("list", "watch", "deletecollection")


class Scope(StrEnum):
    """Where a permission is asked: in the hub's (or one fixed) namespace, or for the cluster."""

    HUB = "Hub"
    CLUSTER = "Cluster"


Verb = Annotated[str, Field(min_length=1, max_length=63, pattern="^([*]|[a-z:-]+)$")]
ApiGroup = Annotated[str, Field(max_length=253, pattern="^([*]|[a-z0-9.-]*)$")]
Resource = Annotated[str, Field(min_length=1, max_length=128, pattern=RESOURCE_PATTERN)]
ObjectName = Annotated[str, Field(min_length=1, max_length=253, pattern=TEMPLATE_PATTERN)]


class PermissionRule(Shape):
    """A right as RBAC words it: every verb on every resource of every group named."""

    rules: ClassVar[tuple[ValidationRule, ...]] = (
        ValidationRule(
            cel=(
                "!has(self.resourceNames) || size(self.resourceNames) == 0 || "
                "!self.verbs.exists(v, v in ['list', 'watch', 'deletecollection'])"
            ),
            message="RBAC can't tie list, watch or deletecollection to a name: ask for them in a "
            "permission of their own, without resourceNames",
            check=lambda p: (
                not p.resource_names or not any(verb in UNNAMED_VERBS for verb in p.verbs)
            ),
            at="resourceNames",
        ),
        ValidationRule(
            cel=(
                "!has(self.resourceNames) || size(self.resourceNames) == 0 || "
                "!self.verbs.exists(v, v == 'create') || self.resources.all(r, r.contains('/'))"
            ),
            message="a new object has no name that RBAC could see: ask for create in a permission "
            "of its own, without resourceNames",
            check=lambda p: (
                not p.resource_names
                or "create" not in p.verbs
                or all("/" in resource for resource in p.resources)
            ),
            at="resourceNames",
        ),
        ValidationRule(
            cel="!has(self.__namespace__) || self.__namespace__ == '' || self.scope == 'Hub'",
            message="a permission with scope Cluster has no namespace: remove one of the two",
            check=lambda p: not p.namespace or p.scope is Scope.HUB,
            at="namespace",
        ),
        ValidationRule(
            cel=(
                "!has(self.resourceNames) || !self.resourceNames.exists(n, n.contains('$(')) || "
                "(self.scope == 'Hub' && "
                "(!has(self.__namespace__) || self.__namespace__ == ''))"
            ),
            message="placeholders stand for one hub: outside a hub's own namespace write a name "
            "as it is, or leave resourceNames out",
            check=lambda p: (
                not any("$(" in name for name in p.resource_names)
                or (p.scope is Scope.HUB and not p.namespace)
            ),
            at="resourceNames",
        ),
    )

    verbs: tuple[Verb, ...] = Field(
        min_length=1,
        max_length=16,
        json_schema_extra=ATOMIC,
        description="Verbs, such as get, update or bind. '*' asks for the wildcard itself.",
    )
    api_groups: tuple[ApiGroup, ...] = Field(
        min_length=1,
        max_length=8,
        json_schema_extra=ATOMIC,
        description="API groups, such as apps. \"\" is the core group, '*' the wildcard itself.",
    )
    resources: tuple[Resource, ...] = Field(
        min_length=1,
        max_length=16,
        json_schema_extra=ATOMIC,
        description="Resources in the plural, with their subresource where one is meant, such as "
        "pods or pods/exec. '*' asks for the wildcard itself.",
    )
    resource_names: tuple[ObjectName, ...] = Field(
        default=(),
        max_length=16,
        json_schema_extra=ATOMIC,
        description="Names of objects, such as $(prefix)hub. Left out, any object. Not with list, "
        "watch, deletecollection, nor with create of a whole object.",
    )
    scope: Scope = Field(
        default=Scope.HUB,
        description="Hub asks in a namespace and once for each hub, Cluster asks for the whole "
        "cluster and once.",
    )
    namespace: Annotated[str, Field(max_length=63, pattern=OPTIONAL_LABEL_PATTERN)] = Field(
        default="",
        description="A fixed namespace other than the hub's, such as support. With scope Hub only.",
    )


class ObjectField(Shape):
    """A field of an object that belongs to an item."""

    kind: Annotated[str, Field(min_length=1, max_length=63, pattern="^[A-Z][A-Za-z0-9]*$")] = Field(
        description="The object's kind, such as Deployment."
    )
    name: ObjectName | None = Field(
        default=None, description="The object's name, such as $(prefix)hub. Left out, any."
    )
    path: Annotated[str, Field(min_length=1, max_length=253, pattern=LINE_PATTERN)] = Field(
        description="The field's path, such as spec.template.spec.containers[*].resources."
    )
