"""Objects in the files of a change: which come, go or differ, and the items that entitle to it.

By what policies are made of a model (``admission.policies.guards``): an object in a hub's namespace
is for those who may create, change or delete it, and a field of it for those whose field it is.
What no policy would guard is said to belong to nobody's item.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from typing import Any, Final

from responsibility.admission.policies.guards import (
    ANY_NAME,
    CREATE,
    DELETE,
    UPDATE,
    Items,
    ObjectGuard,
    Target,
)
from responsibility.admission.webhooks.requester import Range
from responsibility.api.item import RECORD_ITEM
from responsibility.api.names import API_GROUP
from responsibility.cli.review.agreements import HubTerms
from responsibility.cli.review.trees import Tree, text_in
from responsibility.cli.sources.builtin_resource_types import BUILTIN
from responsibility.cli.sources.folders import SUFFIXES
from responsibility.cli.sources.location import Location
from responsibility.cli.sources.manifests import Manifest, divided
from responsibility.cli.sources.yaml.composer import unfinished_merge
from responsibility.cli.terminal.errors import CliError
from responsibility.hub.values import paths
from responsibility.hub.values.difference import SettingChange, changes
from responsibility.hub.values.quantities import within
from responsibility.hub.values.secret import NAME as HUB_SECRET
from responsibility.ownership.terms.permission_index import Names

_Key = tuple[str, str, str, str]
# The server writes these, and no file decides them.
_SERVERS: Final = ("status",)


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """An object before and after; None where there is none."""

    group: str
    kind: str
    namespace: str
    name: str
    old: Manifest | None
    new: Manifest | None

    @property
    def operation(self) -> str:
        """Return what applying it is to admission."""
        if self.old is None:
            return CREATE
        return UPDATE if self.new is not None else DELETE

    @property
    def place(self) -> Location:
        """Return where it stands, or stood."""
        found = self.new or self.old
        assert found is not None  # noqa: S101 - it is in one of the two
        return found.place

    def __str__(self) -> str:
        """Return ``create Deployment prod/hub``."""
        called = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.operation.lower()} {self.kind} {called}"


@dataclass(slots=True)
class ChangedObjects:
    """The objects in files that differ; ``files`` are those with nothing else in them."""

    files: set[str] = field(default_factory=set)
    _old: dict[_Key, Manifest] = field(default_factory=dict)
    _new: dict[_Key, Manifest] = field(default_factory=dict)

    @classmethod
    def of(cls, base: Tree, head: Tree, changed: list[str], used: Set[str]) -> ChangedObjects:
        """Return the objects of files; of those that hubs use, the records and models only.

        Raises CliError for one that is there twice.
        """
        found = cls()
        for path in changed:
            if not path.endswith(SUFFIXES):
                continue
            sides = [
                found._take(tree, path, into, ours=path in used)
                for tree, into in ((base, found._old), (head, found._new))
                if path in tree.ids
            ]
            # A link, or what is more than objects, is a file that somebody has to look at.
            if sides and all(sides) and path not in {*base.links, *head.links}:
                found.files.add(path)
        return found

    def changes(self) -> Iterator[ObjectChange]:
        """Yield the objects that differ."""
        for key in sorted({*self._old, *self._new}):
            old, new = self._old.get(key), self._new.get(key)
            if old is None or new is None or _written(old) != _written(new):
                yield ObjectChange(*key, old, new)

    def _take(self, tree: Tree, path: str, into: dict[_Key, Manifest], *, ours: bool) -> bool:
        """Take the objects of a file; return whether there is something, and nothing else."""
        text = text_in(tree, path)
        try:
            objects, others = divided(text, path)
        except CliError:
            # Most YAML that can't be read is something else, such as a template. A record isn't,
            # nor what Git could not merge.
            if API_GROUP in text or unfinished_merge(text):
                raise
            return False
        for manifest in objects:
            key = _key(manifest)
            if ours and key[0] != API_GROUP:
                continue
            first = into.setdefault(key, manifest)
            if first is not manifest:
                called = " ".join(filter(None, key[1:]))
                raise CliError(
                    f"{called} is there twice, so nobody can tell which counts: {first.place}; "
                    f"and {manifest.place}"
                )
        return bool(objects) and not others


@dataclass(frozen=True, slots=True)
class ObjectNeed:
    """What changes of an object, and items one of which entitles to it.

    ``field`` is the change of one value in it, where it is no more than that.
    """

    what: str
    items: Items
    field: SettingChange | None = None


def inside(change: SettingChange, kind: str, ranges: Iterable[Range]) -> bool:
    """Return whether a value moves inside a range that somebody may move it in.

    As the policies have it: what has no value any more has left its range.
    """
    place = _dotted("".join(_step(part) for part in change.place)).removeprefix(".")
    value = change.new
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    mine = [each for each in ranges if each.kind == kind and _dotted(each.path) == place]
    return bool(mine) and all(within(str(value), r.minimum, r.maximum) for r in mine)


def _step(part: str) -> str:
    if part.startswith('["'):
        return part
    return "[*]" if part.startswith("[") else f".{part}"


def _dotted(path: str) -> str:
    """Return a path with dots only, whichever way keys were written, as policies compare them."""
    return path.replace('["', ".").replace('"]', "")


def needs(change: ObjectChange, terms: HubTerms) -> Iterator[ObjectNeed]:
    """Yield what changes of an object in a hub's namespace."""
    guards = terms.model.guard.guards
    names = terms.agreement.names
    resource = _RESOURCES.get((change.group, change.kind), "")
    target = Target(change.group, resource, change.operation)
    if resource == "secrets" and change.name == names.fill(f"$(prefix){HUB_SECRET}"):
        # All settings of the hub at once.
        yield ObjectNeed(str(change), terms.model.guard.rest)
        return
    whole = _whole(terms.model.objects.get(target, ()), change.name, names)
    if change.operation != UPDATE:
        yield ObjectNeed(str(change), whole)
        return
    fields = [
        (".".join(owned.steps).replace(".[*]", "[*]"), owned.steps, owned.allowed)
        for owned in guards.fields
        if (owned.where.group, owned.where.resource) == (change.group, resource)
        and owned.name in (ANY_NAME, *(n for n in (owned.name,) if names.fill(n) == change.name))
    ]
    for found in changes(_written(change.old), _written(change.new)):
        what = f"{change}: {paths.text(found.place)}"
        items = [_for(a, change.name, names) for _, s, a in fields if _inside(s, found.place)]
        value = None if found.fills and not _is_plain(found) else found
        yield from (ObjectNeed(what, each, value if items else None) for each in items or [whole])
        if found.fills:
            # One value in the place of a map or list says something of all fields below it.
            below = [
                a for _, s, a in fields if _inside(found.place, s) and len(s) > len(found.place)
            ]
            yield from (ObjectNeed(what, _for(each, change.name, names)) for each in below)


