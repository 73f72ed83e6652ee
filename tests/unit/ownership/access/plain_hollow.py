"""Hollow enforcement by the plain text of its rules: one subject, request and set after the other.

A second opinion on ``ownership/access/hollow.py``: nobody is put together with others, and RBAC is
asked rule by rule. Of one hub, answers are kept, or it would take for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from responsibility.ownership.access.refusals import plural
from responsibility.ownership.terms.agreement import Agreement
from responsibility.ownership.terms.entitlement import (
    ExemptionBook,
    is_break_glass,
    with_implied_groups,
)
from responsibility.ownership.terms.permission_index import HUB, Permission, bits
from responsibility.ownership.terms.snapshot import Snapshot
from responsibility.rbac.control_planes import is_control_plane_subject
from responsibility.rbac.escalation.permissions import Permissions
from responsibility.rbac.escalation.technique import EXEC, TOKEN, WORKLOAD, Requirement
from responsibility.rbac.escalation.techniques import INTO_ACCOUNT
from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.objects import SERVICE_ACCOUNT, Rule, Subject
from responsibility.rbac.rules import rule_allows

Items = frozenset[str]
_OPERATIONS = {"create": "create", "update": "update", "patch": "update"}
_OPERATIONS |= {"delete": "delete", "deletecollection": "delete"}
_CONNECTED = ("exec", "attach", "portforward", "proxy")
_TECHNIQUES = [
    technique
    for technique in INTO_ACCOUNT
    if technique.route in {TOKEN, WORKLOAD, EXEC}
    and not technique.mode
    and not any(r.everywhere for r in technique.requirements)
]


_BIND = Requirement(("create", "update", "patch"), "rbac.authorization.k8s.io", "rolebindings")


@dataclass(frozen=True)
class Request:
    """A request as admission sees it."""

    operation: str
    group: str
    resource: str


def request(permission: Permission) -> Request | None:
    words = (permission.verb, permission.group, permission.resource, permission.subresource)
    operation = (
        "connect" if permission.subresource in _CONNECTED else _OPERATIONS.get(permission.verb)
    )
    if "*" in words or operation is None:
        return None
    return Request(operation, permission.group, permission.full_resource)


@dataclass(eq=False)
class Plain:
    """One hub of a snapshot."""

    agreement: Agreement
    snapshot: Snapshot
    book: ExemptionBook

    def __post_init__(self) -> None:
        for name in ("said", "guards", "entitles", "allowed", "passes", "can", "rules"):
            setattr(self, name, cache(getattr(self, name)))

    @property
    def graph(self) -> AccessGraph:
        return self.snapshot.graph

    @property
    def namespace(self) -> str:
        return self.agreement.hub.namespace

    def members(self) -> Iterator[Subject]:
        """Yield whom the bindings of the namespace name, and its accounts that have a right."""
        here, wide = self.graph.scope(self.namespace), self.graph.scope("")
        yield from here.by_subject
        permissions = self.agreement.terms.permissions
        for who, grants in wide.by_subject.items():
            own = who.kind == SERVICE_ACCOUNT and who.namespace == self.namespace
            if (
                own
                and who not in here.by_subject
                and any(permissions.granted(g.rules) for g in grants)
            ):
                yield who

    def said(self, item: str, reserved: bool) -> list[tuple[Permission, Request, str]]:
        terms = self.agreement.item(item).terms
        permissions = self.agreement.terms.permissions.by_bit
        return [
            (permission, asked, self.agreement.names.fill(permission.name))
            for bit in bits(terms.reserved if reserved else terms.reserved | terms.required)
            for permission in (permissions[bit],)
            if (asked := request(permission)) is not None and permission.namespace in {HUB, ""}
        ]

    def guards(self, asked: Request, name: str) -> Items:
        return frozenset(
            item.name
            for item in self.agreement.items
            for permission, said, of in self.said(item.name, True)
            if said == asked and of in {"", name} and permission.is_hub
        )

    def entitles(self, asked: Request, name: str) -> Items:
        return frozenset(
            item.name
            for item in self.agreement.items
            for _, said, of in self.said(item.name, False)
            if said == asked and of in {"", name}
        )

    def only_fields(self, item: str, asked: Request) -> bool:
        resource, _, sub = asked.resource.partition("/")
        made = [
            said for _, said, _ in self.said(item, False) if said.operation in {"create", "delete"}
        ]
        return (
            asked.operation == "update"
            and sub in {"", "scale"}
            and resource in map(plural, self.agreement.item(item).terms.field_kinds)
            and not any((s.group, s.resource) == (asked.group, resource) for s in made)
        )

    def allowed(self, item: str, asked: Request, name: str) -> Items:
        """Return by which items somebody may do what one reserves."""
        if not self.only_fields(item, asked):
            return self.entitles(asked, name)
        scale = f"{asked.resource.partition('/')[0]}/scale"
        others = (i.name for i in self.agreement.items)
        return frozenset(o for o in others if self.only_fields(o, asked)) | self.entitles(
            Request("update", asked.group, scale), name
        )

    def passes(self, subject: Subject) -> Items:
        every = self.agreement.items
        if is_break_glass(self.agreement.terms, subject) or is_control_plane_subject(subject):
            return frozenset(item.name for item in every)
        names, permissions = self.agreement.names, self.agreement.terms.permissions
        return frozenset(
            item.name
            for item in every
            for who in with_implied_groups(subject)
            if set(item.parties(self.snapshot.now)) & set(self.agreement.members.get(who, ()))
            or any(
                exemption.coverage(permissions, names).touches(item.terms.reserved)
                for exemption in self.book.for_item(who, item.name)
            )
        )

    def refusing(self, subject: Subject, asked: Request, name: str) -> Items:
        let = self.entitles(asked, name) & self.passes(subject)
        return frozenset() if let else self.guards(asked, name)

    def rules(self, subject: Subject) -> list[list[Rule]]:
        """Return the rules of a subject and each of its groups, here and everywhere."""
        return [
            [rule for grant in scope.by_subject.get(who, ()) for rule in grant.rules.rules]
            for who in with_implied_groups(subject)
            for scope in (self.graph.scope(""), self.graph.scope(self.namespace))
        ]

    def can(self, subject: Subject, permission: Permission, name: str) -> bool:
        """Return whether RBAC lets it, for that name if there is one, else for any."""
        asked = permission.attributes(self.agreement.names)
        creates = permission._replace(verb="patch").attributes(self.agreement.names)
        for rules in self.rules(subject):
            for rule in rules:
                if not rule_allows(rule, asked, any_name=True):
                    continue
                some = set(rule.resource_names)
                if permission.verb == "create" and not permission.subresource and some:
                    # Only an apply that creates has a name when it is authorized.
                    applies = [r for r in rules if rule_allows(r, creates, any_name=True)]
                    if not any(
                        not r.resource_names or some & set(r.resource_names) for r in applies
                    ):
                        continue
                if not some or not name or name in some:
                    return True
        return False


def least(hub: Plain, actor: Subject, needed: Requirement, name: str) -> Items | None:
    """Return the least that refuses one of some verbs; None if none can be asked for."""
    what = (needed.group, needed.resource, needed.subresource)
    found = [
        hub.refusing(actor, asked, name) if asked else frozenset()
        for verb in needed.verbs
        for permission in (Permission(verb, *what),)
        for asked in (request(permission),)
        if hub.can(actor, permission, name)
    ]
    return min(found, key=len, default=None)


def hollow(  # noqa: C901 - the whole of it in one place
    hub: Plain,
) -> Callable[[Items], dict[str, set[Subject]]]:
    """Return who reaches what although it is refused, with some items at ``deny``."""
    members = list(hub.members())
    unrestricted = Permissions(hub.graph).unrestricted
    free = [m for m in members if m not in unrestricted]
    accounts = [m for m in members if m.kind == SERVICE_ACCOUNT and m.namespace == hub.namespace]
    edges = {actor: list(_edges(hub, actor, accounts)) for actor in free}
    binds = {m: least(hub, m, _BIND, "") for m in free}
    goals: dict[tuple[Subject, str], list[tuple[Items, Subject, Subject]]] = {}
    for actor in free:
        exempt = any(hub.book.of_subject(who) for who in with_implied_groups(actor))
        broken = is_break_glass(hub.agreement.terms, actor)
        if exempt or broken or is_control_plane_subject(actor):
            continue
        for item in hub.agreement.items:
            if item.name not in hub.agreement.unresolved:
                found = list(_goals(hub, actor, item.name, accounts, binds))
                goals[actor, item.name] = found

    @cache
    def reached(actor: Subject, denied: Items) -> set[Subject]:
        found, edge = {actor}, [actor]
        while edge:
            for closed_by, target in edges.get(edge.pop(), ()):
                if target not in found and not closed_by & denied:
                    found.add(target)
                    edge.append(target)
        return found

    def met(actor: Subject, item: str, denied: Items) -> bool:
        there = reached(actor, denied)
        return any(
            not closed_by & denied and {at, helper} <= there
            for closed_by, at, helper in goals[actor, item]
        )

    every = frozenset(item.name for item in hub.agreement.items)
    closable = {key for key in goals if met(*key, frozenset()) and not met(*key, every)}

    def opened(denied: Items) -> dict[str, set[Subject]]:
        found: dict[str, set[Subject]] = {}
        for actor, item in closable:
            if item in denied and met(actor, item, denied):
                found.setdefault(item, set()).add(actor)
        return found

    return opened


def _edges(hub: Plain, actor: Subject, accounts: list[Subject]) -> Iterator[tuple[Items, Subject]]:
    for target in accounts:
        for technique in _TECHNIQUES:
            names = [target.name if r.named else "" for r in technique.requirements]
            both = zip(technique.requirements, names, strict=True)
            needs = [least(hub, actor, needed, name) for needed, name in both]
            held = [need for need in needs if need is not None]
            if actor != target and len(held) == len(needs):
                yield frozenset[str]().union(*held), target


def _goals(
    hub: Plain,
    actor: Subject,
    item: str,
    accounts: list[Subject],
    binds: Mapping[Subject, Items | None],
) -> Iterator[tuple[Items, Subject, Subject]]:
    mine = hub.passes(actor)
    refused = [
        (permission, asked, name)
        for permission, asked, name in hub.said(item, True)
        if permission.is_hub and not hub.allowed(item, asked, name) & mine
    ]
    for _, asked, name in refused:
        resource = asked.resource.partition("/")[0]
        anew = [Permission(verb, asked.group, resource) for verb in ("delete", "create")]
        of = dict(zip(anew, (name, ""), strict=True))
        if asked.operation != "update" or not all(hub.can(actor, p, of[p]) for p in anew):
            continue
        closed_by = frozenset[str]().union(
            *(hub.refusing(actor, Request(p.verb, p.group, resource), name) for p in anew)
        )
        if item not in closed_by:
            yield closed_by, actor, actor
    for target in accounts:
        passed = [
            permission
            for permission, asked, name in refused
            if hub.allowed(item, asked, name) & hub.passes(target)
        ]
        filled = [(p, hub.agreement.names.fill(p.name)) for p in passed]
        if target == actor or not filled:
            continue
        if any(_holds(hub, target, p, name) for p, name in filled):
            yield frozenset(), target, target
            continue
        for helper, closed in binds.items():
            if closed is not None and any(_holds(hub, helper, p, name) for p, name in filled):
                yield closed, target, helper


def _holds(hub: Plain, subject: Subject, permission: Permission, name: str) -> bool:
    """Return whether it holds a permission as the model has it: of any name, unless it has one."""
    asked = permission._replace(name=name).attributes(hub.agreement.names)
    return any(rule_allows(rule, asked) for rules in hub.rules(subject) for rule in rules)
