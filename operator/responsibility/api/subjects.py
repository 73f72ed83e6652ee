"""Subjects: exact ones, who are somebody, and patterns, which a hub's names fill in."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from responsibility.api.base import (
    LINE_PATTERN,
    TEMPLATE_PATTERN,
    TEMPLATE_STAR_PATTERN,
    Shape,
    ValidationRule,
)
from responsibility.subject_kinds import SubjectKind

PLACEHOLDERS = ("namespace", "release", "prefix")

# A "$" that opens no parenthesis is an ordinary character.

SubjectName = Annotated[str, Field(min_length=1, max_length=512, pattern=LINE_PATTERN)]
SubjectTemplate = Annotated[str, Field(min_length=1, max_length=512, pattern=TEMPLATE_STAR_PATTERN)]

_NAMESPACE_RULES = (
    ValidationRule(
        # "namespace" is a reserved word of CEL and is written with underscores.
        cel="self.kind != 'ServiceAccount' || "
        "(has(self.__namespace__) && self.__namespace__ != '')",
        message="a ServiceAccount needs its namespace: add namespace",
        check=lambda s: s.kind != SubjectKind.SERVICE_ACCOUNT or bool(s.namespace),
        at="namespace",
        reason="FieldValueRequired",
    ),
    ValidationRule(
        cel="self.kind == 'ServiceAccount' || !has(self.__namespace__) || self.__namespace__ == ''",
        message="only a ServiceAccount has a namespace: remove namespace",
        check=lambda s: s.kind == SubjectKind.SERVICE_ACCOUNT or not s.namespace,
        at="namespace",
        reason="FieldValueForbidden",
    ),
    ValidationRule(
        cel="self.kind != 'User' || !self.name.startsWith('system:serviceaccount:')",
        message="write a ServiceAccount as kind ServiceAccount with its namespace and name",
        check=lambda s: (
            s.kind != SubjectKind.USER or not s.name.startswith("system:serviceaccount:")
        ),
        at="name",
    ),
)


class SubjectSpec(Shape):
    """One exact User, Group or ServiceAccount."""

    rules: ClassVar[tuple[ValidationRule, ...]] = (
        *_NAMESPACE_RULES,
        ValidationRule(
            cel="self.kind != 'ServiceAccount' || "
            "!(self.name.contains(':') || self.name.contains('/'))",
            message="a ServiceAccount's name is just its own name, such as deployer",
            check=lambda s: (
                s.kind != SubjectKind.SERVICE_ACCOUNT or not (":" in s.name or "/" in s.name)
            ),
            at="name",
        ),
        ValidationRule(
            cel="!self.name.contains('*') && !self.name.contains('$(')",
            message="write one exact name: '*' and $(…) are for exemptions only",
            check=lambda s: "*" not in s.name and "$(" not in s.name,
            at="name",
        ),
    )

    kind: SubjectKind = Field(description="User, Group or ServiceAccount.")
    name: SubjectName = Field(
        description="The name exactly as the API server sees it, such as leap-admins, "
        "jo@example.org or, for a ServiceAccount, deployer."
    )
    namespace: Annotated[
        str, Field(max_length=63, pattern="^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$")
    ] = Field(
        default="",
        description="The namespace of a ServiceAccount, such as prod. Users and Groups have none.",
    )

    def __str__(self) -> str:
        """Return the form people write: ``Group engineers``, ``ServiceAccount prod/hub``."""
        name = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {name}"


class SubjectPattern(Shape):
    """A subject in which placeholders are filled in per hub, and whose name may end in ``*``."""

    rules: ClassVar[tuple[ValidationRule, ...]] = _NAMESPACE_RULES

    kind: SubjectKind = Field(description="User, Group or ServiceAccount.")
    name: SubjectTemplate = Field(
        description="The subject's name. $(namespace), $(release) and $(prefix) are filled in for "
        "each hub, and a '*' at the end stands for any ending, such as $(prefix)hub or "
        "system:node:*."
    )
    namespace: Annotated[str, Field(max_length=253, pattern=TEMPLATE_PATTERN)] = Field(
        default="",
        description="The namespace of a ServiceAccount, such as kube-system or $(namespace). "
        "Users and Groups have none.",
    )

    def __str__(self) -> str:
        """Return the form people write: ``ServiceAccount kube-system/*``."""
        name = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {name}"