def _is_plain(change: SettingChange) -> bool:
    return all(not isinstance(value, dict | list) for value in (change.old, change.new))


def _whole(guards: Iterable[ObjectGuard], name: str, names: Names) -> Items:
    for guard in guards:
        if {names.fill(each) for each in guard.names} & {ANY_NAME, name}:
            return _for(guard.allowed, name, names)
    return frozenset({RECORD_ITEM})


def _for(allowed: Any, name: str, names: Names) -> Items:  # noqa: ANN401 - items by name
    by_name = {names.fill(each): items for each, items in allowed.items()}
    found: Items = by_name.get(name, by_name[ANY_NAME])
    return found


def _inside(above: tuple[str, ...], place: tuple[str, ...]) -> bool:
    """Return whether a place is at or below another; ``[*]`` is any entry of a list."""
    return len(place) >= len(above) and all(
        a == b or ("[*]" in (a, b) and a.startswith("[") and b.startswith("["))
        for a, b in zip(above, place, strict=False)
    )


def _key(manifest: Manifest) -> _Key:
    raw = manifest.raw
    metadata = raw.get("metadata")
    meta = metadata if isinstance(metadata, dict) else {}
    version = str(raw.get("apiVersion") or "")
    group = version.rpartition("/")[0]
    name = str(meta.get("name") or meta.get("generateName") or "")
    kind = str(raw.get("kind") or "")
    wide = group == API_GROUP or (group, kind) in _CLUSTER_WIDE
    namespace = "" if wide else str(meta.get("namespace") or "")
    return group, kind, namespace, name


def _written(manifest: Manifest | None) -> Any:  # noqa: ANN401 - whatever stands in a file
    raw = manifest.raw if manifest is not None else {}
    return {key: value for key, value in raw.items() if key not in _SERVERS}


def _builtin() -> Iterator[tuple[str, str, str, str]]:
    for version, lines in BUILTIN.items():
        group = version.rpartition("/")[0]
        for line in lines:
            resource, kind, scope, *_ = line.split()
            yield "" if group == "core" else group, kind, resource, scope


_RESOURCES: Final = {(group, kind): resource for group, kind, resource, _ in _builtin()}
_CLUSTER_WIDE: Final = {(group, kind) for group, kind, _, scope in _builtin() if scope == "cluster"}
