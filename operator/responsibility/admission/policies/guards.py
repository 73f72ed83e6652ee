"""Requests that an item's policy watches, worked out from the model alone.

An item guards what it *reserves* in a hub's namespace, as far as that reaches admission: changes
and connections do, reading and the verbs of RBAC itself don't. A request is for all whose items
say something about it, reserved or required: people act by the union of their items. Only a
wildcard entitles nobody. In RBAC it is a right to everything; here it would make every item the
cluster operator's, and nothing could be refused to him.

To delete is also to have deleted: the garbage collector removes what names an owner that is not
there, and finalizers say how long an object stays. Both are metadata, which every update can
change, also one of a subresource such as ``status``. So who may not delete an object may not change
these.

Where items share an object, its ``fields`` divide it. An item that has fields in a kind, and
neither creates nor deletes such objects, may change those and nothing else. What is in nobody's
field belongs to the items that have the object as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from responsibility.admission.policies import field_paths
from responsibility.admission.policies.kinds import KINDS, QUANTITIES, REPLICAS, SCALE, ResourceKind
from responsibility.api.model import ResponsibilityModel
from responsibility.api.permission import ObjectField
from responsibility.ownership.terms.agreement import ItemTerms, Terms
from responsibility.ownership.terms.permission_index import Permission, bits
from responsibility.ownership.terms.resolve import resolve_model

CREATE, UPDATE, DELETE, CONNECT = "CREATE", "UPDATE", "DELETE", "CONNECT"
ANY_NAME = ""
_KUBERNETES = "kubernetes"
_WILDCARD = "*"

# What a verb of RBAC is to admission. The others never get there: reads, and those that stand for
# a right over rights (bind, escalate, impersonate, approve, sign, assign).
_OPERATIONS = {
    "create": CREATE,
    "update": UPDATE,
    "patch": UPDATE,
    "delete": DELETE,
    "deletecollection": DELETE,
}
# All subresources of a resource, as rules of policies have them.
EVERY_SUBRESOURCE = "/*"

# Subresources to which clients connect: whatever the verb, admission sees a CONNECT.
_CONNECTIONS = frozenset({"exec", "attach", "portforward", "proxy"})

Names = frozenset[str]
Items = frozenset[str]


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """One operation on one resource (``pods/exec`` is one of its own)."""

    group: str
    resource: str
    operation: str


@dataclass(frozen=True, slots=True)
class Field:
    """A field that belongs to items, in objects of one kind, of one name or of any.

    ``items`` list it; ``allowed`` are those that may change it, by the object's name.
    """

    kind: str
    name: str
    path: str
    steps: tuple[str, ...]
    items: Items
    allowed: Mapping[str, Items]

    @property
    def where(self) -> ResourceKind:
        """Where the API has the kind."""
        return KINDS[self.kind]

    @property
    def measured(self) -> bool:
        """Whether there are quantities in it, so that bounds can be about it."""
        return not QUANTITIES.isdisjoint(self.steps)

    @property
    def scalable(self) -> bool:
        """Whether it can be changed through the subresource ``scale`` as well."""
        return self.path == REPLICAS and self.where.scalable


@dataclass(frozen=True, slots=True)
class ObjectGuard:
    """Requests that are for some items only.

    ``names`` of the objects guarded; with ``ANY_NAME`` among them, all are. ``allowed`` are the
    items that entitle to it, by the name for which they do. For an UPDATE, ``excluded`` are the
    fields of other items, which they guard themselves. ``by_metadata``: of the resource and its
    subresources, those updates that change how long an object stays, or its metadata by a
    subresource.
    """

    target: Target
    names: Names
    allowed: Mapping[str, Items]
    excluded: tuple[Field, ...] = ()
    by_metadata: bool = False

    @property
    def targets(self) -> Iterator[Target]:
        """What requests it has to be asked about."""
        yield self.target
        if self.by_metadata:
            yield replace(self.target, resource=self.target.resource + EVERY_SUBRESOURCE)

    def concerns(self, target: Target) -> bool:
        """Return whether a request for ``target`` may be one of these."""
        resource = target.resource.partition("/")[0] if self.by_metadata else target.resource
        return replace(target, resource=resource) == self.target


@dataclass(frozen=True, slots=True)
class ItemGuards:
    """All that one item's policy watches in the namespaces of hubs."""

    item: ItemTerms
    objects: tuple[ObjectGuard, ...]
    fields: tuple[Field, ...]

    @property
    def others(self) -> Items:
        """The other items whose owners may act on something of it as well."""
        allowed = [*(guard.allowed for guard in self.objects), *(f.allowed for f in self.fields)]
        found = frozenset[str]().union(*(items for by in allowed for items in by.values()))
        return found - {self.item.name}

    @property
    def targets(self) -> Iterator[Target]:
        """What requests it has to be asked about."""
        for guard in self.objects:
            yield from guard.targets
        for owned in self.fields:
            yield Target(owned.where.group, owned.where.resource, UPDATE)
            if owned.scalable:
                yield Target(owned.where.group, f"{owned.where.resource}/{SCALE}", UPDATE)


