"""Base class of all shapes of the two resources: naming, bounds, and rules told once.

The API server and a person's file must be held to the same rules. Each rule that a schema
can't say is therefore declared once, as a :class:`ValidationRule` with two faces: a CEL expression,
which goes into the CRD, and a Python function, which runs wherever a file is read. The tests hold
the two against each other on a live server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    JsonValue,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, PydanticCustomError

LABEL_PATTERN = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
OPTIONAL_LABEL_PATTERN = "^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$"
SUBDOMAIN_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
# What no name needs, and ``foreign_text`` replaces: controls, what has no width or turns the text
# beside it around, ends of lines. Go and Rust know these classes.
_UNSEEN = r"\p{Cc}\p{Cf}\p{Zl}\p{Zp}"
LINE_PATTERN = rf"^[^{_UNSEEN}]*$"
PROSE_PATTERN = rf"^([^{_UNSEEN}]|[\n\t])*$"
EMAIL_PATTERN = rf"^[^@\s{_UNSEEN}]+@[^@\s{_UNSEEN}]+$"
URL_PATTERN = rf"^https?://[^\s{_UNSEEN}]+$"
PATH_PATTERN = rf"^[^\s{_UNSEEN}]+$"
ITEM_OR_ALL_PATTERN = r"^([*]|[a-z0-9]([-a-z0-9]*[a-z0-9])?)$"
RESOURCE_PATTERN = "^([*]|[*]/[a-z-]+|[a-z0-9.-]+(/[a-z-]+)?)$"
# Names that are filled in for each hub; nothing else may follow a "$".
TEMPLATE_PATTERN = rf"^([^${_UNSEEN}]|[$][(](namespace|release|prefix)[)])*$"
TEMPLATE_STAR_PATTERN = rf"^([^$*{_UNSEEN}]|[$][(](namespace|release|prefix)[)])*[*]?$"
QUANTITY_PATTERN = "^[0-9]+([.][0-9]+)?(m|[kKMGTP]i?)?$"
DIGEST_PATTERN = "^[0-9a-f]{32}$"
# A registry, and folders in it; neither a tag nor a digest.
REPOSITORY_PATTERN = "^[a-zA-Z0-9][a-zA-Z0-9.-]*(:[0-9]+)?(/[a-z0-9._-]+)*/?$"

# What a person should type instead, for each pattern above.
FORMS: Mapping[str, str] = {
    LABEL_PATTERN: "use lower-case letters, digits and '-', such as hub-configuration",
    OPTIONAL_LABEL_PATTERN: "use lower-case letters, digits and '-', such as support",
    SUBDOMAIN_PATTERN: "use lower-case letters, digits, '-' and '.', such as 2i2c",
    LINE_PATTERN: "use characters that can be seen, on one line",
    PROSE_PATTERN: "use characters that can be seen",
    REPOSITORY_PATTERN: "write a registry and folders without a tag, such as quay.io/coast",
    PATH_PATTERN: "use characters that can be seen, and no spaces",
    EMAIL_PATTERN: "write an address such as hub-leads@example.org",
    URL_PATTERN: "write an address that begins with https:// or http://",
    ITEM_OR_ALL_PATTERN: "name an item, or write '*' for all of them",
    RESOURCE_PATTERN: "write pods, pods/exec, '*' or */scale; RBAC gives pods/* no meaning",
    TEMPLATE_PATTERN: "the placeholders are $(namespace), $(release) and $(prefix)",
    TEMPLATE_STAR_PATTERN: "the placeholders are $(namespace), $(release) and $(prefix), and '*' "
    "may stand at the end only",
    QUANTITY_PATTERN: "write a quantity such as 500m, 2 or 8Gi",
    DIGEST_PATTERN: "write all 32 characters of the digest that the plan has",
}

Label = Annotated[str, Field(min_length=1, max_length=63, pattern=LABEL_PATTERN)]
Subdomain = Annotated[str, Field(min_length=1, max_length=253, pattern=SUBDOMAIN_PATTERN)]
Email = Annotated[str, Field(max_length=254, pattern=EMAIL_PATTERN)]
Url = Annotated[str, Field(max_length=512, pattern=URL_PATTERN)]
ItemOrAll = Annotated[str, Field(max_length=63, pattern=ITEM_OR_ALL_PATTERN)]
Digest = Annotated[str, Field(max_length=32, pattern=DIGEST_PATTERN)]
Title = Annotated[str, Field(max_length=128, pattern=LINE_PATTERN)]
Sentence = Annotated[str, Field(max_length=512, pattern=LINE_PATTERN)]
Prose = Annotated[str, Field(max_length=2048, pattern=PROSE_PATTERN)]

ATOMIC: dict[str, JsonValue] = {"x-kubernetes-list-type": "atomic"}
ATOMIC_MAP: dict[str, JsonValue] = {"x-kubernetes-map-type": "atomic"}
SET: dict[str, JsonValue] = {"x-kubernetes-list-type": "set"}


def keyed(key: str) -> dict[str, JsonValue]:
    """Mark a list as a map by ``key``: unique, and merged entry by entry in server-side apply."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]}


