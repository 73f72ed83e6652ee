"""Refusals of admission on one hub: which items would refuse a request, and to whom.

By the rule that ``admission/policies/guards.py`` writes policies by: an item guards what it
reserves, and a request passes for whoever may act by any item that says something about it,
reserved or required. Beside that stands what somebody may ask for at all, by RBAC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, reduce
from operator import or_

from responsibility.ownership.access.grant_masks import Holding
from responsibility.ownership.terms.agreement import Agreement, Item
from responsibility.ownership.terms.entitlement import (
    ExemptionBook,
    is_break_glass,
    with_implied_groups,
)
from responsibility.ownership.terms.permission_index import HUB, Permission, bits, mask_of
from responsibility.rbac.control_planes import is_control_plane_subject
from responsibility.rbac.escalation.permissions import Permissions, named
from responsibility.rbac.escalation.technique import Requirement
from responsibility.rbac.index import RuleSet
from responsibility.rbac.objects import Source, Subject

# What a verb is to admission, by one name each; the others never get there.
_OPERATIONS = {
    "create": "create",
    "update": "update",
    "patch": "update",
    "delete": "delete",
    "deletecollection": "delete",
}
# Clients connect to these: whatever the verb, admission sees the same.
_CONNECTIONS = frozenset({"exec", "attach", "portforward", "proxy"})

_SCALE = "scale"

# A request as admission sees it: operation, API group, resource with its subresource.
RequestKey = tuple[str, str, str]


@lru_cache(maxsize=1_024)
def single_verb(requirement: Requirement, verb: str) -> Requirement:
    """Return a requirement of one verb; the same object each time, as that is how it is known."""
    return Requirement(
        (verb,),
        requirement.group,
        requirement.resource,
        requirement.subresource,
        requirement.named,
        requirement.names,
        namespace=requirement.namespace,
    )


@lru_cache(maxsize=1_024)
def on_object(verb: str, group: str, resource: str) -> Requirement:
    """Return the requirement of one verb on a resource."""
    return Requirement((verb,), group, resource)


def plural(kind: str) -> str:
    """Return the resource of a kind, as built-in kinds have it: ``networkpolicies``."""
    word = kind.lower()
    return (
        f"{word[:-1]}ies"
        if word.endswith("y")
        else f"{word}es"
        if word.endswith("s")
        else f"{word}s"
    )


def _operation(verb: str, subresource: str) -> str:
    return "connect" if subresource in _CONNECTIONS else _OPERATIONS.get(verb, "")


def _full(resource: str, subresource: str) -> str:
    return f"{resource}/{subresource}" if subresource else resource


@dataclass(frozen=True, slots=True)
class RefusedEffect:
    """One thing that an item refuses: the permission, the request, and who may by which items."""

    bit: int
    key: RequestKey
    name: str
    allowed: int


@dataclass(slots=True)
class HubRefusals:
    """One hub: what each item says of requests, who passes, and who holds what."""

    agreement: Agreement
    book: ExemptionBook
    rights: Permissions
    layers: Sequence[Mapping[Subject, Holding]]
    now: datetime
    subjects: list[Subject] = field(default_factory=list)
    # By operation, group and resource: the items that guard, or entitle, and for which name.
    _guards: dict[RequestKey, list[tuple[int, str]]] = field(default_factory=dict)
    _entitles: dict[RequestKey, list[tuple[int, str]]] = field(default_factory=dict)
    _said: dict[tuple[RequestKey, str], tuple[int, int]] = field(default_factory=dict)
    _effects: dict[int, tuple[RefusedEffect, ...]] = field(default_factory=dict)
    # By subject, requirement (of a table, so known by its identity) and name.
    _asked: dict[tuple[Subject, int, str], tuple[int, tuple[Source, ...]] | None] = field(
        default_factory=dict
    )
    _passes: dict[Subject, int] = field(default_factory=dict)
    _held: dict[Subject, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Index what items say."""
        permissions = self.agreement.terms.permissions
        for number, item in enumerate(self.agreement.items):
            for bit in bits(item.terms.reserved | item.terms.required):
                permission = permissions.by_bit[bit]
                key = self.key(permission)
                if key is None or permission.namespace not in {HUB, ""}:
                    continue
                entry = (number, self.agreement.names.fill(permission.name))
                self._entitles.setdefault(key, []).append(entry)
                if item.terms.reserved >> bit & 1 and permission.is_hub:
                    self._guards.setdefault(key, []).append(entry)

    @staticmethod
    def key(permission: Permission) -> RequestKey | None:
        """Return what a permission is to admission; None if it never gets there."""
        if "*" in (permission.verb, permission.group, permission.resource, permission.subresource):
            return None
        operation = _operation(permission.verb, permission.subresource)
        return (operation, permission.group, permission.full_resource) if operation else None

    @property
    def namespace(self) -> str:
        """The hub's namespace."""
        return self.agreement.hub.namespace

    def refusing(self, actor: Subject, key: RequestKey, name: str = "") -> int:
        """Return the items that would refuse a request to somebody; of a name, or of its choice."""
        guards, allowed = self._about(key, name)
        return 0 if allowed & self.passes(actor) else guards

    def _about(self, key: RequestKey, name: str) -> tuple[int, int]:
        """Return which items guard a request, and which entitle to it."""
        known = self._said.get((key, name))
        if known is None:
            guards = mask_of(n for n, said in self._guards.get(key, ()) if said in {"", name})
            allowed = mask_of(n for n, said in self._entitles.get(key, ()) if said in {"", name})
            known = self._said[key, name] = (guards, allowed)
        return known

    def effects(self, line: int) -> tuple[RefusedEffect, ...]:
        """Return all that an item's policy refuses."""
        known = self._effects.get(line)
        if known is None:
            permissions = self.agreement.terms.permissions
            item = self.agreement.items[line]
            asked = (
                (bit, self.key(permissions.by_bit[bit]), permissions.by_bit[bit].name)
                for bit in bits(item.terms.reserved & permissions.hub_mask)
            )
            known = self._effects[line] = tuple(
                RefusedEffect(bit, key, filled, self._allowed(line, key, filled))
                for bit, key, name in asked
                if key is not None
                for filled in (self.agreement.names.fill(name),)
            )
        return known

    def _allowed(self, line: int, key: RequestKey, name: str) -> int:
        """Return the items by which an item lets somebody do what it reserves.

        Of objects that it shares, and neither creates nor deletes, it guards its fields: these are
        for items that have fields in them too, or may scale them.
        """
        if not self._has_fields_only(line, key):
            return self._about(key, name)[1]
        _, group, full = key
        resource = full.partition("/")[0]
        shared = mask_of(
            number
            for number in range(len(self.agreement.items))
            if self._has_fields_only(number, key)
        )
        return shared | self._about(("update", group, f"{resource}/{_SCALE}"), name)[1]

    def profile(self, subject: Subject) -> tuple[int, frozenset[RuleSet]]:
        """Return what makes one subject like another here: where it passes, and its rules."""
        graph = self.rights.graph
        rules = frozenset(
            grant.rules
            for who in with_implied_groups(subject)
            for scope in (graph.scope(self.namespace), graph.scope(""))
            for grant in scope.by_subject.get(who, ())
        )
        return self.passes(subject), rules

    def _has_fields_only(self, line: int, key: RequestKey) -> bool:
        operation, group, full = key
        resource, _, subresource = full.partition("/")
        kinds = self.agreement.items[line].terms.field_kinds
        if operation != "update" or subresource not in {"", _SCALE}:
            return False
        if resource not in map(plural, kinds):
            return False
        makes = ((verb, group, resource) for verb in ("create", "delete"))
        return not any(line == n for each in makes for n, _ in self._entitles.get(each, ()))

    def passes(self, subject: Subject) -> int:
        """Return the items for which policies let somebody through."""
        known = self._passes.get(subject)
        if known is None:
            terms = self.agreement.terms
            if is_break_glass(terms, subject) or is_control_plane_subject(subject):
                known = (1 << len(self.agreement.items)) - 1
            elif self.is_known(subject):
                known = mask_of(
                    number
                    for number, item in enumerate(self.agreement.items)
                    if self._may(subject, item)
                )
            else:
                known = 0
            self._passes[subject] = known
        return known

    def is_known(self, subject: Subject) -> bool:
        """Return whether the agreement speaks of somebody, be it by a group of its nature."""
        return any(
            who in self.agreement.members or self.book.of_subject(who)
            for who in with_implied_groups(subject)
        )

    def _may(self, subject: Subject, item: Item) -> bool:
        parties = set(item.parties(self.now))
        permissions, names = self.agreement.terms.permissions, self.agreement.names
        return any(
            parties.intersection(self.agreement.members.get(who, ()))
            or any(
                e.coverage(permissions, names).touches(item.terms.reserved)
                for e in self.book.for_item(who, item.name)
            )
            for who in with_implied_groups(subject)
        )

    def held(self, subject: Subject) -> int:
        """Return what somebody can do here by RBAC."""
        known = self._held.get(subject)
        if known is None:
            permissions, names = self.agreement.terms.permissions, self.agreement.names
            known = self._held[subject] = reduce(
                or_,
                (
                    layer[who].mask(permissions, names)
                    for who in with_implied_groups(subject)
                    for layer in self.layers
                    if who in layer
                ),
                0,
            )
        return known

    def sources(
        self, actor: Subject, requirement: Requirement, name: str = ""
    ) -> tuple[Source, ...]:
        """Return by what an actor holds a requirement of one verb, for a name if it has one."""
        found = self.rights.sources(actor, requirement, self.namespace)
        return named(found, name) if name else found

    def ask(
        self, actor: Subject, requirement: Requirement, name: str = ""
    ) -> tuple[int, tuple[Source, ...]] | None:
        """Return the least that refuses a requirement, and its sources; None if it isn't held."""
        own = name if requirement.named else ""
        asked = (actor, id(requirement), own)
        if asked not in self._asked:
            self._asked[asked] = self._ask(actor, requirement, own)
        return self._asked[asked]

    def _ask(
        self, actor: Subject, requirement: Requirement, own: str
    ) -> tuple[int, tuple[Source, ...]] | None:
        best: tuple[int, tuple[Source, ...]] | None = None
        for verb in requirement.verbs:
            sources = self.sources(actor, single_verb(requirement, verb), own)
            if not sources:
                continue
            operation = _operation(verb, requirement.subresource)
            key = (
                operation,
                requirement.group,
                _full(requirement.resource, requirement.subresource),
            )
            closed_by = self.refusing(actor, key, own) if operation else 0
            if best is None or closed_by.bit_count() < best[0].bit_count():
                best = (closed_by, sources)
        return best
