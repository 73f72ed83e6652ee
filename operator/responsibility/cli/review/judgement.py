"""Judgement of a change: each thing that it changes, whose that is, and whether the author may.

Of a hub's settings the webhook's own judgement decides (``admission.webhooks.values_decision``),
asked with the values as Helm puts them together. What no agreement speaks of is for whoever keeps
the agreements: a change is never fine because nothing is known of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import datetime

from responsibility.admission.webhooks.requester import Range, RequesterEntitlement
from responsibility.admission.webhooks.values_decision import judge_changes
from responsibility.api.item import RECORD_ITEM
from responsibility.api.names import API_GROUP
from responsibility.cli.review.agreed import AgreedDeparture, departures
from responsibility.cli.review.agreements import RECORD, Agreements, HubTerms
from responsibility.cli.review.author import Author
from responsibility.cli.review.layout import HubFiles, HubPlace, Layout, LayoutReader
from responsibility.cli.review.objects import (
    ChangedObjects,
    ObjectChange,
    ObjectNeed,
    inside,
    needs,
)
from responsibility.cli.review.trees import Tree
from responsibility.cli.review.values_files import ValuesFile
from responsibility.cli.sources.folders import NOTHING, Ignored
from responsibility.cli.sources.location import Location
from responsibility.cli.terminal.errors import CliError
from responsibility.hub.values import paths
from responsibility.hub.values.difference import UNKNOWN, SettingChange, changes
from responsibility.hub.values.layers import divided, merged, with_deletions, within
from responsibility.hub.values.paths import Place
from responsibility.hub.values.yaml import Value
from responsibility.ownership.terms.agreement import Agreement
from responsibility.ownership.terms.consents import consents

# Files of values, the lowest first, each with the keys under which it counts.
Layers = list[tuple[Place, ValuesFile]]


@dataclass(frozen=True, slots=True)
class ReviewLine:
    """One thing that a change does to a hub, or to none; some of ``items`` entitle to it.

    ``what`` is a setting, an object or a file. ``left`` is the range that the author may move it
    in, where it leaves that.
    """

    hub: HubPlace | None
    what: str
    items: tuple[str, ...]
    may: bool
    terms: HubTerms
    place: Location | None = None
    left: Range | None = None
    # Where it takes another party than the items' owners, that one.
    party: str = ""


@dataclass(frozen=True, slots=True)
class Departure:
    """A setting of a hub that is no longer as agreed, by its path in the hub's values."""

    hub: HubPlace
    what: str
    left: AgreedDeparture
    terms: HubTerms
    place: Location | None = None


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file that comes, goes or changes, and the hubs that it is for."""

    path: str
    how: str
    hubs: tuple[HubPlace, ...]


@dataclass(slots=True)
class ReviewResult:
    """What becomes of a change: its lines, its files, and what it moves from what was agreed."""

    author: Author
    lines: list[ReviewLine] = field(default_factory=list)
    files: list[ChangedFile] = field(default_factory=list)
    hubs: int = 0
    departures: list[Departure] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    @property
    def needed(self) -> list[ReviewLine]:
        """Return the lines that others have to approve."""
        return [line for line in self.lines if not line.may]

    @property
    def touched(self) -> list[HubPlace]:
        """Return the hubs that the change does something to."""
        return sorted({line.hub for line in self.lines if line.hub is not None})


@dataclass(slots=True)
class TreeComparison:
    """Compares two trees, by the agreements of the first."""

    base: Tree
    head: Tree
    before: Layout
    after: Layout
    agreements: Agreements
    author: Author
    now: datetime
    reader: LayoutReader
    ignored: Ignored = NOTHING
    _values: dict[tuple[object, ...], Value] = field(default_factory=dict)
    _departures: list[Departure] = field(default_factory=list)
    _known: dict[tuple[object, ...], tuple[Agreement, Mapping[str, RequesterEntitlement]]] = field(
        default_factory=dict
    )

    def judge(self) -> ReviewResult:
        """Return what becomes of the change. Raises CliError for what can't be read."""
        found = ReviewResult(self.author, hubs=len({**self.before.hubs, **self.after.hubs}))
        for hub in sorted({**self.before.hubs, **self.after.hubs}):
            found.lines.extend(
                self._of_hub(hub, self.before.hubs.get(hub), self.after.hubs.get(hub))
            )
        users = self.before.users(), self.after.users()
        changed = sorted(self._changed().items())
        for path, how in changed:
            hubs = sorted({*users[0].get(path, ()), *users[1].get(path, ())})
            found.files.append(ChangedFile(path, how, tuple(hubs)))
        used = {file.path for file in found.files if file.hubs}
        if self.ignored:
            found.ignored = [path for path, _ in changed if self._is_ignored(path, used)]
            passed = set(found.ignored)
            changed = [each for each in changed if each[0] not in passed]
        objects = ChangedObjects.of(self.base, self.head, [path for path, _ in changed], used)
        for path, how in changed:
            known = path in used or path in objects.files
            found.lines.extend(self._of_file(path, how, known=known))
        for change in objects.changes():
            found.lines.extend(self._of_object(change))
        found.departures = self._departures
        return found

    def _is_ignored(self, path: str, used: Set[str]) -> bool:
        """Return whether nobody asked for a file: none that a hub is made of, nor a record."""
        layouts = (self.before, self.after)
        known = any(path in each.clusters or path in each.shared for each in layouts)
        if path in used or known or not self.ignored.fits(path):
            return False
        wanted = API_GROUP.encode()
        return not any(path in t.ids and wanted in t.read(path) for t in (self.base, self.head))

    def _changed(self) -> dict[str, str]:
        old, new = ({**t.ids, **t.links, **t.modules} for t in (self.base, self.head))
        found = {}
        for path in {*old, *new}:
            if path not in old:
                found[path] = "added"
            elif path not in new:
                found[path] = "removed"
            elif old[path] != new[path]:
                found[path] = "changed"
        return found

    # --- hubs -----------------------------------------------------------------------------------

    def _of_hub(
        self, hub: HubPlace, old: HubFiles | None, new: HubFiles | None
    ) -> Iterator[ReviewLine]:
        if old is not None and new is not None and self._same(old, new):
            return
        terms = self.agreements.of_hub(hub)
        files = new or old
        assert files is not None  # noqa: S101 - it is in one of the two
        if not terms.recorded:
            what = "a hub of which there is no record"
            yield self._line(hub, what, [RECORD_ITEM], terms, files.listed)
        elif old is None or new is None:
            what = (
                "the hub as a whole, which comes" if old is None else "the hub as a whole: it goes"
            )
            yield self._line(hub, what, terms.model.guard.rest, terms, files.listed)
        else:
            yield from self._of_settings(terms, old, new)

    def _same(self, old: HubFiles, new: HubFiles) -> bool:
        def sign(tree: Tree, hub: HubFiles) -> object:
            layers = tuple((each, tree.ids[each.path]) for each in hub.layers)
            others = tuple((path, tree.ids[path]) for path in hub.others)
            return layers, others, hub.under, hub.settings

        return sign(self.base, old) == sign(self.head, new)

    def _of_settings(self, terms: HubTerms, old: HubFiles, new: HubFiles) -> Iterator[ReviewLine]:
        hub, guard = new.hub, terms.model.guard
        for change in changes(old.settings, new.settings):
            what = f"{paths.text(change.place)} of the hub in {new.listed.file}"
            yield self._line(hub, what, guard.rest, terms, new.listed)
        before = {path: self.base.ids[path] for path in old.others}
        after = {path: self.head.ids[path] for path in new.others}
        for path in sorted({*before, *after}):
            if before.get(path) != after.get(path):
                yield self._line(hub, f"file {path}", guard.rest, terms, Location(path))
        layers = [(layer.under, self.reader.file(self.head, layer.path)) for layer in new.layers]
        values = self._merged(self.base, old, lenient=True), self._merged(self.head, new)
        outside = values
        held = self.author.held(terms, guard.items, self.now)
        for under in dict.fromkeys((*old.under, *new.under)):
            parts = [divided(value, under) for value in outside]
            outside = parts[0].outside, parts[1].outside
            for left in departures(terms.agreement, parts[0].inside, parts[1].inside):
                at = (*under, *paths.split(left.path))
                where = _location(at, layers)
                self._departures.append(Departure(hub, paths.text(at), left, terms, where))
            for judged in judge_changes(changes(parts[0].inside, parts[1].inside), guard, held):
                place = (*under, *judged.change.place)
                yield ReviewLine(
                    hub,
                    paths.text(place) or "all settings",
                    self._in_order(judged.items, terms),
                    judged.may,
                    terms,
                    _location(place, layers),
                    judged.left,
                )
        for change in changes(*outside):
            yield self._outside(hub, change, terms, layers)

    def _outside(
        self, hub: HubPlace, change: SettingChange, terms: HubTerms, layers: Layers
    ) -> ReviewLine:
        what = paths.text(change.place) or "all settings"
        where = _location(change.place, layers)
        return self._line(hub, what, terms.model.guard.rest, terms, where)

    def _merged(self, tree: Tree, hub: HubFiles, *, lenient: bool = False) -> Value:
        key = tuple((layer, tree.ids[layer.path]) for layer in hub.layers)
        if key not in self._values:
            try:
                files = [
                    within(self.reader.file(tree, layer.path).values, layer.under)
                    for layer in hub.layers
                ]
            except CliError:
                if not lenient:
                    raise
                # Nobody knows what it was: anything of it may change.
                return UNKNOWN
            self._values[key] = with_deletions(merged(files))
        return self._values[key]

    # --- other files ----------------------------------------------------------------------------

    def _of_file(self, path: str, how: str, *, known: bool) -> Iterator[ReviewLine]:
        """Yield what becomes of a file, but for what it is to hubs."""
        named = [*self.before.shared.get(path, ()), *self.after.shared.get(path, ())]
        if named:
            what = f"file {path}, which {named[0]} names for the whole cluster ({how})"
            yield self._unspoken(path, what)
        elif path in self.before.clusters or path in self.after.clusters:
            old, new = self.before.rest.get(path), self.after.rest.get(path)
            if old is None or new is None:
                yield self._unspoken(path, f"file {path} ({how})")
                return
            for change in changes(old, new):
                yield self._unspoken(path, f"{paths.text(change.place)} in {path}")
        elif not known:
            yield self._unspoken(path, f"file {path} ({how})")

    # --- objects --------------------------------------------------------------------------------

    def _of_object(self, change: ObjectChange) -> Iterator[ReviewLine]:
        """Yield what becomes of an object: a record, a model, or one in a hub's namespace."""
        if change.group == API_GROUP and change.kind == RECORD:
            yield from self._of_record(change)
            return
        hubs = [
            hub
            for hub in self.before.hubs
            if change.namespace
            and hub.namespace == change.namespace
            and self.before.cluster_of(change.place.file) in (None, hub.cluster)
        ]
        if not hubs:
            yield self._unspoken(change.place.file, str(change), change.place)
        for hub in hubs:
            terms = self.agreements.of_hub(hub)
            if not terms.recorded:
                yield self._line(hub, str(change), [RECORD_ITEM], terms, change.place)
                continue
            for need in needs(change, terms):
                line = self._line(hub, need.what, need.items, terms, change.place)
                yield line if line.may else self._in_range(line, need, change.kind)

    def _in_range(self, line: ReviewLine, need: ObjectNeed, kind: str) -> ReviewLine:
        """Return the line with what a delegate may who is held to ranges of objects' values."""
        held = self._held(line.terms, line.items)
        ranges = [each for item in held.values() if item.may for each in item.of_objects]
        mine = [each for each in ranges if each.kind == kind]
        if need.field is None or not mine:
            return line
        may = inside(need.field, kind, mine)
        return replace(line, may=may, left=None if may else mine[0])

    def _of_record(self, change: ObjectChange) -> Iterator[ReviewLine]:
        """Yield whose consent it takes that a record comes, goes or changes."""
        cluster = self.before.cluster_of(change.place.file) or ""
        old, new = (
            self.agreements.read(each, cluster) if each else None
            for each in (change.old, change.new)
        )
        terms, manifest = old or new, change.old or change.new
        assert terms is not None  # noqa: S101 - it is in one of the two
        assert manifest is not None  # noqa: S101 - the same
        hub = self.agreements.about(manifest, cluster)
        defaults = HubTerms(terms.model.defaults, terms.model, recorded=False)
        one, other = (each.agreement if each else None for each in (old, new))
        for each in consents(one, other, defaults.agreement):
            known = next(t for t in (old, new, defaults) if t and t.agreement is each.agreement)
            if each.item == RECORD_ITEM and each.agreement is (old or defaults).agreement:
                yield self._line(hub, str(change), [RECORD_ITEM], known, change.place)
                continue
            what = f"item {each.item}: {each.party} {each.why}"
            may = self.author.acts_for(known, each.party)
            yield ReviewLine(hub, what, (each.item,), may, known, change.place, party=each.party)

    def _unspoken(self, path: str, what: str, place: Location | None = None) -> ReviewLine:
        """Return a line about what no agreement speaks of: for who keeps the agreements."""
        cluster = self.before.cluster_of(path) or ""
        model = self.agreements.default_model(cluster)
        terms = HubTerms(model.defaults, model, recorded=False)
        return self._line(None, what, [RECORD_ITEM], terms, place or Location(path))

    def _line(
        self,
        hub: HubPlace | None,
        what: str,
        items: Iterable[str],
        terms: HubTerms,
        place: Location | None,
    ) -> ReviewLine:
        # Where a model lets nobody make the whole, it is for who keeps what is agreed.
        names = self._in_order(items, terms) or (RECORD_ITEM,)
        # A range of some values is no right to a whole.
        may = any(each.has_no_range for each in self._held(terms, names).values())
        return ReviewLine(hub, what, names, may, terms, place)

    def _held(self, terms: HubTerms, names: tuple[str, ...]) -> Mapping[str, RequesterEntitlement]:
        """Return what the author has of items; many objects ask for the same."""
        key = (id(terms.agreement), terms.recorded, names)
        if key not in self._known:
            # The agreement is kept, so that no other one is taken for it.
            self._known[key] = terms.agreement, self.author.held(terms, names, self.now)
        return self._known[key][1]

    def _in_order(self, items: Iterable[str], terms: HubTerms) -> tuple[str, ...]:
        agreement = terms.agreement
        return tuple(sorted(items, key=lambda name: agreement.item(name).terms.number))


def _location(place: Place, layers: Layers) -> Location | None:
    """Return where a setting stands, in the file that counts."""
    for under, file in reversed(layers):
        below = place[len(under) :]
        if place[: len(under)] == under and below in file.lines:
            return file.location(below)
    return None
