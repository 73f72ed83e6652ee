"""Three-way differences of models: as shipped then, as shipped now, and the organisation's own.

As in a merge of three texts, what was shipped then tells a change of the chart's from one of the
organisation's. Lists are compared by what they hold: of parties, items, delegates and exemptions
the entries by name, of all others whole entries, in any order.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from responsibility.api.model import ResponsibilityModel


class ChangedBy(StrEnum):
    """The side that changed something, as it is shown."""

    SHIPPED = "shipped"
    YOURS = "yours"
    BOTH = "both"
    UNKNOWN = "unknown"

    @property
    def is_news(self) -> bool:
        """Whether the shipped model may have something that yours hasn't."""
        return self is not ChangedBy.YOURS


class _Missing(Enum):
    MISSING = "not there"


MISSING: Final = _Missing.MISSING
_Value: TypeAlias = Any
# What names an entry of a list, where each entry has another one; a subject is written out.
_KEYS = ("name", "party", "subject")


@dataclass(frozen=True, slots=True)
class ModelChange:
    """One place at which yours and the shipped model differ; ``MISSING`` where there is nothing."""

    by: ChangedBy
    path: str
    then: object
    now: object
    yours: object

    def json(self) -> dict[str, Any]:
        """Return it as documented in the reference: null where there is nothing."""
        sides = (("then", self.then), ("now", self.now), ("yours", self.yours))
        return {
            "by": self.by.value,
            "path": self.path,
            **{side: None if value is MISSING else value for side, value in sides},
        }


def model_changes(
    then: ResponsibilityModel | None, now: ResponsibilityModel, yours: ResponsibilityModel
) -> list[ModelChange]:
    """Return where yours differs from what is shipped now, in the order of the shipped model.

    Without ``then``, nobody can say who has changed what.
    """
    known = then is not None
    found = _differences("", _spec(then) if then else MISSING, _spec(now), _spec(yours))
    return [
        ModelChange(_side(a, b, c) if known else ChangedBy.UNKNOWN, path, a, b, c)
        for path, a, b, c in found
    ]


def _spec(model: ResponsibilityModel) -> dict[str, Any]:
    """Return a model's fields with all defaults, which the API server fills in and files don't."""
    spec: dict[str, Any] = model.spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    return spec


def _side(then: _Value, now: _Value, yours: _Value) -> ChangedBy:
    if _same(then, now):
        return ChangedBy.YOURS
    return ChangedBy.SHIPPED if _same(then, yours) else ChangedBy.BOTH


def _differences(
    path: str, then: _Value, now: _Value, yours: _Value
) -> Iterator[tuple[str, _Value, _Value, _Value]]:
    if _same(now, yours):
        return
    key = _key(then, now, yours)
    parts = [_entries(value, key) for value in (then, now, yours)]
    if parts[1] is None or parts[2] is None:
        yield path, then, now, yours
        return
    before, new, own = (part or {} for part in parts)
    for name in dict.fromkeys([*new, *own]):
        inner = _inner(path, name, now)
        sides = (part.get(name, MISSING) for part in (before, new, own))
        yield from _differences(inner, *sides)


def _inner(path: str, name: str, within: _Value) -> str:
    if isinstance(within, Mapping):
        return f"{path}.{name}" if path else name
    # An entry that is its own name is shown as the value.
    return f"{path}[]" if name[:1] in ('"', "{", "[") else f"{path}[{name}]"


def _entries(value: _Value, key: str) -> Mapping[str, _Value] | None:
    """Return the parts of a mapping or a list by name; None of what has none."""
    if isinstance(value, Mapping):
        return value
    if not isinstance(value, list):
        return None
    return {_text(entry[key]) if key else _canonical(entry): entry for entry in value}


def _key(*sides: _Value) -> str:
    """Return the field by which the entries of all three lists are told apart, or nothing."""
    lists = [side for side in sides if isinstance(side, list)]
    return next((key for key in _KEYS if all(_names(entries, key) for entries in lists)), "")


def _names(entries: Sequence[_Value], key: str) -> bool:
    # Subjects of a party have names that say little without their kind.
    if not all(isinstance(e, Mapping) and key in e and "kind" not in e for e in entries):
        return False
    return len({_canonical(entry[key]) for entry in entries}) == len(entries)


def _text(name: _Value) -> str:
    if not isinstance(name, Mapping):
        return str(name)
    parts = (str(name[key]) for key in ("namespace", "name") if name.get(key))
    return f"{name.get('kind', '')} {'/'.join(parts)}"


def _same(one: _Value, other: _Value) -> bool:
    return one is other or _canonical(one) == _canonical(other)


def _canonical(value: _Value) -> str:
    return value.name if value is MISSING else json.dumps(_ordered(value), sort_keys=True)


def _ordered(value: _Value) -> _Value:
    """Return a value in which lists that say the same are the same."""
    if isinstance(value, Mapping):
        return {key: _ordered(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return sorted(
            (_ordered(entry) for entry in value), key=lambda e: json.dumps(e, sort_keys=True)
        )
    return value
