"""Self-grants: rights that one can give oneself by binding a role, or by editing a bound one.

The API server lets nobody hand out more than they have (``pkg/registry/rbac/rolebinding/
policybased/storage.go``, ``escalation_check.go``), unless they hold ``bind`` on the role, or
``escalate`` on roles. ``bind`` is asked in the namespace of the binding, by the role's name;
``escalate`` by the name in the request, so a creation needs it for any name, or a server-side
apply. All rules of a role are checked when it is edited, even if only a label changes: whoever
labels a ClusterRole into an aggregate needs ``escalate`` too, or has those rules anyhow.

A role that may be bound need not exist yet, if it may be created with any rules; so may the one
that a binding refers to and that is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain

from responsibility import api_groups
from responsibility.rbac.escalation.permissions import (
    NOTHING_GRANTED,
    Permissions,
    SelfGrantedRules,
    is_implied_group,
    named,
)
from responsibility.rbac.escalation.selectors import satisfiable, selects
from responsibility.rbac.escalation.steps import Route, Step
from responsibility.rbac.escalation.technique import BIND, ESCALATE, Requirement
from responsibility.rbac.objects import (
    Attributes,
    Binding,
    BindingKey,
    Role,
    RoleKey,
    Rule,
    Source,
    Subject,
)
from responsibility.rbac.rules import rule_allows

EVERYTHING: tuple[Rule, ...] = (
    Rule(("*",), ("*",), ("*",)),
    Rule(("*",), non_resource_urls=("*",)),
)

# How often somebody binds or edits a role to be able to bind or edit another.
_DEEPEST = 3


@dataclass(frozen=True, slots=True)
class SelfGrant:
    """Rules that ``step.actor`` can give itself in ``step.namespace`` (empty: everywhere).

    ``request`` is the one that it takes, as alternatives.
    """

    step: Step
    rules: tuple[Rule, ...]
    request: tuple[Attributes, ...] = ()

    @property
    def route(self) -> Route:
        """The steps up to this one."""
        return (*self.step.earlier, replace(self.step, earlier=()))

    def allows(self, attributes: Attributes) -> bool:
        """Return whether the rules allow a request, which must be in the self-grant's namespace."""
        if attributes.path and self.step.namespace:
            return False
        return any(rule_allows(rule, attributes) for rule in self.rules)


_EDIT = ("update", "patch")
_REQUIREMENTS: Mapping[tuple[str, str], Requirement] = {
    (verb, kind): Requirement(verbs, api_groups.RBAC, kind)
    for kind in ("roles", "clusterroles", "rolebindings", "clusterrolebindings")
    for verb, verbs in (
        ("create", ("create",)),
        ("edit", _EDIT),
        ("bind", ("bind",)),
        ("escalate", ("escalate",)),
    )
}


def self_grants(
    permissions: Permissions, namespace: str, wide: Iterable[SelfGrant] = ()
) -> tuple[SelfGrant, ...]:
    """Return what subjects can give themselves in a namespace, or cluster-wide for ``""``.

    ``wide`` are those that they have cluster-wide. Each has as few steps as can be.
    """
    return tuple(_SelfGrantFinder(permissions, namespace).find(wide))


def touches_roles(rules: Iterable[Rule]) -> bool:
    """Return whether rules give any right over roles and bindings."""
    return any(not {api_groups.RBAC, "*"}.isdisjoint(rule.api_groups) for rule in rules)


