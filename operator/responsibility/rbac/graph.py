"""The graph of all roles and bindings: holders of a permission, and by which sources.

The graph never changes; `AccessGraph.replace` returns another one, which shares with the first
all that the change didn't touch. It decides as the API server does when it runs with RBAC: the
group ``system:masters`` first (``pkg/kubeapiserver/authorizer/reload.go``), then the bindings
(``VisitRulesFor`` in ``pkg/registry/rbac/validation/rule.go``). Other authorizers are not in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from responsibility.rbac.by_namespace import ByNamespace
from responsibility.rbac.identity import (
    ANONYMOUS,
    MASTERS,
    canonical,
    is_joinable,
    is_node,
    is_somebody,
    user_and_groups,
    user_subject,
)
from responsibility.rbac.index import IndexLimits, RuleIndex, RuleQuestion, RuleSet, remember
from responsibility.rbac.objects import (
    GROUP,
    USER,
    Attributes,
    Binding,
    BindingKey,
    Role,
    RoleKey,
    Source,
    Subject,
    Truth,
)
from responsibility.rbac.scope import BindingScope, ChainedHolders, effect, rules_by_binding

MASTERS_SUBJECT: Final = Subject(GROUP, MASTERS)
MASTERS_SOURCE: Final = Source(None, None)

_NOBODY: Mapping[Subject, tuple[Source, ...]] = MappingProxyType({})
_NO_BINDINGS = BindingScope()
_LIMITS = IndexLimits()


@dataclass(frozen=True, slots=True)
class Affected:
    """The scopes in which a change may have changed answers: cluster-wide, or some namespaces.

    ``cluster`` implies every namespace, since cluster-wide rights hold in each.
    """

    cluster: bool = False
    namespaces: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return self.cluster or bool(self.namespaces)

    def __or__(self, other: Affected) -> Affected:
        return Affected(self.cluster or other.cluster, self.namespaces | other.namespaces)


@dataclass(frozen=True, slots=True, eq=False)
class AccessGraph:
    """All roles and bindings of a cluster; make one with `build`."""

    roles: ByNamespace[RoleKey, Role]
    bindings: ByNamespace[BindingKey, Binding]
    _index: RuleIndex
    _rule_sets: ByNamespace[RoleKey, RuleSet]
    _scopes: Mapping[str, BindingScope]

    @classmethod
    def build(
        cls,
        roles: Iterable[Role] = (),
        bindings: Iterable[Binding] = (),
        *,
        limits: IndexLimits = _LIMITS,
    ) -> AccessGraph:
        """Return the graph of these objects, in whichever order they come."""
        all_roles = ByNamespace({role.key: role for role in roles})
        all_bindings = ByNamespace({binding.key: binding for binding in bindings})
        index = RuleIndex.build((role.rules for role in all_roles.values()), limits=limits)
        rule_sets = ByNamespace(
            {key: index.rule_set(role.rules) for key, role in all_roles.items()}
        )
        scopes = {
            namespace: BindingScope.build(part.values(), rules_by_binding(rule_sets))
            for namespace, part in all_bindings.parts.items()
        }
        return cls(all_roles, all_bindings, index, rule_sets, scopes)

    def replace(
        self,
        *,
        put_bindings: Iterable[Binding] = (),
        drop_bindings: Iterable[BindingKey] = (),
        put_roles: Iterable[Role] = (),
        drop_roles: Iterable[RoleKey] = (),
    ) -> tuple[AccessGraph, Affected]:
        """Return the graph after the change, and where answers may be others than before.

        The result equals that of `build`. Objects are added or replaced by key; dropping what
        isn't there is no error; what is both put and dropped is there.
        """
        new_roles = {role.key: role for role in put_roles}
        dropped_roles = tuple(drop_roles)
        roles = self.roles.replacing(new_roles, dropped_roles)
        index = self._index.including(role.rules for role in new_roles.values())
        if index is None:
            index = self._index.rebuild(role.rules for role in roles.values())
        rule_sets = self._rule_sets.replacing(
            {key: index.rule_set(role.rules) for key, role in new_roles.items()}, dropped_roles
        )
        changed_roles = {
            key
            for key in (*new_roles, *dropped_roles)
            if rule_sets.get(key) is not self._rule_sets.get(key)
        }

        new_bindings = {binding.key: binding for binding in put_bindings}
        dropped_bindings = tuple(drop_bindings)
        bindings = self.bindings.replacing(new_bindings, dropped_bindings)
        stale = {
            key.namespace
            for key in (*new_bindings, *dropped_bindings)
            if effect(bindings.get(key)) != effect(self.bindings.get(key))
        }
        if changed_roles:
            stale.update(
                namespace
                for namespace, scope in self._scopes.items()
                if not scope.role_refs.isdisjoint(changed_roles)
            )

        scopes = dict(self._scopes)
        for namespace in stale:
            former = scopes.pop(namespace, None)
            part = bindings.parts.get(namespace)
            if part:
                scopes[namespace] = BindingScope.build(
                    part.values(), rules_by_binding(rule_sets), former=former
                )
        graph = AccessGraph(roles, bindings, index, rule_sets, scopes)
        return graph, Affected("" in stale, frozenset(stale - {""}))

    def decide(
        self, user: str, groups: Collection[str], attributes: Attributes
    ) -> tuple[Source, ...]:
        """Return all sources of a request by exactly this user and these groups; none is a no.

        That is what the API server answers to a SubjectAccessReview, which doesn't add groups
        either. See `identity.user_and_groups` for those that come by nature.
        """
        subjects = {user_subject(user), *(Subject(GROUP, group) for group in groups)}
        return self._sources(subjects, attributes, any_name=False)

    def holders(
        self, attributes: Attributes, *, any_name: bool = False
    ) -> Mapping[Subject, tuple[Source, ...]]:
        """Return every subject that is bound to the permission, with all sources.

        Subjects are in canonical form. Who holds it only as a member of a group isn't listed;
        the group is. With ``any_name``, a question without a name also finds rules that are
        restricted to names: `Source.names` says which.

        With a namespace, cluster-wide bindings count as well as that namespace's.
        """
        question = self._index.question(attributes, any_name=any_name)
        everywhere = self._cluster_holders(question, attributes)
        here = self._namespace_holders(question, attributes)
        return ChainedHolders(everywhere, here) if here else everywhere

    def cluster_holders(
        self, attributes: Attributes, *, any_name: bool = False
    ) -> Mapping[Subject, tuple[Source, ...]]:
        """Return those of `holders` that hold it everywhere: by ClusterRoleBindings.

        The namespace of the question plays no part, so the answer is made once for all.
        """
        question = self._index.question(attributes, any_name=any_name)
        return self._cluster_holders(question, attributes)

    def namespace_holders(
        self, attributes: Attributes, *, any_name: bool = False
    ) -> Mapping[Subject, tuple[Source, ...]]:
        """Return those of `holders` that hold it by the namespace's RoleBindings.

        Nobody at cluster scope, and nobody for a path: non-resource rules of a ClusterRole
        count through ClusterRoleBindings only.
        """
        question = self._index.question(attributes, any_name=any_name)
        return self._namespace_holders(question, attributes)

    def holds(
        self, subject: Subject, attributes: Attributes, *, any_name: bool = False
    ) -> tuple[Truth, tuple[Source, ...]]:
        """Return whether the subject holds the permission, be it by a group; and the sources.

        * A ServiceAccount's groups are known: yes or no.
        * A Group holds what it is bound to, or a group that all of its members are in.
        * A User may be in further groups, which only an identity provider knows. Where one of
          these holds the permission the answer is *unknown*, and the sources are that group's.
          ``system:masters`` is not among them: see `identity.is_joinable`.
        * A node's *no* is *unknown*, because the Node authorizer decides as well.
        """
        subject = canonical(subject)
        if not is_somebody(subject):
            return Truth.NO, ()
        _, groups = user_and_groups(subject)
        itself = {subject, *(Subject(GROUP, group) for group in groups)}
        sources = self._sources(itself, attributes, any_name=any_name)
        if sources:
            return Truth.YES, sources
        if is_node(subject):
            return Truth.UNKNOWN, ()
        if subject.kind == USER and subject.name != ANONYMOUS:
            sources = self._sources_of_joinable_groups(attributes, any_name=any_name)
            if sources:
                return Truth.UNKNOWN, sources
        return Truth.NO, ()

    @property
    def rule_index(self) -> RuleIndex:
        """Which rules allow what; the same object as long as no role has new rules."""
        return self._index

    def scope(self, namespace: str) -> BindingScope:
        """Return the bindings of one namespace, or for ``""`` the ClusterRoleBindings.

        The same object as long as nothing in it changes, so results can be kept by identity.
        """
        return self._scopes.get(namespace, _NO_BINDINGS)

    def dangling(self) -> tuple[Binding, ...]:
        """Return the bindings whose role doesn't exist, in order.

        They grant nothing today, and everything in it the day the role appears.
        """
        keys = (key for scope in self._scopes.values() for key in scope.dangling())
        return tuple(self.bindings[key] for key in sorted(keys))

    def subjects(self) -> frozenset[Subject]:
        """Return every subject that some binding names, in canonical form; not nobodies."""
        return frozenset().union(*(scope.by_subject for scope in self._scopes.values()))

    def bindings_of(self, subject: Subject) -> tuple[Binding, ...]:
        """Return the bindings that name the subject, in order; not those of its groups."""
        subject = canonical(subject)
        keys = (
            grant.binding.key
            for scope in self._scopes.values()
            for grant in scope.by_subject.get(subject, ())
        )
        return tuple(self.bindings[key] for key in sorted(keys))

    def _cluster_holders(
        self, question: RuleQuestion, attributes: Attributes
    ) -> Mapping[Subject, tuple[Source, ...]]:
        scope = self.scope("")
        holders = scope.answers.get(question)
        if holders is None:
            by_rbac = scope.holders(self._index.matches(question, attributes))
            masters = (MASTERS_SOURCE, *by_rbac.get(MASTERS_SUBJECT, ()))
            holders = {**by_rbac, MASTERS_SUBJECT: masters}
            remember(scope.answers, question, holders, most=self._index.limits.answers)
        return MappingProxyType(holders)

    def _namespace_holders(
        self, question: RuleQuestion, attributes: Attributes
    ) -> Mapping[Subject, tuple[Source, ...]]:
        if not attributes.namespace or attributes.path:
            return _NOBODY
        here = self.scope(attributes.namespace)
        return MappingProxyType(here.holders(self._index.matches(question, attributes)))

    def _sources(
        self, subjects: Collection[Subject], attributes: Attributes, *, any_name: bool
    ) -> tuple[Source, ...]:
        matches = self._index.matches(
            self._index.question(attributes, any_name=any_name), attributes
        )
        sources = self.scope("").sources(subjects, matches)
        if attributes.namespace and not attributes.path:
            sources |= self.scope(attributes.namespace).sources(subjects, matches)
        by_rbac = sorted(sources)
        return (MASTERS_SOURCE, *by_rbac) if MASTERS_SUBJECT in subjects else tuple(by_rbac)

    def _sources_of_joinable_groups(
        self, attributes: Attributes, *, any_name: bool
    ) -> tuple[Source, ...]:
        groups = {
            subject
            for half in (self.cluster_holders, self.namespace_holders)
            for subject in half(attributes, any_name=any_name)
            if subject.kind == GROUP and is_joinable(subject.name)
        }
        return self._sources(groups, attributes, any_name=any_name) if groups else ()