@dataclass(frozen=True, slots=True)
class ValidationRule:
    """A rule that a schema can't say, for the API server and for files alike.

    ``check`` is None for rules about a change (``oldSelf``), which only the server can see.
    ``at`` is the field that the message belongs to, in JSON spelling and below the shape.
    """

    cel: str
    message: str
    check: Callable[[Any], bool] | None
    at: str = ""
    message_cel: str = ""
    reason: str = ""

    def validation(self) -> dict[str, JsonValue]:
        """Return the rule as an entry of ``x-kubernetes-validations``."""
        entry: dict[str, JsonValue] = {"rule": self.cel, "message": self.message}
        optional = {
            "messageExpression": self.message_cel,
            "reason": self.reason,
            "fieldPath": f".{self.at}" if self.at else "",
        }
        entry.update({key: value for key, value in optional.items() if value})
        return entry


def _drop_nulls(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: entry for key, entry in value.items() if entry is not None}
    return value


def _prune(value: object) -> object:
    """Drop None and empty strings from mappings; lists keep theirs (the core API group is "")."""
    if isinstance(value, Mapping):
        return {key: _prune(entry) for key, entry in value.items() if entry not in (None, "")}
    if isinstance(value, list):
        return [_prune(entry) for entry in value]
    return value


def _repeated(values: Iterable[object]) -> object | None:
    seen: set[object] = set()
    for value in values:
        if value in seen:
            return value
        seen.add(value)
    return None


class Shape(BaseModel):
    """A frozen piece of a resource: snake_case in Python, camelCase in YAML."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        extra="ignore",
        # Docstrings of shapes explain the code; kubectl explain is given its own texts.
        use_attribute_docstrings=False,
    )

    rules: ClassVar[tuple[ValidationRule, ...]] = ()

    @model_validator(mode="before")
    @classmethod
    def _nulls_are_absent(cls, value: object) -> object:
        # As the API server does: a null in a field that isn't nullable is pruned.
        return _drop_nulls(value)

    @model_validator(mode="after")
    def _keep_rules(self) -> Self:
        problems = [
            (rule.at, rule.message)
            for rule in type(self).rules
            if rule.check is not None and not rule.check(self)
        ]
        problems.extend(self._duplicates())
        if problems:
            raise PydanticCustomError("rule", "{problems}", {"problems": problems})
        return self

    def _duplicates(self) -> Iterable[tuple[str, str]]:
        """Yield a message for each list of type ``map`` or ``set`` that names something twice."""
        for name, info in type(self).model_fields.items():
            extra = info.json_schema_extra
            kind = extra.get("x-kubernetes-list-type") if isinstance(extra, dict) else None
            if kind not in {"map", "set"} or not isinstance(extra, dict):
                continue
            entries = getattr(self, name) or ()
            keys = extra.get("x-kubernetes-list-map-keys")
            key = str(keys[0]) if isinstance(keys, list) else ""
            twice = _repeated(getattr(entry, key) if key else entry for entry in entries)
            if twice is not None:
                yield info.alias or name, f"{twice} is listed twice: keep one of them"

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Add the shape's rules to its schema, as CEL."""
        schema = handler.resolve_ref_schema(handler(core_schema))
        if cls.rules:
            schema["x-kubernetes-validations"] = [rule.validation() for rule in cls.rules]
        return schema

    def lean(self) -> Self:
        """Return a copy without fields that are at their defaults: absent, they say the same."""
        copy = self.model_copy()
        copy.__pydantic_fields_set__ -= {
            name
            for name, info in type(self).model_fields.items()
            if not info.is_required()
            and getattr(self, name) == info.get_default(call_default_factory=True)
        }
        return copy

    def dump(self) -> dict[str, Any]:
        """Return the JSON form: what was set, without nulls and empty strings."""
        raw = self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True)
        return {key: _prune(value) for key, value in raw.items() if value not in (None, "")}


class Meta(Shape):
    """What the operator needs of an object's metadata."""

    name: str = Field(min_length=1)
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    creation_timestamp: AwareDatetime | None = None
    deletion_timestamp: AwareDatetime | None = None

    @property
    def deleting(self) -> bool:
        """Whether deletion has begun."""
        return self.deletion_timestamp is not None


def clip(text: str, limit: int) -> str:
    """Shorten ``text`` to ``limit`` characters, with an ellipsis where something was cut."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