@dataclass(slots=True)
class _SelfGrantFinder:
    permissions: Permissions
    namespace: str
    # Who needs nothing more: cluster-wide, and by now here.
    _everything: set[Subject] = field(default_factory=set)

    def find(self, wide: Iterable[SelfGrant]) -> list[SelfGrant]:
        """Search level by level: what is given may be a right to give more."""
        wide = tuple(wide)
        self._everything = {p.step.actor for p in wide if p.rules == EVERYTHING}
        found: list[SelfGrant] = []
        fresh = self._direct()
        frontier = [p for p in wide if touches_roles(p.rules) and p.rules != EVERYTHING]
        seen: dict[Subject, set[tuple[Rule, ...]]] = {}
        for depth in range(_DEEPEST):
            kept = []
            for self_grant in fresh:
                actor = self_grant.step.actor
                rules = seen.setdefault(actor, set())
                if actor in self._everything or self_grant.rules in rules:
                    continue
                rules.add(self_grant.rules)
                kept.append(self_grant)
                if self_grant.rules == EVERYTHING:
                    # Found while the rest is being looked for, which spares looking.
                    self._everything.add(actor)
            found += kept
            frontier += [p for p in kept if touches_roles(p.rules) and p.rules != EVERYTHING]
            if depth + 1 < _DEEPEST:
                fresh = chain.from_iterable(map(self._following, frontier))
            frontier = []
        return found

    def _direct(self) -> Iterator[SelfGrant]:
        """Yield what subjects can give themselves with the rights that they hold."""
        for kind in self._kinds():
            bindings = self._bindings()
            may_bind, escalate = _REQUIREMENTS["bind", kind], _REQUIREMENTS["escalate", kind]
            for first, others in (
                (may_bind, (_REQUIREMENTS["create", bindings], _REQUIREMENTS["edit", bindings])),
                (escalate, (_REQUIREMENTS["create", kind], _REQUIREMENTS["edit", kind])),
            ):
                actors: dict[Subject, None] = {}
                for other in others:
                    actors |= self._candidates(first, other)
                for actor in actors:
                    if actor in self._everything:
                        continue
                    if first is may_bind:
                        yield from self._by_binding(actor, kind, NOTHING_GRANTED)
                    else:
                        yield from self._by_editing(actor, kind, NOTHING_GRANTED)

    def _following(self, self_grant: SelfGrant) -> Iterator[SelfGrant]:
        """Yield what an actor can give itself once it has given itself those rules."""
        granted, actor = (
            SelfGrantedRules(self_grant.rules, self_grant.step.namespace),
            self_grant.step.actor,
        )
        if actor in self._everything:
            return
        for kind in self._kinds():
            for further in chain(
                self._by_binding(actor, kind, granted), self._by_editing(actor, kind, granted)
            ):
                yield replace(further, step=replace(further.step, earlier=self_grant.route))

    def _kinds(self) -> tuple[str, ...]:
        return ("clusterroles", "roles") if self.namespace else ("clusterroles",)

    def _bindings(self) -> str:
        return "rolebindings" if self.namespace else "clusterrolebindings"

    def _candidates(self, *requirements: Requirement) -> dict[Subject, None]:
        """Return who may hold all of them, everywhere or here.

        What is bound to all accounts may be edited by a right of all accounts, so then whoever
        is bound to anything here is one.
        """
        permissions, namespace = self.permissions, self.namespace
        found = {
            **permissions.candidates_everywhere(requirements),
            **permissions.candidates(requirements, namespace),
        }
        if any(map(is_implied_group, found)):
            found |= dict.fromkeys(permissions.graph.scope(namespace).by_subject)
        return {actor: None for actor in found if actor not in permissions.unrestricted}

    def _sources(
        self, actor: Subject, what: str, kind: str, granted: SelfGrantedRules
    ) -> tuple[Source, ...]:
        """Return by what an actor holds a requirement, in the scope of the kind."""
        scope = "" if kind == "clusterroles" and what != "bind" else self.namespace
        # What is given in a namespace does not reach ClusterRoles; bind is asked in it.
        if granted.namespace and not scope:
            granted = NOTHING_GRANTED
        return self.permissions.sources(actor, _REQUIREMENTS[what, kind], scope, granted)

    def _rewriting(
        self, actor: Subject, key: RoleKey, granted: SelfGrantedRules, *, exists: bool
    ) -> tuple[Source, ...]:
        """Return by what an actor may put rules that it does not hold itself into a role."""
        if key.namespace not in ("", self.namespace):
            return ()
        kind = "roles" if key.namespace else "clusterroles"
        escalate = named(self._sources(actor, "escalate", kind, granted), key.name)
        if not escalate:
            return ()
        if exists:
            edit = named(self._sources(actor, "edit", kind, granted), key.name)
        else:
            edit = named(self._sources(actor, "create", kind, granted), key.name)
            if any(not source.names for source in edit):
                # By an ordinary creation, which has no name, or by an apply that has.
                free = tuple(source for source in escalate if not source.names)
                escalate = free or (
                    escalate if named(self._sources(actor, "edit", kind, granted), key.name) else ()
                )
        return (*edit, *escalate) if edit and escalate else ()

    def _by_binding(
        self, actor: Subject, kind: str, granted: SelfGrantedRules
    ) -> Iterator[SelfGrant]:
        may_bind = self._sources(actor, "bind", kind, granted)
        if not may_bind:
            return
        bindings = self._bindings()
        create = self._sources(actor, "create", bindings, granted)
        edit = self._sources(actor, "edit", bindings, granted)
        home = self.namespace if kind == "roles" else ""
        for key, role in self._bindable(home, may_bind):
            if actor in self._everything:
                return
            if create:
                words, by, verb = f"bind {key} to itself", create, "create"
            elif changed := self._editable(key, edit):
                words, by, verb = f"add itself to {changed}, which binds {key}", edit, "patch"
            else:
                continue
            rewriting = self._rewriting(actor, key, granted, exists=role is not None)
            if rewriting:
                words = f"put any rule into {key} and {words}"
            elif role is None:
                continue
            where = f" in namespace {self.namespace}" if self.namespace else " cluster-wide"
            yield self._power(
                BIND,
                actor,
                words + where,
                sources=(*by, *named(may_bind, key.name), *rewriting),
                rules=EVERYTHING if role is None or rewriting else role.rules,
                request=Attributes(verb, api_groups.RBAC, bindings, namespace=self.namespace),
            )

    def _power(
        self,
        route: str,
        actor: Subject,
        words: str,
        *,
        sources: tuple[Source, ...],
        rules: tuple[Rule, ...],
        request: Attributes,
    ) -> SelfGrant:
        held = tuple(dict.fromkeys(source for source in sources if source.binding is not None))
        step = Step(route, actor, words, held, None, self.namespace)
        # In a namespace paths do not count, so that more is not to be had.
        if _grants_everything(rules) and (self.namespace or _grants_paths(rules)):
            rules = EVERYTHING
        return SelfGrant(step, rules, (request,))

    def _bindable(
        self, home: str, may_bind: tuple[Source, ...]
    ) -> Iterator[tuple[RoleKey, Role | None]]:
        """Yield the roles that may be bound; of all of them, the mightiest is enough.

        One that does not exist comes as None: it may be created.
        """
        part = self.permissions.graph.roles.parts.get(home, {})
        if any(not source.names for source in may_bind):
            strongest_role = self.permissions.strongest_role(home, strongest_role_of)
            if strongest_role is not None:
                yield strongest_role.key, strongest_role
                return
            # In an order of their own, so that of several the same is always found.
            yield from ((key, part[key]) for key in sorted(part))
            yield RoleKey(home, "of-its-own"), None
            return
        for name in dict.fromkeys(n for source in may_bind for n in source.names):
            yield RoleKey(home, name), part.get(RoleKey(home, name))

    def _editable(self, role: RoleKey, edit: tuple[Source, ...]) -> BindingKey | None:
        """Return a binding of ``role`` here that may be edited, if any: roleRefs are fixed."""
        if not edit:
            return None
        part: Mapping[BindingKey, Binding] = self.permissions.graph.bindings.parts.get(
            self.namespace, {}
        )
        editable = (b.key for b in part.values() if b.role == role and named(edit, b.key.name))
        return min(editable, default=None)

    def _by_editing(
        self, actor: Subject, kind: str, granted: SelfGrantedRules
    ) -> Iterator[SelfGrant]:
        """Yield that an actor can put anything into a role that it is bound to here."""
        if not self._sources(actor, "escalate", kind, granted):
            return
        graph = self.permissions.graph
        by_subject = graph.scope(self.namespace).by_subject
        grants = (
            g
            for self_ in self.permissions.with_implied_groups(actor)
            for g in by_subject.get(self_, ())
        )
        for grant in grants:
            key = grant.binding.role
            if bool(key.namespace) != (kind == "roles"):
                continue
            for edited, via in self._feeding(key):
                exists = edited in graph.roles
                sources = self._rewriting(actor, edited, granted, exists=exists)
                if sources:
                    verb = "put any rule into" if exists else "create, with any rule,"
                    yield self._power(
                        ESCALATE,
                        actor,
                        f"{verb} {edited}{via}; {grant.binding.key} binds it",
                        sources=sources,
                        rules=EVERYTHING,
                        request=Attributes(
                            "patch" if exists else "create",
                            api_groups.RBAC,
                            kind,
                            name=edited.name,
                            namespace=edited.namespace,
                        ),
                    )
                    return

    def _feeding(self, key: RoleKey) -> Iterator[tuple[RoleKey, str]]:
        """Yield a role, and those that are or could be aggregated into it."""
        graph = self.permissions.graph
        yield key, ""
        role = graph.roles.get(key)
        if role is None or not role.aggregation:
            return
        via = f", which is aggregated into {key}"
        part = graph.roles.parts.get("", {})
        yield from ((other, via) for other in sorted(_fed_by(part, role)))
        if not any(satisfiable(selector) for selector in role.aggregation):
            return
        via = f", labelled so that it is aggregated into {key}"
        yield from ((other, via) for other in sorted(part) if other != key)
        yield RoleKey("", "of-its-own"), via


def _fed_by(part: Mapping[RoleKey, Role], role: Role) -> Iterator[RoleKey]:
    """Yield the ClusterRoles that are aggregated into one, also by way of others."""
    seen = {role.key}
    todo = [role]
    while todo:
        whole = todo.pop()
        for other in part.values() if whole.aggregation else ():
            if other.key not in seen and any(
                selects(selector, other.labels) for selector in whole.aggregation
            ):
                seen.add(other.key)
                todo.append(other)
                yield other.key


def strongest_role_of(part: Mapping[RoleKey, Role]) -> Role | None:
    """Return a role that grants everything, paths too if there is one."""
    unrestricted = sorted(
        (role for role in part.values() if _grants_everything(role.rules)), key=lambda r: r.key
    )
    return next(
        (r for r in unrestricted if _grants_paths(r.rules)),
        unrestricted[0] if unrestricted else None,
    )


def _grants_everything(rules: Iterable[Rule]) -> bool:
    return any(
        "*" in rule.verbs
        and "*" in rule.api_groups
        and "*" in rule.resources
        and not rule.resource_names
        for rule in rules
    )


def _grants_paths(rules: Iterable[Rule]) -> bool:
    return any("*" in rule.verbs and "*" in rule.non_resource_urls for rule in rules)
