"""Reading records and models: leniently from the API, strictly from files that people write.

The API server has already checked what it stores, and may know fields of a newer version that
this one doesn't: they are ignored. In a file, an unknown field is most often a slip of the
pen, so it is refused, and the error says what was probably meant.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from responsibility.api.base import FORMS, Meta, Shape
from responsibility.api.model import ResponsibilityModel
from responsibility.api.names import API_VERSION
from responsibility.api.record import DEFAULT_MODEL, Responsibility

# On libyaml where that is there: the shipped model is long.
_QUICK = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_Resource = TypeVar("_Resource", Responsibility, ResponsibilityModel)
_Status = TypeVar("_Status", bound=Shape)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where (``spec.hub.namespace``), what, and what to do about it."""

    path: str
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        """Return ``path: message: remedy``."""
        return ": ".join(part for part in (self.path, self.message, self.remedy) if part)


class RecordError(ValueError):
    """A record or model that can't be read; ``problems`` has every reason."""

    def __init__(self, subject: str, problems: Sequence[Problem]) -> None:
        self.subject = subject
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{subject}: {problem}" for problem in self.problems))


def parse_record(raw: Mapping[str, Any], *, strict: bool = False) -> Responsibility:
    """Read a ``Responsibility``; raises :class:`RecordError`. ``strict`` is for files."""
    return _parse(raw, Responsibility, strict=strict)


def parse_model(raw: Mapping[str, Any], *, strict: bool = False) -> ResponsibilityModel:
    """Read a ``ResponsibilityModel``; raises :class:`RecordError`. ``strict`` is for files."""
    return _parse(raw, ResponsibilityModel, strict=strict)


def load_shipped_manifest() -> dict[str, Any]:
    """Return the shipped model as the manifest that people apply."""
    text = resources.files("responsibility.api").joinpath(f"models/{DEFAULT_MODEL}.yaml")
    content = text.read_text(encoding="utf-8")
    manifest: dict[str, Any] = yaml.load(content, Loader=_QUICK)  # noqa: S506 - both are safe
    return manifest


def load_shipped_model() -> ResponsibilityModel:
    """Return the shipped model, read strictly."""
    return parse_model(load_shipped_manifest(), strict=True)


def parse_status(raw: object, shape: type[_Status]) -> _Status | None:
    """Return a status as it was published; None if there is none that can be read."""
    try:
        return shape.model_validate(raw, extra="ignore") if raw else None
    except ValidationError:
        return None


def _parse(raw: object, shape: type[_Resource], *, strict: bool) -> _Resource:
    kind = shape.__name__
    if not isinstance(raw, Mapping):
        raise RecordError(kind, [Problem("", "this is not a mapping", f"begin with kind: {kind}")])
    metadata = raw.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    subject = f"{kind} {name}" if name else kind
    body = dict(raw)
    if strict:
        # The status is the operator's, and metadata has many more fields than we read.
        body.pop("status", None)
        if isinstance(metadata, Mapping):
            known = {info.alias for info in Meta.model_fields.values()}
            body["metadata"] = {key: metadata[key] for key in metadata if key in known}
        wrong = _wrong_kind(body, kind)
        if wrong is not None:
            raise RecordError(subject, [wrong])
    try:
        return shape.model_validate(body, extra="forbid" if strict else "ignore")
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise RecordError(
            subject, [problem for entry in details for problem in _problems(entry, body, shape)]
        ) from None


def _wrong_kind(body: Mapping[str, Any], kind: str) -> Problem | None:
    for field, wanted in (("apiVersion", API_VERSION), ("kind", kind)):
        if body.get(field) != wanted:
            found = f"is {body[field]}" if body.get(field) else "is missing"
            return Problem(field, found, f"write {field}: {wanted}")
    return None


def _path(location: Sequence[int | str], body: object) -> str:
    """Write a location as people read it, with an entry's name instead of its index."""
    path = ""
    for part in location:
        if isinstance(part, int):
            entry = body[part] if isinstance(body, Sequence) and part < len(body) else None
            key = None
            if isinstance(entry, Mapping):
                key = next((entry[k] for k in ("name", "party", "path") if entry.get(k)), None)
            path += f"[{key if isinstance(key, str) else part}]"
            body = entry
        else:
            path += f".{part}" if path else part
            body = body.get(part) if isinstance(body, Mapping) else None
    return path


def _known_fields(location: Sequence[int | str], shape: type[Shape]) -> list[str]:
    """Return the fields that exist at ``location``'s parent, in JSON spelling."""
    current: type[Shape] = shape
    for part in location[:-1]:
        if isinstance(part, int):
            continue
        fields = {info.alias or name: info for name, info in current.model_fields.items()}
        found = _shape_in(fields[part].annotation) if part in fields else None
        if found is None:
            return []
        current = found
    return [info.alias or name for name, info in current.model_fields.items()]


def _shape_in(annotation: object) -> type[Shape] | None:
    if isinstance(annotation, type) and issubclass(annotation, Shape):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _shape_in(inner)
        if found is not None:
            return found
    return None


def _unknown(entry: ErrorDetails, shape: type[Shape]) -> str:
    known = _known_fields(entry["loc"], shape)
    close = difflib.get_close_matches(str(entry["loc"][-1]), known, n=1)
    if close:
        return f"did you mean {close[0]}?"
    return f"remove it; known here: {', '.join(known)}" if known else "remove it"


def _form(entry: ErrorDetails, _shape: type[Shape]) -> str:
    return FORMS.get(str(entry.get("ctx", {}).get("pattern")), "")


def _as_text(entry: ErrorDetails, _shape: type[Shape]) -> str:
    # YAML reads 2024, 1.5 and no as numbers and truth values.
    structure = isinstance(entry["input"], (Mapping, list))
    return "write one line of text" if structure else "put it in quotes"


# Message and remedy by pydantic's type of error; what is not listed speaks for itself.
_Remedy = Callable[[ErrorDetails, type[Shape]], str]
_SAYINGS: Mapping[str, tuple[str, _Remedy]] = {
    "extra_forbidden": ("unknown field", _unknown),
    "missing": ("missing", lambda entry, _: f"add {entry['loc'][-1]}"),
    "string_pattern_mismatch": ("not in the right form", _form),
    "enum": ("unknown value", lambda entry, _: f"use {entry['ctx']['expected']}"),
    "string_type": ("not text", _as_text),
    "timezone_aware": ("no time zone", lambda *_: "write UTC, such as 2026-12-31T00:00:00Z"),
    "datetime_from_date_parsing": (
        "not a moment",
        lambda *_: "write date, time and zone, such as 2026-12-31T00:00:00Z",
    ),
    "date_from_datetime_parsing": ("not a day", lambda *_: "write a day such as 2027-03-01"),
    "date_parsing": ("not a day", lambda *_: "write a day such as 2027-03-01"),
    "model_type": ("not a mapping", lambda *_: "write its fields on lines of their own"),
    "tuple_type": ("not a list", lambda *_: "put '- ' before each entry"),
}


def _problems(entry: ErrorDetails, body: object, shape: type[Shape]) -> Iterable[Problem]:
    path = _path(entry["loc"], body)
    if entry["type"] == "rule":
        for at, problem in entry["ctx"]["problems"]:
            yield Problem(f"{path}.{at}" if at else path, problem)
    elif entry["type"] in _SAYINGS:
        message, remedy = _SAYINGS[entry["type"]]
        yield Problem(path, message, remedy(entry, shape))
    else:
        yield Problem(path, entry["msg"])
