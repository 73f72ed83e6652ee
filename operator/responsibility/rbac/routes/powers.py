"""Who can give itself rights: by binding a role, or by editing one that it is bound to.

The API server lets nobody hand out more than they have (``pkg/registry/rbac/rolebinding/
policybased/storage.go``, ``escalation_check.go``), unless they hold ``bind`` on the role, or
``escalate`` on roles. ``bind`` is asked in the namespace of the binding, by the role's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from responsibility.rbac.graph import AccessGraph
from responsibility.rbac.identity import implied_groups
from responsibility.rbac.objects import GROUP, Attributes, Role, RoleKey, Rule, Source, Subject
from responsibility.rbac.routes.selectors import selects
from responsibility.rbac.routes.steps import Step
from responsibility.rbac.routes.ways import BIND, ESCALATE

_RBAC = "rbac.authorization.k8s.io"
_EDIT = ("update", "patch")
EVERYTHING: tuple[Rule, ...] = (Rule(("*",), ("*",), ("*",)),)

Holders = Mapping[Subject, tuple[Source, ...]]


@dataclass(frozen=True, slots=True)
class Power:
    """Rules that ``step.actor`` can give itself in ``step.namespace`` (empty: everywhere)."""

    step: Step
    rules: tuple[Rule, ...]


def powers(graph: AccessGraph, namespace: str) -> Iterator[Power]:
    """Yield what subjects can give themselves in a namespace, or cluster-wide for ``""``."""
    asked = _Asked(graph)
    yield from _by_binding(asked, namespace)
    yield from _by_editing(asked, namespace)


@dataclass(slots=True)
class _Asked:
    """Who holds the rights over roles and bindings, each question put once."""

    graph: AccessGraph
    _known: dict[tuple[str, tuple[str, ...], str], Holders] = field(default_factory=dict)

    def holders(self, namespace: str, verbs: tuple[str, ...], resource: str) -> Holders:
        """Return who holds any of ``verbs``, for any name, through some binding."""
        key = (namespace, verbs, resource)
        if key not in self._known:
            found: dict[Subject, tuple[Source, ...]] = {}
            for verb in verbs:
                question = Attributes(verb, _RBAC, resource, namespace=namespace)
                for subject, sources in self.graph.holders(question, any_name=True).items():
                    bound = tuple(source for source in sources if source.binding is not None)
                    if bound:
                        found[subject] = (*found.get(subject, ()), *bound)
            self._known[key] = found
        return self._known[key]

    def sources(
        self, actor: Subject, namespace: str, verbs: tuple[str, ...], resource: str
    ) -> tuple[Source, ...]:
        """Return by what ``actor``, with the groups that it is in by nature, holds that."""
        holders = self.holders(namespace, verbs, resource)
        if not holders:
            return ()
        selves = (actor, *(Subject(GROUP, group) for group in implied_groups(actor)))
        return tuple(source for self_ in selves for source in holders.get(self_, ()))

    def rewriting(self, actor: Subject, namespace: str, key: RoleKey) -> tuple[Source, ...]:
        """Return by what ``actor`` may put rules that it does not hold itself into a role."""
        if key.namespace not in ("", namespace):
            return ()
        kind = "roles" if key.namespace else "clusterroles"
        escalate = _named(self.sources(actor, key.namespace, ("escalate",), kind), key.name)
        if not escalate:
            return ()
        edit = _named(self.sources(actor, key.namespace, _EDIT, kind), key.name)
        return tuple(dict.fromkeys((*edit, *escalate))) if edit else ()


def _named(sources: Iterable[Source], name: str) -> tuple[Source, ...]:
    """Return the sources that are unrestricted, or restricted to ``name`` among others."""
    return tuple(source for source in sources if not source.names or name in source.names)


def _by_binding(asked: _Asked, namespace: str) -> Iterator[Power]:
    bindings = "rolebindings" if namespace else "clusterrolebindings"
    for kind in ("clusterroles", "roles") if namespace else ("clusterroles",):
        for actor in asked.holders(namespace, ("bind",), kind):
            may_bind = asked.sources(actor, namespace, ("bind",), kind)
            create = asked.sources(actor, namespace, ("create",), bindings)
            edit = asked.sources(actor, namespace, _EDIT, bindings)
            if not create and not edit:
                continue
            home = namespace if kind == "roles" else ""
            for role in _bindable(asked.graph, home, may_bind):
                if create:
                    words, by = f"bind {role.key} to itself", create
                elif _editable(asked.graph, namespace, role.key, edit):
                    words, by = f"add itself to a binding of {role.key}", edit
                else:
                    continue
                sources = tuple(dict.fromkeys((*by, *_named(may_bind, role.key.name))))
                where = f" in namespace {namespace}" if namespace else " cluster-wide"
                step = Step(BIND, actor, words + where, sources, None, namespace)
                rewritable = asked.rewriting(actor, namespace, role.key)
                yield Power(step, EVERYTHING if rewritable else role.rules)


def _bindable(graph: AccessGraph, home: str, may_bind: tuple[Source, ...]) -> Iterator[Role]:
    """Yield the roles that exist and may be bound; of all of them, the mightiest is enough."""
    part = graph.roles.parts.get(home, {})
    if any(not source.names for source in may_bind):
        mightiest = next((r for r in part.values() if _grants_everything(r.rules)), None)
        yield from (mightiest,) if mightiest is not None else part.values()
        return
    for name in dict.fromkeys(n for source in may_bind for n in source.names):
        role = graph.roles.get(RoleKey(home, name))
        if role is not None:
            yield role


def _grants_everything(rules: Iterable[Rule]) -> bool:
    everything = EVERYTHING[0]
    return any(
        "*" in rule.verbs
        and "*" in rule.api_groups
        and "*" in rule.resources
        and rule.resource_names == everything.resource_names
        for rule in rules
    )


def _editable(graph: AccessGraph, namespace: str, role: RoleKey, edit: tuple[Source, ...]) -> bool:
    """Return whether a binding of ``role`` exists here that may be edited: roleRefs are fixed."""
    part = graph.bindings.parts.get(namespace, {})
    return any(b.role == role and _named(edit, b.key.name) for b in part.values())


def _by_editing(asked: _Asked, namespace: str) -> Iterator[Power]:
    """Yield who can edit a role that it is bound to here, and put anything into it."""
    graph = asked.graph
    anybody = asked.holders("", ("escalate",), "clusterroles") or (
        namespace and asked.holders(namespace, ("escalate",), "roles")
    )
    if not anybody:
        return
    for subject, grants in graph.scope(namespace).by_subject.items():
        for grant in grants:
            key = grant.binding.role
            for edited in _feeding(graph, key):
                sources = asked.rewriting(subject, namespace, edited)
                if sources:
                    via = "" if edited == key else f", which is aggregated into {key}"
                    words = f"put any rule into {edited}{via}; {grant.binding.key} binds it"
                    yield Power(
                        Step(ESCALATE, subject, words, sources, None, namespace), EVERYTHING
                    )


def _feeding(graph: AccessGraph, key: RoleKey) -> Iterator[RoleKey]:
    """Yield a role, and the ClusterRoles whose rules are aggregated into it."""
    yield key
    role = graph.roles.get(key)
    if role is None or not role.aggregation:
        return
    for other in graph.roles.parts.get("", {}).values():
        if other.key != key and any(selects(s, other.labels) for s in role.aggregation):
            yield other.key
