"""Records and models out of manifests: strictly from files, leniently from a cluster."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from responsibility.api.model import ResponsibilityModel
from responsibility.api.parse import (
    RecordError,
    load_shipped_manifest,
    parse_model,
    parse_record,
)
from responsibility.api.record import DEFAULT_MODEL, Responsibility
from responsibility.cli.sources.cluster_view import ClusterView
from responsibility.cli.sources.manifests import Manifest
from responsibility.cli.sources.yaml.composer import Value
from responsibility.cli.terminal.errors import CliError
from responsibility.ownership.claims import holding, waiting
from responsibility.ownership.terms.snapshot import Broken

Json = Mapping[str, Any]


def add_agreements(
    view: ClusterView,
    models: Iterable[Manifest],
    records: Iterable[Manifest],
    notes: Callable[[str], None],
) -> None:
    """Put the records and models of files into the view. Raises CliError."""
    for manifest in records:
        record = record_in(manifest)
        view.records[record.name] = record
    by_name: dict[str, list[Manifest]] = {}
    for manifest in models:
        by_name.setdefault(manifest.raw["metadata"]["name"], []).append(manifest)
    wanted = {record.spec.model for record in view.records.values()}
    if DEFAULT_MODEL in wanted or not by_name:
        by_name.setdefault(DEFAULT_MODEL, [])
    for name, parts in by_name.items():
        view.models[name] = model_in(name, parts, notes)


def add_live(
    view: ClusterView, models: Iterable[dict[str, Any]], records: Collection[dict[str, Any]]
) -> None:
    """Put a cluster's records and models into the view; broken ones are kept as such."""
    for raw in models:
        name, generation = _identity(raw)
        try:
            view.models[name] = parse_model(raw)
        except RecordError as error:
            view.broken_models[name] = Broken(name, str(error), generation)
    statuses = [(raw["metadata"]["name"], raw.get("status") or {}) for raw in records]
    view.waiting, view.holding = waiting(statuses), holding(statuses)
    for raw in records:
        name, generation = _identity(raw)
        try:
            view.records[name] = parse_record(raw)
        except RecordError as error:
            view.broken_records[name] = Broken(name, str(error), generation)


def _identity(raw: Json) -> tuple[str, int]:
    meta = raw["metadata"]
    return meta["name"], int(meta.get("generation") or 0)


def _placed(manifest: Manifest, error: RecordError) -> str:
    return "\n".join(f"{manifest.place}: {error.subject}: {each}" for each in error.problems)


def model_in(
    name: str, parts: list[Manifest], notes: Callable[[str], None] = lambda _: None
) -> ResponsibilityModel:
    """Return the model of this name that manifests make together. Raises CliError."""
    try:
        return parse_model(_whole(name, parts, notes), strict=True)
    except RecordError as error:
        raise CliError(_placed(parts[-1], error) if parts else str(error)) from None


def record_in(manifest: Manifest) -> Responsibility:
    """Return a record as it stands in a file. Raises CliError."""
    try:
        return parse_record(manifest.raw, strict=True)
    except RecordError as error:
        raise CliError(_placed(manifest, error)) from None


def _whole(name: str, parts: list[Manifest], notes: Callable[[str], None]) -> dict[str, Any]:
    """Return the model of all parts, merged as server-side apply would.

    What has no items is an addition to a model: to the shipped one if the files have no other.
    """
    whole: dict[str, Any] | None = None
    additions = []
    for part in parts:
        spec = part.raw.get("spec")
        if isinstance(spec, dict) and "items" not in spec:
            additions.append(part)
        elif whole is not None:
            raise CliError(f"ResponsibilityModel {name} is there twice; again in {part.place}")
        else:
            whole = part.raw
    if whole is None:
        if name != DEFAULT_MODEL:
            raise CliError(f"{parts[0].place}: ResponsibilityModel {name} has no spec.items")
        whole = load_shipped_manifest()
        notes(f"model {name} is not in the files: its shipped version is used")
    for part in additions:
        whole = {**whole, "spec": _merged(whole["spec"], part.raw["spec"])}
    return whole


def _merged(base: Value, more: Value) -> Value:
    """Merge mappings by key and lists of named entries by name; all else is replaced."""
    if isinstance(base, dict) and isinstance(more, dict):
        return {**base, **{key: _merged(base.get(key), value) for key, value in more.items()}}
    if _named(base) and _named(more):
        added = {entry["name"]: entry for entry in more}
        merged = [_merged(entry, added.pop(entry["name"], entry)) for entry in base]
        return [*merged, *added.values()]
    return more


def _named(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(entry, dict) and "name" in entry and "kind" not in entry for entry in value
    )
