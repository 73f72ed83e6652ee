"""Refusals of admission by a model: the items that would refuse a request, and to whom.

By the rule that ``admission/policies/guards.py`` writes policies by: an item guards what it
reserves, and a request passes for whoever may act by any item that says something about it,
reserved or required. That is the same for all hubs of a model, but for names; and of these it only
matters which of them are one, so it is worked out once for the hubs for which the same are.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from operator import or_
from typing import Final, NamedTuple

from responsibility import api_groups
from responsibility.ownership.terms.agreement import Terms
from responsibility.ownership.terms.permission_index import (
    HUB,
    Names,
    Permission,
    PermissionIndex,
    bits,
    mask_of,
)
from responsibility.rbac.escalation.technique import (
    EXEC,
    TOKEN,
    WORKLOAD,
    Requirement,
    Technique,
)
from responsibility.rbac.escalation.techniques import INTO_ACCOUNT
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.index import RuleSet, remember
from responsibility.rbac.objects import SERVICE_ACCOUNT, Subject
from responsibility.rbac.scope import BindingScope

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

# What can be done in a namespace. Constrained impersonation lets single actions through.
TECHNIQUES: Final = tuple(
    technique
    for technique in INTO_ACCOUNT
    if technique.route in {TOKEN, WORKLOAD, EXEC}
    and not technique.mode
    and not any(requirement.everywhere for requirement in technique.requirements)
)
BIND: Final = Requirement(("create", "update", "patch"), api_groups.RBAC, "rolebindings")
# What it takes to make an object anew.
REMAKE: Final = ("delete", "create")

# Tables kept for one model: of hubs whose names are alike, as nearly all are.
MOST_TABLES: Final = 16
# Of a table, those whose moves are kept.
MOST_MOVERS: Final = 1_000

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


def request_key(verb: str, group: str, resource: str, subresource: str = "") -> RequestKey | None:
    """Return what a verb on a resource is to admission; None if it never gets there."""
    operation = "connect" if subresource in _CONNECTIONS else _OPERATIONS.get(verb, "")
    full = f"{resource}/{subresource}" if subresource else resource
    return (operation, group, full) if operation else None


def _key(permission: Permission) -> RequestKey | None:
    said = (permission.verb, permission.group, permission.resource, permission.subresource)
    return None if "*" in said else request_key(*said)


@dataclass(frozen=True, slots=True)
class RefusedEffect:
    """One thing that an item refuses: the permission, the request, and who may by which items.

    ``name`` is as the model has it, with placeholders.
    """

    bit: int
    key: RequestKey
    name: str
    allowed: int


class Reach(NamedTuple):
    """What rules give of all that can open a way for any name, and whether more for some names."""

    mask: int
    by_name: bool


@dataclass(frozen=True, slots=True)
class Remake:
    """A way to change an object: to delete it and create it anew as one likes."""

    group: str
    resource: str
    name: str


@dataclass(slots=True, eq=False)
class Moves:
    """What somebody can do against refusals: the same for all with these rules who pass alike.

    It is filled as it is asked for (``hub_refusals``); each thing comes with the items that would
    refuse it.
    """

    asked: dict[tuple[Requirement, str, str], tuple[int, str] | None] = field(default_factory=dict)
    into: dict[tuple[str, str], tuple[tuple[int, Technique], ...]] = field(default_factory=dict)
    remakes: dict[int, tuple[tuple[int, Remake], ...]] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class RefusalTable:
    """What each item of a model says of requests; ``same`` has the texts that are one name.

    Names are asked for as the model writes them, the first of those that are one.
    """

    terms: Terms
    same: Mapping[str, str]
    # The items that guard anything.
    guarding: int = 0
    movers: dict[Hashable, Moves] = field(default_factory=dict)
    # What of rules can open a way at all.
    _asked: PermissionIndex = field(init=False)
    _reaches: dict[frozenset[RuleSet], Reach] = field(default_factory=dict)
    # By operation, group and resource: the items that guard, or entitle, and for which name.
    _guards: dict[RequestKey, list[tuple[int, str]]] = field(default_factory=dict)
    _entitles: dict[RequestKey, list[tuple[int, str]]] = field(default_factory=dict)
    _said: dict[tuple[RequestKey, str], tuple[int, int]] = field(default_factory=dict)
    _effects: dict[int, tuple[RefusedEffect, ...]] = field(default_factory=dict)
    _refused: dict[tuple[int, int], tuple[RefusedEffect, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Index what items say."""
        permissions = self.terms.permissions
        for number, terms in enumerate(self.terms.items):
            for bit in bits(terms.reserved | terms.required):
                permission = permissions.by_bit[bit]
                key = _key(permission)
                if key is None or permission.namespace not in {HUB, ""}:
                    continue
                entry = (number, self.same[permission.name])
                self._entitles.setdefault(key, []).append(entry)
                if terms.reserved >> bit & 1 and permission.is_hub:
                    self._guards.setdefault(key, []).append(entry)
                    self.guarding |= 1 << number
        self._asked = PermissionIndex(tuple(dict.fromkeys(self._questions())))

    def _questions(self) -> Iterator[Permission]:
        """Yield what `hub_refusals` asks of rules, but for names."""
        for requirement in (BIND, *(r for each in TECHNIQUES for r in each.requirements)):
            for verb in requirement.verbs:
                yield Permission(
                    verb, requirement.group, requirement.resource, requirement.subresource
                )
        for operation, group, full in self._guards:
            if operation == "update":
                yield from (Permission(v, group, full.partition("/")[0]) for v in REMAKE)

    def bit(self, requirement: Requirement, verb: str) -> int:
        """Return the bit of a verb of a requirement in what somebody's rules give."""
        asked = Permission(verb, requirement.group, requirement.resource, requirement.subresource)
        return 1 << self._asked.index[asked]

    def reach(self, rules: frozenset[RuleSet]) -> Reach:
        """Return what some rules come to."""
        known = self._reaches.get(rules)
        if known is None:
            granted = [self._asked.granted_by(each.rules) for each in rules]
            known = Reach(
                reduce(or_, (bit for g in granted for _, names, bit in g.by_rule if not names), 0),
                any(g.some or any(names for _, names, _ in g.by_rule) for g in granted),
            )
            remember(self._reaches, rules, known)
        return known

    def about(self, key: RequestKey, name: str = "") -> tuple[int, int]:
        """Return which items guard a request of a name, or of its choice, and which entitle."""
        known = self._said.get((key, name))
        if known is None:
            guards = mask_of(n for n, said in self._guards.get(key, ()) if said in {"", name})
            allowed = mask_of(n for n, said in self._entitles.get(key, ()) if said in {"", name})
            known = (guards, allowed)
            remember(self._said, (key, name), known)
        return known

    def refusing(self, passes: int, key: RequestKey, name: str = "") -> int:
        """Return the items that would refuse a request to whoever passes for some."""
        guards, allowed = self.about(key, name)
        return 0 if allowed & passes else guards

    def refused(self, line: int, passes: int) -> tuple[RefusedEffect, ...]:
        """Return what an item's policy refuses to whoever passes for some."""
        known = self._refused.get((line, passes))
        if known is None:
            # Others of its items may let it do some of it: that was agreed.
            known = tuple(e for e in self._effects_of(line) if not e.allowed & passes)
            remember(self._refused, (line, passes), known)
        return known

    def _effects_of(self, line: int) -> tuple[RefusedEffect, ...]:
        known = self._effects.get(line)
        if known is None:
            permissions = self.terms.permissions
            asked = (
                (bit, _key(permissions.by_bit[bit]), self.same[permissions.by_bit[bit].name])
                for bit in bits(self.terms.items[line].reserved & permissions.hub_mask)
            )
            known = self._effects[line] = tuple(
                RefusedEffect(bit, key, name, self._allowed(line, key, name))
                for bit, key, name in asked
                if key is not None
            )
        return known

    def _allowed(self, line: int, key: RequestKey, name: str) -> int:
        """Return the items by which an item lets somebody do what it reserves.

        Of objects that it shares, and neither creates nor deletes, it guards its fields: these are
        for items that have fields in them too, or may scale them.
        """
        if not self._has_fields_only(line, key):
            return self.about(key, name)[1]
        _, group, full = key
        resource = full.partition("/")[0]
        shared = mask_of(
            number for number in range(len(self.terms.items)) if self._has_fields_only(number, key)
        )
        return shared | self.about(("update", group, f"{resource}/{_SCALE}"), name)[1]

    def _has_fields_only(self, line: int, key: RequestKey) -> bool:
        operation, group, full = key
        resource, _, subresource = full.partition("/")
        kinds = self.terms.items[line].field_kinds
        if operation != "update" or subresource not in {"", _SCALE}:
            return False
        if resource not in map(plural, kinds):
            return False
        makes = ((verb, group, resource) for verb in ("create", "delete"))
        return not any(line == n for each in makes for n, _ in self._entitles.get(each, ()))