@dataclass(frozen=True, slots=True)
class Guards:
    """The guards of a model: items with what they reserve, and what no policy can see.

    ``rights`` are what each item says something about in hubs' namespaces: targets and names.
    """

    terms: Terms
    fields: tuple[Field, ...]
    rights: Mapping[str, frozenset[tuple[Target, str]]]

    @classmethod
    def of(cls, model: ResponsibilityModel) -> Guards:
        """Return the guards of a model.

        Raises ValueError for a field that no policy can be written for.
        """
        terms = resolve_model(model)
        rights = {
            item.name: frozenset(_targets(terms, item.required | item.reserved))
            for item in terms.items
        }
        return cls(terms, tuple(_fields(model, rights)), rights)

    def items(self) -> Iterator[ItemGuards]:
        """Yield the items that something in a hub's namespace can be enforced for, by number."""
        for item in self.terms.items:
            if _KUBERNETES not in item.kinds:
                continue
            objects = tuple(self._objects(item))
            fields = tuple(
                f
                for f in self.fields
                if item.name in f.items and not self._says_nothing(f, objects)
            )
            if fields or objects:
                yield ItemGuards(item, objects, fields)

    def unenforceable(self, item: ItemTerms) -> list[str]:
        """Return what an item reserves in a hub's namespace and no policy can refuse."""
        by_bit = (self.terms.permissions.by_bit[bit] for bit in bits(item.reserved))
        return sorted(
            {f"{a.verb} {a.full_resource}" for a in by_bit if a.is_hub and target_of(a) is None}
        )

    def _says_nothing(self, owned: Field, objects: tuple[ObjectGuard, ...]) -> bool:
        """Whether a field is for exactly those who may change the rest of its object as well.

        Policies are dear to install, so what adds nothing is left out; bounds do add something.
        """
        if owned.measured:
            return False
        allowed = owned.allowed.get(owned.name, owned.allowed[ANY_NAME])
        return any(
            _is_of(owned, guard.target)
            and not guard.by_metadata
            and ANY_NAME in guard.names
            and guard.allowed.get(owned.name, guard.allowed[ANY_NAME]) == allowed
            and (owned.name != ANY_NAME or guard.allowed == owned.allowed)
            for guard in objects
        )

    def _objects(self, item: ItemTerms) -> Iterator[ObjectGuard]:
        reserved: dict[Target, set[str]] = {}
        for target, name in _targets(self.terms, item.reserved, hub_only=True):
            reserved.setdefault(target, set()).add(name)
        for target, names in sorted(reserved.items()):
            if any(_is_scale_of(f, target) for f in self.fields):
                # Another way to change a field, and guarded with that.
                continue
            kept = frozenset(
                name
                for name in names
                if target.operation != UPDATE or item.name in self.whole(target, name)
            )
            if kept:
                yield ObjectGuard(
                    target=target,
                    names=frozenset({ANY_NAME}) if ANY_NAME in kept else kept,
                    allowed=self._allowed(target),
                    excluded=self._excluded(item, target),
                )
                if target.operation == DELETE:
                    yield ObjectGuard(
                        target=replace(target, operation=UPDATE),
                        names=frozenset({ANY_NAME}) if ANY_NAME in kept else kept,
                        allowed=self._allowed(target),
                        by_metadata=True,
                    )

    def _allowed(self, target: Target) -> dict[str, Items]:
        names = {n for rights in self.rights.values() for t, n in rights if t == target}
        decide = self.whole if target.operation == UPDATE else self.entitled
        return _by_name({name: decide(target, name) for name in names | {ANY_NAME}})

    def entitled(self, target: Target, name: str) -> Items:
        """Return the items that say something about this, for this name or for any."""
        return frozenset(
            item
            for item, rights in self.rights.items()
            if (target, name) in rights or (target, ANY_NAME) in rights
        )

    def whole(self, target: Target, name: str) -> Items:
        """Return the items that may change all of an object but the fields of others."""
        entitled = self.entitled(target, name)
        whole = frozenset(item for item in entitled if not self._fields_only(item, target, name))
        # Where everybody has fields only, the rest is for those who reserve the object.
        return whole or entitled

    def _fields_only(self, item: str, target: Target, name: str) -> bool:
        has_fields = any(
            item in f.items and _is_of(f, target) and f.name in (ANY_NAME, name)
            for f in self.fields
        )
        creates_or_deletes = any(
            (t.group, t.resource) == (target.group, target.resource)
            and t.operation in (CREATE, DELETE)
            and n in (ANY_NAME, name)
            for t, n in self.rights[item]
        )
        return has_fields and not creates_or_deletes

    def _excluded(self, item: ItemTerms, target: Target) -> tuple[Field, ...]:
        return tuple(f for f in self.fields if _is_of(f, target) and item.name not in f.items)


