"""Writers of an object's fields, by ``metadata.managedFields``, and when they wrote.

The API server keeps it for every write (structured-merge-diff, ``fieldpath/serialize-pe.go``: keys
begin with ``f:`` for a field, ``k:`` for an entry of a list by its keys, ``v:`` by its value). The
manager is what the client calls itself, so anybody may write as ``helm``; the time is the API
server's. So Helm's word counts only for what was written before Helm said that it had done: a write
that comes after, under whatever name, is none of the deployment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

# The annotation that Helm writes on everything that it deploys, with the object itself.
_HELMS: Final = ("metadata", "annotations", "meta.helm.sh/release-name")
# Helm's name for itself, and of what deploys by its library.
_HELM: Final = re.compile(r"helm.*|terraform-provider-helm.*", re.IGNORECASE)
# Helm writes the release last; clocks of two API servers may differ a little.
_AFTERWARDS: Final = timedelta(seconds=5)
# Controllers write it, and it is nothing that was deployed.
_STATUS: Final = "status"
_METADATA: Final = frozenset({"f:metadata"})


@dataclass(frozen=True, slots=True)
class FieldWriter:
    """A field manager, and when it last changed something."""

    manager: str
    at: str


@dataclass(frozen=True, slots=True)
class EntryOf:
    """A step into a list: the keys of one of its entries, as JSON has their values."""

    keys: tuple[tuple[str, Any], ...]


Step = str | EntryOf


@dataclass(frozen=True, slots=True)
class _Managed:
    writer: FieldWriter
    fields: Mapping[str, Any]
    by_helm: bool


class FieldManagers:
    """The writers of an object; ``deployed_at`` is when Helm had written all of a release."""

    def __init__(self, found: Mapping[str, Any], *, deployed_at: str) -> None:
        entries = [e for e in _entries(found) if e.get("subresource") != _STATUS]
        until = _moment(deployed_at)
        latest = None if until is None else until + _AFTERWARDS
        helms = {str(e.get("manager") or "") for e in entries if _has_helms(_fields(e))}
        self._managed = [
            _Managed(
                writer := FieldWriter(str(e.get("manager") or ""), str(e.get("time") or "")),
                _fields(e),
                (writer.manager in helms or _HELM.fullmatch(writer.manager) is not None)
                and _before(writer.at, latest),
            )
            for e in entries
        ]
        # Entries of lists by their keys: of a list with thousands none is searched for.
        self._by_keys: dict[tuple[int, tuple[str, ...]], dict[str, Mapping[str, Any]]] = {}

    @property
    def count(self) -> int:
        """How many have written it."""
        return len(self._managed)

    def others(self, place: Sequence[Step]) -> tuple[FieldWriter, ...]:
        """Return who has written a field, the latest first, but for Helm when it deployed."""
        return _latest(m for m in self._managed if not m.by_helm and self._has(m, place))

    def by_helm(self, place: Sequence[Step]) -> bool:
        """Return whether a field is Helm's alone, as it deployed it."""
        writers = [m for m in self._managed if self._has(m, place)]
        return bool(writers) and all(m.by_helm for m in writers)

    def _has(self, managed: _Managed, place: Sequence[Step]) -> bool:
        """Return whether a field, something in it, or a whole that it is in, is a manager's."""
        fields = managed.fields
        for step in place:
            below = self._below(fields, step)
            if below is None:
                return False
            if not below:
                # A leaf: what is in it was written as one.
                return True
            fields = below
        return bool(place)

    def _below(self, fields: Mapping[str, Any], step: Step) -> Mapping[str, Any] | None:
        if isinstance(step, str):
            return _field(fields, step)
        names = tuple(name for name, _ in step.keys)
        # The fields live as long as this does, so that nothing else has their id.
        entries = self._by_keys.get((id(fields), names))
        if entries is None:
            entries = self._by_keys[id(fields), names] = _entry_fields(fields, names)
        return entries.get(_values(value for _, value in step.keys))

    @property
    def last(self) -> FieldWriter:
        """Who has written the object last, but for Helm when it deployed; empty for nobody.

        Metadata doesn't count, where so many leave their marks.
        """
        written = (m for m in self._managed if not m.by_helm and m.fields.keys() - _METADATA)
        return next(iter(_latest(written)), FieldWriter("", ""))


def _latest(found: Iterable[_Managed]) -> tuple[FieldWriter, ...]:
    return tuple(sorted((m.writer for m in found), key=lambda w: (w.at, w.manager), reverse=True))


def _entries(found: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    metadata = found.get("metadata")
    managed = metadata.get("managedFields") if isinstance(metadata, Mapping) else None
    if isinstance(managed, list):
        yield from (each for each in managed if isinstance(each, Mapping))


def _fields(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    fields = entry.get("fieldsV1")
    return fields if isinstance(fields, Mapping) else {}


def _has_helms(fields: Mapping[str, Any]) -> bool:
    """Return whether Helm's annotation, or a whole that it is in, is among these."""
    for step in _HELMS:
        below = _field(fields, step)
        if not below:
            return below is not None
        fields = below
    return True


def _field(fields: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    found = fields.get(f"f:{name}")
    return found if isinstance(found, Mapping) else None


def _entry_fields(fields: Mapping[str, Any], names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Return what is below each entry of a list, by its values of these keys."""
    found: dict[str, Mapping[str, Any]] = {}
    for key, below in fields.items():
        if not key.startswith("k:") or not isinstance(below, Mapping):
            continue
        try:
            keys = json.loads(key[2:])
        except (ValueError, RecursionError):
            continue
        if isinstance(keys, dict):
            found.setdefault(_values(keys.get(name) for name in names), below)
    return found


def _values(values: Iterable[object]) -> str:
    """Return values as one text, the same for the same, whatever JSON they are."""
    whole = (int(v) if isinstance(v, float) and v.is_integer() else v for v in values)
    return json.dumps(list(whole), sort_keys=True)


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _before(text: str, latest: datetime | None) -> bool:
    moment = _moment(text)
    if moment is None or latest is None or (moment.tzinfo is None) != (latest.tzinfo is None):
        return False
    return moment <= latest
