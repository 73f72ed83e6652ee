"""What Grafana's own types say of a dashboard: fields and values that they don't know.

The types are those that Grafana generates from its schemas for programs in Python. To read with
them is lenient: what they don't know is dropped, and nothing is checked. So what was read is
written again and compared, and every value is held against the type that its field has.
"""

from __future__ import annotations

import json
import re
import types
import typing
from collections.abc import Iterator
from enum import Enum
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

# Panels and queries of each kind have types of their own.
register_default_plugins()

# What Grafana reads, and its schemas leave open: an annotation's own settings for its data source,
# a query as the editor of variables shows it, and the fields of an annotation's query.
_OPEN = re.compile(
    r"\.annotations\.list\[\d+\]\.(titleFormat|textFormat|target\.(refId|expr|interval))"
    r"|\.templating\.list\[\d+\]\.definition"
)


def problems(document: dict[str, Any]) -> list[str]:
    """Return what is wrong with a dashboard, each with where it is; nothing if all is well."""
    read = Dashboard.from_json(document)
    written = json.loads(JSONEncoder(sort_keys=True).encode(read))
    return [*_lost(document, written, ""), *_ill_typed(read, "")]


def _lost(given: Any, kept: Any, place: str) -> Iterator[str]:
    """Yield what was given and is not written again."""
    if isinstance(given, dict) and isinstance(kept, dict):
        for key, value in given.items():
            if key in kept:
                yield from _lost(value, kept[key], f"{place}.{key}")
            elif not _OPEN.fullmatch(f"{place}.{key}"):
                yield f"{place}.{key} is no field"
    elif isinstance(given, list) and isinstance(kept, list) and len(given) == len(kept):
        for position, (value, other) in enumerate(zip(given, kept, strict=True)):
            yield from _lost(value, other, f"{place}[{position}]")
    elif given != kept:
        yield f"{place} is {given!r}, and read as {kept!r}"


def _ill_typed(value: Any, place: str) -> Iterator[str]:
    """Yield the fields of an object, and of those in it, that have a value of another type."""
    for name, wanted in typing.get_type_hints(type(value)).items():
        yield from _held_against(getattr(value, name), wanted, f"{place}.{name}")


def _held_against(value: Any, wanted: Any, place: str) -> Iterator[str]:
    inner = typing.get_args(wanted)
    if typing.get_origin(wanted) in (typing.Union, types.UnionType):
        fitting = [one for one in inner if _fits(value, one)]
        tried = [list(_held_against(value, one, place)) for one in fitting or inner[:1]]
        yield from min(tried, key=len)
    elif not _fits(value, wanted):
        yield f"{place} is {value!r}, and should be {wanted}"
    elif _is_model(wanted):
        # Some are left as they were read.
        read = wanted.from_json(value) if isinstance(value, dict) else value
        yield from _ill_typed(read, place)
    elif isinstance(value, list) and inner:
        for position, one in enumerate(value):
            yield from _held_against(one, inner[0], f"{place}[{position}]")
    elif isinstance(value, dict) and inner:
        for key, one in value.items():
            yield from _held_against(one, inner[1], f"{place}.{key}")
    elif _is_model(type(value)):
        yield from _ill_typed(value, place)


def _is_model(kind: Any) -> bool:
    return hasattr(kind, "from_json")


def _fits(value: Any, wanted: Any) -> bool:
    """Whether a value is of a type, without a look into what it holds."""
    kind = typing.get_origin(wanted) or wanted
    if kind in (Any, object):
        return True
    if kind in (typing.Union, types.UnionType):
        return any(_fits(value, one) for one in typing.get_args(wanted))
    if kind is typing.Literal:
        return value in typing.get_args(wanted)
    if issubclass(kind, Enum):
        return value in list(kind) or value in [member.value for member in kind]
    taken = {float: (int, float)}.get(kind, (kind, dict) if _is_model(kind) else kind)
    # Python takes a truth for a number.
    return isinstance(value, taken) and isinstance(value, bool) <= (kind is bool)
