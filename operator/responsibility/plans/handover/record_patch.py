"""Patches of a record whose items change hands.

A patch is good for the record that it was made from, and for no other: it replaces a list, and
would undo what somebody has written meanwhile. Writing into the spec is what makes a new
generation, and nothing else does, so the patch names the one that it expects. A resource version
would not do: the operator's own status makes a new one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from responsibility.api.parse import parse_record
from responsibility.api.record import Responsibility
from responsibility.ownership.terms.agreement import Agreement, Item


@dataclass(frozen=True, slots=True)
class HandoverRequest:
    """A request to hand over: items of a record, to a party, from a moment on."""

    record: str
    items: tuple[str, ...]
    to: str
    start: datetime
    overlap: timedelta


@dataclass(frozen=True, slots=True)
class Patch:
    """New lines for a record that has the UID and generation; empty and 0 where files have none."""

    items: Sequence[Mapping[str, Any]]
    uid: str = ""
    generation: int = 0

    def merge(self) -> Mapping[str, Any]:
        """Return it as a merge patch, with all lines, since such a patch replaces lists."""
        return {"spec": {"items": self.items}}

    def guarded(self) -> list[Mapping[str, Any]]:
        """Return it as a JSON patch, which the server refuses if the record is another by now."""
        tests = (("/metadata/uid", self.uid), ("/metadata/generation", self.generation))
        return [
            *({"op": "test", "path": path, "value": value} for path, value in tests if value),
            {"op": "add", "path": "/spec/items", "value": self.items},
        ]


def patches(versions: Iterable[Responsibility]) -> list[Patch | None]:
    """Return what makes each version of a record of the one before; None where nothing differs."""
    found: list[Patch | None] = []
    generation, last = 0, None
    for version in versions:
        meta, items = version.metadata, _dumped(version)["spec"].get("items", [])
        if last is None:
            generation = meta.generation
        elif items == last:
            found.append(None)
        else:
            found.append(Patch(items, meta.uid, generation))
            generation += bool(generation)
        last = items
    return found


_Entry = dict[str, Any]
Edit = Callable[[_Entry, Item, HandoverRequest], None]


def patched(
    record: Responsibility, agreement: Agreement, request: HandoverRequest, change: Edit
) -> Responsibility:
    """Return the record with the lines of the items changed."""
    raw = _dumped(record)
    entries: dict[str, _Entry] = {e["name"]: e for e in raw["spec"].get("items", [])}
    for name in request.items:
        entry = entries.get(name, {"name": name})
        change(entry, agreement.item(name), request)
        # A line that says nothing is not added.
        if name in entries or len(entry) > 1:
            entries[name] = entry
    raw["spec"]["items"] = list(entries.values())
    raw.setdefault("apiVersion", record.api_version)
    raw.setdefault("kind", record.kind)
    return parse_record(raw)


def _delegates(entry: _Entry, item: Item) -> list[_Entry]:
    if "delegates" in entry:
        return list(entry["delegates"] or ())
    found: list[_Entry] = []
    for each in item.delegates:
        line: _Entry = {"party": each.party}
        if each.until is not None:
            line["until"] = _moment(each.until)
        if each.reason:
            line["reason"] = each.reason
        found.append(line)
    return found


def delegate_first(entry: _Entry, item: Item, request: HandoverRequest) -> None:
    """Let the receiving party act, too, and change nothing else."""
    if item.owner == request.to:
        return
    others = [d for d in _delegates(entry, item) if d["party"] != request.to]
    entry["delegates"] = [*others, {"party": request.to, "reason": "handover"}]


def transfer_with_overlap(entry: _Entry, item: Item, request: HandoverRequest) -> None:
    """Make the receiving party the owner; the giving one may act until the overlap ends."""
    transfer(entry, item, request)
    if item.owner != request.to and request.overlap:
        until = _moment(request.start + request.overlap)
        last = {"party": item.owner, "until": until, "reason": "handover"}
        entry["delegates"] = [*entry["delegates"], last]


def transfer(entry: _Entry, item: Item, request: HandoverRequest) -> None:
    """Make the receiving party the owner; those stay delegates who were before."""
    if item.owner == request.to:
        return
    out = {request.to, item.owner}
    entry["delegates"] = [d for d in _delegates(entry, item) if d["party"] not in out]
    entry["owner"] = request.to


def _moment(when: datetime) -> str:
    return when.isoformat(timespec="seconds").replace("+00:00", "Z")


def _dumped(record: Responsibility) -> dict[str, Any]:
    raw: dict[str, Any] = record.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return raw
