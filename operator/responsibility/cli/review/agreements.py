"""Agreements that a review goes by: those of the base, and never of the change itself.

Records lie with the hubs' files, or wherever else they are kept. A record is about a hub of the
cluster that it names (``spec.hub.cluster``), else of that in whose folder it lies; one that says
neither is about the only hub of its namespace and release.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from responsibility.admission.policies.guards import ObjectGuard, Target
from responsibility.admission.webhooks.values_ownership import ValuesGuard
from responsibility.api.model import ResponsibilityModel
from responsibility.api.names import API_GROUP
from responsibility.api.record import DEFAULT_MODEL, Responsibility
from responsibility.cli.review.layout import HubPlace, Layout
from responsibility.cli.review.trees import Tree, text_in
from responsibility.cli.sources.agreements import model_in, record_in
from responsibility.cli.sources.folders import SUFFIXES
from responsibility.cli.sources.manifests import Manifest, objects_in, read
from responsibility.cli.terminal.errors import CliError
from responsibility.hub.discovery import HubKey
from responsibility.ownership.terms.agreement import Agreement, Party, Terms
from responsibility.ownership.terms.resolve import resolve_defaults, resolve_record

RECORD, MODEL = "Responsibility", "ResponsibilityModel"


@dataclass(frozen=True, slots=True)
class ModelTerms:
    """A model, and what it makes of settings."""

    terms: Terms
    guard: ValuesGuard
    defaults: Agreement
    # Of requests about whole objects, who may make them.
    objects: Mapping[Target, tuple[ObjectGuard, ...]]


@dataclass(frozen=True, slots=True)
class HubTerms:
    """An agreement about a hub, and the model that it stands on."""

    agreement: Agreement
    model: ModelTerms
    recorded: bool = True


@dataclass(slots=True)
class Agreements:
    """The records and models that are there, by the name of the cluster; empty for any."""

    layout: Layout
    records: list[tuple[str, Manifest]] = field(default_factory=list)
    models: list[tuple[str, Manifest]] = field(default_factory=list)
    # Records and models of a live cluster, parsed already.
    live_records: list[Responsibility] = field(default_factory=list)
    live_models: dict[str, ResponsibilityModel] = field(default_factory=dict)
    _parsed: dict[int, Responsibility] = field(default_factory=dict)
    _terms: dict[tuple[object, ...], ModelTerms] = field(default_factory=dict)
    _hubs: dict[HubPlace, HubTerms] = field(default_factory=dict)

    def add(self, manifest: Manifest, cluster: str) -> None:
        """Take a record or a model; anything else is let alone."""
        kind = manifest.raw.get("kind")
        group = str(manifest.raw.get("apiVersion") or "").partition("/")[0]
        if group == API_GROUP and kind in (RECORD, MODEL):
            (self.records if kind == RECORD else self.models).append((cluster, manifest))

    def __bool__(self) -> bool:
        """Return whether anything is agreed at all."""
        return bool(self.records or self.live_records)

    def of_hub(self, hub: HubPlace) -> HubTerms:
        """Return what is agreed on a hub; the model's defaults where it has no record.

        Raises CliError: there are two records, or one that can't be read.
        """
        if hub not in self._hubs:
            self._hubs[hub] = self._of_hub(hub)
        return self._hubs[hub]

    def _of_hub(self, hub: HubPlace) -> HubTerms:
        found = [(each, place) for each, place, of in self._about(hub) if of == hub]
        if len(found) > 1:
            places = "; and ".join(place for _, place in found)
            raise CliError(f"hub {hub} has two records, so nobody can tell which counts: {places}")
        if not found:
            model = self.default_model(hub.cluster)
            return HubTerms(model.defaults, model, recorded=False)
        record = found[0][0]
        model = self.model(record.spec.model, hub.cluster)
        key = HubKey(hub.namespace, hub.release)
        return HubTerms(resolve_record(record, model.terms, None, key=key), model)

    def _about(self, hub: HubPlace) -> Iterable[tuple[Responsibility, str, HubPlace]]:
        """Yield the records that may be about a hub, where each stands, and what it is about."""
        for number, (cluster, manifest) in enumerate(self.records):
            spec = manifest.raw.get("spec")
            about = spec.get("hub") if isinstance(spec, dict) else None
            # What is about another namespace is not read any further.
            if not isinstance(about, dict) or about.get("namespace") != hub.namespace:
                continue
            record = self._record(number)
            of = self.hub_of(record, cluster)
            if of is not None:
                yield record, str(manifest.place), of
        for record in self.live_records:
            of = self.hub_of(record, "")
            if of is not None:
                yield record, f"Responsibility {record.name}", of

    def hub_of(self, record: Responsibility, cluster: str) -> HubPlace | None:
        """Return the hub of the tree that a record is about; None for none of it."""
        about = record.spec.hub
        named = about.cluster or cluster
        release = about.release or about.namespace
        fitting = [
            hub
            for hub in self.layout.hubs
            if (hub.namespace, hub.release) == (about.namespace, release)
            and (not named or hub.cluster == named)
        ]
        if len(fitting) > 1:
            raise CliError(
                f"Responsibility {record.name} is about {about.namespace}/{release}, which "
                f"{len(fitting)} clusters have: say which with spec.hub.cluster"
            )
        return fitting[0] if fitting else None

    def default_model(self, cluster: str) -> ModelTerms:
        """Return the model of what has no record: the only one there is, or the shipped."""
        names = {_name(manifest) for _, manifest in self.models} | {*self.live_models}
        return self.model(names.pop() if len(names) == 1 else DEFAULT_MODEL, cluster)

    def model(self, name: str, cluster: str) -> ModelTerms:
        """Return a model as a cluster has it. Raises CliError."""
        live = self.live_models.get(name)
        parts = [each for of, each in self.models if _name(each) == name and of in ("", cluster)]
        # Most clusters have the same one.
        key = (name, *map(id, parts))
        if key not in self._terms:
            if live is None and not parts and name != DEFAULT_MODEL:
                raise CliError(f"there is no ResponsibilityModel {name}, and records name it")
            model = live if live is not None else model_in(name, parts)
            try:
                guard = ValuesGuard.of(model)
            except ValueError as error:
                raise CliError(f"ResponsibilityModel {name}: {error}") from None
            terms = guard.guards.terms
            objects: dict[Target, tuple[ObjectGuard, ...]] = {}
            for item in guard.guards.items():
                for each in item.objects:
                    if not each.by_metadata:
                        objects[each.target] = (*objects.get(each.target, ()), each)
            self._terms[key] = ModelTerms(terms, guard, resolve_defaults(terms), objects)
        return self._terms[key]

    def sides(self, name: str, record: str = "") -> dict[object, HubTerms]:
        """Return the parties of this name by `side`, each with the terms of its first record.

        Of one ``record``, or of all. Raises CliError for a model that can't be read.
        """
        found: dict[object, HubTerms] = {}
        for each, cluster in self._all():
            if record in ("", each.name):
                model = self.model(each.spec.model, cluster)
                terms = HubTerms(resolve_record(each, model.terms, None), model)
                if name in terms.agreement.parties:
                    found.setdefault(side(terms.agreement, name), terms)
        return found

    def read(self, manifest: Manifest, cluster: str) -> HubTerms:
        """Return what a record says, of the base or not. Raises CliError."""
        record = record_in(manifest)
        model = self.model(record.spec.model, record.spec.hub.cluster or cluster)
        return HubTerms(resolve_record(record, model.terms, None), model)

    def about(self, manifest: Manifest, cluster: str) -> HubPlace | None:
        """Return the hub of the tree that a record is about; None for none of it, or several."""
        try:
            return self.hub_of(record_in(manifest), cluster)
        except CliError:
            return None

    def _all(self) -> Iterator[tuple[Responsibility, str]]:
        for number, (cluster, _) in enumerate(self.records):
            yield self._record(number), cluster
        yield from ((record, "") for record in self.live_records)

    def _record(self, number: int) -> Responsibility:
        if number not in self._parsed:
            self._parsed[number] = record_in(self.records[number][1])
        return self._parsed[number]


def side(agreement: Agreement, name: str) -> object:
    """Return a key of a party, equal on all hubs where it is the same; None if there is none.

    Most hubs have a community, and each another one. A party that nothing is said of is that of the
    model, where the record says nothing of it either; else its hub's own.
    """
    party = agreement.parties.get(name)
    if party is None:
        return None
    if is_known(party):
        return (name, party.display_name, party.email, party.url, party.subjects)
    if party == agreement.terms.parties.get(name):
        return (name, agreement.terms.name)
    return (name, agreement.terms.name, agreement.record)


def is_known(party: Party) -> bool:
    """Return whether a party has a contact or subjects, which tell it from others of its name."""
    return bool(party.contact or party.subjects)


def _name(manifest: Manifest) -> str:
    metadata = manifest.raw.get("metadata")
    return str(metadata.get("name")) if isinstance(metadata, dict) else ""


def in_tree(tree: Tree, layout: Layout) -> Agreements:
    """Return the records and models in a tree. Raises CliError."""
    found = Agreements(layout)
    named = [path for path in tree.containing(API_GROUP) if path.endswith(SUFFIXES)]
    tree.fetch(named)
    for path in named:
        for manifest in objects_in(text_in(tree, path), path):
            found.add(manifest, layout.cluster_of(path) or "")
    return found


def in_files(
    paths: Iterable[str], base: Tree, head: Tree, layout: Layout, notes: Callable[[str], None]
) -> Agreements:
    """Return the records and models of files: those of the base where it has them.

    Raises CliError for what only the change has: it can't say who may make it.
    """
    found = Agreements(layout)
    for path in paths:
        inside = PurePosixPath(path).as_posix().removeprefix("./").rstrip("/")
        of_base = [p for p in base.ids if p == inside or p.startswith(f"{inside}/")]
        for each in of_base:
            if each.endswith(SUFFIXES):
                for manifest in objects_in(text_in(base, each), each):
                    found.add(manifest, layout.cluster_of(each) or "")
        if of_base:
            continue
        root = getattr(head, "root", None)
        where = Path(path).resolve()
        if root is not None and where.is_relative_to(Path(root).resolve()):
            raise CliError(
                f"--records {path}: this is not in the base, and a change can't say itself who may "
                "make it"
            )
        for manifest in read([path], notes=notes):
            found.add(manifest, "")
    return found