@dataclass(slots=True, eq=False)
class RefusalTables:
    """The tables of some models, and what rules each subject has cluster-wide, for many hubs."""

    _tables: dict[tuple[Terms, tuple[str, ...]], RefusalTable] = field(default_factory=dict)
    _texts: tuple[Terms | None, tuple[str, ...]] = (None, ())
    _scope: BindingScope | None = None
    _wide: dict[Subject, frozenset[RuleSet]] = field(default_factory=dict)
    _accounts: dict[str, list[Subject]] = field(default_factory=dict)

    def of(self, terms: Terms, names: Names) -> RefusalTable:
        """Return the table for a hub whose objects have these names."""
        texts = self._texts_of(terms)
        first: dict[str, str] = {}
        same = tuple(first.setdefault(names.fill(text), text) for text in texts)
        table = self._tables.get((terms, same))
        if table is None:
            table = RefusalTable(terms, dict(zip(texts, same, strict=True)))
            remember(self._tables, (terms, same), table, most=MOST_TABLES)
        return table

    def _texts_of(self, terms: Terms) -> tuple[str, ...]:
        if self._texts[0] is not terms:
            names = dict.fromkeys(p.name for p in terms.permissions.by_bit)
            self._texts = (terms, tuple(names))
        return self._texts[1]

    def wide(self, graph: AccessGraph, subject: Subject) -> frozenset[RuleSet]:
        """Return the rules that ClusterRoleBindings give a subject itself."""
        scope = self._look_at(graph)
        known = self._wide.get(subject)
        if known is None:
            known = frozenset(grant.rules for grant in scope.by_subject.get(subject, ()))
            remember(self._wide, subject, known)
        return known

    def wide_accounts(self, graph: AccessGraph, namespace: str) -> Sequence[Subject]:
        """Return the ServiceAccounts of a namespace that ClusterRoleBindings name."""
        self._look_at(graph)
        return self._accounts.get(namespace, ())

    def _look_at(self, graph: AccessGraph) -> BindingScope:
        scope = graph.scope("")
        if scope is not self._scope:
            self._scope, self._wide, self._accounts = scope, {}, {}
            for subject in scope.by_subject:
                if subject.kind == SERVICE_ACCOUNT:
                    self._accounts.setdefault(subject.namespace, []).append(subject)
        return scope