def _is_of(owned: Field, target: Target) -> bool:
    """Whether a field is in the objects that are changed."""
    return target == Target(owned.where.group, owned.where.resource, UPDATE)


def _is_scale_of(owned: Field, target: Target) -> bool:
    resource = f"{owned.where.resource}/{SCALE}"
    return owned.scalable and target == Target(owned.where.group, resource, UPDATE)


def _by_name(allowed: Mapping[str, Items]) -> dict[str, Items]:
    """Return them without the names that make no difference."""
    every = allowed[ANY_NAME]
    return {ANY_NAME: every} | {
        name: items for name, items in sorted(allowed.items()) if items != every
    }


def _targets(terms: Terms, mask: int, *, hub_only: bool = False) -> Iterator[tuple[Target, str]]:
    for bit in bits(mask):
        permission = terms.permissions.by_bit[bit]
        if permission.is_hub or (permission.namespace == "" and not hub_only):
            target = target_of(permission)
            if target is not None:
                yield target, permission.name


def _fields(
    model: ResponsibilityModel, rights: Mapping[str, frozenset[tuple[Target, str]]]
) -> Iterator[Field]:
    listed: dict[tuple[str, str, str], set[str]] = {}
    for item in model.spec.items:
        for number, entry in enumerate(item.fields):
            _check(f"item {item.name}, fields[{number}]", entry)
            listed.setdefault((entry.kind, entry.name or ANY_NAME, entry.path), set()).add(
                item.name
            )
    for (kind, name, path), items in listed.items():
        owned = Field(kind, name, path, field_paths.parse(path), frozenset(items), {})
        yield replace(owned, allowed=_may_change(owned, listed, rights))


def _check(place: str, entry: ObjectField) -> None:
    if entry.kind not in KINDS:
        raise ValueError(
            f"{place}.kind: no policy can be written for a field of {entry.kind}; "
            f"use one of {', '.join(KINDS)}"
        )
    try:
        field_paths.parse(entry.path)
    except ValueError as error:
        raise ValueError(f"{place}.path: {error}") from None


def _may_change(
    owned: Field,
    listed: Mapping[tuple[str, str, str], set[str]],
    rights: Mapping[str, frozenset[tuple[Target, str]]],
) -> dict[str, Items]:
    """Return who may change a field: who lists it, and who may scale what it scales."""
    listing: dict[str, set[str]] = {ANY_NAME: set()}
    for (kind, name, path), items in listed.items():
        if (kind, path) == (owned.kind, owned.path):
            listing.setdefault(name, set()).update(items)
    for item, held in rights.items():
        for target, name in held:
            if _is_scale_of(owned, target):
                listing.setdefault(name, set()).add(item)
    everywhere = listing[ANY_NAME]
    found = {name: frozenset(items | everywhere) for name, items in listing.items()}
    return _by_name(found)


def target_of(permission: Permission) -> Target | None:
    """Return what a permission is to admission; None if it never gets there."""
    if _WILDCARD in (
        permission.verb,
        permission.group,
        permission.resource,
        permission.subresource,
    ):
        return None
    operation = operation_of(permission.full_resource, permission.verb)
    return Target(permission.group, permission.full_resource, operation) if operation else None


def operation_of(resource: str, verb: str) -> str:
    """Return what a verb on a resource (``pods/exec``) is to admission; nothing if it is none."""
    if resource.partition("/")[2] in _CONNECTIONS:
        return CONNECT
    return _OPERATIONS.get(verb, "")
